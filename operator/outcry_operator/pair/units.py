"""A spec in the core's units: ticks, lots, tick-lots, basis points, millionths. Pure and exact.

The API server has checked that prices and quantities are whole multiples; what it can't check is named here.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from outcry.v1 import command_pb2, types_pb2

if TYPE_CHECKING:
    from outcry_operator.models.filters import PercentPriceFilter
    from outcry_operator.models.tradingpair import TradingPairSpec

FIRST_RULES, NEWEST_RULES = 1, 2
FIRST_STATUSES = ("TRADING", "HALT", "CANCEL_ONLY")
"""The trading statuses of rules version 1."""

PPM_OF_BPS = 100
BPS = 10_000
INT64_MAX = 2**63 - 1


class UnitsError(ValueError):
    """A field of a spec that no integer of the core holds; the message begins with its path."""


def settings_of(spec: TradingPairSpec, *, rules: int) -> command_pb2.PairSettings:
    """What the core gets under a rules version; raises UnitsError. What version 1 can't say is left out."""
    tick, lot = Fraction(spec.tick_size), Fraction(spec.lot_size)
    settings = command_pb2.PairSettings(
        trading_status=types_pb2.TradingStatus.Value(f"TRADING_STATUS_{spec.trading_status}"),
        rules_version=rules,
        price_band_lower=_whole("priceBand.lower", Fraction(spec.price_band.lower) / tick),
        price_band_upper=_whole("priceBand.upper", Fraction(spec.price_band.upper) / tick),
        # Rounded up: an order below the stated notional is never let in.
        min_notional=_whole("minNotional", math.ceil(Fraction(spec.min_notional) / (tick * lot))),
        maker_fee_ppm=_whole("fees.makerBps", Fraction(spec.fees.maker_bps) * PPM_OF_BPS),
        taker_fee_ppm=_whole("fees.takerBps", Fraction(spec.fees.taker_bps) * PPM_OF_BPS),
        quote_units_per_tick_lot=_whole("lotSize x tickSize", tick * lot * 10**spec.quote.scale),
        base_units_per_lot=_whole("lotSize", lot * 10**spec.base.scale),
    )
    if rules > FIRST_RULES:
        settings.filters.CopyFrom(filters_of(spec))
    return settings


def filters_of(spec: TradingPairSpec) -> command_pb2.Filters:
    """The filters of rules version 2; raises UnitsError."""
    tick, lot, filters = Fraction(spec.tick_size), Fraction(spec.lot_size), spec.filters
    mode = f"SELF_TRADE_PREVENTION_{spec.self_trade_prevention}"
    return command_pb2.Filters(
        self_trade_prevention=types_pb2.SelfTradePrevention.Value(mode),
        min_price=_whole("filters.price.min", Fraction(filters.price.min) / tick),
        max_price=_whole("filters.price.max", Fraction(filters.price.max) / tick),
        min_quantity=_whole("filters.quantity.min", Fraction(filters.quantity.min) / lot),
        max_quantity=_whole("filters.quantity.max", Fraction(filters.quantity.max) / lot),
        max_notional=_largest("filters.notional.max", Fraction(filters.notional.max) / (tick * lot)),
        notional_applies_to_market=filters.notional.applies_to_market,
        reference_price=_whole("referencePrice", Fraction(spec.reference_price) / tick),
        max_open_orders=filters.max_open_orders,
        **_multipliers(filters.percent_price_by_side),
    )


def _multipliers(filters: PercentPriceFilter) -> dict[str, int]:
    return {
        f"{name}_bps": _whole(f"filters.percentPriceBySide.{name}", Fraction(getattr(filters, name)) * BPS)
        for name in (
            "bid_multiplier_up",
            "bid_multiplier_down",
            "ask_multiplier_up",
            "ask_multiplier_down",
        )
    }


def _whole(field: str, value: Fraction | int) -> int:
    number = int(value)
    if number != value:
        raise UnitsError(f"{field} is {float(value)} of the core's units, which is no whole number")
    if abs(number) > INT64_MAX:
        raise UnitsError(f"{field} is {number} of the core's units, which 64 bits don't hold")
    return number


def _largest(field: str, value: Fraction) -> int:
    """Rounded down, as what is above it is refused; but 0 would switch the limit off."""
    if value and math.floor(value) == 0:
        raise UnitsError(f"{field} is less than one tick on one lot: no order could pass it")
    return _whole(field, math.floor(value))
