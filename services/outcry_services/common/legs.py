"""What an event of a pair does to orders and their holds: one `Leg` for each order that it touches.

Position, settlement and order follow events by the same legs. A leg is named by `(symbol, seq, leg)`, for
ever; `mark` packs the last two into one rising number.

An order that generators or tests wrote to a pair by themselves has no hold. Such a leg is `foreign`, as far
as its id tells: an order of the order service lives in its user's shard and has a number there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from outcry.v1.types_pb2 import Side

from outcry_services.common.ids import may_be_order_of

if TYPE_CHECKING:
    from outcry.v1.event_pb2 import Event, SelfTradePrevented, TradeExecuted

__all__ = ["Fill", "Leg", "legs_of", "mark_of", "opposite"]


class Fill(NamedTuple):
    """The trade behind a leg, as it is for that leg's order."""

    trade_id: int
    price: int
    """Ticks."""
    quantity: int
    """Lots."""
    fee_ppm: int
    side: Side.ValueType
    """Of this leg's order."""
    maker: bool


class Leg(NamedTuple):
    """One order's part of an event."""

    seq: int
    leg: int
    """0: the maker's, or the only one. 1: the taker's."""
    order_id: int
    user_id: int
    remaining: int
    """What the order has left now, in lots, or tick-lots of an order by quote. 0: it has ended."""
    fill: Fill | None = None
    """None: no money changes hands; quantity was lost."""

    @property
    def mark(self) -> int:
        """`seq` and `leg` as one number that rises along a pair's events."""
        return mark_of(self.seq, self.leg)

    @property
    def foreign(self) -> bool:
        """Whether the order service can't have given this id."""
        return not may_be_order_of(self.user_id, self.order_id)


def mark_of(seq: int, leg: int) -> int:
    """`seq` and `leg` as one number: seq * 2 + leg."""
    return seq * 2 + leg


def opposite(side: Side.ValueType) -> Side.ValueType:
    """The other side."""
    return Side.SIDE_SELL if side == Side.SIDE_BUY else Side.SIDE_BUY


def legs_of(event: Event) -> tuple[Leg, ...]:
    """The legs of an event, maker first; none for one that touches no hold."""
    kind = event.WhichOneof("body")
    if kind == "trade_executed":
        return _traded(event.seq, event.trade_executed)
    if kind == "self_trade_prevented":
        return _prevented(event.seq, event.self_trade_prevented)
    if kind == "order_amended":
        it = event.order_amended
        return (Leg(seq=event.seq, leg=0, order_id=it.order_id, user_id=it.user_id, remaining=it.remaining),)
    if kind in _ENDS:
        # What such an event calls remaining had not traded; of the order itself nothing is left.
        end = getattr(event, kind)
        return (Leg(seq=event.seq, leg=0, order_id=end.order_id, user_id=end.user_id, remaining=0),)
    return ()


_ENDS = frozenset({"order_cancelled", "order_expired", "order_rejected"})


def _traded(seq: int, it: TradeExecuted) -> tuple[Leg, Leg]:
    maker = Fill(
        trade_id=it.trade_id,
        price=it.price,
        quantity=it.quantity,
        fee_ppm=it.maker_fee_ppm,
        side=opposite(it.taker_side),
        maker=True,
    )
    taker = Fill(
        trade_id=it.trade_id,
        price=it.price,
        quantity=it.quantity,
        fee_ppm=it.taker_fee_ppm,
        side=it.taker_side,
        maker=False,
    )
    return (
        Leg(
            seq=seq,
            leg=0,
            order_id=it.maker_order_id,
            user_id=it.maker_user_id,
            remaining=it.maker_remaining,
            fill=maker,
        ),
        Leg(
            seq=seq,
            leg=1,
            order_id=it.taker_order_id,
            user_id=it.taker_user_id,
            remaining=it.taker_remaining,
            fill=taker,
        ),
    )


def _prevented(seq: int, it: SelfTradePrevented) -> tuple[Leg, Leg]:
    return (
        Leg(
            seq=seq,
            leg=0,
            order_id=it.maker_order_id,
            user_id=it.maker_user_id,
            remaining=it.maker_remaining,
        ),
        Leg(
            seq=seq,
            leg=1,
            order_id=it.taker_order_id,
            user_id=it.taker_user_id,
            remaining=it.taker_remaining,
        ),
    )
