"""What the wallet keeps of withdrawals and of the transactions that pay them. Times are Unix nanoseconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ENDED", "HOT", "Form", "Kind", "Payment", "Standing", "State", "Transaction", "Withdrawal"]

HOT = "0/0"
"""Path of the account that pays out, below the quorum's key."""


class State(StrEnum):
    """Of a withdrawal, as the wallet has it."""

    NEW = "NEW"
    """Its id is known, and nothing else."""
    REVIEW = "REVIEW"
    """It can be paid, if risk agrees: nothing is reserved for it."""
    QUEUED = "QUEUED"
    """Risk has nothing against it; it waits for funds and for its turn."""
    BOUND = "BOUND"
    """Part of a payment, and bound to its conflict point for ever."""
    SENT = "SENT"
    """Durable in the books; its transaction may be anywhere."""
    REJECTED = "REJECTED"
    """Never to be signed; the hold is to return."""
    PAID = "PAID"
    RELEASED = "RELEASED"
    RETURNED = "RETURNED"
    ELSEWHERE = "ELSEWHERE"
    """Of another chain: not this wallet's."""


ENDED = frozenset({State.PAID, State.RELEASED, State.RETURNED, State.ELSEWHERE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdrawal:
    """One withdrawal. Until it was read from the books all but `id` is empty."""

    id: int
    state: State
    user_id: int = 0
    asset: str = ""
    """As the ledger names it."""
    scale: int = 0
    amount: int = 0
    """Ledger units."""
    units: int = 0
    """The same in units of the chain."""
    asked_address: str = ""
    """As the user wrote it."""
    address: str = ""
    """As approvals and signers write it."""
    requested_at: int = 0
    reason: str = ""
    """One word that the user sees: why it stands where it stands."""
    note: str = ""
    conflict_point: str = ""
    max_fee: int = 0
    approval: bytes = b""
    """A serialized `SignedApproval`."""
    payment: int | None = None
    retries: int = 0
    """An operator's, that were seen."""
    updated: int = 0


class Kind(StrEnum):
    """What a payment is for."""

    PAYOUT = "PAYOUT"
    GATHER = "GATHER"
    """What came to a user's deposit address goes to the account that pays out."""
    GAS = "GAS"
    """Ether for a deposit address, so that it can send its tokens."""


class Standing(StrEnum):
    """How far a payment is."""

    BUILT = "BUILT"
    """Nobody but the signers has seen it."""
    SENT = "SENT"
    """Durable in the books: nodes may have it."""
    CONFIRMED = "CONFIRMED"
    DROPPED = "DROPPED"
    """Never signed whole, and never will be."""
    LOST = "LOST"
    """Something else spent what it spends."""


class Form(StrEnum):
    """How far one version of a payment is."""

    BUILT = "BUILT"
    SIGNED = "SIGNED"
    SENT = "SENT"


@dataclass(frozen=True, kw_only=True, slots=True)
class Payment:
    """What one transaction pays, in whichever of its versions the chain takes it."""

    id: int
    kind: Kind
    standing: Standing
    reason: str
    asked: bool
    """A signer was asked for more than whether it would: a whole signature may exist."""
    created: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Transaction:
    """One version of a payment. `fee` in the chain's units, `size` virtual bytes or units of gas."""

    txid: str
    payment: int
    version: int
    form: Form
    unsigned: bytes
    signed: bytes
    fee: int
    size: int
    created: int
    source: str = HOT
    """Path of the account that signs."""
    account: str = ""
    """The same as an address, where it isn't the one that pays out."""
    target: str = ""
    """Path of the account of ours that it goes to; empty: to nobody of ours."""
