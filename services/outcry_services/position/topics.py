"""The topics that position writes, and how it makes records of messages."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from outcry.v1.command_pb2 import CommandBatch
from outcry.v1.journal_pb2 import JournalBatch
from outcry.v1.order_event_pb2 import OrderEventBatch

from outcry_services.common.ids import SHARDS
from outcry_services.common.kafka import Record
from outcry_services.common.order_log import ORDER_EVENTS, partition_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from outcry.v1.command_pb2 import Command
    from outcry.v1.journal_pb2 import JournalEntry
    from outcry.v1.order_event_pb2 import OrderEvent

__all__ = ["JOURNAL", "answer_records", "command_records", "journal_records", "matching_topic"]

JOURNAL = "journal"
VERSION = 1
MOST_MESSAGES = 1000
"""In a record, so that none is too large for Kafka."""

T = TypeVar("T")


def matching_topic(symbol: str) -> str:
    """Where a pair's commands go; its one partition is 0."""
    return f"matching.{symbol}"


def answer_records(answers: Mapping[int, Sequence[OrderEvent]], *, partitions: int) -> Iterator[Record]:
    """Records of `order-events`, of the answers of each shard."""
    for shard, events in answers.items():
        for some in _chunks(events):
            batch = OrderEventBatch(version=VERSION, shard=shard, count=len(some), events=some)
            yield Record(
                topic=ORDER_EVENTS,
                partition=partition_of(shard, partitions),
                key=b"%d" % shard,
                value=batch.SerializeToString(),
            )


def command_records(commands: Mapping[str, Sequence[Command]]) -> Iterator[Record]:
    """Records of `matching.{symbol}`, of the commands of each pair."""
    for symbol, given in commands.items():
        for some in _chunks(given):
            batch = CommandBatch(version=VERSION, symbol=symbol, count=len(some), commands=some)
            yield Record(topic=matching_topic(symbol), partition=0, value=batch.SerializeToString())


def journal_records(entries: Sequence[JournalEntry], *, partitions: int) -> Iterator[Record]:
    """Records of `journal`; a user's entries are in the partition of the user's shard."""
    shared: dict[int, list[JournalEntry]] = {}
    for entry in entries:
        shared.setdefault(partition_of(entry.user_id % SHARDS, partitions), []).append(entry)
    for partition, given in shared.items():
        for some in _chunks(given):
            batch = JournalBatch(version=VERSION, count=len(some), entries=some)
            yield Record(topic=JOURNAL, partition=partition, value=batch.SerializeToString())


def _chunks(messages: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(messages)
    while some := list(islice(rest, MOST_MESSAGES)):
        yield some
