"""Which topics there are, and how many partitions they have."""

from __future__ import annotations

from outcry_services.common.kafka import TopicMissingError, TopicSizes

__all__ = ["KafkaTopics"]


class KafkaTopics:
    """Asks the broker each time; calls raise `UnavailableError` (`KAFKA_AWAY`)."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._sizes = TopicSizes(bootstrap)

    async def partitions(self, topic: str) -> int:
        """Of a topic that must be there; raises `TopicMissingError`."""
        found = await self._sizes.all()
        if topic not in found:
            raise TopicMissingError(
                f"{topic} is not in Kafka at {self._bootstrap}; make it (python -m outcry_services.topics)"
            )
        return found[topic]

    async def beginning_with(self, prefix: str) -> set[tuple[str, int]]:
        """The partitions of all topics that are named so."""
        found = await self._sizes.all()
        return {
            (topic, number)
            for topic, partitions in found.items()
            if topic.startswith(prefix)
            for number in range(partitions)
        }
