"""The words of the ledger: accounts, entries, transactions, holds.

Amounts are signed ledger units. An account is (user, account, asset) for users, and for the house, whose user
id is 0, (account, scope, asset); the scope is a pair's symbol where the pair matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from outcry.v1.types_pb2 import Side

__all__ = [
    "HOUSE",
    "OUTSIDE",
    "Account",
    "Balance",
    "Entry",
    "Hold",
    "HoldKind",
    "Kind",
    "Transaction",
    "shard_source",
]

HOUSE = 0
"""The user id of the house."""


class Account(StrEnum):
    """Where units can be."""

    AVAILABLE = "available"
    """Of a user: free for orders and withdrawals."""
    HELD = "held"
    """Of a user: for open orders and withdrawals."""
    FEES = "fees"
    """What trades paid to the house, less rebates."""
    DEPOSITS = "deposits"
    """The other side of what came in: negative, as much as users brought."""
    WITHDRAWALS_IN_FLIGHT = "withdrawals_in_flight"
    """On the way out."""
    WITHDRAWALS = "withdrawals"
    """The other side of what went out: as much as chains paid to users."""
    CHAIN_FEES = "chain_fees"
    """The other side of what chains took for it."""
    COSTS = "costs"
    """What the house spent on that: negative."""
    ADJUSTMENTS = "adjustments"
    """The other side of recorded adjustments."""
    HOUSE = "house"
    """What the house added where funds were short: negative, and an alert each time."""
    CLEARING = "clearing"
    """Between the two legs of a trade; 0 after both."""


OUTSIDE = frozenset({Account.DEPOSITS, Account.WITHDRAWALS, Account.CHAIN_FEES})
"""The accounts that stand for chains: their sum, negative, is what must be on them."""


class Kind(StrEnum):
    """Why an entry is there, as statements show it."""

    HOLD = "hold"
    RELEASE = "release"
    TRADE = "trade"
    FEE = "fee"
    DEPOSIT = "deposit"
    ADJUSTMENT = "adjustment"
    WITHDRAWAL = "withdrawal"
    PAYOUT = "payout"
    CHAIN_FEE = "chain_fee"
    RETURN = "return"
    COVER = "cover"


class HoldKind(StrEnum):
    """What funds are held for."""

    ORDER = "order"
    WITHDRAWAL = "withdrawal"


class Entry(NamedTuple):
    """One posting to one account."""

    user_id: int
    account: Account
    asset: str
    amount: int
    kind: Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Transaction:
    """All postings of one cause, under its key: `(source, position)` names it for ever.

    A cause is an instruction (`i:<shard>` and its number) or an event's leg (the pair's symbol and
    `seq * 2 + leg`).
    """

    source: str
    position: int
    kind: Kind
    user_id: int
    time_unix_nanos: int
    entries: tuple[Entry, ...]
    symbol: str = ""
    order_id: int = 0
    """Of the order or the withdrawal; 0: neither."""
    trade_id: int = 0
    reference: str = ""
    """What names a deposit or an adjustment outside."""
    note: str = ""
    """Why, and by whom, of an adjustment."""

    @property
    def key(self) -> str:
        """As people and faults name it: `i:7:15`, `e:BTC-USDT:91:1`."""
        return self.key_of(self.source, self.position)

    @property
    def outside(self) -> dict[str, int]:
        """By how much it changes what must be on chains, by asset."""
        changed: dict[str, int] = {}
        for entry in self.entries:
            if entry.account in OUTSIDE:
                changed[entry.asset] = changed.get(entry.asset, 0) - entry.amount
        return changed

    @property
    def outside_name(self) -> str:
        """What a wallet calls it."""
        return self.reference if self.kind is Kind.DEPOSIT else f"withdrawal:{self.order_id}"

    @staticmethod
    def key_of(source: str, position: int) -> str:
        """The name of a cause."""
        if source.startswith("i:"):
            return f"{source}:{position}"
        return f"e:{source}:{position // 2}:{position % 2}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """What is held for one order or withdrawal, and what its trades need to know."""

    id: int
    user_id: int
    kind: HoldKind
    asset: str
    left: int
    per_unit: int = 0
    side: Side.ValueType = Side.SIDE_UNSPECIFIED
    symbol: str = ""
    base: str = ""
    quote: str = ""
    tick_lot: int = 0
    """Quote units of one tick-lot."""
    lot: int = 0
    """Base units of one lot."""


class Balance(NamedTuple):
    """What a user has of an asset."""

    available: int
    held: int


def shard_source(shard: int) -> str:
    """The source of a shard's instructions."""
    return f"i:{shard}"
