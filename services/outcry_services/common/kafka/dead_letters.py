"""The `dead-letter` topic: records that nobody could decode, whole, with their origin.

Headers as the engine writes them: `topic`, `partition`, `offset`, `reason` (words), `name` (one word),
`replica`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter

from outcry_services.common.kafka.records import Record

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from outcry_services.common.kafka.errors import PoisonError
    from outcry_services.common.kafka.publisher import Publisher
    from outcry_services.common.kafka.records import RawRecord

__all__ = ["DEAD_LETTER", "DeadLetters"]

DEAD_LETTER = "dead-letter"


class DeadLetters:
    """Keeps poison where a person finds it. The same record may be kept more than once."""

    def __init__(self, publisher: Publisher, *, replica: str, registry: CollectorRegistry) -> None:
        self._publisher = publisher
        self._replica = replica
        self._kept = Counter(
            "outcry_dead_letters",
            "Records that could not be decoded, by topic and reason",
            ["topic", "name"],
            registry=registry,
        )

    async def keep(self, record: RawRecord, error: PoisonError) -> None:
        """Write it and wait until it is acknowledged: only then may its reader go on."""
        fields = {
            "topic": record.topic,
            "partition": str(record.partition),
            "offset": str(record.offset),
            "reason": error.message,
            "name": error.name,
            "replica": self._replica,
        }
        headers = tuple((name, text.encode()) for name, text in fields.items())
        key = record.topic.encode()
        await self._publisher.publish(
            Record(topic=DEAD_LETTER, partition=0, key=key, value=record.value, headers=headers)
        )
        self._kept.labels(topic=record.topic, name=error.name).inc()
