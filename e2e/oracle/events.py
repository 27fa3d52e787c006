"""What the oracle says: the events of `outcry.v1`, field by field, in the units of the commands."""

from __future__ import annotations

from typing import NamedTuple

from e2e.oracle.commands import Filters


class OrderAccepted(NamedTuple):
    """The order passed every check."""

    order_id: int
    user_id: int
    side: int
    type: int
    time_in_force: int
    price: int
    quantity: int
    quote_quantity: int
    display_quantity: int
    stop_price: int
    trailing_delta: int
    expire_time_unix_nanos: int
    self_trade_prevention: int
    list_order_id: int


class OrderRejected(NamedTuple):
    """The order failed a check."""

    order_id: int
    user_id: int
    reason: int


class TradeExecuted(NamedTuple):
    """Two orders traded."""

    trade_id: int
    price: int
    quantity: int
    maker_order_id: int
    taker_order_id: int
    maker_user_id: int
    taker_user_id: int
    taker_side: int
    maker_remaining: int
    taker_remaining: int
    maker_fee_ppm: int
    taker_fee_ppm: int


class OrderCancelled(NamedTuple):
    """Its owner ended the order."""

    order_id: int
    user_id: int
    remaining: int


class OrderExpired(NamedTuple):
    """The engine ended the order."""

    order_id: int
    user_id: int
    remaining: int
    reason: int


class CancelRejected(NamedTuple):
    """There was nothing to cancel, or not by this user."""

    order_id: int
    user_id: int
    reason: int


class SettingsChanged(NamedTuple):
    """The settings took effect."""

    trading_status: int
    rules_version: int
    price_band_lower: int
    price_band_upper: int
    min_notional: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    quote_units_per_tick_lot: int
    base_units_per_lot: int


class SettingsRejected(NamedTuple):
    """The settings make no sense."""

    reason: int


class OrderTriggered(NamedTuple):
    """A stop became active."""

    order_id: int
    user_id: int
    trigger_price: int


class OrderAmended(NamedTuple):
    """The order is smaller."""

    order_id: int
    user_id: int
    quantity: int
    remaining: int


class AmendRejected(NamedTuple):
    """The order stays as it is."""

    order_id: int
    user_id: int
    reason: int


class SelfTradePrevented(NamedTuple):
    """Both orders lost the quantity without a trade."""

    price: int
    quantity: int
    maker_order_id: int
    taker_order_id: int
    maker_user_id: int
    taker_user_id: int
    taker_side: int
    maker_remaining: int
    taker_remaining: int


class MassCancelled(NamedTuple):
    """The end of a mass cancel."""

    user_id: int
    side: int
    orders: int


class MassCancelRejected(NamedTuple):
    """The mass cancel failed a check."""

    user_id: int
    reason: int


class DisconnectTimerSet(NamedTuple):
    """The deadline moved; 0: there is none any more."""

    user_id: int
    deadline_unix_nanos: int


class DisconnectTimerRejected(NamedTuple):
    """The timer failed a check."""

    user_id: int
    reason: int


class DisconnectTimerFired(NamedTuple):
    """The end of what a timer did."""

    user_id: int
    orders: int


class AuctionPrice(NamedTuple):
    """The price of a call and what it leaves."""

    price: int
    volume: int
    surplus_side: int
    surplus: int


class AuctionIndicative(AuctionPrice):
    """What the call would do now."""

    __slots__ = ()


class AuctionUncrossed(AuctionPrice):
    """What the call does."""

    __slots__ = ()


class FiltersChanged(Filters):
    """The filters took effect."""

    __slots__ = ()


Body = (
    OrderAccepted
    | OrderRejected
    | TradeExecuted
    | OrderCancelled
    | OrderExpired
    | CancelRejected
    | SettingsChanged
    | SettingsRejected
    | FiltersChanged
    | OrderTriggered
    | OrderAmended
    | AmendRejected
    | SelfTradePrevented
    | MassCancelled
    | MassCancelRejected
    | DisconnectTimerSet
    | DisconnectTimerRejected
    | DisconnectTimerFired
    | AuctionIndicative
    | AuctionUncrossed
)


class Event(NamedTuple):
    """One output. `kind` is the name that the schema's oneof has for the body."""

    seq: int
    source: int
    incarnation: int
    number: int
    time_unix_nanos: int
    kind: str
    body: Body


KINDS: dict[type[Body], str] = {
    OrderAccepted: "order_accepted",
    OrderRejected: "order_rejected",
    TradeExecuted: "trade_executed",
    OrderCancelled: "order_cancelled",
    OrderExpired: "order_expired",
    CancelRejected: "cancel_rejected",
    SettingsChanged: "settings_changed",
    SettingsRejected: "settings_rejected",
    FiltersChanged: "filters_changed",
    OrderTriggered: "order_triggered",
    OrderAmended: "order_amended",
    AmendRejected: "amend_rejected",
    SelfTradePrevented: "self_trade_prevented",
    MassCancelled: "mass_cancelled",
    MassCancelRejected: "mass_cancel_rejected",
    DisconnectTimerSet: "disconnect_timer_set",
    DisconnectTimerRejected: "disconnect_timer_rejected",
    DisconnectTimerFired: "disconnect_timer_fired",
    AuctionIndicative: "auction_indicative",
    AuctionUncrossed: "auction_uncrossed",
}
