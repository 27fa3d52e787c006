from typing import Final, final

from outcry_engine.words import (
    CancelReplaceMode,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradingStatus,
)
from typing_extensions import disjoint_base

__all__ = [
    "AmendOrder",
    "CancelOrder",
    "CancelReplace",
    "Command",
    "Filters",
    "MassCancel",
    "NewOco",
    "NewOrder",
    "PairSettings",
    "SetDisconnectTimer",
    "Tick",
]

@disjoint_base
class Command:
    """What a command asks for. A word that is none stays the number it is."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class NewOrder(Command):
    """A new order."""

    __match_args__: Final[tuple[str, ...]]
    order_id: Final[int]
    user_id: Final[int]
    side: Final[Side | int]
    type: Final[OrderType | int]
    time_in_force: Final[TimeInForce | int]
    price: Final[int]
    quantity: Final[int]
    quote_quantity: Final[int]
    display_quantity: Final[int]
    stop_price: Final[int]
    trailing_delta: Final[int]
    self_trade_prevention: Final[SelfTradePrevention | int]
    trade_group: Final[int]
    expire_time_unix_nanos: Final[int]
    def __new__(
        cls,
        *,
        order_id: int,
        user_id: int,
        side: int,
        type: int,  # noqa: A002 - the schema's name
        time_in_force: int = 0,
        price: int = 0,
        quantity: int = 0,
        quote_quantity: int = 0,
        display_quantity: int = 0,
        stop_price: int = 0,
        trailing_delta: int = 0,
        self_trade_prevention: int = 0,
        trade_group: int = 0,
        expire_time_unix_nanos: int = 0,
    ) -> NewOrder: ...

@final
class CancelOrder(Command):
    """Cancels an open order of the same user."""

    __match_args__: Final[tuple[str, ...]]
    order_id: Final[int]
    user_id: Final[int]
    def __new__(
        cls,
        *,
        order_id: int,
        user_id: int,
    ) -> CancelOrder: ...

@final
class AmendOrder(Command):
    """Lowers the quantity of an open order, which keeps its place."""

    __match_args__: Final[tuple[str, ...]]
    order_id: Final[int]
    user_id: Final[int]
    quantity: Final[int]
    def __new__(
        cls,
        *,
        order_id: int,
        user_id: int,
        quantity: int,
    ) -> AmendOrder: ...

@final
class CancelReplace(Command):
    """Cancels an open order and enters a new one of the same user."""

    __match_args__: Final[tuple[str, ...]]
    cancel_order_id: Final[int]
    mode: Final[CancelReplaceMode | int]
    order: Final[NewOrder]
    def __new__(
        cls,
        *,
        cancel_order_id: int,
        mode: int,
        order: NewOrder,
    ) -> CancelReplace: ...

@final
class NewOco(Command):
    """One cancels the other: a `LIMIT_MAKER` order and a stop order of one side and quantity."""

    __match_args__: Final[tuple[str, ...]]
    user_id: Final[int]
    limit_order_id: Final[int]
    stop_order_id: Final[int]
    side: Final[Side | int]
    quantity: Final[int]
    price: Final[int]
    display_quantity: Final[int]
    stop_price: Final[int]
    stop_limit_price: Final[int]
    stop_time_in_force: Final[TimeInForce | int]
    trailing_delta: Final[int]
    self_trade_prevention: Final[SelfTradePrevention | int]
    trade_group: Final[int]
    def __new__(
        cls,
        *,
        user_id: int,
        limit_order_id: int,
        stop_order_id: int,
        side: int,
        quantity: int,
        price: int,
        display_quantity: int = 0,
        stop_price: int = 0,
        stop_limit_price: int = 0,
        stop_time_in_force: int = 0,
        trailing_delta: int = 0,
        self_trade_prevention: int = 0,
        trade_group: int = 0,
    ) -> NewOco: ...

@final
class MassCancel(Command):
    """Cancels every open order of an account, or of the pair."""

    __match_args__: Final[tuple[str, ...]]
    user_id: Final[int]
    side: Final[Side | int]
    def __new__(
        cls,
        *,
        user_id: int = 0,
        side: int = 0,
    ) -> MassCancel: ...

@final
class SetDisconnectTimer(Command):
    """Moves the time at which an account's open orders end."""

    __match_args__: Final[tuple[str, ...]]
    user_id: Final[int]
    timeout_millis: Final[int]
    def __new__(
        cls,
        *,
        user_id: int,
        timeout_millis: int,
    ) -> SetDisconnectTimer: ...

@final
class Tick(Command):
    """Advances the book's clock."""

    __match_args__: Final[tuple[str, ...]]
    time_unix_nanos: Final[int]
    def __new__(
        cls,
        *,
        time_unix_nanos: int,
    ) -> Tick: ...

@final
class PairSettings(Command):
    """The pair's rules from here on."""

    __match_args__: Final[tuple[str, ...]]
    trading_status: Final[TradingStatus | int]
    rules_version: Final[int]
    price_band_lower: Final[int]
    price_band_upper: Final[int]
    min_notional: Final[int]
    maker_fee_ppm: Final[int]
    taker_fee_ppm: Final[int]
    quote_units_per_tick_lot: Final[int]
    base_units_per_lot: Final[int]
    filters: Final[Filters]
    def __new__(
        cls,
        *,
        trading_status: int = 1,
        rules_version: int = 2,
        price_band_lower: int = 1,
        price_band_upper: int = 1_000_000_000,
        min_notional: int = 0,
        maker_fee_ppm: int = 0,
        taker_fee_ppm: int = 0,
        quote_units_per_tick_lot: int = 1,
        base_units_per_lot: int = 1,
        filters: Filters = ...,
    ) -> PairSettings: ...

@final
class Filters:
    """What else an order must pass; a field of 0 is off."""

    __match_args__: Final[tuple[str, ...]]
    self_trade_prevention: Final[SelfTradePrevention | int]
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
    def __new__(
        cls,
        *,
        self_trade_prevention: int = 0,
        min_price: int = 0,
        max_price: int = 0,
        min_quantity: int = 0,
        max_quantity: int = 0,
        max_notional: int = 0,
        notional_applies_to_market: bool = False,
        reference_price: int = 0,
        bid_multiplier_up_bps: int = 0,
        bid_multiplier_down_bps: int = 0,
        ask_multiplier_up_bps: int = 0,
        ask_multiplier_down_bps: int = 0,
        max_open_orders: int = 0,
    ) -> Filters: ...
    def __eq__(self, other: object, /) -> bool: ...
