"""A fake of `common.kafka.Reader`: batches of any size, of the assigned partitions in any order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from outcry_services.common.kafka import Batch, Item, PoisonError, PositionLostError

from e2e.simulation.chance import Chance

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from outcry_services.common.kafka import DeadLetters, RawRecord

    from e2e.simulation.kafka_log import FakeKafka

__all__ = ["FakeReader"]

T = TypeVar("T")


class FakeReader(Generic[T]):
    """Reads from a `FakeKafka`."""

    def __init__(
        self,
        kafka: FakeKafka,
        chance: Chance | None = None,
        *,
        decode: Callable[[RawRecord], T | None],
        dead_letters: DeadLetters,
        most_records: int = 500,
    ) -> None:
        self._kafka = kafka
        self._chance = chance or Chance()
        self._decode = decode
        self._dead_letters = dead_letters
        self._most = most_records
        self._positions: dict[tuple[str, int], int] = {}
        self._paused: set[tuple[str, int]] = set()

    async def assign(self, positions: Mapping[tuple[str, int], int | None]) -> None:
        """As the real one."""
        await asyncio.sleep(self._chance.seconds())
        found = {}
        # Their order decides which one a seed draws, and may come of a set.
        for (topic, number), position in sorted(positions.items(), key=lambda one: one[0]):
            start = self._kafka.partition(topic, number).start
            found[topic, number] = start if position is None else position
        self._positions = found
        self._paused.clear()

    def position(self, topic: str, partition: int) -> int:
        """For a judge: behind what was given so far."""
        return self._positions.get((topic, partition), 0)

    async def batches(self) -> AsyncIterator[Batch[T]]:
        """As the real one."""
        while True:
            await asyncio.sleep(self._chance.seconds() + self._kafka.seconds_cut_off())
            places = [
                place for place in self._positions if place not in self._paused and self._has_more(place)
            ]
            if not places:
                await self._kafka.wait_for_records(self._positions)
                continue
            place = places[self._chance.below(len(places))]
            partition = self._kafka.partition(*place)
            records = partition.since(self._positions[place], self._most)
            calm = self._chance.odds.quick_seconds == 0
            records = records[: len(records) if calm else self._chance.between(1, len(records))]
            batch = await self._batch(records, end=partition.end)
            self._positions[place] = batch.position
            yield batch

    async def pause(self, topic: str, partition: int) -> None:
        """As the real one."""
        await asyncio.sleep(self._chance.seconds())
        self._paused.add((topic, partition))

    async def resume(self, topic: str, partition: int) -> None:
        """As the real one."""
        await asyncio.sleep(self._chance.seconds())
        self._paused.discard((topic, partition))
        self._kafka.wake((topic, partition))

    async def end(self, topic: str, partition: int) -> int:
        """As the real one."""
        await asyncio.sleep(self._chance.seconds())
        return self._kafka.partition(topic, partition).end

    def problem(self, *, most_seconds: float = 5.0) -> str | None:
        """Always well: the fake log never goes away, it only takes its time."""
        return None

    async def close(self) -> None:
        """As the real one."""
        self._positions = {}

    def _has_more(self, place: tuple[str, int]) -> bool:
        partition, position = self._kafka.partition(*place), self._positions[place]
        if not partition.start <= position <= partition.end:
            raise PositionLostError(
                f"{place[0]}/{place[1]} has no record at the stored position {position}", topic=place[0]
            )
        return position < partition.end

    async def _batch(self, records: Sequence[RawRecord], *, end: int) -> Batch[T]:
        items = []
        for record in records:
            try:
                value = self._decode(record)
            except PoisonError as error:
                await self._dead_letters.keep(record, error)
                continue
            if value is not None:
                items.append(Item(record=record, value=value))
        last = records[-1]
        return Batch(
            topic=last.topic,
            partition=last.partition,
            position=last.offset + 1,
            end=end,
            items=tuple(items),
        )
