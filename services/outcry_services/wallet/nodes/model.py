"""What nodes say, and what the pool holds of them. Times are seconds of a monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "Condition",
    "Identity",
    "NodeStatus",
    "Place",
    "Reason",
    "Sighting",
    "Standing",
    "Tip",
    "TransactionView",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tip:
    """A block by height and hash (lower-case hex, with 0x where the chain's own tools write it)."""

    height: int
    hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Which chain: the hash of its first block and, where the chain has one, its number."""

    genesis: str
    chain_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeStatus:
    """What a node says of itself."""

    tip: Tip
    peers: int | None
    """Connections to others; None where the implementation doesn't tell."""
    syncing: bool
    identity: Identity


class Place(StrEnum):
    """Where a transaction is."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    """In the mempool."""
    MINED = "mined"


@dataclass(frozen=True, kw_only=True, slots=True)
class TransactionView:
    """A transaction as one node sees it."""

    place: Place
    block: Tip | None = None
    """The block that holds it, on the node's best chain; set when mined."""
    confirmations: int = 0
    """1 in the best block; by the node's own word."""
    succeeded: bool = True
    """False: the chain took it and its fee, and undid the rest (Ethereum's status 0)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """A transaction as the majority of the pool sees it."""

    place: Place
    block: Tip | None = None
    confirmations: int = 0
    """As many as a majority of all nodes grants."""
    succeeded: bool = True
    seen_by: frozenset[str] = frozenset()


class Standing(StrEnum):
    """Whether a node is asked and counted."""

    NEW = "new"
    """Not judged yet: neither."""
    READY = "ready"
    """Both."""
    EJECTED = "ejected"
    """It failed too often: left alone until its back-off is over, then tried by a probe."""
    QUARANTINED = "quarantined"
    """It answers, and is neither asked nor counted: see the reason."""


class Reason(StrEnum):
    """Why a node is kept away."""

    NONE = "none"
    ERRORS = "errors"
    SYNCING = "syncing"
    LAGS = "lags"
    ALONE = "alone"
    """Too few peers: what it hears of the chain may be what somebody wants it to hear."""
    FORKED = "forked"
    """Another block than the majority's, below what may differ between honest nodes for a moment."""
    WRONG_CHAIN = "wrong_chain"
    LIED = "lied"

    @property
    def for_good(self) -> bool:
        """Whether a person alone may let the node back."""
        return self in {Reason.WRONG_CHAIN, Reason.LIED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """A node's standing, why, and since when."""

    standing: Standing = Standing.NEW
    reason: Reason = Reason.NONE
    detail: str = ""
    since: float = 0.0
    until: float = 0.0
    """Ejected: when it may be tried again."""
    strikes: int = 0
    """Ejections that are not forgiven yet: each doubles the next back-off."""
    good_rounds: int = 0
    """In a row, on the way back."""
    bad_rounds: int = 0
    """In a row, without a sound answer."""

    @property
    def trusted(self) -> bool:
        """Whether it takes part in forming the majority from which others are judged."""
        return not self.reason.for_good
