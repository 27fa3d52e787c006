"""The life of a withdrawal, decided in one place: which step may follow which. Pure.

    PENDING → REFUSED                        position's answer to the request
       └───→ HELD ⇄ QUEUED, IN_REVIEW, APPROVED, SIGNING, REJECTED      told by the wallet, money stays held
               ├─→ RELEASED                  numbered; from anything before SENT but SIGNING
               └─→ (SIGNING) → SENT          numbered; before any node is handed the transaction
                                 ├─→ COMPLETED   numbered; by a transaction that was sent
                                 └─→ RETURNED    numbered; the conflict point was spent and paid nobody

While it is SIGNING a whole signature may exist that nobody here knows of: nothing is released then, and it
is SENT before anything is broadcast. So a release and a payment exclude each other by the shard's transaction
alone, whatever dies between two steps.

A step that was taken already is a repeat. One that may not follow is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from outcry.v1.instruction_pb2 import ReleaseReason, ReturnReason

from outcry_services.common.ids import OrderId, shard_of_user
from outcry_services.order.errors import PayoutStepError

if TYPE_CHECKING:
    from outcry_services.order.model import MoneyRequest

__all__ = [
    "ENDED",
    "TOLD",
    "Advanced",
    "Complete",
    "Happened",
    "Payout",
    "PayoutStep",
    "Release",
    "Retry",
    "Return",
    "Send",
    "Stage",
    "Step",
    "Tell",
    "advance",
    "is_numbered",
]


class Stage(StrEnum):
    """Of a withdrawal, as its user sees it."""

    PENDING = "PENDING"
    REFUSED = "REFUSED"
    HELD = "HELD"
    QUEUED = "QUEUED"
    IN_REVIEW = "IN_REVIEW"
    APPROVED = "APPROVED"
    SIGNING = "SIGNING"
    REJECTED = "REJECTED"
    SENT = "SENT"
    COMPLETED = "COMPLETED"
    RELEASED = "RELEASED"
    RETURNED = "RETURNED"


ENDED = frozenset({Stage.REFUSED, Stage.COMPLETED, Stage.RELEASED, Stage.RETURNED})

TOLD: dict[Stage, frozenset[Stage]] = {
    Stage.QUEUED: frozenset({Stage.HELD, Stage.QUEUED, Stage.IN_REVIEW, Stage.APPROVED, Stage.SIGNING}),
    Stage.IN_REVIEW: frozenset({Stage.HELD, Stage.QUEUED, Stage.IN_REVIEW, Stage.APPROVED, Stage.SIGNING}),
    Stage.APPROVED: frozenset({Stage.IN_REVIEW}),
    Stage.SIGNING: frozenset({Stage.APPROVED}),
    Stage.REJECTED: frozenset({Stage.HELD, Stage.QUEUED, Stage.IN_REVIEW, Stage.APPROVED}),
}
"""What the wallet may tell, and behind which stages. Leaving SIGNING says that nothing whole was signed."""

_UNSENT = frozenset({Stage.HELD, Stage.SIGNING, *TOLD})


@dataclass(frozen=True, kw_only=True, slots=True)
class Payout:
    """A withdrawal as its shard keeps it; times are Unix nanoseconds."""

    number: int
    request: MoneyRequest
    stage: Stage = Stage.PENDING
    reason: str = ""
    chain: str = ""
    network: str = ""
    """Of the chain, once it was sent."""
    conflict_point: str = ""
    transactions: tuple[str, ...] = ()
    """All that were sent, the last one last."""
    retries: int = 0
    created: int = 0
    answered: int = 0
    """When position's answer was made; 0: it was not."""
    updated: int = 0

    @property
    def id(self) -> int:
        """As an order's: number and shard."""
        return int(OrderId.make(shard=self.shard, number=self.number))

    @property
    def shard(self) -> int:
        """Of its user."""
        return shard_of_user(self.request.user_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tell:
    """What the wallet is at."""

    stage: Stage
    reason: str = ""
    note: str = ""
    actor: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """An operator wants it tried again: from the beginning, or what was sent with a higher fee."""

    note: str
    actor: str
    reason: str = "RETRY"


@dataclass(frozen=True, kw_only=True, slots=True)
class Send:
    """It may be on its way from now on."""

    chain: str
    network: str
    transaction_id: str
    conflict_point: str
    reason: str = ""
    note: str = ""
    actor: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Complete:
    """The chain confirmed it; `fee` in ledger units of `fee_asset`."""

    transaction_id: str
    fee_asset: str
    fee: int
    reason: str = ""
    note: str = ""
    actor: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """It is never sent."""

    code: ReleaseReason.ValueType
    note: str = ""
    actor: str = ""

    @property
    def reason(self) -> str:
        """As users see it."""
        return ReleaseReason.Name(self.code).removeprefix("RELEASE_REASON_")


@dataclass(frozen=True, kw_only=True, slots=True)
class Return:
    """It was sent and can't be paid any more."""

    code: ReturnReason.ValueType
    spent_by: str
    fee_asset: str = ""
    fee: int = 0
    note: str = ""
    actor: str = ""

    @property
    def reason(self) -> str:
        """As users see it."""
        return ReturnReason.Name(self.code).removeprefix("RETURN_REASON_")


Step = Tell | Retry | Send | Complete | Release | Return


@dataclass(frozen=True, kw_only=True, slots=True)
class PayoutStep:
    """A step of a user's withdrawal, by the withdrawal's number in the user's shard."""

    user_id: int
    number: int
    asset: str
    amount: int
    step: Step

    @classmethod
    def of(cls, payout: Payout, step: Step) -> PayoutStep:
        """A step of this withdrawal."""
        asked = payout.request
        return cls(
            user_id=asked.user_id, number=payout.number, asset=asked.asset, amount=asked.amount, step=step
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Happened:
    """A step that was taken, as its shard remembers it."""

    time: int
    stage: Stage
    reason: str
    transaction_id: str
    note: str
    actor: str


@dataclass(frozen=True, slots=True)
class Advanced:
    """What a step makes of a withdrawal; `fresh`: it was not taken before."""

    payout: Payout
    fresh: bool


def is_numbered(payout: Payout, step: Step) -> bool:
    """Whether a fresh step moves money, and so is an instruction of the shard."""
    if isinstance(step, Send):
        return payout.stage is not Stage.SENT
    return isinstance(step, Complete | Release | Return)


def advance(payout: Payout, step: Step, *, now: int) -> Advanced:
    """Take a step; raises `PayoutStepError` for one that may not follow."""
    after = _after(payout, step)
    if after is None:
        return Advanced(payout, fresh=False)
    return Advanced(replace(after, reason=step.reason, updated=max(now, payout.updated)), fresh=True)


def _after(payout: Payout, step: Step) -> Payout | None:
    """None: it was taken already."""
    match step:
        case Tell():
            return _tell(payout, step)
        case Retry():
            return _retry(payout)
        case Send():
            return _send(payout, step)
        case Complete():
            return _complete(payout, step)
        case Release():
            return _release(payout)
        case Return():
            return _return(payout, step)


def _tell(payout: Payout, step: Tell) -> Payout | None:
    if payout.stage is step.stage and payout.reason == step.reason:
        return None
    if payout.stage not in TOLD.get(step.stage, ()):
        raise _refused(payout, f"can't be {step.stage}")
    return replace(payout, stage=step.stage)


def _retry(payout: Payout) -> Payout:
    if payout.stage in ENDED or payout.stage is Stage.PENDING:
        raise _refused(payout, "can't be tried again")
    # What may be signed is not begun anew: only what was signed may go on.
    kept = payout.stage in (Stage.SIGNING, Stage.SENT)
    return replace(payout, stage=payout.stage if kept else Stage.HELD, retries=payout.retries + 1)


def _send(payout: Payout, step: Send) -> Payout | None:
    if payout.conflict_point and (payout.conflict_point, payout.chain, payout.network) != (
        step.conflict_point,
        step.chain,
        step.network,
    ):
        raise PayoutStepError(
            f"withdrawal {payout.id} spends {payout.conflict_point} on {payout.chain} {payout.network} "
            f"for ever, not {step.conflict_point} on {step.chain} {step.network}",
            name="CONFLICT_POINT_DIFFERS",
        )
    if step.transaction_id in payout.transactions and payout.stage is not Stage.RETURNED:
        return None
    if payout.stage not in (Stage.SIGNING, Stage.SENT):
        raise _refused(payout, "can't be sent")
    return replace(
        payout,
        stage=Stage.SENT,
        chain=step.chain,
        network=step.network,
        conflict_point=step.conflict_point,
        transactions=(*payout.transactions, step.transaction_id),
    )


def _complete(payout: Payout, step: Complete) -> Payout | None:
    if payout.stage is Stage.COMPLETED and step.transaction_id == payout.transactions[-1]:
        return None
    if payout.stage is not Stage.SENT:
        raise _refused(payout, "can't be completed")
    if step.transaction_id not in payout.transactions:
        raise PayoutStepError(
            f"{step.transaction_id[:128]} was never sent for withdrawal {payout.id}",
            name="TRANSACTION_UNKNOWN",
        )
    others = (one for one in payout.transactions if one != step.transaction_id)
    return replace(payout, stage=Stage.COMPLETED, transactions=(*others, step.transaction_id))


def _release(payout: Payout) -> Payout | None:
    if payout.stage is Stage.RELEASED:
        return None
    if payout.stage not in _UNSENT - {Stage.SIGNING}:
        raise _refused(payout, "can't be released")
    return replace(payout, stage=Stage.RELEASED)


def _return(payout: Payout, step: Return) -> Payout | None:
    if payout.stage is Stage.RETURNED:
        return None
    if payout.stage is not Stage.SENT:
        raise _refused(payout, "can't be returned")
    own = step.spent_by in payout.transactions
    if own != (step.code == ReturnReason.RETURN_REASON_REVERTED):
        raise PayoutStepError(
            f"{step.spent_by[:128]} is {'a' if own else 'no'} transaction of withdrawal {payout.id}: "
            f"{step.reason} needs {'another one' if own else 'one of its own'}",
            name="TRANSACTION_UNKNOWN",
        )
    return replace(payout, stage=Stage.RETURNED)


_NAMES = {
    Stage.PENDING: "WITHDRAWAL_NOT_HELD",
    Stage.SIGNING: "WITHDRAWAL_SIGNING",
    Stage.SENT: "WITHDRAWAL_SENT",
}


def _refused(payout: Payout, what: str) -> PayoutStepError:
    name = "WITHDRAWAL_ENDED" if payout.stage in ENDED else _NAMES.get(payout.stage, "WITHDRAWAL_NOT_SENT")
    return PayoutStepError(f"withdrawal {payout.id} {what}: it is {payout.stage}", name=name)
