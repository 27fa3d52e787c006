"""The call auction: its price and its trades."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.oracle import words
from e2e.oracle.events import AuctionIndicative, AuctionPrice, AuctionUncrossed
from e2e.oracle.matching import say_trade, settle
from e2e.oracle.stops import look_at_trade

if TYPE_CHECKING:
    from e2e.oracle.commands import PairSettings
    from e2e.oracle.market import Market

NOTHING = AuctionPrice(0, 0, 0, 0)


def volume_at(market: Market, price: int) -> tuple[int, int]:
    """What would trade at a price, and by how much buyers outweigh sellers there. Lots, unbounded."""
    bids = sum(order.remaining for order in market.sides[words.BUY] if order.price >= price)
    asks = sum(order.remaining for order in market.sides[words.SELL] if order.price <= price)
    return min(bids, asks), bids - asks


def candidates(market: Market, settings: PairSettings) -> list[int]:
    """The prices that can win.

    Bids and asks change at orders' prices alone, and where they do not change the price nearest to the
    reference wins: the reference itself or an end of that stretch.
    """
    orders = [*market.sides[words.BUY], *market.sides[words.SELL]]
    near = {order.price + step for order in orders for step in (-1, 0, 1)}
    near |= {settings.price_band_lower, settings.price_band_upper, market.reference}
    return sorted(price for price in near if settings.price_band_lower <= price <= settings.price_band_upper)


def choose(market: Market, prices: list[int]) -> tuple[int, int, int]:
    """Price, volume and surplus of the call: most volume, least surplus, nearest to the reference, lowest."""

    def order_of_choice(price: int) -> tuple[int, int, int, int]:
        volume, surplus = volume_at(market, price)
        distance = abs(price - market.reference) if market.reference else 0
        return (-volume, abs(surplus), distance, price)

    price = min(prices, key=order_of_choice)
    return (price, *volume_at(market, price))


def result(price: int, volume: int, surplus: int) -> AuctionPrice:
    """The fields of an event; without volume they are all 0."""
    if volume == 0:
        return NOTHING
    side = words.BUY if surplus > 0 else words.SELL if surplus < 0 else 0
    return AuctionPrice(price, min(volume, words.I64_MAX), side, min(abs(surplus), words.I64_MAX))


def show_indicative(market: Market) -> None:
    """Say what the call would do now, when that is not what was said last."""
    if market.settings is None or market.status != words.AUCTION:
        return
    now = result(*choose(market, candidates(market, market.settings)))
    if now != market.shown:
        market.shown = now
        market.emit(AuctionIndicative(*now))


def uncross(market: Market, settings: PairSettings) -> None:
    """End the call: everything that can trade at its one price does."""
    price, volume, surplus = choose(market, candidates(market, settings))
    market.emit(AuctionUncrossed(*result(price, volume, surplus)))
    bids, asks = market.sides[words.BUY], market.sides[words.SELL]
    fees = (settings.taker_fee_ppm, settings.taker_fee_ppm)
    while volume and bids and asks and bids[0].price >= price >= asks[0].price:
        buy, sell = bids[0], asks[0]
        quantity = min(buy.displayed, sell.displayed, volume)
        volume -= quantity
        for order in (sell, buy):
            order.remaining -= quantity
            order.displayed -= quantity
        say_trade(market, buy, sell, (price, quantity), fees)
        for order in (sell, buy):
            settle(market, order)
        for order in (sell, buy):
            market.expire_other_leg(order)
        look_at_trade(market, price)
    market.call_open = False
    market.shown = None
