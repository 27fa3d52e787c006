"""Outcry's matching engine: a Rust core with a Python shell.

`Book` is the whole matching engine in the process of the caller, without Kafka and without threads:
see docs/embedding.md. Prices are counts of ticks, quantities counts of lots, notionals tick-lots.

    EngineError
    ├── SettingsError     a book's first settings were refused
    ├── SnapshotError     the bytes are no snapshot of a book
    ├── BatchError        the bytes or the array are no batch of commands or events
    └── RecordError       the record of the input could not be written
"""

from typing import TYPE_CHECKING

from outcry_engine._engine import (
    COMMAND_FIELDS,
    EVENT_FIELDS,
    LAYOUT_VERSION,
    BatchError,
    Book,
    Depth,
    EngineError,
    EventArray,
    OrderView,
    RecordError,
    SettingsError,
    SnapshotError,
    Totals,
    build_info,
)
from outcry_engine._engine.commands import (
    AmendOrder,
    CancelOrder,
    CancelReplace,
    Command,
    Filters,
    MassCancel,
    NewOco,
    NewOrder,
    PairSettings,
    SetDisconnectTimer,
    Tick,
)
from outcry_engine._engine.events import (
    AmendRejected,
    AuctionIndicative,
    AuctionUncrossed,
    CancelRejected,
    DisconnectTimerFired,
    DisconnectTimerRejected,
    DisconnectTimerSet,
    Event,
    FiltersChanged,
    MassCancelled,
    MassCancelRejected,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderTriggered,
    SelfTradePrevented,
    SettingsChanged,
    SettingsRejected,
    TradeExecuted,
    decode_event,
)
from outcry_engine.kinds import CommandKind, EventKind, Stage
from outcry_engine.words import (
    CancelReplaceMode,
    ExpireReason,
    OrderType,
    RejectReason,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradingStatus,
)

if TYPE_CHECKING:
    from outcry_engine.arrays import COMMAND_DTYPE, EVENT_DTYPE

__all__ = [
    "COMMAND_DTYPE",
    "COMMAND_FIELDS",
    "EVENT_DTYPE",
    "EVENT_FIELDS",
    "LAYOUT_VERSION",
    "AmendOrder",
    "AmendRejected",
    "AuctionIndicative",
    "AuctionUncrossed",
    "BatchError",
    "Book",
    "CancelOrder",
    "CancelRejected",
    "CancelReplace",
    "CancelReplaceMode",
    "Command",
    "CommandKind",
    "Depth",
    "DisconnectTimerFired",
    "DisconnectTimerRejected",
    "DisconnectTimerSet",
    "EngineError",
    "Event",
    "EventArray",
    "EventKind",
    "ExpireReason",
    "Filters",
    "FiltersChanged",
    "MassCancel",
    "MassCancelRejected",
    "MassCancelled",
    "NewOco",
    "NewOrder",
    "OrderAccepted",
    "OrderAmended",
    "OrderCancelled",
    "OrderExpired",
    "OrderRejected",
    "OrderTriggered",
    "OrderType",
    "OrderView",
    "PairSettings",
    "RecordError",
    "RejectReason",
    "SelfTradePrevented",
    "SelfTradePrevention",
    "SetDisconnectTimer",
    "SettingsChanged",
    "SettingsError",
    "SettingsRejected",
    "Side",
    "SnapshotError",
    "Stage",
    "Tick",
    "TimeInForce",
    "Totals",
    "TradeExecuted",
    "TradingStatus",
    "build_info",
    "decode_event",
]


def __getattr__(name: str) -> object:
    """Make NumPy's types when they are asked for: NumPy is not needed for anything else."""
    if name in {"COMMAND_DTYPE", "EVENT_DTYPE"}:
        from outcry_engine import arrays  # noqa: PLC0415

        return getattr(arrays, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
