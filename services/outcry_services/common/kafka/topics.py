"""Which topics there are, and how many partitions each has."""

from __future__ import annotations

import asyncio

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from outcry_services.common.errors import UnavailableError

__all__ = ["TopicSizes"]

_SECONDS = 10.0


class TopicSizes:
    """Asks the broker each time."""

    def __init__(self, bootstrap: str, *, client_id: str = "topics") -> None:
        self._bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "client.id": client_id, "log_level": 3})

    async def all(self) -> dict[str, int]:
        """By name, those that Kafka can say something of; raises `UnavailableError` (`KAFKA_AWAY`)."""
        try:
            topics = (await asyncio.to_thread(self._admin.list_topics, timeout=_SECONDS)).topics
        except KafkaException as error:
            raise UnavailableError(
                f"no answer from Kafka at {self._bootstrap}: {error.args[0].str()}", name="KAFKA_AWAY"
            ) from error
        return {name: len(topic.partitions) for name, topic in topics.items() if topic.error is None}
