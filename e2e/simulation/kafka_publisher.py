"""A fake of `common.kafka.Publisher`: the same promises, kept in the least comfortable way.

One request at a time is on its way, as the real one's settings have it. It may fail before it is written, or
its answer may be lost after: then everything not acknowledged is written again. A request that was given up,
or whose sender was killed, may still arrive later on.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.errors import TooManyError
from outcry_services.common.kafka import PublisherStoppedError, RecordRefusedError, TopicMissingError
from outcry_services.common.kafka.publisher import FIRST_PAUSE, RECORD_BYTES

from e2e.simulation.chance import Chance
from e2e.simulation.processes import WORLD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_services.common.kafka import Record

    from e2e.simulation.kafka_log import FakeKafka

__all__ = ["FakePublisher"]

GIVEN_UP_SECONDS = 1.0
"""How long an answer is waited for: less than in earnest, so that short stories have failures."""


@dataclass(slots=True)
class _Pending:
    record: Record
    acknowledged: asyncio.Future[int]


class FakePublisher:
    """Speaks to a `FakeKafka`."""

    def __init__(
        self,
        kafka: FakeKafka,
        chance: Chance | None = None,
        *,
        most_records: int = 10_000,
        most_bytes: int = 64 << 20,
    ) -> None:
        self._kafka = kafka
        self._chance = chance or Chance()
        self._most_records = most_records
        self._most_bytes = most_bytes
        self._bytes = 0
        self._next = 0
        self._unacknowledged: OrderedDict[int, _Pending] = OrderedDict()
        self._stopped: PublisherStoppedError | None = None
        self._door = asyncio.Lock()
        self._moved = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        """Whether there is room for no other record."""
        return len(self._unacknowledged) >= self._most_records or self._bytes >= self._most_bytes

    def age(self) -> float:
        """Always 0: nothing is said of time."""
        return 0.0

    def problem(self, *, most_seconds: float = 5.0) -> str | None:
        """What is wrong, for a health check."""
        return self._stopped.message if self._stopped else None

    def enqueue(self, record: Record) -> asyncio.Future[int]:
        """As the real one."""
        if self._stopped is not None:
            raise self._stopped
        if record.size > RECORD_BYTES:
            raise RecordRefusedError(
                f"a record of {record.size} bytes is too large; put fewer messages into it",
                name="RECORD_TOO_LARGE",
            )
        if self.full:
            raise TooManyError(
                f"{len(self._unacknowledged)} records wait for Kafka already", name="PUBLISHER_FULL"
            )
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._unacknowledged[self._next] = _Pending(record, future)
        self._next += 1
        self._bytes += record.size
        if self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._send(), name="publisher")
        return future

    async def publish(self, record: Record) -> int:
        """As the real one."""
        async with self._door:
            await self._until_room()
            future = self.enqueue(record)
        return await asyncio.shield(future)

    async def publish_all(self, records: Sequence[Record]) -> list[int]:
        """As the real one."""
        futures = []
        async with self._door:
            for record in records:
                await self._until_room()
                futures.append(self.enqueue(record))
        return await asyncio.shield(asyncio.gather(*futures))

    async def settle(self) -> None:
        """As the real one."""
        waiting = [pending.acknowledged for pending in self._unacknowledged.values()]
        await asyncio.gather(*map(asyncio.shield, waiting))

    async def close(self) -> None:
        """As the real one."""
        try:
            if self._stopped is None:
                await self.settle()
        finally:
            self._stop(PublisherStoppedError("this publisher was closed"))
            if self._sender is not None:
                self._sender.cancel()

    async def _until_room(self) -> None:
        while self.full and self._stopped is None:
            self._moved.clear()
            await self._moved.wait()

    async def _send(self) -> None:
        """Until there is nothing left: one request, its answer, the next."""
        while self._unacknowledged and self._stopped is None:
            sequences = self._request()
            records = [self._unacknowledged[sequence].record for sequence in sequences]
            if (refusal := self._refusal(records)) is not None:
                self._stop(refusal)
                break
            offsets = await self._deliver(records)
            if offsets is None:
                await asyncio.sleep(FIRST_PAUSE * self._chance.fraction())
                continue
            for sequence, offset in zip(sequences, offsets, strict=True):
                self._acknowledge(sequence, offset)
        self._sender = None

    def _request(self) -> list[int]:
        """The first few records without acknowledgement of one partition; which one is left to chance."""
        by_place: dict[tuple[str, int], list[int]] = {}
        for sequence, pending in self._unacknowledged.items():
            place = (pending.record.topic, pending.record.partition)
            by_place.setdefault(place, []).append(sequence)
        places = list(by_place)
        first = by_place[places[self._chance.below(len(places))]]
        return first[: self._chance.between(1, len(first))]

    def _refusal(self, records: Sequence[Record]) -> PublisherStoppedError | None:
        topic = records[0].topic
        try:
            self._kafka.partition(topic, records[0].partition)
        except TopicMissingError:
            return PublisherStoppedError(
                f"Kafka refuses a record for {topic}: no such topic", name="UNKNOWN_TOPIC_OR_PART"
            )
        if all(map(self._kafka.takes, records)):
            return None
        return PublisherStoppedError(
            f"Kafka refuses a record for {topic}: too large", name="MSG_SIZE_TOO_LARGE"
        )

    async def _deliver(self, records: Sequence[Record]) -> list[int] | None:
        """Their offsets; None when the sender got no answer, whatever became of them.

        The request and its answer travel in the world, not in the sender: killing the sender stops neither.
        """
        chance, loop = self._chance, asyncio.get_running_loop()
        answer: asyncio.Future[list[int]] = loop.create_future()
        written, lost = True, chance.happens(chance.odds.lost_answer + chance.odds.repeated)
        if chance.happens(chance.odds.refused):
            written, lost = False, True

        def arrive() -> None:
            if not written:
                return
            offsets = self._kafka.append(records)
            if not lost:
                loop.call_later(chance.seconds(), _answer, answer, offsets, context=WORLD.context)

        late = lost and chance.happens(chance.odds.late)
        wait = chance.seconds() + (2 * GIVEN_UP_SECONDS * chance.fraction() if late else 0)
        if wait > 0:
            loop.call_later(wait, arrive, context=WORLD.context)
        else:
            loop.call_soon(arrive, context=WORLD.context)
        try:
            async with asyncio.timeout(GIVEN_UP_SECONDS):
                return await answer
        except TimeoutError:
            return None

    def _acknowledge(self, sequence: int, offset: int) -> None:
        pending = self._unacknowledged.pop(sequence, None)
        if pending is None:
            return
        self._bytes -= pending.record.size
        if not pending.acknowledged.done():
            pending.acknowledged.set_result(offset)
        self._moved.set()

    def _stop(self, error: PublisherStoppedError) -> None:
        if self._stopped is None:
            self._stopped = error
        left, self._unacknowledged = self._unacknowledged, OrderedDict()
        self._bytes = 0
        for pending in left.values():
            if not pending.acknowledged.done():
                pending.acknowledged.set_exception(self._stopped)
                pending.acknowledged.exception()
        self._moved.set()


def _answer(answer: asyncio.Future[list[int]], offsets: list[int]) -> None:
    if not answer.done():
        answer.set_result(offsets)
