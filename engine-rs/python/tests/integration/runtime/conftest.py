"""A pair whose two replicas run in the test's own process, with its input and the judge of its log."""

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
        self._directory = directory
        self.a, self.b = (self.start(name) for name in ("a", "b"))

    def start(self, replica: str) -> _engine.Engine:
        """Start a replica on what it left on disk, and wait until it could take over."""
        engine = _engine.Engine(
            symbol=self.symbol,
            replica=replica,
            bootstrap_servers=self.kafka.bootstrap,
            data_dir=self._directory / replica,
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

    def hot(self, engine: _engine.Engine, epoch: int) -> None:
        """Make a replica the hot one."""
        engine.promote(epoch)
        wait_until(lambda: engine.status().role == "hot", seconds=30, what="hot")

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
