"""Fakes of what asks Kafka for whole logs: `common.kafka.LogEnds` and `reconciler.log_pass.LogPass`."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from outcry_services.common.errors import UnavailableError
from outcry_services.common.kafka import LogRange

from e2e.simulation.chance import Chance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from outcry_services.common.kafka import RawRecord

    from e2e.simulation.kafka_log import FakeKafka

__all__ = ["FakeLogEnds", "FakeLogPass"]

Place = tuple[str, int]


class FakeLogEnds:
    """Asks a `FakeKafka`."""

    def __init__(self, kafka: FakeKafka, chance: Chance | None = None) -> None:
        self._kafka = kafka
        self._chance = chance or Chance()

    async def of(self, topics: Iterable[str]) -> Mapping[Place, LogRange]:
        """As the real one."""
        wanted = frozenset(topics)
        await asyncio.sleep(self._chance.seconds())
        if self._kafka.seconds_cut_off():
            raise UnavailableError("no answer from Kafka at fake", name="KAFKA_AWAY")
        _answer(self._chance)
        found = {
            place: LogRange(start=partition.start, end=partition.end)
            for place, partition in self._kafka.partitions()
            if place[0] in wanted
        }
        await asyncio.sleep(self._chance.seconds())
        return found


class FakeLogPass:
    """Reads from a `FakeKafka`; made by `opened`."""

    def __init__(self, kafka: FakeKafka) -> None:
        self._kafka = kafka

    @classmethod
    @contextmanager
    def opened(cls, kafka: FakeKafka, chance: Chance | None = None) -> Iterator[FakeLogPass]:
        """As `log_pass.opened`."""
        _answer(chance or Chance())
        yield cls(kafka)

    def topics(self, prefix: str) -> list[str]:
        """As the real one."""
        return sorted(name for name in self._kafka.topics() if name.startswith(prefix))

    def places(self, topic: str) -> list[Place]:
        """As the real one."""
        return [place for place, _ in self._kafka.partitions() if place[0] == topic]

    def range(self, place: Place) -> tuple[int, int]:
        """As the real one."""
        partition = self._kafka.partition(*place)
        return partition.start, partition.end

    def read(self, ranges: Mapping[Place, tuple[int, int]]) -> Iterator[RawRecord]:
        """As the real one, one log after the other."""
        for place, (begin, end) in ranges.items():
            yield from self._kafka.partition(*place).since(begin, end - begin)


def _answer(chance: Chance) -> None:
    if chance.happens(chance.odds.refused):
        raise UnavailableError("no answer from Kafka at fake", name="KAFKA_AWAY")
