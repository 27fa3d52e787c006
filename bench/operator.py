"""`python -m bench.operator`: what many pairs cost the operator, on fake nodes with stand-in engines.

A real Kubernetes API with its controllers, a real Kafka and a real Consul; nodes and engines are fake
(`e2e.backends.fake_nodes`, `bench.fake_engines`), because only the operator is measured. First all pairs
are applied at once, then they are changed one after another for as long as asked.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.churn import NAMESPACE, Churn, manifest, pairs_path
from bench.fake_answers import FakeAnswers
from bench.fake_engines import FakeEngines
from bench.figures import RESULTS, Figure, print_figures, rounded, write_figures
from bench.kube import Kube
from bench.memory import resident_mib, slope
from e2e.backends import ConsulServer, KafkaServer, ServerProcess, free_port
from e2e.backends.fake_nodes import FakeNodes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "python -m bench.operator"
figure = partial(rounded, command=COMMAND)
CRDS = ROOT / "charts" / "outcry-crds" / "templates"
SAMPLE_SECONDS = 2.0
CHANGE_SECONDS = 1.0
# The first part of the churn fills caches and pools; growth is judged after it.
SETTLING_SHARE = 0.25
# MiB an hour that still count as flat: below what the allocator's own noise comes to in half an hour.
FLAT = 6.0


class Operator:
    """The operator as a process of its own, with full rights."""

    def __init__(self, *, nodes: FakeNodes, kafka: KafkaServer, consul: ConsulServer, log: Path) -> None:
        self._port = free_port()
        self._process = ServerProcess(name="operator", log=log)
        self._environment = {
            "KUBECONFIG": str(nodes.api.kubeconfig),
            "OUTCRY_KAFKA": kafka.bootstrap,
            "OUTCRY_CONSUL": consul.url,
            "OUTCRY_METRICS_PORT": str(self._port),
            "OUTCRY_LOG_LEVEL": "warning",
        }

    def start(self) -> None:
        """Start and wait until it is ready."""
        self._process.start([sys.executable, "-m", "outcry_operator"], env=self._environment)
        self._process.wait_ready(self._answers, seconds=60)

    @property
    def memory(self) -> float:
        """Resident, in MiB."""
        return resident_mib(self._process.pid)

    def tail(self) -> str:
        """The end of its log."""
        return self._process.tail()

    def stop(self) -> None:
        """SIGTERM, as the kubelet ends it."""
        self._process.stop()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


class Bench:
    """One run over servers that stand already."""

    def __init__(self, *, operator: Operator, kube: Kube, consul: ConsulServer, pairs: int) -> None:
        self._operator = operator
        self._kube = kube
        self._consul = consul
        self._pairs = pairs

    async def apply_all(self) -> list[Figure]:
        """All pairs at once: time until each, and until the last, is Ready."""
        idle = self._operator.memory
        started = time.monotonic()
        for number in range(self._pairs):
            await self._kube.create(pairs_path(), manifest(number))
        times: dict[str, float] = {}
        while len(times) < self._pairs:
            now = time.monotonic() - started
            for name in await self._ready():
                times.setdefault(name, now)
            if now > 600:
                raise TimeoutError(f"{len(times)} of {self._pairs} pairs are Ready after 600 s")
            await asyncio.sleep(0.2)
        many = f"{self._pairs}_pairs"
        full, peers = self._operator.memory, {"without pairs": idle}
        return [
            figure(f"operator.ready_{many}", max(times.values()), "s", "lower"),
            figure(f"operator.ready_median_of_{many}", statistics.median(times.values()), "s", "lower"),
            figure(f"operator.memory_{many}", full, "MiB", "lower", peers=peers),
        ]

    async def churn(self, minutes: float) -> list[Figure]:
        """Change pairs for so long, and look whether memory grows."""
        churn = Churn(kube=self._kube, consul=self._consul, pairs=self._pairs)
        samples: list[tuple[float, float]] = []
        started = time.monotonic()
        next_sample = next_change = started
        while (now := time.monotonic()) < started + 60 * minutes:
            if now >= next_change:
                next_change += CHANGE_SECONDS
                await churn.step()
            if now >= next_sample:
                next_sample += SAMPLE_SECONDS
                samples.append(((now - started) / 3600, self._operator.memory))
                show(f"churn: {(now - started) / 60:5.1f} min, {samples[-1][1]:6.1f} MiB, {churn.counts}")
            await asyncio.sleep(max(0.0, min(next_change, next_sample) - time.monotonic()))
        await churn.restore()
        settled = time.monotonic()
        while len(await self._ready()) < self._pairs:
            if time.monotonic() > settled + 300:
                raise TimeoutError(f"{sorted(await self._ready())} alone are Ready 300 s after the churn")
            await asyncio.sleep(0.2)
        judged = samples[round(SETTLING_SHARE * len(samples)) :]
        memory = [value for _, value in judged]
        return [
            figure("operator.churn_minutes", minutes, "min", "higher"),
            figure("operator.churn_changes", sum(churn.counts.values()), "changes", "higher"),
            figure("operator.churn_memory_max", max(memory), "MiB", "lower"),
            figure("operator.churn_memory_growth", slope(judged), "MiB/h", "lower", goal=FLAT),
            figure("operator.churn_settled", time.monotonic() - settled, "s", "lower"),
        ]

    async def _ready(self) -> set[str]:
        listed = await self._kube.get(pairs_path())
        return {item["metadata"]["name"] for item in listed["items"] if is_ready(item)}


def is_ready(pair: Mapping[str, Any]) -> bool:
    """Whether the operator answers the pair's present generation with Ready."""
    status = pair.get("status", {})
    if status.get("observedGeneration") != pair["metadata"]["generation"]:
        return False
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in status.get("conditions", [])
    )


def show(text: str) -> None:
    """Progress, on one line where somebody watches."""
    end = "\r" if sys.stderr.isatty() else "\n"
    print(text, file=sys.stderr, end=end, flush=True)


@contextlib.asynccontextmanager
async def engines_for(kube: Kube, consul: ConsulServer) -> AsyncIterator[None]:
    """Stand-in engines for as long as the block runs; what kills them ends the block too."""
    async with asyncio.TaskGroup() as group:
        running = group.create_task(FakeEngines(kube=kube, consul=consul.url).run())
        yield
        running.cancel()


async def measure(
    options: argparse.Namespace, nodes: FakeNodes, consul: ConsulServer, operator: Operator
) -> None:
    """Everything, written down as soon as it is known."""
    async with Kube(nodes.api) as kube, engines_for(kube, consul):
        bench = Bench(operator=operator, kube=kube, consul=consul, pairs=options.pairs)
        figures = await bench.apply_all()
        write_figures(RESULTS / "operator.json", figures)
        if options.churn_minutes > 0:
            figures += await bench.churn(options.churn_minutes)
            write_figures(RESULTS / "operator.json", figures)
    print_figures("operator", figures)
    if any(figure.met is False for figure in figures):
        raise SystemExit(1)


def main() -> int:
    """Measure, print, write `bench/results/operator.json`; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--pairs", type=int, default=50, help="[%(default)s]")
    parser.add_argument("--churn-minutes", type=float, default=30, help="0 for none [%(default)s]")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="outcry-bench-") as scratch,
        FakeNodes() as nodes,
        KafkaServer() as kafka,
        ConsulServer() as consul,
    ):
        for crd in sorted(CRDS.glob("*.yaml")):
            nodes.api.define(crd.read_text())
        nodes.api.kubectl("create", "namespace", NAMESPACE)
        operator = Operator(nodes=nodes, kafka=kafka, consul=consul, log=Path(scratch) / "operator.log")
        try:
            operator.start()
            with FakeAnswers(kafka.bootstrap):
                asyncio.run(measure(options, nodes, consul, operator))
        except BaseException:
            print(operator.tail(), file=sys.stderr)
            raise
        finally:
            operator.stop()
    return 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
