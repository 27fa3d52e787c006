"""The pair's settings: whether they make sense, and what they do to the book."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.oracle import words
from e2e.oracle.auction import uncross
from e2e.oracle.commands import Filters
from e2e.oracle.events import FiltersChanged, SettingsChanged, SettingsRejected

if TYPE_CHECKING:
    from e2e.oracle.commands import PairSettings
    from e2e.oracle.market import Market


def change_settings(market: Market, settings: PairSettings) -> None:
    """Reject settings, or let them take effect at once."""
    reason = _why_no_settings(market, settings)
    if reason:
        market.emit(SettingsRejected(reason))
        return
    market.settings = settings
    market.emit(SettingsChanged(*settings[:9]))
    if settings.rules_version == 2:
        mode = settings.filters.self_trade_prevention or words.NONE
        market.emit(FiltersChanged(*settings.filters._replace(self_trade_prevention=mode)))
    _expire_outside_band(market, settings)
    if settings.trading_status == words.AUCTION and not market.call_open:
        market.call_open = True
        market.shown = None
    if market.call_open and settings.trading_status in {words.TRADING, words.POST_ONLY, words.LIMIT_ONLY}:
        uncross(market, settings)


def _expire_outside_band(market: Market, settings: PairSettings) -> None:
    outside = [order for order in market.sides[words.BUY] if order.price > settings.price_band_upper]
    outside += [order for order in market.sides[words.SELL] if order.price < settings.price_band_lower]
    for order in outside:
        market.remove(order)
        market.expire(order, words.PRICE_BAND)
        market.expire_other_leg(order)


def _why_no_settings(market: Market, settings: PairSettings) -> int:
    if settings.rules_version not in {1, 2}:
        return words.UNSUPPORTED
    if settings.rules_version < market.rules:
        return words.INVALID_SETTINGS
    new_status = settings.trading_status in {words.POST_ONLY, words.LIMIT_ONLY, words.AUCTION}
    if settings.rules_version == 1 and (new_status or settings.filters != Filters()):
        return words.UNSUPPORTED
    sensible = _sensible(settings) and _sensible_filters(settings)
    return 0 if sensible else words.INVALID_SETTINGS


def _sensible(settings: PairSettings) -> bool:
    return (
        words.TRADING <= settings.trading_status <= words.AUCTION
        and 1 <= settings.price_band_lower <= settings.price_band_upper
        and settings.min_notional >= 0
        and -1_000_000 <= settings.maker_fee_ppm <= 1_000_000
        and 0 <= settings.taker_fee_ppm <= 1_000_000
        and settings.quote_units_per_tick_lot >= 1
        and settings.base_units_per_lot >= 1
    )


def _sensible_filters(settings: PairSettings) -> bool:
    filters = settings.filters
    not_negative = (
        *(filters.min_price, filters.max_price, filters.min_quantity, filters.max_quantity),
        *(filters.max_notional, filters.reference_price),
    )
    ranges = (
        (filters.min_price, filters.max_price),
        (filters.min_quantity, filters.max_quantity),
        (settings.min_notional, filters.max_notional),
        (filters.bid_multiplier_down_bps, filters.bid_multiplier_up_bps),
        (filters.ask_multiplier_down_bps, filters.ask_multiplier_up_bps),
    )
    return (
        0 <= filters.self_trade_prevention <= words.DECREMENT
        and min(not_negative) >= 0
        and all(least <= most for least, most in ranges if least and most)
    )
