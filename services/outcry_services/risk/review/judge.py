"""Whether a withdrawal passes, waits or is rejected, on what is known of it. Pure.

What may change by itself is waited for; what may not is rejected, and the funds go back: a user who was
refused can ask again, and funds that were paid can't be had back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.addresses import looks_like
from outcry_services.common.money import format_amount, parse
from outcry_services.risk.errors import USER_SUSPENDED
from outcry_services.risk.limits import UserMode
from outcry_services.risk.review import errors
from outcry_services.risk.review.model import Listing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from outcry_services.risk.review.model import Question
    from outcry_services.risk.review.rules import AssetRules, Tier

__all__ = ["Facts", "Pass", "Reject", "Verdict", "Wait", "judge", "why_not_again"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What counts for one withdrawal besides itself."""

    now: int
    """Unix nanoseconds."""
    mode: UserMode
    listing: Listing
    others: int
    """Withdrawals of this asset that the user asked for in the 24 hours before, without rejected ones."""
    others_amount: int
    """What they come to, in ledger units."""
    address_since: int
    """When the user first asked for one to this address that was not rejected; the review's own time for the
    first one."""
    known_addresses: Collection[str]
    """Others on the same chain to which the user has withdrawn."""
    approvers: Collection[str]


@dataclass(frozen=True, slots=True)
class Pass:
    """It may be signed."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now."""

    reason: str
    not_before: int = 0
    """Unix nanoseconds from which it may pass by itself; 0: it won't."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Never."""

    reason: str
    message: str


Verdict = Pass | Wait | Reject


def judge(asked: Question, *, rules: AssetRules, tier: Tier, new_address_nanos: int, facts: Facts) -> Verdict:
    """The first rule that rejects it, else the first that it waits for."""
    rejected = next(_against(asked, rules, facts), None)
    if rejected is not None:
        return rejected
    not_before = facts.address_since + new_address_nanos
    if facts.listing is not Listing.ALLOW and facts.now < not_before:
        return Wait(errors.NEW_ADDRESS, not_before if len(facts.approvers) >= tier.needed else 0)
    if len(facts.approvers) < tier.needed:
        return Wait(errors.MANUAL_REVIEW)
    return Pass()


def why_not_again(*, mode: UserMode, listing: Listing) -> Wait | None:
    """Why an approval that has expired is not signed anew, though it may be on its way to the chain."""
    if mode is UserMode.SUSPENDED:
        return Wait(USER_SUSPENDED)
    return Wait(errors.DENIED_ADDRESS) if listing is Listing.DENY else None


def _against(asked: Question, rules: AssetRules, facts: Facts) -> Iterator[Reject]:
    scale, asset = asked.scale, asked.ledger_asset
    if facts.mode is UserMode.SUSPENDED:
        yield Reject(USER_SUSPENDED, "the account is suspended")
    if facts.listing is Listing.DENY:
        yield Reject(errors.DENIED_ADDRESS, "no withdrawal goes to this address")
    if asked.ledger_amount > parse(rules.most, scale=scale):
        yield Reject(errors.AMOUNT_ABOVE_MOST, f"{rules.most} {asset} are the most of one withdrawal")
    day, amount = rules.per_day, facts.others_amount + asked.ledger_amount
    if facts.others >= day.count:
        yield Reject(errors.VELOCITY, f"{day.count} withdrawals of {asset} in 24 hours are the most")
    if amount > parse(day.amount, scale=scale):
        yield Reject(
            errors.VELOCITY,
            f"with this one {format_amount(amount, scale=scale)} {asset} would be withdrawn in 24 hours, "
            f"{day.amount} are the most",
        )
    if facts.listing is not Listing.ALLOW:
        alike = next((other for other in facts.known_addresses if looks_like(other, asked.address)), None)
        if alike is not None:
            yield Reject(
                errors.LOOK_ALIKE_ADDRESS,
                f"the address begins and ends like {alike}, to which you have withdrawn, and is another one: "
                "compare every character; support can allow it",
            )
