"""gRPC in front of the review desk."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from outcry.v1 import risk_api_pb2 as api
from outcry.v1.risk_api_pb2_grpc import WithdrawalReviewDeskServicer
from outcry.v1.withdrawal_review_pb2_grpc import WithdrawalReviewServicer

from outcry_services.common.addresses import parse_address
from outcry_services.common.errors import InvalidError, UnavailableError
from outcry_services.common.identity import Permission, identity_of, parse_user_id, require_service
from outcry_services.risk.review.model import AddressRule, Listing, Vote
from outcry_services.risk.review.render import answer_message, rule_message, state_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry.v1.withdrawal_review_pb2 import ReviewAnswer, ReviewRequest

    from outcry_services.common.identity import Identity
    from outcry_services.risk.review.desk import ReviewDesk
    from outcry_services.risk.review.store import ReviewStore

__all__ = ["WALLET", "ReviewAdminRpc", "ReviewRpc"]

Context = Any  # gRPC's servicer context, which has no useful type

WALLET = "wallet"
"""Who may ask."""
PAGE, LONGEST_PAGE, MOST_RULES = 100, 500, 500
MOST_REASON = 256
_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


class ReviewRpc(WithdrawalReviewServicer):
    """Asked by the wallet alone: no user reaches it. `problem` says why there is no desk yet."""

    def __init__(self, desk: ReviewDesk, *, problem: Callable[[], str | None]) -> None:
        self._desk = desk
        self._problem = problem

    async def Review(self, request: ReviewRequest, context: Context) -> ReviewAnswer:  # noqa: N802
        """How a withdrawal stands."""
        require_service(context, WALLET)
        _require_ready(self._problem())
        return answer_message(await self._desk.review(request))


class ReviewAdminRpc(WithdrawalReviewDeskServicer):
    """For administrators alone; `now` gives Unix nanoseconds."""

    def __init__(
        self,
        desk: ReviewDesk,
        *,
        store: ReviewStore,
        now: Callable[[], int],
        problem: Callable[[], str | None],
    ) -> None:
        self._desk = desk
        self._store = store
        self._now = now
        self._problem = problem

    async def ListReviews(  # noqa: N802
        self, request: api.ListReviewsRequest, context: Context
    ) -> api.ListReviewsResponse:
        """A page of them."""
        self._administrator(context)
        if not 0 <= request.page_size <= LONGEST_PAGE:
            raise InvalidError(f"1 to {LONGEST_PAGE} at a time", name="INVALID_PAGE_SIZE", field="pageSize")
        after = _withdrawal_id(request.after) if request.after else 0
        found = await self._store.page(after=after, most=request.page_size or PAGE, waiting=not request.all)
        return api.ListReviewsResponse(reviews=map(state_message, found))

    async def ApproveWithdrawal(  # noqa: N802
        self, request: api.DecideWithdrawalRequest, context: Context
    ) -> api.WithdrawalReviewState:
        """One yes of those that it takes."""
        return await self._vote(request, context, approve=True)

    async def DenyWithdrawal(  # noqa: N802
        self, request: api.DecideWithdrawalRequest, context: Context
    ) -> api.WithdrawalReviewState:
        """One no is enough."""
        return await self._vote(request, context, approve=False)

    async def SetAddressRule(self, request: api.AddressRule, context: Context) -> api.AddressRule:  # noqa: N802
        """Allow or deny an address, or take that back."""
        identity = self._administrator(context)
        if request.rule not in list(Listing):
            raise InvalidError(
                f"{request.rule[:24]!a} is not ALLOW, DENY or NONE", name="INVALID_RULE", field="rule"
            )
        address = parse_address(request.chain, request.network, request.address)
        rule = AddressRule(
            chain=address.chain,
            network=address.network,
            address=address.canonical,
            user_id=0 if request.user_id in ("", "0") else parse_user_id(request.user_id),
            listing=Listing(request.rule),
            reason=_reason(request.reason),
            actor=identity.actor,
            time=self._now(),
        )
        await self._store.add_rule(rule)
        return rule_message(rule)

    async def ListAddressRules(  # noqa: N802
        self, request: api.ListAddressRulesRequest, context: Context
    ) -> api.ListAddressRulesResponse:
        """What was said of addresses, the newest first."""
        self._administrator(context)
        found = await self._store.rules(address=request.address, most=MOST_RULES)
        return api.ListAddressRulesResponse(rules=map(rule_message, found))

    async def _vote(
        self, request: api.DecideWithdrawalRequest, context: Context, *, approve: bool
    ) -> api.WithdrawalReviewState:
        identity = self._administrator(context)
        vote = Vote(
            user_id=identity.user_id,
            approve=approve,
            reason=_reason(request.reason),
            actor=identity.actor,
            time=self._now(),
        )
        return state_message(await self._desk.vote(_withdrawal_id(request.withdrawal_id), vote))

    def _administrator(self, context: Context) -> Identity:
        identity = identity_of(context)
        identity.require(Permission.ADMIN)
        _require_ready(self._problem())
        return identity


def _require_ready(problem: str | None) -> None:
    if problem is not None:
        raise UnavailableError(f"reviews can't be had now: {problem}; ask again", name="REVIEWS_NOT_READY")


def _withdrawal_id(text: str) -> int:
    if not _ID.fullmatch(text):
        raise InvalidError(
            f"{text[:24]!a} is no withdrawal id; send it as it was given",
            name="INVALID_WITHDRAWAL_ID",
            field="withdrawalId",
        )
    return int(text)


def _reason(text: str) -> str:
    if not text.strip() or len(text) > MOST_REASON or not text.isprintable():
        raise InvalidError(
            f"say why, in 1 to {MOST_REASON} printable characters", name="REASON_MISSING", field="reason"
        )
    return text
