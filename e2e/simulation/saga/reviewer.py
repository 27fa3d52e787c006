"""Risk's review, as far as the wallet sees it: one answer for ever to each question, and a signed approval.

By a withdrawal's id everything in the question is fixed by the first one, and conflict point and fee by the
first that names them (docs/services/risk.md, "Withdrawals").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1.withdrawal_approval_pb2 import SignedApproval, WithdrawalApproval
from outcry.v1.withdrawal_review_pb2 import Rejected, ReviewAnswer, Waiting
from outcry_services.common.errors import ConflictError, UnavailableError

from e2e.simulation.chance import Chance

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outcry_services.wallet.withdraw.model import Withdrawal

__all__ = ["FakeReviewer", "Verdicts"]

APPROVED_SECONDS = 65
"""Of which the wallet wants sixty to be left: some are asked for anew."""


class Verdicts:
    """What risk has decided: it outlives every process."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._asked: dict[int, tuple[object, ...]] = {}
        self._bound: dict[int, tuple[str, int]] = {}
        self._looks: dict[int, int] = {}

    def answer(self, it: Withdrawal, *, asset: str, chain: str, network: str, now: int) -> ReviewAnswer:
        """Raises `ConflictError` for another question of the same id."""
        chance = Chance(f"{self._seed} review {it.id}")
        question = (it.user_id, it.asset, it.amount, it.units, it.address, asset)
        if self._asked.setdefault(it.id, question) != question:
            raise ConflictError(f"{it.id} was asked about otherwise: {question}", name="REVIEW_CONFLICT")
        looks = self._looks[it.id] = self._looks.get(it.id, 0) + 1
        answer = ReviewAnswer(withdrawal_id=it.id)
        verdict, patience, denied_late = chance.fraction(), chance.below(2), chance.happens(0.1)
        if verdict < 0.15:
            answer.rejected.CopyFrom(Rejected(reason="VELOCITY", message="too much"))
        elif looks <= patience:
            answer.waiting.CopyFrom(Waiting(tier="one-admin", reason="MANUAL_REVIEW", needed=1))
        elif not it.conflict_point:
            answer.waiting.CopyFrom(Waiting(tier="automatic", reason="CONFLICT_POINT"))
        elif denied_late and it.id not in self._bound:
            answer.rejected.CopyFrom(Rejected(reason="DENIED_BY_ADMIN", message="no", actor="ops"))
        else:
            answer.approved.CopyFrom(self._approval(it, asset=asset, chain=chain, network=network, now=now))
        return answer

    def _approval(self, it: Withdrawal, *, asset: str, chain: str, network: str, now: int) -> SignedApproval:
        bound = (it.conflict_point, it.max_fee)
        if self._bound.setdefault(it.id, bound) != bound:
            raise ConflictError(f"{it.id} was approved for {self._bound[it.id]}, not {bound}")
        approval = WithdrawalApproval(
            withdrawal_id=str(it.id),
            chain=chain,
            network=network,
            asset=asset,
            address=it.address,
            amount=str(it.units),
            conflict_point=it.conflict_point,
            max_fee=str(it.max_fee),
            expires_at=now + APPROVED_SECONDS * 1_000_000_000,
        )
        return SignedApproval(approval=approval.SerializeToString())


class FakeReviewer:
    """See `Reviewer`; of one process."""

    def __init__(
        self,
        verdicts: Verdicts,
        *,
        chain: str,
        network: str,
        chance: Chance,
        now: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._verdicts = verdicts
        self._names = {"chain": chain, "network": network}
        self._chance = chance
        self._now = now
        self._sleep = sleep

    async def review(self, withdrawal: Withdrawal, *, asset: str) -> ReviewAnswer:
        """See `Reviewer`."""
        chance = self._chance
        await self._sleep(chance.seconds())
        if chance.happens(chance.odds.refused):
            raise UnavailableError("risk is away")
        answer = self._verdicts.answer(withdrawal, asset=asset, now=self._now(), **self._names)
        await self._sleep(chance.seconds())
        if chance.happens(chance.odds.lost_answer):
            raise UnavailableError("risk's answer is lost")
        return answer
