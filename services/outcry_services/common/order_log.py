"""The records of `orders`, `order-events` and `events.{symbol}`, decoded whole or not at all.

A record cut at the border of a field still decodes, so batches of instructions and answers state their
count. One that lies about its version, shard or count, or that holds a message without a body this release
knows, is poison for every reader alike: nothing of it is used. Events have their seq; one of a
kind that this release doesn't know touches no order, and keeps its place in the numbering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1.event_pb2 import EventBatch
from outcry.v1.instruction_pb2 import InstructionBatch
from outcry.v1.order_event_pb2 import OrderEventBatch

from outcry_services.common.ids import SHARDS
from outcry_services.common.kafka.errors import PoisonError
from outcry_services.common.kafka.records import decoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry.v1.instruction_pb2 import Instruction
    from outcry.v1.order_event_pb2 import OrderEvent

    from outcry_services.common.kafka.records import RawRecord

__all__ = [
    "EVENTS_PREFIX",
    "ORDERS",
    "ORDER_EVENTS",
    "VERSION",
    "events_topic",
    "partition_of",
    "read_answers",
    "read_events",
    "read_instructions",
]

ORDERS = "orders"
ORDER_EVENTS = "order-events"
EVENTS_PREFIX = "events."
VERSION = 1


_decode_instructions = decoder(InstructionBatch)
_decode_answers = decoder(OrderEventBatch)
_decode_events = decoder(EventBatch)


def events_topic(symbol: str) -> str:
    """Where a pair's events are; its one partition is 0."""
    return f"{EVENTS_PREFIX}{symbol}"


def partition_of(shard: int, partitions: int) -> int:
    """The partition of `orders` and of `order-events` in which a shard's records are."""
    return shard % partitions


def read_instructions(record: RawRecord) -> InstructionBatch:
    """A record of `orders`; raises `PoisonError`."""
    batch = _decode_instructions(record)
    _check(batch, batch.instructions, what="instruction")
    return batch


def read_answers(record: RawRecord) -> OrderEventBatch:
    """A record of `order-events`; raises `PoisonError`."""
    batch = _decode_answers(record)
    _check(batch, batch.events, what="order event")
    return batch


def read_events(record: RawRecord) -> EventBatch:
    """A record of `events.{symbol}`; raises `PoisonError`."""
    batch = _decode_events(record)
    symbol = record.topic.removeprefix(EVENTS_PREFIX)
    if batch.events and batch.symbol != symbol:
        raise PoisonError(f"events of {batch.symbol[:32]!r} in the log of {symbol}", name="WRONG_SYMBOL")
    return batch


def _check(
    batch: InstructionBatch | OrderEventBatch,
    messages: Sequence[Instruction] | Sequence[OrderEvent],
    *,
    what: str,
) -> None:
    if batch.version != VERSION:
        raise PoisonError(
            f"version {batch.version}, and {VERSION} is the one that is known", name="UNKNOWN_VERSION"
        )
    if batch.shard >= SHARDS:
        raise PoisonError(f"there is no shard {batch.shard}", name="WRONG_SHARD")
    if batch.count != len(messages):
        raise PoisonError(f"{len(messages)} of {batch.count} messages are there", name="WRONG_COUNT")
    for one in messages:
        if one.user_id == 0 or one.user_id % SHARDS != batch.shard:
            raise PoisonError(f"user {one.user_id} is not of shard {batch.shard}", name="WRONG_SHARD")
        if one.number == 0:
            raise PoisonError("a message without a number", name="NO_NUMBER")
    for one in messages:
        if one.WhichOneof("body") is None:
            raise PoisonError(f"{what} {one.number} has no body that is known", name="UNKNOWN_BODY")
