"""What the service speaks of inside: orders, fills, withdrawals, and what is asked for. Frozen, in units.

Prices are ticks, quantities lots, quote quantities tick-lots; amounts are ledger units of their asset.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from outcry.v1.types_pb2 import OrderType, SelfTradePrevention, Side, TimeInForce

if TYPE_CHECKING:
    from outcry_services.common.money import Units

__all__ = [
    "OPEN",
    "Cancel",
    "Fill",
    "Market",
    "MassCancel",
    "MoneyKind",
    "MoneyRequest",
    "MoneyRow",
    "OrderDraft",
    "OrderRow",
    "Status",
    "Terms",
]


class Status(StrEnum):
    """Of an order; the words of `OrderStatus`."""

    PENDING_NEW = "PENDING_NEW"
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"


OPEN = frozenset({Status.PENDING_NEW, Status.NEW, Status.PARTIALLY_FILLED})
"""Every other status is an order's last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Market:
    """What an order keeps of its pair for ever, so that it can be shown when the pair is gone."""

    symbol: str
    base_asset: str
    quote_asset: str
    units: Units


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """An order as the engine gets it, without its id and owner."""

    side: Side.ValueType
    type: OrderType.ValueType
    time_in_force: TimeInForce.ValueType = TimeInForce.TIME_IN_FORCE_UNSPECIFIED
    price: int = 0
    quantity: int = 0
    quote_quantity: int = 0
    display_quantity: int = 0
    stop_price: int = 0
    trailing_delta: int = 0
    self_trade_prevention: SelfTradePrevention.ValueType = (
        SelfTradePrevention.SELF_TRADE_PREVENTION_UNSPECIFIED
    )
    expire_time_unix_nanos: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderDraft:
    """An order that may be entered: checked, with its hold computed; without a number yet.

    `digest` names its content: the same clientOrderId with another digest is a conflict.
    """

    user_id: int
    client_order_id: str
    named: bool
    """The client gave the id: it may be there already."""
    digest: bytes
    market: Market
    terms: Terms
    hold_asset: str
    hold: int
    hold_per_unit: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancel:
    """The end of one order, asked for by its owner."""

    user_id: int
    symbol: str
    order_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MassCancel:
    """The end of all open orders of a user in a pair, of one side or both."""

    user_id: int
    symbol: str
    side: Side.ValueType = Side.SIDE_UNSPECIFIED


class MoneyKind(StrEnum):
    """What moves money without an order."""

    DEPOSIT = "DEPOSIT"
    ADJUSTMENT = "ADJUSTMENT"
    WITHDRAWAL = "WITHDRAWAL"


@dataclass(frozen=True, kw_only=True, slots=True)
class MoneyRequest:
    """A deposit, an adjustment or a withdrawal; `reference` makes it idempotent."""

    kind: MoneyKind
    user_id: int
    reference: str
    digest: bytes
    asset: str
    scale: int
    amount: int
    detail: str = ""
    """The address of a withdrawal, the reason of an adjustment."""
    actor: str = ""
    network: str = ""
    """Where a withdrawal is to be paid; empty: its asset has one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderRow:
    """An order as its shard keeps it; times are Unix nanoseconds."""

    order_id: int
    draft: OrderDraft
    status: Status = Status.PENDING_NEW
    reason: str = ""
    executed: int = 0
    """Lots."""
    quote_executed: int = 0
    """Tick-lots."""
    seq: int = 0
    """Of the last event of its pair that is in here."""
    created: int = 0
    updated: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class MoneyRow:
    """A deposit, adjustment or withdrawal as its shard keeps it. Status: PENDING, DONE, HELD or REFUSED."""

    number: int
    request: MoneyRequest
    status: str = "PENDING"
    reason: str = ""
    created: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Fill:
    """One leg of a trade (0 maker, 1 taker), from its owner's side; `fee` is of `fee_asset`."""

    symbol: str
    trade_id: int
    leg: int
    order_id: int
    user_id: int
    side: Side.ValueType
    price: int
    quantity: int
    fee_ppm: int
    time: int
    id: int = 0
    """Its place among the fills of its shard, once stored."""
    market: Market | None = field(default=None, compare=False)
    """Of its order, when read."""
