"""A pair in the core's units: ticks, lots, tick-lots, and fees in millionths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from outcry.v1 import command_pb2, types_pb2

from outcry_services.common.pairs.errors import SymbolError

if TYPE_CHECKING:
    from outcry_services.common.money import Units

__all__ = ["AllowedLag", "Asset", "Filters", "Pair", "SelfTradePrevention", "TradingStatus", "check_symbol"]

TradingStatus = Literal["TRADING", "HALT", "CANCEL_ONLY", "POST_ONLY", "LIMIT_ONLY", "AUCTION"]
SelfTradePrevention = Literal["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"]

FIRST_RULES = 1

_SYMBOL = re.compile(r"[A-Z0-9]{2,10}-[A-Z0-9]{2,10}", re.ASCII)
_MAX_SHOWN = 32


def check_symbol(text: str, *, field: str = "symbol") -> str:
    """The text, if a pair may be named so; raises `SymbolError`, also for letters that only look right."""
    if not text.isascii():
        raise SymbolError(
            f"{text[:_MAX_SHOWN]!a} has letters of another alphabet; write it in A-Z and 0-9, like BTC-USDT",
            name="SYMBOL_CHARACTERS",
            field=field,
        )
    if not _SYMBOL.fullmatch(text):
        raise SymbolError(f"{text[:_MAX_SHOWN]!r} is no symbol; write it like BTC-USDT", field=field)
    return text


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """One side of a pair; `scale` is the decimals of its ledger unit."""

    name: str
    scale: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """What an order must pass besides band and smallest notional, as in `outcry.v1.Filters`; 0 is off."""

    self_trade_prevention: SelfTradePrevention = "NONE"
    """The mode of orders that name none."""

    min_price: int = 0
    max_price: int = 0
    """Ticks."""

    min_quantity: int = 0
    max_quantity: int = 0
    """Lots."""

    max_notional: int = 0
    """Tick-lots."""

    notional_applies_to_market: bool = False
    """Both notional limits hold for orders without a price, too, valued at the reference price."""

    reference_price: int = 0
    """Ticks; stands for the last price before the first trade."""

    bid_multiplier_up_bps: int = 0
    bid_multiplier_down_bps: int = 0
    ask_multiplier_up_bps: int = 0
    ask_multiplier_down_bps: int = 0
    """Basis points of the reference price."""

    max_open_orders: int = 0
    """Of one account."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AllowedLag:
    """How far a stage may be behind its input for this pair: at 80 % of either, new orders are refused."""

    records: int
    millis: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """One trading pair as its spec states it now."""

    symbol: str
    base: Asset
    quote: Asset
    units: Units
    trading_status: TradingStatus
    rules_version: int
    band_lower: int
    band_upper: int
    """Ticks, inclusive."""

    min_notional: int
    """Tick-lots."""

    maker_fee_ppm: int
    taker_fee_ppm: int
    """Millionths of what a side receives; a negative one of the maker is a rebate."""

    filters: Filters
    """Under rules version 1 all off."""

    allowed_lag: AllowedLag

    def settings(self) -> command_pb2.PairSettings:
        """The command that carries this into the pair's log."""
        return command_pb2.PairSettings(
            trading_status=types_pb2.TradingStatus.Value(f"TRADING_STATUS_{self.trading_status}"),
            rules_version=self.rules_version,
            price_band_lower=self.band_lower,
            price_band_upper=self.band_upper,
            min_notional=self.min_notional,
            maker_fee_ppm=self.maker_fee_ppm,
            taker_fee_ppm=self.taker_fee_ppm,
            quote_units_per_tick_lot=self.units.tick_lot,
            base_units_per_lot=self.units.lot,
            filters=_message(self.filters) if self.rules_version > FIRST_RULES else None,
        )


def _message(filters: Filters) -> command_pb2.Filters:
    mode = f"SELF_TRADE_PREVENTION_{filters.self_trade_prevention}"
    return command_pb2.Filters(
        self_trade_prevention=types_pb2.SelfTradePrevention.Value(mode),
        min_price=filters.min_price,
        max_price=filters.max_price,
        min_quantity=filters.min_quantity,
        max_quantity=filters.max_quantity,
        max_notional=filters.max_notional,
        notional_applies_to_market=filters.notional_applies_to_market,
        reference_price=filters.reference_price,
        bid_multiplier_up_bps=filters.bid_multiplier_up_bps,
        bid_multiplier_down_bps=filters.bid_multiplier_down_bps,
        ask_multiplier_up_bps=filters.ask_multiplier_up_bps,
        ask_multiplier_down_bps=filters.ask_multiplier_down_bps,
        max_open_orders=filters.max_open_orders,
    )
