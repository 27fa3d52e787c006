"""A publisher without gaps.

A failed delivery must not be followed by a successful one: a reader that saw number 8 after 6 would take 7
for lost. So the first failure spends the producer (librdkafka's `enable.gapless.guarantee`): what is behind
it is thrown away there, kept here, and written again by a new producer, from the first record on that was
not acknowledged.

That guarantee leaves out messages that time out: librdkafka drops those and goes on with the next. So here
they never do (`message.timeout.ms` 0); a delivery that takes too long is a failed one by this publisher's own
clock, which gives up all records of the producer at once.

Only one request is in flight at a time. A broker that knows nothing of a producer accepts whatever sequence
comes first; with more in flight, the second batch of a new producer could be written after the first one was
refused.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from confluent_kafka import KafkaException

from outcry_services.common.errors import TooManyError
from outcry_services.common.kafka.errors import PERMANENT, PublisherStoppedError, RecordRefusedError
from outcry_services.common.kafka.generation import Generation
from outcry_services.common.kafka.publisher_metrics import PublisherMetrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confluent_kafka import KafkaError
    from prometheus_client import CollectorRegistry

    from outcry_services.common.kafka.generation import Report
    from outcry_services.common.kafka.records import Record

__all__ = ["Publisher"]

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
RECORD_BYTES = 900_000
"""Below Kafka's default of 1 MiB a batch, with room for what surrounds a record."""


@dataclass(slots=True)
class _Pending:
    record: Record
    acknowledged: asyncio.Future[int]
    since: float
    size: int


class Publisher:
    """Writes records in the order in which they are given, each until it is acknowledged.

    Promises, per partition: leaving out repeats, the log holds the records in the order of `enqueue` or
    `publish`, without a gap. A record is acknowledged when all in-sync replicas have it. Repeats come after a
    failure, so a record needs a number by which its reader drops them. A record is given up in two cases
    alone: `close` runs out of time, or Kafka will never take it; then nothing behind it is written either.
    """

    def __init__(
        self,
        *,
        bootstrap: str,
        client_id: str,
        registry: CollectorRegistry,
        delivery_seconds: float = 30.0,
        linger_ms: int = 1,
        most_records: int = 10_000,
        most_bytes: int = 64 << 20,
    ) -> None:
        self._settings: dict[str, str | int | bool] = {
            "bootstrap.servers": bootstrap,
            "client.id": client_id,
            "acks": "all",
            "enable.idempotence": True,
            "enable.gapless.guarantee": True,
            "max.in.flight.requests.per.connection": 1,
            "allow.auto.create.topics": False,
            "message.timeout.ms": 0,
            "request.timeout.ms": int(delivery_seconds * 1000),
            # A topic that is missing is to be named before its producer is given up.
            "topic.metadata.propagation.max.ms": int(delivery_seconds * 500),
            "linger.ms": linger_ms,
            "queue.buffering.max.messages": 2 * most_records,
            "queue.buffering.max.kbytes": max(2 * most_bytes >> 10, 1024),
            "reconnect.backoff.max.ms": 1000,
            "log_level": 3,
        }
        self._delivery = delivery_seconds
        self._begun = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._most_records = most_records
        self._most_bytes = most_bytes
        self._bytes = 0
        self._unacknowledged: OrderedDict[int, _Pending] = OrderedDict()
        self._next = 0
        self._oldest: float | None = None
        self._generation: Generation | None = None
        self._restart: asyncio.Task[None] | None = None
        self._pause = FIRST_PAUSE
        self._stopped: PublisherStoppedError | None = None
        self._door = asyncio.Lock()
        self._moved = asyncio.Event()
        self._metrics = PublisherMetrics(
            registry=registry, waiting=lambda: len(self._unacknowledged), age=self.age
        )

    @property
    def full(self) -> bool:
        """Whether there is room for no other record."""
        return len(self._unacknowledged) >= self._most_records or self._bytes >= self._most_bytes

    def age(self) -> float:
        """Seconds since the oldest record without acknowledgement was given; 0 when all are acknowledged."""
        since = self._oldest
        return time.monotonic() - since if since is not None else 0.0

    def problem(self, *, most_seconds: float = 5.0) -> str | None:
        """What is wrong, for a health check."""
        if self._stopped is not None:
            return self._stopped.message
        age = self.age()
        return f"no acknowledgement for {age:.1f} s" if age > most_seconds else None

    def enqueue(self, record: Record) -> asyncio.Future[int]:
        """Take a record behind all earlier ones; the future gives its offset once it is acknowledged.

        Raises `PublisherStoppedError`; `RecordRefusedError` for one that is too large and `TooManyError` when
        there is no room: those are not taken, and the publisher goes on.
        """
        if self._stopped is not None:
            raise self._stopped
        size = record.size
        if size > RECORD_BYTES:
            raise RecordRefusedError(
                f"a record of {size} bytes for {record.topic} is too large, {RECORD_BYTES} are "
                "the most; put fewer messages into it",
                name="RECORD_TOO_LARGE",
            )
        if self.full:
            raise TooManyError(
                f"{len(self._unacknowledged)} records wait for Kafka already; wait for some of them",
                name="PUBLISHER_FULL",
            )
        sequence, self._next = self._next, self._next + 1
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        since = time.monotonic()
        self._unacknowledged[sequence] = _Pending(record, future, since, size)
        self._bytes += size
        if self._oldest is None:
            self._oldest = since
        if self._restart is None:
            self._hand_over(sequence)
        return future

    async def publish(self, record: Record) -> int:
        """Wait for room and for the acknowledgement; the record's offset.

        Calls keep their order. A caller that is cancelled once the record was taken doesn't take it back.
        """
        # The lock is fair: nobody overtakes another who waits for room.
        async with self._door:
            await self._until_room()
            future = self.enqueue(record)
        return await asyncio.shield(future)

    async def publish_all(self, records: Sequence[Record]) -> list[int]:
        """As `publish` of one after the other, without a task for each; offsets once all are acknowledged."""
        futures = []
        async with self._door:
            for record in records:
                await self._until_room()
                futures.append(self.enqueue(record))
        return await asyncio.shield(asyncio.gather(*futures))

    async def settle(self) -> None:
        """Wait until every record taken so far is acknowledged; raises what stopped the publisher."""
        waiting = [pending.acknowledged for pending in self._unacknowledged.values()]
        await asyncio.gather(*map(asyncio.shield, waiting))

    async def close(self) -> None:
        """Settle, then end. What a cancelled `close` leaves behind fails with `PublisherStoppedError`."""
        try:
            if self._stopped is None:
                await self.settle()
        finally:
            self._stop(PublisherStoppedError("this publisher was closed"))
            if self._watch is not None:
                self._watch.cancel()
            if self._restart is not None:
                self._restart.cancel()
            if self._generation is not None:
                generation, self._generation = self._generation, None
                await asyncio.to_thread(generation.abandon)

    async def _until_room(self) -> None:
        while self.full and self._stopped is None:
            self._moved.clear()
            await self._moved.wait()

    def _hand_over(self, sequence: int) -> None:
        """Give one record to the producer in force, made when there is none; a spent one is replaced."""
        if self._generation is None:
            loop = asyncio.get_running_loop()
            self._generation = Generation(self._settings, loop=loop, reported=self._take)
            self._begun = time.monotonic()
        if self._watch is None:
            self._look_at_clock()
        try:
            self._generation.produce(sequence, self._unacknowledged[sequence].record)
        except KafkaException as error:
            self._failed(error.args[0])

    def _note_oldest(self) -> None:
        """Kept apart, because metrics are rendered in another thread than that which changes the rest."""
        first = next(iter(self._unacknowledged.values()), None)
        self._oldest = first.since if first else None

    def _look_at_clock(self) -> None:
        """Give up a producer that has had its time and not got the oldest record acknowledged."""
        waited = min(self.age(), time.monotonic() - self._begun)
        if waited > self._delivery and self._restart is None and self._stopped is None:
            self._begin_restart(f"no acknowledgement within {self._delivery:g} s")
        loop = asyncio.get_running_loop()
        self._watch = loop.call_later(self._delivery / 4, self._look_at_clock)

    def _take(self, generation: Generation) -> None:
        """Called by the event loop when a producer has news."""
        acknowledged = 0
        for report in generation.take_reports():
            if report.error is None:
                acknowledged += self._acknowledge(report)
            elif self._stopped is None:
                self._failed(report.error)
        if acknowledged:
            self._pause = FIRST_PAUSE
            self._note_oldest()
            self._metrics.acknowledged(acknowledged)
        self._moved.set()

    def _acknowledge(self, report: Report) -> bool:
        """Whether that was new: a former producer may have got a record through after all."""
        pending = self._unacknowledged.pop(report.sequence, None)
        if pending is None:
            return False
        self._bytes -= pending.size
        if not pending.acknowledged.done():
            pending.acknowledged.set_result(report.offset)
        return True

    def _failed(self, error: KafkaError) -> None:
        """One failure ends a producer; of those that follow, only a permanent one says something new."""
        if error.code() in PERMANENT:
            topics = sorted({pending.record.topic for pending in self._unacknowledged.values()})
            self._stop(
                PublisherStoppedError(
                    f"Kafka refuses a record for {' or '.join(topics)}: {error.str()}; mend that and restart",
                    name=error.name().strip("_"),
                )
            )
        elif self._restart is None:
            self._begin_restart(error.str())

    def _begin_restart(self, why: str) -> None:
        log.warning("a delivery failed: a new producer begins", extra={"why": why, "age": self.age()})
        self._metrics.restarted()
        self._restart = asyncio.get_running_loop().create_task(self._replace())
        self._restart.add_done_callback(self._replaced)

    async def _replace(self) -> None:
        spent, self._generation = self._generation, None
        if spent is not None:
            await asyncio.to_thread(spent.abandon)
            # Acknowledgements that were on their way count; everything else is written again.
            self._take(spent)
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _replaced(self, task: asyncio.Task[None]) -> None:
        self._restart = None
        if task.cancelled() or self._stopped is not None:
            return
        if (error := task.exception()) is not None:
            self._stop(PublisherStoppedError(f"no new producer: {error}"))
            return
        for sequence in list(self._unacknowledged):
            if self._restart is not None:
                return
            self._hand_over(sequence)

    def _stop(self, error: PublisherStoppedError) -> None:
        """Nothing more is written, and everybody who waits is told."""
        if self._stopped is None:
            self._stopped = error
        left, self._unacknowledged = self._unacknowledged, OrderedDict()
        self._bytes = 0
        self._oldest = None
        for pending in left.values():
            if not pending.acknowledged.done():
                pending.acknowledged.set_exception(self._stopped)
                # Who doesn't wait any more is not to be warned of it.
                pending.acknowledged.exception()
        self._moved.set()
