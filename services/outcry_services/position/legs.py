"""Which script carries out a leg of an event. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.common import fees
from outcry_services.common.errors import IntegrityError
from outcry_services.common.ids import SHARD_BITS
from outcry_services.common.redis import Call
from outcry_services.position import keys, library

if TYPE_CHECKING:
    from outcry_services.common.legs import Leg
    from outcry_services.position.facts import Facts

__all__ = ["absent_call", "facts_call", "field_of", "leg_call"]


def field_of(symbol: str, leg: Leg) -> str:
    """Its field in the journal that is not yet in Kafka."""
    return f"{symbol}:{leg.mark}"


def facts_call(user: int, orders: tuple[int, ...]) -> Call:
    """The call that reads the holds of some orders of a user."""
    return Call(library.FACTS, (keys.holds(user),), orders)


def leg_call(symbol: str, leg: Leg, facts: Facts, *, after: int) -> Call:
    """The call that settles or releases; raises `IntegrityError` when the event contradicts the order."""
    user, keep = leg.user_id, facts.keep(leg.remaining)
    ended = "1" if leg.remaining == 0 else "0"
    own = (keys.cursor(user), keys.journal(user), keys.holds(user))
    paid = (keys.available(user, facts.asset), keys.held(user, facts.asset))
    head = (symbol, leg.mark, after, leg.order_id)
    if leg.fill is None:
        return Call(library.RELEASE, (*own, *paid), (*head, keep, facts.asset, ended))
    if facts.side != leg.fill.side or facts.symbol != symbol:
        raise IntegrityError(f"{symbol} {leg.seq} trades order {leg.order_id} as what it is not")
    trade = fees.proceeds(
        leg.fill.side,
        price=leg.fill.price,
        quantity=leg.fill.quantity,
        quote_units_per_tick_lot=facts.tick_lot,
        base_units_per_lot=facts.lot,
        fee_ppm=leg.fill.fee_ppm,
    )
    received = (keys.available(user, facts.received), keys.held(user, facts.received))
    return Call(
        library.SETTLE,
        (*own, *paid, *received),
        (*head, trade.paid, keep, trade.received, facts.asset, facts.received, ended),
    )


def absent_call(symbol: str, leg: Leg, *, after: int, final: bool) -> Call:
    """The call for an order without a hold; `final`: none is to come any more."""
    user = leg.user_id
    return Call(
        library.ABSENT,
        (keys.cursor(user), keys.journal(user), keys.holds(user)),
        (symbol, leg.mark, after, leg.order_id, leg.order_id >> SHARD_BITS, "1" if final else "0"),
    )
