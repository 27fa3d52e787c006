"""Two engines in this process, and a broker that is frozen, killed and brought back under them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from google.protobuf.internal.encoder import _VarintBytes
from outcry_engine import _engine
from outcry_engine.cli.commands import GENERATOR, default_settings, flow_record, record
from outcry_engine.cli.flow_model import FlowSettings, flow

from e2e.backends import KafkaServer, create_pair_topics, wait_until
from e2e.checker.schema import decode_events

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

BATCH = 20


class Market:
    """Replicas `a` and `b` of a pair, its input, and the judge of its log."""

    def __init__(self, *, kafka: KafkaServer, symbol: str, directory: Path) -> None:
        create_pair_topics(kafka, symbol)
        self.kafka = kafka
        self.symbol = symbol
        self._flow = flow(FlowSettings(seed=3))
        self._sent = 0
        self.input = _engine.Replay(symbol)
        self.expected = bytearray()
        self._append([record(symbol, [default_settings()])])
        self.a, self.b = (self._start(name, directory) for name in ("a", "b"))

    def _start(self, replica: str, directory: Path) -> _engine.Engine:
        engine = _engine.Engine(
            symbol=self.symbol,
            replica=replica,
            bootstrap_servers=self.kafka.bootstrap,
            data_dir=directory / replica,
        )
        wait_until(lambda: engine.status().role == "warm", seconds=30, what=f"{replica} warm")
        return engine

    def send(self, commands: int) -> None:
        """Append to the input, acknowledged."""
        records = []
        for _ in range(commands // BATCH):
            part = list(islice(self._flow, BATCH))
            first = self._sent + 1
            records.append(
                flow_record(self.symbol, part, source=GENERATOR, incarnation=1, first_number=first)
            )
            self._sent += BATCH
        self._append(records)

    def _append(self, records: list[bytes]) -> None:
        producer = Producer({"bootstrap.servers": self.kafka.bootstrap, "enable.idempotence": True})
        for value in records:
            producer.produce(f"matching.{self.symbol}", value, partition=0)
            self.expected += self.input.apply(value)
        assert producer.flush(60) == 0

    def published(self, engine: _engine.Engine) -> None:
        """Wait until the engine has published all that the input makes."""
        wait_until(lambda: engine.status().published_seq == self.input.seq, seconds=60, what="all published")

    def judge(self) -> None:
        """Dropping by seq, a consumer has the bytes that the core makes of the whole input, and no gap."""
        topic = TopicPartition(f"events.{self.symbol}", 0, 0)
        consumer = Consumer({"bootstrap.servers": self.kafka.bootstrap, "group.id": "judge"})
        high = consumer.get_watermark_offsets(topic, timeout=10)[1]
        consumer.assign([topic])
        seen, position, log = 0, 0, bytearray()
        while position < high:
            for message in consumer.consume(500, timeout=10):
                for event in decode_events(message.value() or b"", self.symbol):
                    assert event.seq <= seen + 1, f"gap after {seen}"
                    if event.seq > seen:
                        log += _VarintBytes(len(event.raw)) + event.raw
                        seen = event.seq
                position = (message.offset() or 0) + 1
        consumer.close()
        assert seen == self.input.seq
        assert log == self.expected

    def stop(self) -> None:
        self.a.stop()
        self.b.stop()


@pytest.fixture
def broker() -> Iterator[KafkaServer]:
    with KafkaServer() as server:
        yield server


@pytest.fixture
def market(broker: KafkaServer, symbol: str, tmp_path: Path) -> Iterator[Market]:
    market = Market(kafka=broker, symbol=symbol, directory=tmp_path)
    yield market
    market.stop()


def hot(engine: _engine.Engine, epoch: int) -> None:
    engine.promote(epoch)
    wait_until(lambda: engine.status().role == "hot", seconds=30, what="hot")


def test_a_killed_broker_costs_nothing(market: Market) -> None:
    hot(market.a, 1)
    market.send(2_000)
    market.kafka.kill()
    market.kafka.start()
    market.send(2_000)
    if market.a.status().role != "hot":
        hot(market.b, 2)
    market.published(market.a if market.a.status().role == "hot" else market.b)
    market.judge()
    for engine in (market.a, market.b):
        assert engine.status().role in ("hot", "warm"), engine.status().reason


def test_a_broker_that_answers_nobody_silences_the_hot_replica(market: Market) -> None:
    hot(market.a, 1)
    market.send(1_000)
    market.published(market.a)
    market.send(1_000)
    market.kafka.pause()
    # Whatever was on its way when the broker froze is unacknowledged; without any, reads tell.
    wait_until(lambda: (market.b.status().kafka_read_age or 0) > 1.5, seconds=20, what="reads unanswered")
    assert (market.b.status().kafka_write_age or 0) > 1
    market.kafka.resume()
    wait_until(lambda: (market.b.status().kafka_write_age or 9) < 1, seconds=20, what="writes answered")
    market.a.demote("test")
    hot(market.b, 2)
    market.send(1_000)
    market.published(market.b)
    market.judge()


def test_both_replicas_at_once_harm_nothing(market: Market) -> None:
    hot(market.a, 5)
    hot(market.b, 5)
    market.send(5_000)
    wait_until(
        lambda: {market.a.status().role, market.b.status().role} != {"hot"},
        seconds=30,
        what="one falls silent",
    )
    market.send(1_000)
    for engine, epoch in ((market.a, 8), (market.b, 9)):
        if engine.status().role != "hot":
            hot(engine, epoch)
    market.send(1_000)
    wait_until(
        lambda: max(e.status().published_seq for e in (market.a, market.b)) == market.input.seq,
        seconds=60,
        what="all published",
    )
    market.judge()
