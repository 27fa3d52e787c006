"""What events of the log do to orders, as changes that a store applies once each. Pure.

An event of a pair becomes a `Step` of each order it touches; a batch's steps are gathered by order. The
order's row keeps the seq of its last step, so whatever is repeated is known for what it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outcry.v1.event_pb2 import ExpireReason
from outcry.v1.order_event_pb2 import RefusalReason

from outcry_services.common.ids import SHARDS, OrderId, may_be_order_of
from outcry_services.common.legs import legs_of
from outcry_services.order.model import OPEN, Fill, Status
from outcry_services.order.words import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from outcry.v1.event_pb2 import Event
    from outcry.v1.order_event_pb2 import OrderEvent

    from outcry_services.common.legs import Leg

__all__ = ["MoneyChange", "OrderChange", "Refusal", "Step", "Sum", "answered", "changes_of", "total"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What one event does to one order."""

    seq: int
    time: int
    status: Status | None = None
    """None: it stays what it was."""
    reason: str = ""
    fill: Fill | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderChange:
    """All steps of one order in a batch, by rising seq."""

    order_id: int
    user_id: int
    symbol: str
    steps: tuple[Step, ...]

    @property
    def shard(self) -> int:
        """Where the order is."""
        return self.user_id % SHARDS


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Position holds nothing for an order: it never reaches its pair, and no event of the pair names it."""

    order_id: int
    user_id: int
    reason: str
    time: int

    @property
    def shard(self) -> int:
        """Where the order is."""
        return self.user_id % SHARDS


@dataclass(frozen=True, kw_only=True, slots=True)
class MoneyChange:
    """Position's answer to a deposit, an adjustment or a withdrawal."""

    shard: int
    number: int
    status: str
    reason: str = ""
    time: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sum:
    """Steps as one change of a row."""

    executed: int
    quote_executed: int
    seq: int
    updated: int
    status: Status | None
    reason: str
    fills: tuple[Fill, ...] = field(default=())

    @property
    def ended(self) -> bool:
        """Whether the order has come to its end."""
        return self.status is not None and self.status not in OPEN


def total(steps: Sequence[Step]) -> Sum:
    """At least one step, summed up: the last status that any of them gives holds."""
    fills = tuple(step.fill for step in steps if step.fill is not None)
    statuses = [step.status for step in steps if step.status is not None]
    reasons = [step.reason for step in steps if step.reason]
    return Sum(
        executed=sum(fill.quantity for fill in fills),
        quote_executed=sum(fill.price * fill.quantity for fill in fills),
        seq=steps[-1].seq,
        updated=max(step.time for step in steps),
        status=statuses[-1] if statuses else None,
        reason=reasons[-1] if reasons else "",
        fills=fills,
    )


def changes_of(symbol: str, events: Iterable[Event]) -> list[OrderChange]:
    """The changes of a pair's events, which come in order; ascending by shard and order.

    Orders that generators and tests wrote to the pair by themselves are passed over, as far as their ids
    tell.
    """
    found: dict[tuple[int, int], list[Step]] = {}
    for event in events:
        for order_id, user_id, step in _steps(symbol, event):
            if may_be_order_of(user_id, order_id):
                found.setdefault((order_id, user_id), []).append(step)
    changes = (
        OrderChange(order_id=order_id, user_id=user_id, symbol=symbol, steps=tuple(steps))
        for (order_id, user_id), steps in found.items()
    )
    return sorted(changes, key=lambda change: (change.shard, change.order_id))


def answered(shard: int, event: OrderEvent) -> list[Refusal | MoneyChange]:
    """What position's answer changes here; nothing for one that leaves an order waiting for its pair.

    A refusal doesn't say of what it is: of the order or of the money request that has its number.
    """
    kind = event.WhichOneof("body")
    if kind == "refused":
        reason = RefusalReason.Name(event.refused.reason).removeprefix("REFUSAL_REASON_")
        order_id = int(OrderId.make(shard=shard, number=event.number))
        order = Refusal(order_id=order_id, user_id=event.user_id, reason=reason, time=event.time_unix_nanos)
        money = MoneyChange(
            shard=shard, number=event.number, status="REFUSED", reason=reason, time=event.time_unix_nanos
        )
        return [order, money]
    if kind == "funds_held" and event.funds_held.withdrawal:
        return [MoneyChange(shard=shard, number=event.number, status="HELD", time=event.time_unix_nanos)]
    if kind in ("funds_credited", "funds_adjusted"):
        return [MoneyChange(shard=shard, number=event.number, status="DONE")]
    return []


def _steps(symbol: str, event: Event) -> list[tuple[int, int, Step]]:
    kind = event.WhichOneof("body")
    if kind == "order_accepted":
        accepted = event.order_accepted
        return [(accepted.order_id, accepted.user_id, _step(event, Status.NEW))]
    if kind == "order_rejected":
        rejected = event.order_rejected
        step = _step(event, Status.REJECTED, REASONS.word(rejected.reason))
        return [(rejected.order_id, rejected.user_id, step)]
    if kind == "order_cancelled":
        cancelled = event.order_cancelled
        return [(cancelled.order_id, cancelled.user_id, _step(event, Status.CANCELED))]
    if kind == "order_expired":
        expired = event.order_expired
        return [(expired.order_id, expired.user_id, _expired(event))]
    if kind in ("trade_executed", "self_trade_prevented"):
        return [(leg.order_id, leg.user_id, _leg(symbol, event, leg)) for leg in legs_of(event)]
    return []


def _step(event: Event, status: Status | None, reason: str = "") -> Step:
    return Step(seq=event.seq, time=event.time_unix_nanos, status=status, reason=reason)


def _expired(event: Event) -> Step:
    reason = ExpireReason.Name(event.order_expired.reason).removeprefix("EXPIRE_REASON_")
    return _step(event, Status.EXPIRED_IN_MATCH if reason == "SELF_TRADE" else Status.EXPIRED, reason)


def _leg(symbol: str, event: Event, leg: Leg) -> Step:
    if leg.fill is None:
        # No trade: what both lost. One with nothing left has ended by it.
        return _step(event, None if leg.remaining else Status.EXPIRED_IN_MATCH)
    fill = Fill(
        symbol=symbol,
        trade_id=leg.fill.trade_id,
        leg=leg.leg,
        order_id=leg.order_id,
        user_id=leg.user_id,
        side=leg.fill.side,
        price=leg.fill.price,
        quantity=leg.fill.quantity,
        fee_ppm=leg.fill.fee_ppm,
        time=event.time_unix_nanos,
    )
    status = Status.PARTIALLY_FILLED if leg.remaining else Status.FILLED
    return Step(seq=event.seq, time=event.time_unix_nanos, status=status, fill=fill)
