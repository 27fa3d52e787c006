"""Asking risk: first whether it has anything against a withdrawal, later for its signed approval.

Nothing is reserved while rules and people decide. Only when risk says that all is well is a withdrawal
bound to a conflict point, and then asked about once more: the approval names that point.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from outcry.v1 import withdrawal_review_pb2 as api
from outcry.v1.withdrawal_approval_pb2 import WithdrawalApproval
from outcry.v1.withdrawal_review_pb2_grpc import WithdrawalReviewStub

from outcry_services.common.errors import ConflictError
from outcry_services.common.identity import SERVICE
from outcry_services.wallet.withdraw.errors import WithdrawalError
from outcry_services.wallet.withdraw.model import State

if TYPE_CHECKING:
    from typing import Any

    from outcry.v1.withdrawal_approval_pb2 import SignedApproval

    from outcry_services.common.rpc_client import RpcChannel
    from outcry_services.wallet.withdraw.model import Withdrawal
    from outcry_services.wallet.withdraw.world import World

__all__ = ["CLEARED", "Reviewing", "RiskReviewer", "check_approval"]

log = logging.getLogger(__name__)

CLEARED = "CONFLICT_POINT"
"""Risk waits for the conflict point alone."""
AGAIN_NANOS = 5_000_000_000
"""Between two questions about one withdrawal that waits for people or time."""


class RiskReviewer:
    """`WithdrawalReview` of the risk service."""

    def __init__(self, channel: RpcChannel, *, chain: str, network: str) -> None:
        self._stub: Any = WithdrawalReviewStub(channel.channel)
        self._chain = chain
        self._network = network

    async def review(self, withdrawal: Withdrawal, *, asset: str) -> api.ReviewAnswer:
        """See `Reviewer`."""
        request = api.ReviewRequest(
            withdrawal_id=withdrawal.id,
            user_id=withdrawal.user_id,
            ledger_asset=withdrawal.asset,
            ledger_amount=withdrawal.amount,
            scale=withdrawal.scale,
            chain=self._chain,
            network=self._network,
            asset=asset,
            address=withdrawal.address,
            amount=str(withdrawal.units),
            conflict_point=withdrawal.conflict_point,
            max_fee=str(withdrawal.max_fee) if withdrawal.conflict_point else "",
            requested_at=withdrawal.requested_at,
        )
        answer: api.ReviewAnswer = await self._stub.Review(request, metadata=((SERVICE, "wallet"),))
        return answer


class Reviewing:
    """Withdrawals that nothing is reserved for yet."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._again: dict[int, int] = {}

    async def step(self) -> None:
        """Ask about each whose time has come."""
        async with self._world.store.look() as tables:
            open_ones = await tables.withdrawals.in_states(State.REVIEW)
        now = self._world.now()
        self._again = {id_: self._again.get(id_, 0) for id_ in (it.id for it in open_ones)}
        due = [it for it in open_ones if self._again[it.id] <= now]
        await self._world.move(due, self._ask)

    async def _ask(self, withdrawal: Withdrawal) -> Withdrawal:
        asset = self._world.file.asset(withdrawal.asset)
        if asset is None:
            raise WithdrawalError(
                f"withdrawal {withdrawal.id} is of {withdrawal.asset}, which the wallet lost"
            )
        answer = await self._world.reviewer.review(withdrawal, asset=asset.chain_name)
        self._again[withdrawal.id] = self._world.now() + AGAIN_NANOS
        match answer.WhichOneof("outcome"):
            case "rejected":
                said = answer.rejected
                return replace(withdrawal, state=State.REJECTED, reason=said.reason, note=said.message)
            case "waiting" if answer.waiting.reason != CLEARED:
                return await self._show(withdrawal, answer.waiting)
        return replace(withdrawal, state=State.QUEUED, reason="")

    async def _show(self, withdrawal: Withdrawal, waiting: api.Waiting) -> Withdrawal:
        if withdrawal.reason == waiting.reason:
            return withdrawal
        note = f"tier {waiting.tier}, {len(waiting.approvers)} of {waiting.needed} administrators"
        try:
            await self._world.desk.tell(withdrawal.id, "IN_REVIEW", reason=waiting.reason, note=note)
        except ConflictError:
            return await self._world.as_in_books(withdrawal)
        return replace(withdrawal, reason=waiting.reason, note=note)


def check_approval(
    signed: SignedApproval, withdrawal: Withdrawal, *, chain: str, network: str, asset: str
) -> int:
    """When it expires, if it is one of this very withdrawal. Raises `WithdrawalError`.

    The signature is the signers' to verify: they trust nobody here.
    """
    said = WithdrawalApproval.FromString(signed.approval)
    asked = (
        str(withdrawal.id),
        chain,
        network,
        asset,
        withdrawal.address,
        str(withdrawal.units),
        withdrawal.conflict_point,
    )
    told = (
        said.withdrawal_id,
        said.chain,
        said.network,
        said.asset,
        said.address,
        said.amount,
        said.conflict_point,
    )
    if told != asked:
        raise WithdrawalError(f"risk was asked about {asked} and approved {told}")
    return said.expires_at
