"""Which topics there are, and how many partitions they have."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from outcry_services.common.errors import UnavailableError
from outcry_services.common.kafka import TopicMissingError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["KafkaTopics"]

SECONDS = 10


class KafkaTopics:
    """Asks the broker each time; calls raise `UnavailableError` (`KAFKA_AWAY`)."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 3})

    async def partitions(self, topic: str) -> int:
        """Of a topic that must be there; raises `TopicMissingError`."""
        found = await self._sizes()
        if topic not in found:
            raise TopicMissingError(
                f"{topic} is not in Kafka at {self._bootstrap}; make it (python -m outcry_services.topics)"
            )
        return found[topic]

    async def existing(self, topics: Iterable[str]) -> set[tuple[str, int]]:
        """Of these, the partitions that there are."""
        found = await self._sizes()
        return {(topic, number) for topic in topics for number in range(found.get(topic, 0))}

    async def _sizes(self) -> dict[str, int]:
        try:
            topics = (await asyncio.to_thread(self._admin.list_topics, timeout=SECONDS)).topics
        except KafkaException as error:
            raise UnavailableError(
                f"no answer from Kafka at {self._bootstrap}: {error.args[0].str()}", name="KAFKA_AWAY"
            ) from error
        return {name: len(topic.partitions) for name, topic in topics.items() if topic.error is None}
