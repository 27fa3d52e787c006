"""`python -m bench.pod`: one engine between two topics, beside a bare copy of the same bytes.

The engine is the process that a pod runs (`outcry-engine run` with checkpoints, snapshots, lock and
metrics), beside Kafka and Consul on the same machine, over the loopback; its warm replica, which has a
node of its own in a cluster, is left out. All figures are from one run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import urllib.request
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import grpc
from confluent_kafka import Consumer, TopicPartition
from outcry.v1.engine_admin_pb2 import CheckpointRequest, StatusRequest
from outcry.v1.engine_admin_pb2_grpc import EngineAdminStub

from bench import metrics
from bench.figures import RESULTS, Figure, print_figures, rounded, write_figures
from bench.load import SOURCE, Load, market_load, resting_load
from e2e.backends import ConsulServer, EnginePair, KafkaServer, Replica, create_pair_topics, wait_until
from e2e.checker.schema import decode_events

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "target" / "release" / "examples" / "bare_copy"
COMMAND = "python -m bench.pod"
_figure = partial(rounded, command=COMMAND)
TURNS = 5
STANDSTILL = 0.5
"""Seconds without growth after which a topic's end is looked at: looking costs the machine under test."""
LATENCY = "outcry_match_latency_seconds"


class Bench:
    """Servers that stay up for the whole run; each figure has a pair of its own."""

    def __init__(self, *, kafka: KafkaServer, consul: ConsulServer, commands: int) -> None:
        self.kafka = kafka
        self.consul = consul
        self.commands = commands
        self.rate = 0.0

    def throughput(self) -> list[Figure]:
        """Kafka to Kafka, against a bare copy that writes as many bytes as the engine did.

        The two take turns and the ratio is the median over the turns, so that a machine that is busier
        at one time than at another weighs on both. The first turn, in which the broker's JVM compiles
        its code, is not counted.
        """
        load = market_load("THROUGH-PUT", self.commands, batch=200)
        turns = []
        for _ in range(1 + TURNS):
            engine, percent = self._engine_run(load)
            turns.append((engine, self._copy_run(load, percent)))
        engines, copies = zip(*turns[1:], strict=True)
        self.rate = load.commands / median(engines)
        ratio = median(copy / engine for engine, copy in turns[1:])
        peers = {"bare copy": load.commands / median(copies)}
        return [
            _figure("pod.throughput", self.rate, "commands/s", "higher", peers=peers),
            _figure("pod.throughput_ratio", ratio, "of a bare copy", "higher", goal=0.8),
        ]

    def latency(self) -> list[Figure]:
        """Of the match thread, per command, at a quarter of the throughput."""
        rate = self.rate / 4
        batch = max(1, round(rate / 5000))
        load = market_load("LATE-NCY", min(self.commands, round(rate * 10)), batch=batch)
        with self._pair(load.symbol) as pair:
            hot = self._hot(pair)
            before = metrics.buckets(metrics.scrape(hot.ports.metrics), LATENCY)
            load.send(self.kafka.bootstrap, rate=rate)
            self._wait_published(load)
            counted = metrics.difference(metrics.buckets(metrics.scrape(hot.ports.metrics), LATENCY), before)
        shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
        return [
            _figure(f"pod.match_latency_{name}", 1e6 * metrics.quantile(counted, share), "us", "lower")
            for name, share in shares.items()
        ] + [_figure("pod.match_latency_rate", rate, "commands/s", "higher")]

    def memory(self) -> list[Figure]:
        """Resident memory of the hot engine with 100,000 resting orders."""
        load = resting_load("MEM-ORY", 100_000)
        with self._pair(load.symbol) as pair:
            hot = self._hot(pair)
            empty = _resident_mib(hot.process.pid)
            load.send(self.kafka.bootstrap)
            self._wait_published(load)
            self._wait_resting(hot, 100_000)
            full = _resident_mib(hot.process.pid)
        peers = {"without orders": empty}
        return [_figure("pod.memory_100k_orders", full, "MiB", "lower", peers=peers)]

    def recovery(self) -> list[Figure]:
        """From process start to caught up, with 1,000,000 orders in the checkpoint."""
        load = resting_load("RECO-VERY", 1_000_000)
        with self._pair(load.symbol) as pair:
            hot = self._hot(pair)
            load.send(self.kafka.bootstrap)
            self._wait_published(load)
            self._wait_resting(hot, 1_000_000)
            with grpc.insecure_channel(f"127.0.0.1:{hot.ports.admin}") as channel:
                image = EngineAdminStub(channel).Checkpoint(CheckpointRequest(), timeout=120)
            samples = []
            for _ in range(3):
                hot.process.kill()
                started = time.monotonic()
                pair.start_replica(hot)
                wait_until(_is_ready(hot), seconds=120, what="caught up", every=0.01)
                samples.append(time.monotonic() - started)
                self._wait_resting(hot, 1_000_000)
        return [
            _figure("pod.start_1m_orders", median(samples), "s", "lower"),
            _figure("pod.image_1m_orders", image.bytes / 2**20, "MiB", "lower"),
        ]

    def _engine_run(self, load: Load) -> tuple[float, int]:
        """(seconds from the first record sent to the last event, bytes out in percent of bytes in)."""
        with self._pair(load.symbol) as pair:
            self._hot(pair)
            started = load.send(self.kafka.bootstrap)
            ended = self._wait_published(load)
            written = self._bytes_of(f"events.{load.symbol}")
        return ended - started, round(100 * written / load.bytes)

    def _copy_run(self, load: Load, percent: int) -> float:
        create_pair_topics(self.kafka, load.symbol)
        topics = f"matching.{load.symbol}", f"events.{load.symbol}"
        count = str(len(load.records))
        command = [str(COPY), self.kafka.bootstrap, *topics, count, str(percent)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as copy:
            if copy.stdout is None or copy.stdout.readline().strip() != "ready":
                raise RuntimeError(f"{COPY} did not start")
            started = load.send(self.kafka.bootstrap)
            ended = self._wait_end(topics[1], lambda high: high >= len(load.records))
        self._drop(load.symbol)
        return ended - started

    def _pair(self, symbol: str) -> _Single:
        return _Single(self, symbol)

    def _hot(self, pair: EnginePair) -> Replica:
        wait_until(lambda: bool(pair.registry.roles()[0]), seconds=60, what="hot")
        return pair.replica(pair.registry.roles()[0])

    def _wait_published(self, load: Load) -> float:
        """The instant at which the last command's event was in the log."""
        topic = f"events.{load.symbol}"
        consumer = self._consumer()

        def last_is_there(high: int) -> bool:
            if high == 0:
                return False
            consumer.assign([TopicPartition(topic, 0, high - 1)])
            message = consumer.poll(5)
            value = message.value() if message is not None and message.error() is None else None
            if value is None:
                return False
            last = decode_events(value, load.symbol)[-1]
            return last.source == SOURCE and last.number == load.commands

        try:
            return self._wait_end(topic, last_is_there)
        finally:
            consumer.close()

    def _wait_end(self, topic: str, done: Callable[[int], bool]) -> float:
        consumer = self._consumer()
        deadline = time.monotonic() + 300
        seen, at = -1, time.monotonic()
        try:
            while time.monotonic() < deadline:
                high = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)[1]
                now = time.monotonic()
                if high != seen:
                    seen, at = high, now
                elif now - at > STANDSTILL and done(high):
                    return at
                time.sleep(0.01)
        finally:
            consumer.close()
        raise TimeoutError(f"{topic} is still at {seen} after 300 s")

    def _bytes_of(self, topic: str) -> int:
        consumer = self._consumer()
        high = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)[1]
        consumer.assign([TopicPartition(topic, 0, 0)])
        total = position = 0
        while position < high:
            for message in consumer.consume(1000, timeout=5):
                total += len(message.value() or b"")
                position = (message.offset() or 0) + 1
        consumer.close()
        return total

    def _wait_resting(self, replica: Replica, orders: int) -> None:
        """The shadow book is a checkpoint interval behind the match thread."""
        with grpc.insecure_channel(f"127.0.0.1:{replica.ports.admin}") as channel:
            stub = EngineAdminStub(channel)
            grpc.channel_ready_future(channel).result(30)

            def resting() -> bool:
                return bool(stub.Status(StatusRequest(), timeout=5).resting_orders >= orders)

            wait_until(resting, seconds=120, what=f"{orders} resting orders")

    def _consumer(self) -> Consumer:
        return Consumer({"bootstrap.servers": self.kafka.bootstrap, "group.id": "bench", "log_level": 3})

    def _drop(self, symbol: str) -> None:
        for name in ("matching", "events", "book"):
            self.kafka.delete_topic(f"{name}.{symbol}")


class _Single:
    """A pair with its topics for one figure; only the first replica runs."""

    def __init__(self, bench: Bench, symbol: str) -> None:
        self._bench = bench
        self._symbol = symbol
        create_pair_topics(bench.kafka, symbol)
        self._pair = EnginePair(symbol=symbol, kafka=bench.kafka, consul=bench.consul)

    def __enter__(self) -> EnginePair:
        self._pair.start_replica(self._pair.replicas[0])
        return self._pair

    def __exit__(self, *_: object) -> None:
        self._pair.close()
        self._bench._drop(self._symbol)  # noqa: SLF001 - one module
        self._bench.consul.delete(f"kv/outcry/engines/{self._symbol}?recurse")


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def _is_ready(replica: Replica) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{replica.ports.metrics}/readyz", timeout=1
            ) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    return ready


def main() -> int:
    """Measure, print, write `bench/results/pod.json`; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--commands", type=int, default=2_000_000, help="of the throughput run [%(default)s]")
    parser.add_argument("--only", choices=("throughput", "latency", "memory", "recovery"), action="append")
    options = parser.parse_args()
    build = ["cargo", "build", "--quiet", "--release", "-p", "outcry-runtime", "--example", "bare_copy"]
    subprocess.run(build, cwd=ROOT, check=True)
    figures: list[Figure] = []
    with KafkaServer(heap="1g") as kafka, ConsulServer() as consul:
        bench = Bench(kafka=kafka, consul=consul, commands=options.commands)
        bench.rate = 100_000
        for name in ("throughput", "latency", "memory", "recovery"):
            if not options.only or name in options.only:
                print(f"bench: {name}", file=sys.stderr)
                figures += getattr(bench, name)()
    print_figures("pod", figures)
    write_figures(RESULTS / "pod.json", figures)
    return 0 if all(figure.met is not False for figure in figures) else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
