"""Reads logs from their first record to where they end now, for `Replay`; goes on later from there.

Not by `common.kafka.Reader`: that one never ends, and keeps poison in `dead-letter`. Whoever followed a log
has done that; here poison is skipped as everybody skips it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaException, TopicPartition
from outcry.v1.journal_pb2 import JournalBatch

from outcry_services.common.errors import UnavailableError
from outcry_services.common.kafka import PoisonError, RawRecord
from outcry_services.common.order_log import (
    ORDER_EVENTS,
    ORDERS,
    events_topic,
    read_answers,
    read_events,
    read_instructions,
)
from outcry_services.reconciler.errors import LogCutError
from outcry_services.reconciler.replay import Origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from confluent_kafka import Message

    from outcry_services.reconciler.replay import Replay

__all__ = ["JOURNAL", "Log"]

log = logging.getLogger(__name__)

JOURNAL = "journal"
_SECONDS = 30.0


class Log:
    """One pass over the logs into one `Replay`; `read` again goes on where it ended."""

    def __init__(self, *, bootstrap: str, client_id: str, replay: Replay) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._replay = replay
        self._at: dict[tuple[str, int], int] = {}

    async def read(self) -> None:
        """Everything up to where the logs end now.

        Raises `LogCutError` when a log no longer has its first record, `UnavailableError` without Kafka.
        """
        await asyncio.to_thread(self._read)

    def _read(self) -> None:
        settings = {
            "bootstrap.servers": self._bootstrap,
            "client.id": self._client_id,
            "group.id": self._client_id,
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "allow.auto.create.topics": False,
            "queued.max.messages.kbytes": 16 << 10,
            "log_level": 3,
        }
        consumer = Consumer(settings, logger=log)
        try:
            # What an order holds must be known before its answers, and those before its trades.
            self._pass(consumer, ORDERS)
            self._pass(consumer, ORDER_EVENTS, JOURNAL)
            self._pass(consumer, *(events_topic(symbol) for symbol in self._replay.symbols()))
        except KafkaException as error:
            raise UnavailableError(
                f"the logs can't be read from Kafka at {self._bootstrap}: {error.args[0].str()}",
                name="KAFKA_AWAY",
            ) from error
        finally:
            consumer.close()

    def _pass(self, consumer: Consumer, *topics: str) -> None:
        ends = self._ends(consumer, {name: _partitions(consumer, name) for name in topics})
        for message in _messages(consumer, self._at, ends):
            self._take(message)

    def _ends(self, consumer: Consumer, topics: dict[str, list[int]]) -> dict[tuple[str, int], int]:
        ends = {}
        for topic, partitions in topics.items():
            for number in partitions:
                low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_SECONDS)
                begin = self._at.setdefault((topic, number), low if topic == JOURNAL else 0)
                if low > begin:
                    raise LogCutError(
                        f"{topic}/{number} begins at {low} now: no user can be recomputed from it; "
                        "see docs/operations/reconciler-difference.md"
                    )
                if high > begin:
                    ends[topic, number] = high
        return ends

    def _take(self, message: Message) -> None:
        record = _raw(message)
        origin = Origin(record.topic, record.partition, record.offset)
        try:
            if record.topic == ORDERS:
                self._replay.instructions(read_instructions(record))
            elif record.topic == ORDER_EVENTS:
                self._replay.answers(read_answers(record), origin)
            elif record.topic == JOURNAL:
                self._replay.journal(JournalBatch.FromString(record.value))
            else:
                self._replay.events(read_events(record), origin)
        except PoisonError:
            return


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    """The partitions of a topic; none when it doesn't exist."""
    found = consumer.list_topics(topic, timeout=_SECONDS).topics.get(topic)
    return sorted(found.partitions) if found is not None else []


def _messages(
    consumer: Consumer, at: dict[tuple[str, int], int], ends: dict[tuple[str, int], int]
) -> Iterator[Message]:
    """Records of these partitions from `at`, which moves along, up to their ends."""
    if not ends:
        return
    consumer.assign([TopicPartition(topic, number, at[topic, number]) for topic, number in ends])
    left = dict(ends)
    while left:
        for message in _consume(consumer, left):
            place = message.topic() or "", message.partition() or 0
            if place not in left or (message.offset() or 0) >= ends[place]:
                left.pop(place, None)
                continue
            yield message
            at[place] = (message.offset() or 0) + 1
            if at[place] >= ends[place]:
                del left[place]
    consumer.unassign()


def _consume(consumer: Consumer, left: Iterable[tuple[str, int]]) -> list[Message]:
    messages = consumer.consume(1000, timeout=_SECONDS)
    if not messages:
        places = ", ".join(f"{topic}/{number}" for topic, number in left)
        raise UnavailableError(f"no record of {places} within {_SECONDS:g} s", name="KAFKA_AWAY")
    for message in messages:
        error = message.error()
        if error is not None:
            raise KafkaException(error)
    return messages


def _raw(message: Message) -> RawRecord:
    return RawRecord(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        timestamp_ms=message.timestamp()[1],
        key=message.key() or b"",
        value=message.value() or b"",
        headers={},
    )
