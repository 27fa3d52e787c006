"""What the oracle takes: the commands of `outcry.v1`, field by field.

Units as in the schema: prices are ticks, quantities lots, notionals tick-lots, times Unix nanoseconds.
Words are their numbers, so that a wrong word can be said.
"""

from __future__ import annotations

from typing import NamedTuple


class NewOrder(NamedTuple):
    """A new order."""

    order_id: int = 0
    user_id: int = 0
    side: int = 0
    type: int = 0
    time_in_force: int = 0
    price: int = 0
    quantity: int = 0
    quote_quantity: int = 0
    display_quantity: int = 0
    stop_price: int = 0
    trailing_delta: int = 0
    self_trade_prevention: int = 0
    trade_group: int = 0
    expire_time_unix_nanos: int = 0


class CancelOrder(NamedTuple):
    """The end of an open order."""

    order_id: int = 0
    user_id: int = 0


class AmendOrder(NamedTuple):
    """Less of an open order, which keeps its place."""

    order_id: int = 0
    user_id: int = 0
    quantity: int = 0


class CancelReplace(NamedTuple):
    """The end of an open order and a new one, in one step."""

    cancel_order_id: int = 0
    mode: int = 0
    order: NewOrder = NewOrder()


class NewOco(NamedTuple):
    """One cancels the other: a LIMIT_MAKER leg and a stop leg."""

    user_id: int = 0
    limit_order_id: int = 0
    stop_order_id: int = 0
    side: int = 0
    quantity: int = 0
    price: int = 0
    display_quantity: int = 0
    stop_price: int = 0
    stop_limit_price: int = 0
    stop_time_in_force: int = 0
    trailing_delta: int = 0
    self_trade_prevention: int = 0
    trade_group: int = 0


class MassCancel(NamedTuple):
    """The end of many open orders."""

    user_id: int = 0
    side: int = 0


class SetDisconnectTimer(NamedTuple):
    """Moves the time at which a user's open orders end."""

    user_id: int = 0
    timeout_millis: int = 0


class Filters(NamedTuple):
    """What else an order must pass; a field of 0 is off."""

    self_trade_prevention: int = 0
    min_price: int = 0
    max_price: int = 0
    min_quantity: int = 0
    max_quantity: int = 0
    max_notional: int = 0
    notional_applies_to_market: bool = False
    reference_price: int = 0
    bid_multiplier_up_bps: int = 0
    bid_multiplier_down_bps: int = 0
    ask_multiplier_up_bps: int = 0
    ask_multiplier_down_bps: int = 0
    max_open_orders: int = 0


class PairSettings(NamedTuple):
    """What the operator says of the pair."""

    trading_status: int = 0
    rules_version: int = 0
    price_band_lower: int = 0
    price_band_upper: int = 0
    min_notional: int = 0
    maker_fee_ppm: int = 0
    taker_fee_ppm: int = 0
    quote_units_per_tick_lot: int = 0
    base_units_per_lot: int = 0
    filters: Filters = Filters()


class Tick(NamedTuple):
    """The time."""

    time_unix_nanos: int = 0


Body = (
    NewOrder
    | CancelOrder
    | PairSettings
    | Tick
    | AmendOrder
    | CancelReplace
    | NewOco
    | MassCancel
    | SetDisconnectTimer
)


class Command(NamedTuple):
    """One input: what makes it idempotent, its own time for display, and its body."""

    source: int
    incarnation: int
    number: int
    time_unix_nanos: int
    body: Body
