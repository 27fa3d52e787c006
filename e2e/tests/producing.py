"""Raw records into a topic, for tests that send what no client of ours would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import Producer

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["produce"]


def produce(kafka: str, topic: str, records: Iterable[bytes | None]) -> None:
    """Send all of them and wait until Kafka has them."""
    settings = {"bootstrap.servers": kafka, "message.max.bytes": 4_000_000, "log_level": 0}
    producer = Producer(settings)
    for record in records:
        producer.produce(topic, record, partition=0)
    left = producer.flush(30)
    if left:
        raise TimeoutError(f"{left} records of {topic} are not acknowledged")
