"""Reviews as the wallet and as administrators see them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outcry.v1 import risk_api_pb2 as api
from outcry.v1.withdrawal_review_pb2 import Rejected, ReviewAnswer, Waiting

from outcry_services.common.money import format_amount
from outcry_services.risk.review.model import Status

if TYPE_CHECKING:
    from outcry_services.risk.review.desk import Answer
    from outcry_services.risk.review.model import AddressRule, Review

__all__ = ["answer_message", "rule_message", "state_message"]


def answer_message(answer: Answer) -> ReviewAnswer:
    """For the wallet."""
    review, signed = answer
    id_ = review.question.withdrawal_id
    if signed is not None:
        return ReviewAnswer(withdrawal_id=id_, approved=signed)
    if review.status is Status.REJECTED:
        rejected = Rejected(reason=review.reason, message=review.message, actor=review.actor)
        return ReviewAnswer(withdrawal_id=id_, rejected=rejected)
    waiting = Waiting(
        tier=str(review.tier),
        reason=review.reason,
        approvers=review.approvers,
        needed=review.tier.needed,
        not_before=review.not_before,
    )
    return ReviewAnswer(withdrawal_id=id_, waiting=waiting)


def state_message(review: Review) -> api.WithdrawalReviewState:
    """For administrators."""
    asked = review.question
    return api.WithdrawalReviewState(
        withdrawal_id=str(asked.withdrawal_id),
        user_id=str(asked.user_id),
        asset=asked.ledger_asset,
        amount=format_amount(asked.ledger_amount, scale=asked.scale),
        chain=asked.chain,
        network=asked.network,
        address=asked.address,
        status=str(review.status),
        tier=str(review.tier),
        reason=review.reason,
        message=review.message,
        votes=[
            api.ReviewVote(
                actor=vote.actor,
                vote="APPROVE" if vote.approve else "DENY",
                reason=vote.reason,
                time=_time_text(vote.time),
            )
            for vote in review.votes
        ],
        needed=review.tier.needed,
        asked_at=_time_text(review.asked_at),
        decided_at=_time_text(review.decided_at) if review.decided_at else "",
    )


def rule_message(rule: AddressRule) -> api.AddressRule:
    """For administrators."""
    return api.AddressRule(
        chain=rule.chain,
        network=rule.network,
        address=rule.address,
        user_id=str(rule.user_id),
        rule=str(rule.listing),
        reason=rule.reason,
        actor=rule.actor,
        time=_time_text(rule.time),
    )


def _time_text(nanos: int) -> str:
    """RFC 3339 to the microsecond."""
    seconds, rest = divmod(nanos, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest // 1_000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
