"""What an order takes from its owner's available funds until it ends. Pure; ledger units of the hold's asset.

    buy with a price             quantity x price                    a lot: price buy by quantity, no price
    quantity x upper edge of the band   a lot: that edge, above which nothing trades buy by quote
    the budget                          a tick-lot: itself sale by quantity             quantity
    a lot: itself sale by quote                the lots that earn it at the lower  all until the end: what it
    needs is not known
                                 edge of the band, rounded up        before it trades

The right column is `hold_per_unit`: what each unit that is left goes on needing (`common.fees.hold_step`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from outcry.v1.types_pb2 import Side

from outcry_services.common.money import checked, product

if TYPE_CHECKING:
    from outcry_services.common.pairs import Pair
    from outcry_services.order.model import Terms

__all__ = ["Hold", "hold_of", "notional_of"]


class Hold(NamedTuple):
    """What is held, and what each unit that is left needs of it."""

    asset: str
    amount: int
    per_unit: int


def hold_of(terms: Terms, pair: Pair) -> Hold:
    """Of an order that passed the pair's checks; raises `AmountError` (`AMOUNT_OVERFLOW`)."""
    if terms.side == Side.SIDE_BUY:
        return _of_buy(terms, pair)
    return _of_sale(terms, pair)


def notional_of(terms: Terms, pair: Pair, *, reference: int) -> int:
    """Tick-lots that an order may come to, as limits see it.

    Without a price it is valued at the reference price (ticks), and without one of those (0) at the upper
    edge of the band.
    """
    if terms.quote_quantity:
        return terms.quote_quantity
    return checked(product(terms.price or reference or pair.band_upper, terms.quantity))


def _of_buy(terms: Terms, pair: Pair) -> Hold:
    tick_lot, asset = pair.units.tick_lot, pair.quote.name
    if terms.quote_quantity:
        return Hold(asset, checked(product(terms.quote_quantity, tick_lot)), tick_lot)
    price = terms.price or pair.band_upper
    return Hold(asset, checked(product(price, terms.quantity, tick_lot)), checked(product(price, tick_lot)))


def _of_sale(terms: Terms, pair: Pair) -> Hold:
    lot, asset = pair.units.lot, pair.base.name
    if terms.quote_quantity:
        lots = -(-terms.quote_quantity // pair.band_lower)
        return Hold(asset, checked(product(lots, lot)), 0)
    return Hold(asset, checked(product(terms.quantity, lot)), lot)
