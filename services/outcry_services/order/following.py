"""What became of orders, by `order-events` and by `events.{symbol}` of every pair.

Effects are exact by themselves: a row knows its last event. What is kept beside is where to read on, behind
the effects; and per shard or pair the last number, by which repeats are passed over and gaps are seen.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from outcry_services.common.order_log import EVENTS_PREFIX
from outcry_services.order.progress import answered, changes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry.v1.event_pb2 import Event, EventBatch
    from outcry.v1.order_event_pb2 import OrderEventBatch

    from outcry_services.common.kafka import Batch
    from outcry_services.order.metrics import FollowMetrics
    from outcry_services.order.progress import MoneyChange, OrderChange, Refusal
    from outcry_services.order.routing import Shards

__all__ = ["AnswerFollower", "EventFollower", "Place", "Row"]

log = logging.getLogger(__name__)

Key = tuple[str, int]
"""Topic and partition."""


class Row(Enum):
    """Where a message stands in its row of numbers."""

    NEXT = "next"
    REPEATED = "repeated"
    AHEAD = "ahead"


@dataclass(slots=True)
class Place:
    """The last number of one row of numbers; 0: none is known, and whatever comes first is the next."""

    incarnation: int = 0
    number: int = 0

    def look(self, incarnation: int, number: int) -> Row:
        """Where a message stands. A higher incarnation's is the next: numbers may have been lost."""
        if incarnation < self.incarnation:
            return Row.REPEATED
        if self.number == 0 or incarnation > self.incarnation or number == self.number + 1:
            return Row.NEXT
        return Row.REPEATED if number <= self.number else Row.AHEAD

    def move(self, incarnation: int, number: int) -> None:
        """This message was taken."""
        self.incarnation, self.number = incarnation, number


class AnswerFollower:
    """Position's answers, from the partitions of `order-events`; `told(shard, number)` hears of each."""

    def __init__(
        self, shards: Shards, *, metrics: FollowMetrics, told: Callable[[int, int], None] = lambda *_: None
    ) -> None:
        self._shards = shards
        self._metrics = metrics
        self._told = told
        self._places: dict[int, dict[int, Place]] = {}

    def restore(self, key: Key, marks: str) -> None:
        """Go on from stored marks."""
        found: dict[str, list[int]] = json.loads(marks or "{}")
        self._places[key[1]] = {int(shard): Place(*place) for shard, place in found.items()}

    def marks(self, key: Key) -> str:
        """What to store beside the position."""
        places = self._places.get(key[1], {})
        return json.dumps({str(shard): [place.incarnation, place.number] for shard, place in places.items()})

    async def take(self, batch: Batch[OrderEventBatch]) -> None:
        """Carry a batch out; when it fails, nothing of it counts as taken."""
        places = self._places.setdefault(batch.partition, {})
        moved: dict[int, Place] = {}
        answers: list[Refusal | MoneyChange] = []
        taken = repeats = 0
        ahead = False
        for item in batch.items:
            shard = item.value.shard
            place = moved.setdefault(shard, _copy(places.get(shard)))
            for event in item.value.events:
                taken += 1
                where = place.look(event.incarnation, event.number)
                if where is Row.NEXT:
                    place.move(event.incarnation, event.number)
                    answers += answered(shard, event)
                    self._told(shard, event.number)
                repeats += where is Row.REPEATED
                ahead = ahead or where is Row.AHEAD
        answers.sort(key=lambda answer: answer.shard)
        await self._shards.answer(answers)
        places.update(moved)
        self._metrics.read(batch.topic, taken, repeats=repeats)
        _tell_of_gap(self._metrics, batch.topic, batch.partition, ahead=ahead)


@dataclass(slots=True)
class _Market:
    """What is known of a pair's events."""

    place: Place = field(default_factory=Place)
    last_price: int = 0


class EventFollower:
    """Events of every pair; knows their last prices by the way."""

    def __init__(self, shards: Shards, *, metrics: FollowMetrics) -> None:
        self._shards = shards
        self._metrics = metrics
        self._markets: dict[str, _Market] = {}

    def last_price(self, symbol: str) -> int:
        """Ticks; 0 when no trade was seen yet."""
        market = self._markets.get(symbol)
        return market.last_price if market else 0

    def restore(self, key: Key, marks: str) -> None:
        """Go on from stored marks."""
        found: dict[str, int] = json.loads(marks or "{}")
        place = Place(0, found.get("seq", 0))
        self._markets[_symbol(key)] = _Market(place=place, last_price=found.get("price", 0))

    def marks(self, key: Key) -> str:
        """What to store beside the position."""
        market = self._markets.get(_symbol(key), _Market())
        return json.dumps({"seq": market.place.number, "price": market.last_price})

    async def take(self, batch: Batch[EventBatch]) -> None:
        """Carry a batch out; when it fails, nothing of it counts as taken."""
        symbol = _symbol((batch.topic, batch.partition))
        market = self._markets.setdefault(symbol, _Market())
        place, price = _copy(market.place), market.last_price
        fresh: list[Event] = []
        taken = repeats = 0
        ahead = False
        for item in batch.items:
            for event in item.value.events:
                taken += 1
                where = place.look(0, event.seq)
                if where is Row.NEXT:
                    place.move(0, event.seq)
                    fresh.append(event)
                    price = event.trade_executed.price or price
                repeats += where is Row.REPEATED
                ahead = ahead or where is Row.AHEAD
        changes: list[OrderChange] = changes_of(symbol, fresh)
        changed = await self._shards.apply(changes)
        market.place, market.last_price = place, price
        self._metrics.read(batch.topic, taken, repeats=repeats)
        self._metrics.changed(changed)
        _tell_of_gap(self._metrics, batch.topic, batch.partition, ahead=ahead)


def _symbol(key: Key) -> str:
    return key[0].removeprefix(EVENTS_PREFIX)


def _copy(place: Place | None) -> Place:
    return Place(place.incarnation, place.number) if place else Place()


def _tell_of_gap(metrics: FollowMetrics, topic: str, partition: int, *, ahead: bool) -> None:
    """What is too far ahead comes again behind what is missing: whoever wrote it goes on without gaps."""
    metrics.gaps.labels(topic=f"{topic}/{partition}").set(int(ahead))
    if ahead:
        log.error("an event is missing before others", extra={"topic": topic, "partition": partition})
