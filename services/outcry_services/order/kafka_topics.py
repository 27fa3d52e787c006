"""Which topics there are, and how many partitions they have."""

from __future__ import annotations

import asyncio

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from outcry_services.common.errors import UnavailableError
from outcry_services.common.kafka import TopicMissingError

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

    async def beginning_with(self, prefix: str) -> set[tuple[str, int]]:
        """The partitions of all topics that are named so."""
        found = await self._sizes()
        return {
            (topic, number)
            for topic, partitions in found.items()
            if topic.startswith(prefix)
            for number in range(partitions)
        }

    async def _sizes(self) -> dict[str, int]:
        try:
            topics = (await asyncio.to_thread(self._admin.list_topics, timeout=SECONDS)).topics
        except KafkaException as error:
            raise UnavailableError(
                f"no answer from Kafka at {self._bootstrap}: {error.args[0].str()}", name="KAFKA_AWAY"
            ) from error
        return {name: len(topic.partitions) for name, topic in topics.items() if topic.error is None}
