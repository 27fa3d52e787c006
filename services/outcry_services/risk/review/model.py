"""What is kept of a review."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outcry_services.risk.review.rules import Tier

__all__ = ["AddressRule", "Listing", "Question", "Review", "Status", "Vote"]


class Status(StrEnum):
    """Of a review."""

    WAITING = "WAITING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


class Listing(StrEnum):
    """What a rule says of an address."""

    ALLOW = "ALLOW"
    DENY = "DENY"
    NONE = "NONE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What the wallet asks about, with the address in its canonical spelling."""

    withdrawal_id: int
    user_id: int
    ledger_asset: str
    ledger_amount: int
    """Ledger units."""
    scale: int
    """Their decimals."""
    chain: str
    network: str
    asset: str
    address: str
    amount: int
    """Chain units."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """What one administrator said; one each."""

    user_id: int
    approve: bool
    reason: str
    actor: str
    time: int

    @property
    def approver(self) -> str:
        """As an approval names them: a person, whichever of their keys they used."""
        return f"user {self.user_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """A question, and what became of it."""

    question: Question
    tier: Tier
    status: Status
    asked_at: int
    """Unix nanoseconds of the first question."""
    decided_at: int = 0
    reason: str = ""
    """What it waits for, or why it was rejected."""
    message: str = ""
    actor: str = ""
    conflict_point: str = ""
    max_fee: str = ""
    votes: tuple[Vote, ...] = ()
    not_before: int = 0

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who said yes, in that order."""
        return tuple(vote.approver for vote in self.votes if vote.approve)


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressRule:
    """An address that is allowed or denied, to one user or (0) to all."""

    chain: str
    network: str
    address: str
    user_id: int
    listing: Listing
    reason: str
    actor: str
    time: int
