from collections.abc import Sequence
from os import PathLike
from types import TracebackType
from typing import Any, Final, Protocol, Self, final

from outcry_engine._engine import commands, events, feed, metrics
from outcry_engine._engine.commands import Command, PairSettings
from outcry_engine._engine.events import Event
from outcry_engine._engine.feed import FeedSettings, FeedStatus
from outcry_engine._engine.metrics import Metrics
from outcry_engine.kinds import Stage
from outcry_engine.words import OrderType, Side, TimeInForce
from typing_extensions import Buffer

__all__ = [
    "COMMAND_FIELDS",
    "EVENT_FIELDS",
    "LAYOUT_VERSION",
    "RULES_VERSION",
    "BatchError",
    "Book",
    "CheckpointError",
    "Depth",
    "DrainError",
    "Engine",
    "EngineError",
    "EventArray",
    "OrderView",
    "RecordError",
    "Replay",
    "SettingsError",
    "SnapshotError",
    "StartError",
    "Status",
    "StoppedError",
    "ThreadBeat",
    "Totals",
    "build_info",
    "commands",
    "configure_logs",
    "describe_checkpoint",
    "events",
    "feed",
    "metrics",
    "replay_records",
]

RULES_VERSION: int
"""The newest matching rules that this build carries out; it carries out all older ones too."""

@final
class Replay:
    """A book fed with records of `matching.{symbol}` as an engine would be."""

    commands: int
    repeated: int
    poison: int
    last_poison: str | None
    def __new__(cls, symbol: str) -> Replay: ...
    def apply(self, record: bytes) -> bytes: ...
    def apply_all(self, records: list[bytes]) -> bytes: ...
    @property
    def seq(self) -> int: ...
    @property
    def resting_orders(self) -> int: ...
    def depth(self, levels: int) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]: ...
    def snapshot(self) -> bytes: ...
    @staticmethod
    def restore(symbol: str, snapshot: bytes) -> Replay: ...

def replay_records(records: list[bytes], symbol: str) -> bytes: ...
def describe_checkpoint(path: str) -> str: ...
def build_info() -> dict[str, str]: ...
def configure_logs(level: str, fixed: Sequence[tuple[str, str]]) -> None: ...

class EngineError(Exception): ...
class StartError(EngineError): ...
class DrainError(EngineError): ...
class CheckpointError(EngineError): ...
class StoppedError(EngineError): ...
class SettingsError(EngineError): ...
class SnapshotError(EngineError): ...
class BatchError(EngineError): ...
class RecordError(EngineError): ...

@final
class ThreadBeat:
    """Sign of life of one thread: input, match, output, checkpoint, disk, probe, feed or recovery."""

    @property
    def name(self) -> str: ...
    @property
    def beats(self) -> int: ...
    @property
    def age_seconds(self) -> float: ...

@final
class Status:
    """What an engine says of itself. Ages are seconds; None: never yet."""

    @property
    def role(self) -> str: ...
    @property
    def epoch(self) -> int: ...
    @property
    def seq(self) -> int: ...
    @property
    def published_seq(self) -> int: ...
    @property
    def seen_seq(self) -> int: ...
    @property
    def input_offset(self) -> int: ...
    @property
    def input_end_offset(self) -> int: ...
    @property
    def lag_seconds(self) -> float: ...
    @property
    def caught_up(self) -> bool: ...
    @property
    def checkpoint_seq(self) -> int: ...
    @property
    def checkpoint_age(self) -> float | None: ...
    @property
    def checkpoint_error(self) -> str: ...
    @property
    def poison_records(self) -> int: ...
    @property
    def repeated_commands(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def resting_orders(self) -> int: ...
    @property
    def thread_beats(self) -> list[ThreadBeat]: ...
    @property
    def panicked(self) -> str | None: ...
    @property
    def oldest_unacked_age(self) -> float | None: ...
    @property
    def kafka_read_age(self) -> float | None: ...
    @property
    def kafka_write_age(self) -> float | None: ...
    @property
    def superseded_by(self) -> int | None: ...
    @property
    def clock_offset(self) -> float | None: ...
    @property
    def match_cpus(self) -> list[int]: ...
    @property
    def spinning(self) -> bool: ...
    @property
    def feed(self) -> FeedStatus | None: ...

@final
class Depth:
    """The best levels, (price, quantity, orders), right after the event `seq`."""

    @property
    def seq(self) -> int: ...
    @property
    def bids(self) -> list[tuple[int, int, int]]: ...
    @property
    def asks(self) -> list[tuple[int, int, int]]: ...
    @property
    def resting_orders(self) -> int: ...
    @property
    def last_price(self) -> int: ...
    @property
    def last_quantity(self) -> int: ...

@final
class Engine:
    """The threads around one book, from its construction until `stop`."""

    def __new__(
        cls,
        *,
        symbol: str,
        replica: str,
        bootstrap_servers: str,
        data_dir: str | PathLike[str],
        checkpoint_interval: float = 0.1,
        snapshot_interval: float = 0.1,
        detection_time: float = 1.0,
        spin: str = "auto",
        cpu: int | None = None,
        kafka_extra: Sequence[tuple[str, str]] = ...,
        feed: FeedSettings | None = None,
    ) -> Engine: ...
    def status(self) -> Status: ...
    def promote(self, epoch: int) -> None: ...
    def demote(self, reason: str) -> None: ...
    def drain(self, timeout_seconds: float) -> int: ...
    def checkpoint(self) -> tuple[int, int]: ...
    def depth(self, levels: int) -> Depth: ...
    def metrics(self) -> Metrics: ...
    def stop(self) -> None: ...

LAYOUT_VERSION: Final[int]
COMMAND_FIELDS: Final[tuple[tuple[str, str], ...]]
EVENT_FIELDS: Final[tuple[tuple[str, str], ...]]

@final
class EventArray:
    """The events of one array of commands: a read-only buffer of EVENT_DTYPE records."""

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

class _Array(Protocol):
    """NumPy's array, which types itself as a buffer from Python 3.12 on."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...

@final
class OrderView:
    """An open order."""

    __match_args__: Final[tuple[str, ...]]
    order_id: Final[int]
    user_id: Final[int]
    side: Final[Side]
    type: Final[OrderType]
    time_in_force: Final[TimeInForce]
    price: Final[int]
    quantity: Final[int]
    remaining: Final[int]
    displayed: Final[int]
    stop_price: Final[int]
    stage: Final[Stage]
    list_order_id: Final[int]
    expire_time_unix_nanos: Final[int]
    def __eq__(self, other: object, /) -> bool: ...

@final
class Totals:
    """Sums over the whole book: orders, lots shown and hidden, accounts with a timer."""

    __match_args__: Final[tuple[str, ...]]
    open_orders: Final[int]
    resting: Final[int]
    waiting: Final[int]
    queued: Final[int]
    bids_displayed: Final[int]
    bids_hidden: Final[int]
    asks_displayed: Final[int]
    asks_hidden: Final[int]
    timers: Final[int]
    def __eq__(self, other: object, /) -> bool: ...

@final
class Book:
    """The order book of one pair, for one thread at a time.

    Each call gives the events of its command, in the order of their seq. A call while another one
    runs raises RuntimeError.
    """

    def __new__(
        cls,
        settings: PairSettings | None = None,
        *,
        symbol: str = "BOOK",
        source: int = 2048,
        record: str | PathLike[str] | None = None,
    ) -> Book: ...
    @staticmethod
    def empty(
        *, symbol: str = "BOOK", source: int = 2048, record: str | PathLike[str] | None = None
    ) -> Book: ...
    @staticmethod
    def restore(snapshot: bytes, *, symbol: str = "BOOK", source: int = 2048) -> Book: ...
    def submit(
        self,
        order_id: int,
        user_id: int,
        side: int,
        type: int,  # noqa: A002 - the schema's name
        quantity: int = 0,
        price: int = 0,
        time_in_force: int | None = None,
        *,
        quote_quantity: int = 0,
        display_quantity: int = 0,
        stop_price: int = 0,
        trailing_delta: int = 0,
        self_trade_prevention: int = 0,
        trade_group: int = 0,
        expire_time_unix_nanos: int = 0,
    ) -> list[Event]: ...
    def cancel(self, order_id: int, user_id: int) -> list[Event]: ...
    def amend(self, order_id: int, user_id: int, quantity: int) -> list[Event]: ...
    def cancel_replace(
        self,
        cancel_order_id: int,
        order_id: int,
        user_id: int,
        side: int,
        type: int,  # noqa: A002 - the schema's name
        quantity: int = 0,
        price: int = 0,
        time_in_force: int | None = None,
        *,
        mode: int = 1,
        quote_quantity: int = 0,
        display_quantity: int = 0,
        stop_price: int = 0,
        trailing_delta: int = 0,
        self_trade_prevention: int = 0,
        trade_group: int = 0,
        expire_time_unix_nanos: int = 0,
    ) -> list[Event]: ...
    def oco(
        self,
        limit_order_id: int,
        stop_order_id: int,
        user_id: int,
        side: int,
        quantity: int,
        price: int,
        *,
        display_quantity: int = 0,
        stop_price: int = 0,
        stop_limit_price: int = 0,
        stop_time_in_force: int = 0,
        trailing_delta: int = 0,
        self_trade_prevention: int = 0,
        trade_group: int = 0,
    ) -> list[Event]: ...
    def mass_cancel(self, user_id: int = 0, side: int | None = None) -> list[Event]: ...
    def set_disconnect_timer(self, user_id: int, timeout_millis: int) -> list[Event]: ...
    def tick(self, time_unix_nanos: int) -> list[Event]: ...
    def change_settings(self, settings: PairSettings) -> list[Event]: ...
    def apply(
        self, source: int, incarnation: int, number: int, body: Command, time_unix_nanos: int = 0
    ) -> list[Event]: ...
    def batch(self, commands: Sequence[Command]) -> list[Event]: ...
    def apply_array(self, commands: Buffer | _Array) -> EventArray: ...
    def apply_record(self, record: bytes) -> bytes: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...
    def depth(self, levels: int = 20) -> Depth: ...
    @property
    def settings(self) -> PairSettings | None: ...
    def order(self, order_id: int) -> OrderView | None: ...
    def orders_at(self, side: int, price: int) -> list[OrderView]: ...
    def totals(self) -> Totals: ...
    def snapshot(self) -> bytes: ...
    @property
    def seq(self) -> int: ...
    @property
    def clock_unix_nanos(self) -> int: ...
    @property
    def symbol(self) -> str: ...
    @property
    def source(self) -> int: ...
