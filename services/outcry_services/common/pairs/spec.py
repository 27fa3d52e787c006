"""The JSON of a pair's spec, as the operator writes it to Consul, and its exact conversion to integers.

The operator computes `PairSettings` from the same fields; the two agree to the last unit, which
`services/tests/common/test_pairs.py` holds. What a service has no use for (pods, topics, feed) is passed
over.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from outcry_services.common.errors import InvalidError
from outcry_services.common.money import I64_MAX, Units
from outcry_services.common.pairs.errors import PairUnreadableError
from outcry_services.common.pairs.pair import (
    FIRST_RULES,
    AllowedLag,
    Asset,
    Filters,
    Pair,
    SelfTradePrevention,
    TradingStatus,
    check_symbol,
)

__all__ = ["read_pair"]

PPM_OF_BPS = 100
BPS = 10_000
MILLIS = {"ms": 1, "s": 1_000, "m": 60_000}


def _positive(text: str) -> str:
    if not text.strip("0."):
        raise ValueError("must be greater than 0")
    return text


Decimal18 = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]*)(\.[0-9]+)?$", max_length=18)]
Positive18 = Annotated[Decimal18, AfterValidator(_positive)]
Bps = Annotated[str, Field(pattern=r"^-?(0|[1-9][0-9]{0,2})(\.[0-9]{1,2})?$", max_length=7)]
Duration = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}(ms|s|m)$")]
Multiplier = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,3})(\.[0-9]{1,4})?$", max_length=9)]


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore")


class _Asset(_Model):
    asset: str = Field(pattern="^[A-Z0-9]{2,10}$")
    scale: int = Field(ge=0, le=18)


class _Band(_Model):
    lower: Positive18
    upper: Positive18


class _Fees(_Model):
    maker_bps: Bps = "0"
    taker_bps: Bps = "0"


class _Range(_Model):
    min: Decimal18 = "0"
    max: Decimal18 = "0"


class _Notional(_Model):
    max: Decimal18 = "0"
    applies_to_market: bool = False


class _PercentPrice(_Model):
    bid_multiplier_up: Multiplier = "0"
    bid_multiplier_down: Multiplier = "0"
    ask_multiplier_up: Multiplier = "0"
    ask_multiplier_down: Multiplier = "0"


class _Filters(_Model):
    price: _Range = _Range()
    quantity: _Range = _Range()
    notional: _Notional = _Notional()
    percent_price_by_side: _PercentPrice = _PercentPrice()
    max_open_orders: int = Field(default=0, ge=0, le=1_000_000)


class _BackPressure(_Model):
    max_records: int = Field(default=50_000, ge=1)
    max_delay: Duration = "5s"


class _Spec(_Model):
    base: _Asset
    quote: _Asset
    tick_size: Positive18
    lot_size: Positive18
    min_notional: Decimal18 = "0"
    price_band: _Band
    fees: _Fees = _Fees()
    trading_status: TradingStatus = "TRADING"
    rules_version: int = Field(default=1, ge=1, le=2)
    self_trade_prevention: SelfTradePrevention = "NONE"
    reference_price: Decimal18 = "0"
    filters: _Filters = _Filters()
    back_pressure: _BackPressure = _BackPressure()


def read_pair(symbol: str, text: bytes) -> Pair:
    """The pair that a spec in JSON describes; raises `PairUnreadableError` naming the field at fault."""
    check_symbol(symbol)
    try:
        spec = _Spec.model_validate_json(text)
    except ValidationError as error:
        faults = (
            f"{'.'.join(map(str, fault['loc'])) or 'JSON'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise PairUnreadableError(f"the spec of {symbol} makes no sense: {'; '.join(faults)}") from error
    if (named := f"{spec.base.asset}-{spec.quote.asset}") != symbol:
        raise PairUnreadableError(f"the spec under {symbol} is that of {named}")
    try:
        return _pair(symbol, spec)
    except (InvalidError, PairUnreadableError) as error:
        raise PairUnreadableError(f"the spec of {symbol} makes no sense: {error.message}") from error


def _pair(symbol: str, spec: _Spec) -> Pair:
    tick, lot = Fraction(spec.tick_size), Fraction(spec.lot_size)
    return Pair(
        symbol=symbol,
        base=Asset(name=spec.base.asset, scale=spec.base.scale),
        quote=Asset(name=spec.quote.asset, scale=spec.quote.scale),
        units=_units(spec, tick=tick, lot=lot),
        trading_status=spec.trading_status,
        rules_version=spec.rules_version,
        band_lower=_whole("priceBand.lower", Fraction(spec.price_band.lower) / tick),
        band_upper=_whole("priceBand.upper", Fraction(spec.price_band.upper) / tick),
        # Rounded up: an order below the stated notional is never let in.
        min_notional=_whole("minNotional", math.ceil(Fraction(spec.min_notional) / (tick * lot))),
        maker_fee_ppm=_whole("fees.makerBps", Fraction(spec.fees.maker_bps) * PPM_OF_BPS),
        taker_fee_ppm=_whole("fees.takerBps", Fraction(spec.fees.taker_bps) * PPM_OF_BPS),
        filters=_filters(spec, tick=tick, lot=lot) if spec.rules_version > FIRST_RULES else Filters(),
        allowed_lag=AllowedLag(
            records=spec.back_pressure.max_records, millis=_millis(spec.back_pressure.max_delay)
        ),
    )


def _units(spec: _Spec, *, tick: Fraction, lot: Fraction) -> Units:
    return Units(
        base_scale=spec.base.scale,
        quote_scale=spec.quote.scale,
        price_scale=(price_scale := _price_scale(spec)),
        tick=_whole("tickSize", tick * 10**price_scale),
        lot=_whole("lotSize", lot * 10**spec.base.scale),
    )


def _price_scale(spec: _Spec) -> int:
    """Decimals of prices: the quote's, more for a finer tick, fewer where 64 bits don't hold the band."""
    decimals = len(spec.tick_size.partition(".")[2])
    scale, upper = max(spec.quote.scale, decimals), Fraction(spec.price_band.upper)
    while scale > decimals and upper * 10**scale > I64_MAX:
        scale -= 1
    return scale


def _filters(spec: _Spec, *, tick: Fraction, lot: Fraction) -> Filters:
    filters = spec.filters
    return Filters(
        self_trade_prevention=spec.self_trade_prevention,
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


def _millis(duration: str) -> int:
    number, unit = duration.rstrip("ms"), duration.lstrip("0123456789")
    return int(number) * MILLIS[unit]


def _multipliers(filters: _PercentPrice) -> dict[str, int]:
    return {
        f"{name}_bps": _whole(f"filters.percentPriceBySide.{to_camel(name)}", Fraction(text) * BPS)
        for name, text in (
            ("bid_multiplier_up", filters.bid_multiplier_up),
            ("bid_multiplier_down", filters.bid_multiplier_down),
            ("ask_multiplier_up", filters.ask_multiplier_up),
            ("ask_multiplier_down", filters.ask_multiplier_down),
        )
    }


def _whole(field: str, value: Fraction | int) -> int:
    number = int(value)
    if number != value:
        raise PairUnreadableError(f"{field} is {float(value)} of the core's units, which is no whole number")
    if abs(number) > I64_MAX:
        raise PairUnreadableError(f"{field} is {number} of the core's units, which 64 bits don't hold")
    return number


def _largest(field: str, value: Fraction) -> int:
    """Rounded down, as what is above it is refused; but 0 would switch the limit off."""
    if value and math.floor(value) == 0:
        raise PairUnreadableError(f"{field} is less than one tick on one lot: no order could pass it")
    return _whole(field, math.floor(value))
