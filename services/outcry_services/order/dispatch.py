"""From the outbox to `orders`: every instruction of a shard in the order of its numbers, whoever publishes.

A process hands number n to the log only when it has handed over n-1 itself or knows it as published. What
another process committed in between it reads from the outbox and publishes as well: so the streams of several
processes hold repeats, which readers drop, and each of them alone has no gap. What was not published when a
process died is found by the next one's `sweep`.

Payloads of a commit go straight from memory to the log; the outbox is read for a shard that fell behind:
after a sweep, behind another process, or when the log had no room. Memory is bounded by the log's own bound.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from outcry.v1.instruction_pb2 import InstructionBatch

from outcry_services.common.errors import TooManyError, UnavailableError
from outcry_services.common.kafka import Record
from outcry_services.common.order_log import ORDERS, VERSION, partition_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from outcry_services.order.metrics import DispatchMetrics
    from outcry_services.order.ports import Log, OutboxView

__all__ = ["Dispatcher"]

log = logging.getLogger(__name__)

ROWS = 500
RECORD_BYTES = 600_000
"""Of payloads in one record; the publisher takes 900,000 bytes."""


class Dispatcher:
    """Of one process. `committed` is called in the order of numbers; `run` catches up with what is behind.

    `outbox(shard, after, most)` reads a shard's outbox wherever the shard is.
    """

    def __init__(
        self,
        to: Log,
        *,
        partitions: int,
        outbox: Callable[[int, int, int], Awaitable[OutboxView]],
        metrics: DispatchMetrics,
        pause_seconds: float = 0.5,
    ) -> None:
        self._log = to
        self._partitions = partitions
        self._outbox = outbox
        self._metrics = metrics
        self._pause = pause_seconds
        self._handed: dict[int, int] = {}
        self._wanted: dict[int, int] = {}
        self._acknowledged: dict[int, int] = {}
        self._stored: dict[int, int] = {}
        self._behind: set[int] = set()
        self._work = asyncio.Event()
        self._moved = asyncio.Event()
        self._failure: BaseException | None = None

    def committed(self, shard: int, rows: Sequence[tuple[int, bytes]]) -> None:
        """These numbers of a shard were just committed here."""
        first, last = rows[0][0], rows[-1][0]
        self._wanted[shard] = max(last, self._wanted.get(shard, 0))
        if shard in self._behind:
            return
        if self._handed.get(shard) != first - 1:
            self._fall_behind(shard)
            return
        try:
            self._hand_over(shard, rows)
        except TooManyError:
            self._fall_behind(shard)

    def learn(self, found: Mapping[int, tuple[int, int]]) -> int:
        """By shard, what is published and the last number, as a store told; gives how many were missed."""
        missed = 0
        for shard, (published, last) in found.items():
            self._stored[shard] = max(published, self._stored.get(shard, 0))
            self._handed.setdefault(shard, published)
            if last > self._handed[shard]:
                missed += last - self._handed[shard]
                self._wanted[shard] = max(last, self._wanted.get(shard, 0))
                self._fall_behind(shard)
        return missed

    def sweep(self, shards: Sequence[int]) -> None:
        """Look into the outbox of these shards: nobody knows what they hold."""
        for shard in shards:
            self._fall_behind(shard)

    async def run(self) -> None:
        """Publish what is behind, for ever; raises what stopped the log."""
        while True:
            await self._work.wait()
            self._work.clear()
            if self._failure is not None:
                raise self._failure
            for shard in sorted(self._behind):
                try:
                    await self._catch_up(shard)
                except UnavailableError as error:
                    # It stays behind, and is tried again with all others that do.
                    log.warning("an outbox can't be read", extra={"shard": shard, "why": error.message})
                    asyncio.get_running_loop().call_later(self._pause, self._work.set)

    def unpublished(self) -> int:
        """Instructions that were committed here, or found, and are not acknowledged."""
        return sum(
            max(0, number - max(self._acknowledged.get(shard, 0), self._stored.get(shard, 0)))
            for shard, number in self._wanted.items()
        )

    def to_store(self, *, at_least: int) -> dict[int, int]:
        """Shards whose stored number is so far behind what is acknowledged, with that."""
        return {
            shard: number
            for shard, number in self._acknowledged.items()
            if number - self._stored.get(shard, 0) >= at_least
        }

    def stored(self, numbers: Mapping[int, int]) -> None:
        """These are stored as published now."""
        for shard, number in numbers.items():
            self._stored[shard] = max(number, self._stored.get(shard, 0))

    async def settled(self) -> None:
        """Wait until all that was committed here is acknowledged."""
        while self.unpublished() or self._behind:
            if self._failure is not None:
                raise self._failure
            self._moved.clear()
            await self._moved.wait()

    def _fall_behind(self, shard: int) -> None:
        self._behind.add(shard)
        self._work.set()

    async def _catch_up(self, shard: int) -> None:
        while True:
            view = await self._outbox(shard, self._handed.get(shard, 0), ROWS)
            base = max(self._handed.get(shard, 0), view.published)
            self._handed[shard] = base
            self._stored[shard] = max(view.published, self._stored.get(shard, 0))
            for rows in _records(view.rows):
                await self._hand_over_when_there_is_room(shard, rows)
            # Nothing is awaited between the look and the decision: a commit comes before both or behind both.
            if self._handed[shard] >= self._wanted.get(shard, 0):
                self._wanted[shard] = self._handed[shard]
                self._behind.discard(shard)
                self._moved.set()
                return

    async def _hand_over_when_there_is_room(self, shard: int, rows: Sequence[tuple[int, bytes]]) -> None:
        while True:
            try:
                self._hand_over(shard, rows)
            except TooManyError:
                self._moved.clear()
                if self._failure is not None:
                    raise self._failure from None
                await self._moved.wait()
            else:
                return

    def _hand_over(self, shard: int, rows: Sequence[tuple[int, bytes]]) -> None:
        future = self._log.enqueue(
            Record(
                topic=ORDERS,
                partition=partition_of(shard, self._partitions),
                key=str(shard).encode(),
                value=_batch(shard, [payload for _, payload in rows]),
            )
        )
        last = rows[-1][0]
        self._handed[shard] = last
        self._metrics.handed_over(len(rows))
        future.add_done_callback(lambda done: self._done(shard, last, done))

    def _done(self, shard: int, last: int, done: asyncio.Future[int]) -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None:
            # The publisher has stopped for good; `run` says so, and the process begins again from the outbox.
            self._failure = self._failure or error
            self._work.set()
        elif not done.cancelled():
            self._acknowledged[shard] = max(last, self._acknowledged.get(shard, 0))
        self._moved.set()


def _batch(shard: int, payloads: Sequence[bytes]) -> bytes:
    """An `InstructionBatch` of instructions that are encoded already: field 4 is repeated, and comes last."""
    head = InstructionBatch(version=VERSION, shard=shard, count=len(payloads)).SerializeToString()
    return head + b"".join(b"\x22" + _varint(len(payload)) + payload for payload in payloads)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _records(rows: Sequence[tuple[int, bytes]]) -> list[list[tuple[int, bytes]]]:
    """The rows shared out over records that are not too large."""
    records: list[list[tuple[int, bytes]]] = []
    size = 0
    for row in rows:
        if not records or size + len(row[1]) > RECORD_BYTES:
            records.append([])
            size = 0
        records[-1].append(row)
        size += len(row[1])
    return records
