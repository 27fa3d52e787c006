from typing import Final, final

from outcry_engine.words import (
    ExpireReason,
    OrderType,
    RejectReason,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradingStatus,
)
from typing_extensions import disjoint_base

__all__ = [
    "AmendRejected",
    "AuctionIndicative",
    "AuctionUncrossed",
    "CancelRejected",
    "DisconnectTimerFired",
    "DisconnectTimerRejected",
    "DisconnectTimerSet",
    "Event",
    "FiltersChanged",
    "MassCancelRejected",
    "MassCancelled",
    "OrderAccepted",
    "OrderAmended",
    "OrderCancelled",
    "OrderExpired",
    "OrderRejected",
    "OrderTriggered",
    "SelfTradePrevented",
    "SettingsChanged",
    "SettingsRejected",
    "TradeExecuted",
    "decode_event",
]

@disjoint_base
class Event:
    """What every event has: its seq, and the command that caused it."""

    seq: Final[int]
    source: Final[int]
    incarnation: Final[int]
    number: Final[int]
    time_unix_nanos: Final[int]
    def encode(self) -> bytes: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[object, tuple[bytes]]: ...

def decode_event(encoded: bytes) -> Event: ...

@final
class OrderAccepted(Event):
    """The order passed every check; its trades and, if it may not rest, its expiry follow."""

    __match_args__: Final[tuple[str, ...]]
    order_id: Final[int]
    user_id: Final[int]
    side: Final[Side]
    type: Final[OrderType]
    time_in_force: Final[TimeInForce]
    price: Final[int]
    quantity: Final[int]
    quote_quantity: Final[int]
    display_quantity: Final[int]
    stop_price: Final[int]
    trailing_delta: Final[int]
    expire_time_unix_nanos: Final[int]
    self_trade_prevention: Final[SelfTradePrevention | None]
    list_order_id: Final[int]

@final
class OrderRejected(Event):
    """The order was refused."""

    __match_args__: Final[tuple[str, ...]]
    order_id: Final[int]
    user_id: Final[int]
    reason: Final[RejectReason]

@final
class TradeExecuted(Event):
    """One fill: a maker and a taker."""

    __match_args__: Final[tuple[str, ...]]
    trade_id: Final[int]
    price: Final[int]
    quantity: Final[int]
    maker_order_id: Final[int]
    taker_order_id: Final[int]
    maker_user_id: Final[int]
    taker_user_id: Final[int]
    taker_side: Final[Side]
    maker_remaining: Final[int]
    taker_remaining: Final[int]
    maker_fee_ppm: Final[int]
    taker_fee_ppm: Final[int]

@final
class OrderCancelled(Event):
    """Its owner ended the order."""

    __match_args__: Final[tuple[str, ...]]
    order_id: Final[int]
    user_id: Final[int]
    remaining: Final[int]

@final
class OrderExpired(Event):
    """The engine ended the order."""

    __match_args__: Final[tuple[str, ...]]
    order_id: Final[int]
    user_id: Final[int]
    remaining: Final[int]
    reason: Final[ExpireReason]

@final
class CancelRejected(Event):
    """The cancel was refused."""

    __match_args__: Final[tuple[str, ...]]
    order_id: Final[int]
    user_id: Final[int]
    reason: Final[RejectReason]

@final
class SettingsChanged(Event):
    """The pair's settings from here on."""

    __match_args__: Final[tuple[str, ...]]
    trading_status: Final[TradingStatus]
    rules_version: Final[int]
    price_band_lower: Final[int]
    price_band_upper: Final[int]
    min_notional: Final[int]
    maker_fee_ppm: Final[int]
    taker_fee_ppm: Final[int]
    quote_units_per_tick_lot: Final[int]
    base_units_per_lot: Final[int]

@final
class SettingsRejected(Event):
    """The settings were refused."""

    __match_args__: Final[tuple[str, ...]]
    reason: Final[RejectReason]

@final
class FiltersChanged(Event):
    """The pair's filters from here on."""

    __match_args__: Final[tuple[str, ...]]
    self_trade_prevention: Final[SelfTradePrevention]
    min_price: Final[int]
    max_price: Final[int]
    min_quantity: Final[int]
    max_quantity: Final[int]
    max_notional: Final[int]
    notional_applies_to_market: Final[bool]
    reference_price: Final[int]
    bid_multiplier_up_bps: Final[int]
    bid_multiplier_down_bps: Final[int]
    ask_multiplier_up_bps: Final[int]
    ask_multiplier_down_bps: Final[int]
    max_open_orders: Final[int]

@final
class OrderTriggered(Event):
    """A stop became active."""

    __match_args__: Final[tuple[str, ...]]
    order_id: Final[int]
    user_id: Final[int]
    trigger_price: Final[int]

@final
class OrderAmended(Event):
    """The order is smaller and kept its place."""

    __match_args__: Final[tuple[str, ...]]
    order_id: Final[int]
    user_id: Final[int]
    quantity: Final[int]
    remaining: Final[int]

@final
class AmendRejected(Event):
    """The amendment was refused."""

    __match_args__: Final[tuple[str, ...]]
    order_id: Final[int]
    user_id: Final[int]
    reason: Final[RejectReason]

@final
class SelfTradePrevented(Event):
    """No trade: both orders lost the quantity."""

    __match_args__: Final[tuple[str, ...]]
    price: Final[int]
    quantity: Final[int]
    maker_order_id: Final[int]
    taker_order_id: Final[int]
    maker_user_id: Final[int]
    taker_user_id: Final[int]
    taker_side: Final[Side]
    maker_remaining: Final[int]
    taker_remaining: Final[int]

@final
class MassCancelled(Event):
    """The end of a mass cancel."""

    __match_args__: Final[tuple[str, ...]]
    user_id: Final[int]
    side: Final[Side | None]
    orders: Final[int]

@final
class MassCancelRejected(Event):
    """The mass cancel was refused."""

    __match_args__: Final[tuple[str, ...]]
    user_id: Final[int]
    reason: Final[RejectReason]

@final
class DisconnectTimerSet(Event):
    """When an account's open orders end unless it moves that time."""

    __match_args__: Final[tuple[str, ...]]
    user_id: Final[int]
    deadline_unix_nanos: Final[int]

@final
class DisconnectTimerRejected(Event):
    """The timer was refused."""

    __match_args__: Final[tuple[str, ...]]
    user_id: Final[int]
    reason: Final[RejectReason]

@final
class DisconnectTimerFired(Event):
    """An account's open orders ended because its timer ran out."""

    __match_args__: Final[tuple[str, ...]]
    user_id: Final[int]
    orders: Final[int]

@final
class AuctionIndicative(Event):
    """Where the open call would trade now."""

    __match_args__: Final[tuple[str, ...]]
    price: Final[int]
    volume: Final[int]
    surplus_side: Final[Side | None]
    surplus: Final[int]

@final
class AuctionUncrossed(Event):
    """Where the call trades."""

    __match_args__: Final[tuple[str, ...]]
    price: Final[int]
    volume: Final[int]
    surplus_side: Final[Side | None]
    surplus: Final[int]
