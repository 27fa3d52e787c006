"""Shares one reader's batches out to those who carry them out, one queue a partition.

One reader costs a tenth of what a reader for each partition does. A partition that is not taken is paused,
and the others go on: a pair that waits for an instruction must not keep back the pair whose trades pay for
it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from outcry_services.common.kafka import Batch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_services.position.ports import Reading

__all__ = ["Streams"]

T = TypeVar("T")
Place = tuple[str, int]

MOST_BATCHES = 16
MOST_ITEMS = 2000


class Streams(Generic[T]):
    """`run` reads for as long as anybody takes; `follow` says what."""

    def __init__(self, reader: Reading[T]) -> None:
        self._reader = reader
        self._positions: dict[Place, int | None] = {}
        self._queues: dict[Place, deque[Batch[T]]] = {}
        self._filled: dict[Place, asyncio.Event] = {}
        self._paused: set[Place] = set()
        self._telling = asyncio.Lock()
        self._changed = asyncio.Event()
        self.lags: dict[Place, int] = {}
        """Records of each partition that are there and were not taken."""

    def follow(self, positions: Mapping[Place, int | None]) -> None:
        """Read these partitions too, each from its position (None: from its first record)."""
        for place, position in positions.items():
            self._positions[place] = position
            self._queues[place] = deque()
            self._filled[place] = asyncio.Event()
        self._changed.set()

    def leave(self, place: Place) -> None:
        """Read a partition no more."""
        for known in (self._positions, self._queues, self._filled, self.lags):
            known.pop(place, None)
        self._paused.discard(place)
        self._changed.set()

    async def take(self, place: Place) -> Batch[T]:
        """What is there of a partition, as one batch, which counts as taken; waits for some."""
        queue, filled = self._queues[place], self._filled[place]
        await filled.wait()
        batches = [queue.popleft()]
        items = len(batches[0].items)
        while queue and items + len(queue[0].items) <= MOST_ITEMS:
            batches.append(queue.popleft())
            items += len(batches[-1].items)
        if not queue:
            filled.clear()
        if place in self._paused and len(queue) < MOST_BATCHES // 2:
            self._paused.discard(place)
            await self._tell(place)
        self.lags[place] = batches[-1].lag + sum(len(batch.items) for batch in queue)
        return _joined(batches)

    async def run(self) -> None:
        """Read for ever; raises what the reader raises."""
        while True:
            self._changed.clear()
            changed = asyncio.create_task(self._changed.wait())
            pump = asyncio.create_task(self._pump())
            try:
                await asyncio.wait({changed, pump}, return_when=asyncio.FIRST_COMPLETED)
                if pump.done():
                    await pump
            finally:
                for task in (changed, pump):
                    task.cancel()
                await asyncio.gather(changed, pump, return_exceptions=True)

    async def _pump(self) -> None:
        if not self._positions:
            await asyncio.Event().wait()
        await self._reader.assign(self._positions)
        for place in sorted(self._paused):
            await self._tell(place)
        async for batch in self._reader.batches():
            place = (batch.topic, batch.partition)
            if place not in self._queues:
                continue
            self._queues[place].append(batch)
            self._positions[place] = batch.position
            self._filled[place].set()
            if len(self._queues[place]) >= MOST_BATCHES and place not in self._paused:
                self._paused.add(place)
                await self._tell(place)

    async def _tell(self, place: Place) -> None:
        """Let the reader do what was decided last: of two threads that ask it, the earlier may come second.

        A partition that stays paused, and of which nobody knows that it is, would never be read again.
        """
        async with self._telling:
            if place in self._paused:
                await self._reader.pause(*place)
            else:
                await self._reader.resume(*place)


def _joined(batches: list[Batch[T]]) -> Batch[T]:
    last = batches[-1]
    if len(batches) == 1:
        return last
    items = tuple(item for batch in batches for item in batch.items)
    return Batch(
        topic=last.topic, partition=last.partition, position=last.position, end=last.end, items=items
    )
