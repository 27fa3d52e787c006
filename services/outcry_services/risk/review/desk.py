"""The desk: answers the wallet, and takes what administrators decide.

Each answer is a transaction of its user. What it found is stored before it is told, so that a wallet that
asks again, or another process, hears the same.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from outcry.v1.withdrawal_approval_pb2 import SignedApproval, WithdrawalApproval

from outcry_services.common.addresses import AddressError, parse_address
from outcry_services.common.errors import ForbiddenError, UnavailableError
from outcry_services.risk.errors import ViewBehindError
from outcry_services.risk.review import errors, questions
from outcry_services.risk.review.judge import Facts, Pass, Reject, Verdict, Wait, judge, why_not_again
from outcry_services.risk.review.model import Question, Review, Status, Vote

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry.v1.withdrawal_review_pb2 import ReviewRequest

    from outcry_services.common.pause import WithdrawalPause
    from outcry_services.risk.limits import UserMode
    from outcry_services.risk.review.key import ApprovalKey
    from outcry_services.risk.review.metrics import ReviewMetrics
    from outcry_services.risk.review.rules import Rules
    from outcry_services.risk.review.store import Books, ReviewStore
    from outcry_services.risk.withdrawals import Withdrawals

__all__ = ["Answer", "ReviewDesk"]

log = logging.getLogger(__name__)

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
LEAST_LEFT = 10
"""An approval is signed anew once less than a tenth of its time is left."""

Answer = tuple[Review, SignedApproval | None]
"""How it stands, and the signature once it is approved."""


class ReviewDesk:
    """`behind(user)` says why the logs' view can't be relied on; `now` gives Unix nanoseconds."""

    def __init__(
        self,
        store: ReviewStore,
        *,
        rules: Rules,
        key: ApprovalKey,
        withdrawals: Withdrawals,
        mode: Callable[[int], UserMode],
        behind: Callable[[int], str | None],
        pause: WithdrawalPause,
        metrics: ReviewMetrics,
        now: Callable[[], int],
    ) -> None:
        self._store = store
        self._rules = rules
        self._key = key
        self._withdrawals = withdrawals
        self._mode = mode
        self._behind = behind
        self._pause = pause
        self._metrics = metrics
        self._now = now

    async def review(self, request: ReviewRequest) -> Answer:
        """How a withdrawal stands.

        Raises `QuestionChangedError`, `UnknownRouteError`, `InvalidError`, and `UnavailableError` while
        nothing can be decided.
        """
        asked = questions.question_of(request)
        route = questions.route_of(asked, self._rules)
        self._require_view(asked.user_id)
        by_user = self._withdrawals.held_for(asked.withdrawal_id)
        if by_user is not None:
            questions.check_asked_for(asked, by_user, route)
        paused = await self._paused()
        async with self._store.of_user(asked.user_id) as books:
            review = await books.find(asked.withdrawal_id)
            if review is None:
                review = self._new(asked)
                if by_user is None:
                    return replace(review, reason=errors.UNKNOWN_WITHDRAWAL), None
                await books.add(review)
            questions.check_same(asked, review.question)
            if review.status is Status.REJECTED:
                return review, None
            if by_user is None or paused:
                waits_for = errors.PAUSED if paused else errors.UNKNOWN_WITHDRAWAL
                return replace(review, status=Status.WAITING, reason=waits_for, not_before=0), None
            point, max_fee = questions.check_conflict_point(
                request, point=review.conflict_point, max_fee=review.max_fee
            )
            if review.status is Status.APPROVED:
                return await self._again(books, review)
            return await self._judged(books, replace(review, conflict_point=point, max_fee=max_fee))

    async def vote(self, withdrawal_id: int, vote: Vote) -> Review:
        """An administrator's yes, or a no that ends it.

        Raises `ReviewNotFoundError`, `ReviewDecidedError`, and `ForbiddenError` to whose withdrawal it is.
        """
        found = await self._store.get(withdrawal_id)
        if found is None:
            raise errors.ReviewNotFoundError(
                f"the wallet has asked about no withdrawal {withdrawal_id}", field="withdrawalId"
            )
        if found.question.user_id == vote.user_id:
            raise ForbiddenError(
                "this withdrawal is your own: others decide on it",
                name="OWN_WITHDRAWAL",
                field="withdrawalId",
            )
        async with self._store.of_user(found.question.user_id) as books:
            review = await books.find(withdrawal_id)
            if review is None or review.status is not Status.WAITING:
                raise self._decided(review or found)
            before = next((one for one in review.votes if one.user_id == vote.user_id), None)
            if before is None or before.approve != vote.approve:
                await books.vote(withdrawal_id, vote)
                review = await books.find(withdrawal_id) or review
            if not vote.approve:
                verdict = Reject(errors.DENIED_BY_ADMIN, vote.reason)
                review = self._after(review, verdict, actor=vote.approver)
                await books.put(review)
        log.info(
            "a withdrawal was voted on",
            extra={
                "withdrawal": withdrawal_id,
                "by": vote.actor,
                "approve": vote.approve,
                "why": vote.reason,
            },
        )
        return review

    async def close_ended(self, review: Review) -> bool:
        """Whether the log has ended it before it was decided: then it is rejected, and leaves the queue."""
        asked = review.question
        if self._behind(asked.user_id) or self._withdrawals.is_open(asked.withdrawal_id):
            return False
        async with self._store.of_user(asked.user_id) as books:
            found = await books.find(asked.withdrawal_id)
            if found is None or found.status is not Status.WAITING:
                return False
            verdict = Reject(errors.WITHDRAWAL_ENDED, "it ended before it was decided")
            await books.put(self._after(found, verdict))
        return True

    def _new(self, asked: Question) -> Review:
        tier = self._rules.assets[asked.ledger_asset].tier(asked.ledger_amount, scale=asked.scale)
        return Review(question=asked, tier=tier, status=Status.WAITING, asked_at=self._now())

    async def _judged(self, books: Books, review: Review) -> Answer:
        verdict = _address_fault(review.question) or await self._verdict(books, review)
        if isinstance(verdict, Pass) and not review.conflict_point:
            verdict = Wait(errors.CONFLICT_POINT)
        after = self._after(review, verdict)
        await books.put(after)
        return after, await self._sign(books, after) if isinstance(verdict, Pass) else None

    async def _verdict(self, books: Books, review: Review) -> Verdict:
        asked = review.question
        count, amount = await books.before(review, nanos=DAY)
        known = await books.addresses(asked)
        since = known.pop(asked.address, review.asked_at)
        facts = Facts(
            now=self._now(),
            mode=self._mode(asked.user_id),
            listing=await books.listing(asked),
            others=count,
            others_amount=amount,
            address_since=since,
            known_addresses=known,
            approvers=review.approvers,
        )
        return judge(
            asked,
            rules=self._rules.assets[asked.ledger_asset],
            tier=review.tier,
            new_address_nanos=self._rules.new_address_seconds * SECOND,
            facts=facts,
        )

    def _after(self, review: Review, verdict: Verdict, *, actor: str = "") -> Review:
        if isinstance(verdict, Wait):
            return replace(review, reason=verdict.reason, not_before=verdict.not_before)
        rejected = isinstance(verdict, Reject)
        status = Status.REJECTED if rejected else Status.APPROVED
        self._metrics.decided(status, verdict.reason if isinstance(verdict, Reject) else "")
        return replace(
            review,
            status=status,
            reason=verdict.reason if isinstance(verdict, Reject) else "",
            message=verdict.message if isinstance(verdict, Reject) else "",
            actor=actor,
            not_before=0,
            decided_at=self._now(),
        )

    async def _again(self, books: Books, review: Review) -> Answer:
        """What was approved stays so; who asks late gets the same approval with a later end."""
        asked = review.question
        waits = why_not_again(mode=self._mode(asked.user_id), listing=await books.listing(asked))
        if waits is not None:
            return replace(review, status=Status.WAITING, reason=waits.reason), None
        found = await books.approved(asked.withdrawal_id)
        if found is not None:
            signed, reviewed_at, expires_at = found
            if expires_at - self._now() > (expires_at - reviewed_at) // LEAST_LEFT:
                return review, signed
        return review, await self._sign(books, review)

    async def _sign(self, books: Books, review: Review) -> SignedApproval:
        asked, now = review.question, self._now()
        until = now + self._rules.approval_seconds * SECOND
        approval = WithdrawalApproval(
            withdrawal_id=str(asked.withdrawal_id),
            chain=asked.chain,
            network=asked.network,
            asset=asked.asset,
            address=asked.address,
            amount=str(asked.amount),
            conflict_point=review.conflict_point,
            max_fee=review.max_fee,
            reviewed_at=now,
            expires_at=until,
            tier=str(review.tier),
            approvers=review.approvers,
        )
        signed = self._key.sign(approval)
        await books.approve(asked.withdrawal_id, signed, at=now, until=until)
        self._metrics.signed()
        return signed

    def _require_view(self, user_id: int) -> None:
        problem = self._behind(user_id)
        if problem is not None:
            raise ViewBehindError(f"withdrawals can't be reviewed now: {problem}; ask again")

    async def _paused(self) -> bool:
        try:
            return await self._pause.now() is not None
        except UnavailableError as error:
            raise UnavailableError(
                "whether withdrawals run can't be read, so none is approved; ask again",
                name="WITHDRAWALS_UNKNOWN",
            ) from error

    def _decided(self, review: Review) -> errors.ReviewDecidedError:
        return errors.ReviewDecidedError(
            f"withdrawal {review.question.withdrawal_id} is {review.status} already"
            f"{f' ({review.reason})' if review.reason else ''}; once it is approved, "
            "`outcry withdrawals cancel` stops what may not be signed yet",
            field="withdrawalId",
        )


def _address_fault(asked: Question) -> Reject | None:
    try:
        parse_address(asked.chain, asked.network, asked.address)
    except AddressError as error:
        return Reject(error.name, error.message)
    return None
