"""A reader whose positions belong to its caller.

No consumer group: a position stored apart from the effects that it stands for is wrong after a crash, either
way. The caller says where to begin, gets batches with the position behind them, and stores that with their
effects in one transaction. It drops repeats by the numbers inside (a log may hold a record twice).
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from outcry_services.common.errors import InternalError, UnavailableError
from outcry_services.common.kafka.errors import PoisonError, PositionLostError, TopicMissingError
from outcry_services.common.kafka.records import Batch, Item, RawRecord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from confluent_kafka import Message

    from outcry_services.common.kafka.dead_letters import DeadLetters

__all__ = ["Reader"]

log = logging.getLogger(__name__)

T = TypeVar("T")

GATHERED_BYTES = 64 << 10
"""So much is sent before the time is over."""

_PASSING = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - librdkafka's local errors are named so
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError._RESOLVE,  # noqa: SLF001
        KafkaError._TIMED_OUT,  # noqa: SLF001
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
    }
)
_MISSING = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
    }
)


class Reader(Generic[T]):
    """Reads the partitions that it was given.

    `decode` gives a record's content, None for one that carries nothing (a probe), or raises `PoisonError`:
    such a record is kept in `dead-letter`, counted, and skipped. Any other error of `decode` goes up.

    `gather_ms` is how long the broker may keep records back to send many together. Under load most of what a
    reader costs, here and in the broker, is the number of times that it is woken, not the number of records;
    idle, one that gathers asks 1000 / `gather_ms` times a second. 0: each record at once.
    """

    def __init__(
        self,
        *,
        bootstrap: str,
        client_id: str,
        decode: Callable[[RawRecord], T | None],
        dead_letters: DeadLetters,
        most_records: int = 500,
        wait_seconds: float = 0.2,
        gather_ms: int = 0,
    ) -> None:
        self._bootstrap = bootstrap
        self._decode = decode
        self._dead_letters = dead_letters
        self._most = most_records
        self._wait = wait_seconds
        self._pending: asyncio.Future[list[Message]] | None = None
        self._read: deque[list[Message]] = deque()
        self._away_since: float | None = None
        settings: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "client.id": client_id,
            # Never used: librdkafka wants a name, and nothing is committed under it.
            "group.id": client_id,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # A position that is gone is an error, never a silent jump.
            "auto.offset.reset": "error",
            "allow.auto.create.topics": False,
            "fetch.wait.max.ms": gather_ms or 100,
            "fetch.min.bytes": GATHERED_BYTES if gather_ms else 1,
            "queued.max.messages.kbytes": 16 << 10,
            "reconnect.backoff.max.ms": 1000,
            "topic.metadata.propagation.max.ms": 5000,
            "statistics.interval.ms": 1000,
            "stats_cb": self._on_statistics,
            "log_level": 3,
        }
        self._consumer = Consumer(settings, logger=log)

    async def assign(self, positions: Mapping[tuple[str, int], int | None]) -> None:
        """Read these partitions alone, each from its position; None: from the first record that is kept.

        Raises `TopicMissingError`, and `UnavailableError` when Kafka doesn't answer.
        """
        # What was read, and what the call in flight brings, belongs to the old positions.
        if self._pending is not None:
            await asyncio.shield(self._pending)
            self._pending = None
        self._read.clear()
        partitions = [
            TopicPartition(topic, number, OFFSET_BEGINNING if position is None else position)
            for (topic, number), position in positions.items()
        ]
        await asyncio.to_thread(self._require, partitions)
        await asyncio.to_thread(self._consumer.assign, partitions)

    async def batches(self) -> AsyncIterator[Batch[T]]:
        """Batches as they come, for ever: one partition each, no larger than `most_records`.

        A batch that was given counts as taken; who fails to carry it out begins again with `assign`. Raises
        `PositionLostError` and `TopicMissingError`; a Kafka that is away is waited for (`problem` says so).
        """
        while True:
            if not self._read:
                self._read.extend(_by_partition(await self._consume()))
                continue
            batch = await self._batch(self._read[0])
            self._read.popleft()
            if batch is not None:
                yield batch

    async def end(self, topic: str, partition: int) -> int:
        """The offset that a partition's next record will have, asked now: whatever was written is before it.

        Raises `TopicMissingError`, and `UnavailableError` when Kafka doesn't answer.
        """
        where = TopicPartition(topic, partition)
        try:
            offsets = await asyncio.to_thread(self._consumer.get_watermark_offsets, where, timeout=10)
        except KafkaException as error:
            if error.args[0].code() in _MISSING:
                raise self._missing(f"{topic}/{partition}") from error
            raise self._away(error) from error
        if offsets is None:
            raise UnavailableError(
                f"no answer from Kafka at {self._bootstrap} within 10 s", name="KAFKA_AWAY"
            )
        return int(offsets[1])

    async def pause(self, topic: str, partition: int) -> None:
        """Read no more of a partition; what was read already may still come."""
        await asyncio.to_thread(self._consumer.pause, [TopicPartition(topic, partition)])

    async def resume(self, topic: str, partition: int) -> None:
        """Go on where the partition was paused."""
        await asyncio.to_thread(self._consumer.resume, [TopicPartition(topic, partition)])

    def problem(self, *, most_seconds: float = 5.0) -> str | None:
        """What is wrong, for a health check."""
        if self._away_since is None:
            return None
        away = time.monotonic() - self._away_since
        return f"no answer from Kafka at {self._bootstrap} for {away:.1f} s" if away > most_seconds else None

    async def close(self) -> None:
        """Leave Kafka."""
        if self._pending is not None:
            await asyncio.shield(self._pending)
            self._pending = None
        await asyncio.to_thread(self._consumer.close)

    async def _consume(self) -> list[Message]:
        # A cancelled caller leaves the call running in its thread: its records are the next caller's.
        if self._pending is None:
            work = asyncio.to_thread(self._fetch)
            self._pending = asyncio.ensure_future(work)
        messages = await asyncio.shield(self._pending)
        self._pending = None
        return messages

    def _fetch(self) -> list[Message]:
        """Wait for one record, and take along what is there: a full batch is not worth a wait."""
        first = self._consumer.consume(1, self._wait)
        return [*first, *self._consumer.consume(self._most - 1, 0)] if first and self._most > 1 else first

    async def _batch(self, messages: list[Message]) -> Batch[T] | None:
        records = [RawRecord.of(message) for message in messages if self._is_record(message)]
        if not records:
            return None
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
            end=self._end(last),
            items=tuple(items),
        )

    def _require(self, partitions: list[TopicPartition]) -> None:
        """Left to itself, librdkafka would wait for a topic that isn't there, and say nothing."""
        try:
            topics = self._consumer.list_topics(timeout=10).topics
        except KafkaException as error:
            raise self._away(error) from error
        for partition in partitions:
            found = topics.get(partition.topic)
            if found is None or partition.partition not in found.partitions:
                raise self._missing(f"{partition.topic}/{partition.partition}")

    def _away(self, error: KafkaException) -> UnavailableError:
        return UnavailableError(
            f"no answer from Kafka at {self._bootstrap}: {error.args[0].str()}", name="KAFKA_AWAY"
        )

    def _missing(self, where: str) -> TopicMissingError:
        return TopicMissingError(
            f"{where} is not in Kafka at {self._bootstrap}; "
            "see docs/operations/topic-lost.md, and make no new one in its place"
        )

    def _end(self, last: RawRecord) -> int:
        partition = TopicPartition(last.topic, last.partition)
        _, end = self._consumer.get_watermark_offsets(partition, cached=True)
        return max(end, last.offset + 1)

    def _on_statistics(self, text: str) -> None:
        """Whether any broker is connected; called once a second from the thread that consumes."""
        brokers = json.loads(text)["brokers"].values()
        # Those that librdkafka was told of, and those that Kafka named.
        if any(broker["state"] == "UP" for broker in brokers):
            self._away_since = None
        else:
            self._away_since = self._away_since or time.monotonic()

    def _is_record(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        where = f"{message.topic()}/{message.partition()}"
        if error.code() in _PASSING:
            log.warning("Kafka is away", extra={"why": error.str()})
            return False
        if error.code() in _MISSING:
            raise self._missing(where)
        if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):  # noqa: SLF001
            raise PositionLostError(
                f"{where} has no record at the stored position: {error.str()}; "
                "restore the state that belongs to a position that the log still has",
                topic=message.topic() or "",
            )
        raise InternalError(f"reading {where}: {error.str()}")


def _by_partition(messages: list[Message]) -> list[list[Message]]:
    found: dict[tuple[str | None, int | None], list[Message]] = {}
    for message in messages:
        found.setdefault((message.topic(), message.partition()), []).append(message)
    return list(found.values())
