"""The messages of the feed, as `schema/feed.xml` has them; a test compares the two."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from outcry_engine.feed.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA_ID: Final = 79
SCHEMA_VERSION: Final = 1
BUY: Final = 1
SELL: Final = 2

_HEADER = struct.Struct("<HHHH")


class OrderAdded(NamedTuple):
    """An order came to rest, behind the others of its price."""

    order_id: int
    price: int
    quantity: int
    side: int


class OrderExecuted(NamedTuple):
    """A resting order traded; with `quantity` 0 it is gone."""

    order_id: int
    trade_id: int
    executed: int
    quantity: int


class OrderReduced(NamedTuple):
    """A resting order shows less and keeps its place."""

    order_id: int
    quantity: int


class OrderDeleted(NamedTuple):
    """A resting order is gone without a trade."""

    order_id: int


class OrderRefilled(NamedTuple):
    """An iceberg shows its next slice, behind the others of its price."""

    order_id: int
    price: int
    quantity: int
    side: int


class LevelChanged(NamedTuple):
    """What a price level shows now; with 0 orders it is gone."""

    price: int
    quantity: int
    orders: int
    side: int


class Trade(NamedTuple):
    """Two orders traded; `taker_side` is 0 in an auction."""

    trade_id: int
    price: int
    quantity: int
    taker_side: int


class TradingStatus(NamedTuple):
    """What the pair accepts from here on."""

    band_lower: int
    band_upper: int
    status: int


class AuctionIndicative(NamedTuple):
    """Where the open call would trade now."""

    price: int
    volume: int
    surplus: int
    surplus_side: int


class AuctionUncrossed(NamedTuple):
    """Where the call traded; its trades follow."""

    price: int
    volume: int
    surplus: int
    surplus_side: int


class Hello(NamedTuple):
    """Recovery: the server's first words."""

    session: bytes
    symbol: bytes
    first: int
    next: int
    hot: int


class GapRequest(NamedTuple):
    """Recovery: asks for the events from `first` on, below `end` or (0) up to the newest."""

    first: int
    end: int


class SnapshotRequest(NamedTuple):
    """Recovery: asks for the whole book."""


class SnapshotBegin(NamedTuple):
    """Recovery: the book right after event `sequence`; its orders follow as `OrderAdded`."""

    sequence: int
    orders: int
    band_lower: int
    band_upper: int
    trade_id: int
    trade_price: int
    trade_quantity: int
    indicative_price: int
    indicative_volume: int
    indicative_surplus: int
    indicative_surplus_side: int
    status: int


class SnapshotEnd(NamedTuple):
    """Recovery: all orders of the snapshot have gone before."""

    sequence: int


class GapEnd(NamedTuple):
    """Recovery: all packets of the gap have gone before."""

    next: int


class Refused(NamedTuple):
    """Recovery: the request, or the connection, is refused."""

    reason: int


Message: TypeAlias = (
    OrderAdded
    | OrderExecuted
    | OrderReduced
    | OrderDeleted
    | OrderRefilled
    | LevelChanged
    | Trade
    | TradingStatus
    | AuctionIndicative
    | AuctionUncrossed
    | Hello
    | GapRequest
    | SnapshotRequest
    | SnapshotBegin
    | SnapshotEnd
    | GapEnd
    | Refused
)

LAYOUTS: Final[dict[int, tuple[type[Any], struct.Struct]]] = {
    template: (kind, struct.Struct("<" + fields))
    for template, kind, fields in (
        (1, OrderAdded, "QqqB"),
        (2, OrderExecuted, "QQqq"),
        (3, OrderReduced, "Qq"),
        (4, OrderDeleted, "Q"),
        (5, OrderRefilled, "QqqB"),
        (6, LevelChanged, "qqIB"),
        (7, Trade, "QqqB"),
        (8, TradingStatus, "qqB"),
        (9, AuctionIndicative, "qqqB"),
        (10, AuctionUncrossed, "qqqB"),
        (20, Hello, "10s32sQQB"),
        (21, GapRequest, "QQ"),
        (22, SnapshotRequest, ""),
        (23, SnapshotBegin, "QQqqQqqqqqBB"),
        (24, SnapshotEnd, "Q"),
        (25, GapEnd, "Q"),
        (26, Refused, "B"),
    )
}
_TEMPLATES = {kind: template for template, (kind, _) in LAYOUTS.items()}


def encode(message: Message) -> bytes:
    """Header and fields of a message."""
    template = _TEMPLATES[type(message)]
    fields = LAYOUTS[template][1]
    return _HEADER.pack(fields.size, template, SCHEMA_ID, SCHEMA_VERSION) + fields.pack(*message)


def decode(block: bytes | memoryview) -> Iterator[Message]:
    """The messages in a block, back to back; what a later version added is passed over.

    Raises `MalformedError`.
    """
    at, end = 0, len(block)
    while at < end:
        if end - at < _HEADER.size:
            raise MalformedError("the bytes end inside of a message's header")
        length, template, schema, _ = _HEADER.unpack_from(block, at)
        at += _HEADER.size
        if schema != SCHEMA_ID:
            raise MalformedError(f"schema {schema} is not the feed's")
        if end - at < length:
            raise MalformedError("the bytes end inside of a message")
        known = LAYOUTS.get(template)
        if known is not None:
            kind, fields = known
            if length < fields.size:
                raise MalformedError(f"template {template} has {length} bytes, fewer than its first version")
            yield kind._make(fields.unpack_from(block, at))
        at += length
