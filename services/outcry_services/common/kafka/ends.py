"""Where logs begin and end now, asked of Kafka itself: a reader can't tell an idle log from a lost one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from outcry_services.common.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["LogEnds", "LogRange"]

_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class LogRange:
    """The offsets of one partition: of its first record that is kept, and of the next one to be written."""

    start: int
    end: int


class LogEnds:
    """Asks for many partitions at once."""

    def __init__(self, *, bootstrap: str, client_id: str) -> None:
        self._bootstrap = bootstrap
        self._admin = AdminClient(
            {"bootstrap.servers": bootstrap, "client.id": client_id, "reconnect.backoff.max.ms": 1000}
        )

    async def of(self, topics: Iterable[str]) -> Mapping[tuple[str, int], LogRange]:
        """Every partition of the topics that exist; raises `UnavailableError` when Kafka doesn't answer."""
        return await asyncio.to_thread(self._of, frozenset(topics))

    def _of(self, topics: frozenset[str]) -> dict[tuple[str, int], LogRange]:
        try:
            found = self._admin.list_topics(timeout=_SECONDS).topics
            places = [
                TopicPartition(name, number)
                for name in topics & found.keys()
                for number in found[name].partitions
            ]
            starts = self._offsets(places, OffsetSpec.earliest())
            ends = self._offsets(places, OffsetSpec.latest())
        except KafkaException as error:
            raise UnavailableError(
                f"no answer from Kafka at {self._bootstrap}: {error.args[0].str()}", name="KAFKA_AWAY"
            ) from error
        return {place: LogRange(start=starts[place], end=ends[place]) for place in ends}

    def _offsets(self, places: list[TopicPartition], at: OffsetSpec) -> dict[tuple[str, int], int]:
        if not places:
            return {}
        answers = self._admin.list_offsets(dict.fromkeys(places, at), request_timeout=_SECONDS)
        return {
            (place.topic, place.partition): answer.result(_SECONDS).offset
            for place, answer in answers.items()
        }
