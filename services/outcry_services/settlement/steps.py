"""The steps in which the books are kept, and how far a source or a partition is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.ids import SHARDS
from outcry_services.common.order_log import ORDER_EVENTS, ORDERS, events_topic
from outcry_services.settlement.model import shard_source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outcry.v1.event_pb2 import Event
    from outcry.v1.instruction_pb2 import Instruction
    from outcry.v1.order_event_pb2 import OrderEvent

    from outcry_services.common.legs import Leg

__all__ = ["Answered", "Cursor", "Happened", "Place", "Step", "Waiting", "places_of", "sources_of"]

Place = tuple[str, int]
"""A topic and a partition."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a source is in the books: the last (incarnation, number), or a mark (incarnation 0)."""

    incarnation: int
    position: int


@dataclass(frozen=True, slots=True)
class Answered:
    """An instruction with position's answer; `before` is where its shard was."""

    instruction: Instruction
    answer: OrderEvent
    before: Cursor
    may_cover: bool = False
    """Every event that could bring the funds it needs is applied: the house pays what is missing."""

    @property
    def shard(self) -> int:
        """The shard of its user."""
        return self.instruction.user_id % SHARDS

    @property
    def number(self) -> int:
        """Its number in the shard."""
        return self.instruction.number


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a pair, and its legs that the order service's orders have in it."""

    symbol: str
    event: Event
    legs: tuple[Leg, ...]


Step = Answered | Happened


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pair whose next event touches an order that the books haven't seen."""

    symbol: str
    seq: int
    shard: int
    number: int


def sources_of(steps: Iterable[Step]) -> set[str]:
    """The sources whose cursors these steps move."""
    return {step.symbol if isinstance(step, Happened) else shard_source(step.shard) for step in steps}


def places_of(symbols: Iterable[str], *, partitions: int) -> list[Place]:
    """Every partition that settlement follows."""
    shared = [(topic, number) for topic in (ORDERS, ORDER_EVENTS) for number in range(partitions)]
    return [*shared, *((events_topic(symbol), 0) for symbol in symbols)]
