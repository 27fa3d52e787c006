"""Reads a partition from one offset to its present end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from outcry_engine.cli.dump import DumpRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from confluent_kafka import Message


class TopicError(Exception):
    """A topic cannot be read; the message says which and why."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Offsets of a partition: the first kept record's, and the next one's to be written."""

    low: int
    high: int


class TopicReader:
    """Partition 0 of a topic, which in Outcry is all of it."""

    def __init__(self, *, kafka: str, topic: str) -> None:
        self.topic = topic
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka,
                "group.id": "outcry-inspect",
                "enable.auto.commit": False,
                "enable.partition.eof": False,
                "auto.offset.reset": "error",
                "log_level": 0,
            }
        )
        try:
            if topic not in self._consumer.list_topics(timeout=10).topics:
                raise TopicError(f"{kafka} has no topic {topic}")
            low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
        except KafkaException as error:
            raise TopicError(f"no answer from Kafka at {kafka}: {error}") from error
        self.bounds = Bounds(low=low, high=high)

    def read(self, start: int) -> Iterator[DumpRecord]:
        """Yield the records from an offset (negative: from the end) to the end found at first."""
        bounds = self.bounds
        first = max(bounds.low, start if start >= 0 else bounds.high + start)
        if first >= bounds.high:
            return
        self._consumer.assign([TopicPartition(self.topic, 0, first)])
        while True:
            messages = self._consumer.consume(1000, timeout=0.5)
            for message in messages:
                if (error := message.error()) is not None:
                    raise TopicError(f"{self.topic}: {error.str()}")
                record = _record(message)
                if record.offset >= bounds.high:
                    return
                yield record
            if self._consumer.position([TopicPartition(self.topic, 0)])[0].offset >= bounds.high:
                return

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


def _record(message: Message) -> DumpRecord:
    headers: Any = message.headers() or []
    offset = message.offset()
    return DumpRecord(
        offset=-1 if offset is None else offset,
        timestamp=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=tuple((name, value) for name, value in headers),
    )
