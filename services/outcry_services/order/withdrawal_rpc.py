"""gRPC for the wallet, which carries withdrawals out and finds deposits: no user reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry.v1 import withdrawal_api_pb2 as api
from outcry.v1.withdrawal_api_pb2_grpc import WithdrawalDeskServicer

from outcry_services.common.errors import InvalidError
from outcry_services.common.identity import require_service
from outcry_services.common.ids import SHARDS, shard_of_user

if TYPE_CHECKING:
    from outcry_services.order.payout_desk import PayoutDesk
    from outcry_services.order.payouts import Payout
    from outcry_services.order.treasury import Treasury

__all__ = ["WALLET", "WithdrawalDesk"]

Context = Any  # gRPC's own
WALLET = "wallet"
"""Who may call."""
PAGE, LONGEST_PAGE = 100, 500


class WithdrawalDesk(WithdrawalDeskServicer):
    """The wallet's side of withdrawals and deposits."""

    def __init__(self, *, desk: PayoutDesk, treasury: Treasury) -> None:
        self._desk = desk
        self._treasury = treasury

    async def GetPayout(self, request: api.GetPayoutRequest, context: Context) -> api.Payout:  # noqa: N802
        """One, whoever's it is."""
        require_service(context, WALLET)
        return _message(await self._desk.get(request.withdrawal_id))

    async def ListPayouts(  # noqa: N802
        self, request: api.ListPayoutsRequest, context: Context
    ) -> api.ListPayoutsResponse:
        """Of a shard those that have not ended."""
        require_service(context, WALLET)
        if request.shard >= SHARDS:
            raise InvalidError(f"there is no shard {request.shard}", name="INVALID_SHARD", field="shard")
        if not 0 <= request.most <= LONGEST_PAGE:
            raise InvalidError(f"1 to {LONGEST_PAGE} at a time", name="INVALID_PAGE_SIZE", field="most")
        found = await self._desk.open_of(request.shard, after=request.after, most=request.most or PAGE)
        return api.ListPayoutsResponse(payouts=map(_message, found))

    async def TellStage(self, request: api.TellStageRequest, context: Context) -> api.Payout:  # noqa: N802
        """What the wallet is at."""
        require_service(context, WALLET)
        payout = await self._desk.tell(
            request.withdrawal_id,
            request.stage,
            reason=request.reason,
            note=request.note,
            actor=request.actor,
        )
        return _message(payout)

    async def SendPayout(self, request: api.SendPayoutRequest, context: Context) -> api.Payout:  # noqa: N802
        """Before any node has the transaction."""
        require_service(context, WALLET)
        payout = await self._desk.send(
            request.withdrawal_id,
            chain=request.chain,
            network=request.network,
            transaction_id=request.transaction_id,
            conflict_point=request.conflict_point,
        )
        return _message(payout)

    async def CompletePayout(  # noqa: N802
        self, request: api.CompletePayoutRequest, context: Context
    ) -> api.Payout:
        """The chain confirmed it."""
        require_service(context, WALLET)
        payout = await self._desk.complete(
            request.withdrawal_id,
            transaction_id=request.transaction_id,
            fee_asset=request.fee_asset,
            fee=request.fee,
        )
        return _message(payout)

    async def ReleasePayout(  # noqa: N802
        self, request: api.ReleasePayoutRequest, context: Context
    ) -> api.Payout:
        """It is never sent."""
        require_service(context, WALLET)
        payout = await self._desk.release(
            request.withdrawal_id, request.reason, note=request.note, actor=request.actor
        )
        return _message(payout)

    async def ReturnPayout(  # noqa: N802
        self, request: api.ReturnPayoutRequest, context: Context
    ) -> api.Payout:
        """The chain can never pay it any more."""
        require_service(context, WALLET)
        payout = await self._desk.give_back(
            request.withdrawal_id,
            request.reason,
            spent_by=request.spent_by,
            fee_asset=request.fee_asset,
            fee=request.fee,
            note=request.note,
            actor=request.actor,
        )
        return _message(payout)

    async def CreditDeposit(  # noqa: N802
        self, request: api.CreditDepositRequest, context: Context
    ) -> api.CreditDepositResponse:
        """Credits what arrived, once for each output."""
        require_service(context, WALLET)
        row = await self._treasury.credit(request, actor=WALLET)
        return api.CreditDepositResponse(
            shard=shard_of_user(row.request.user_id), number=row.number, status=row.status
        )


def _message(payout: Payout) -> api.Payout:
    asked = payout.request
    return api.Payout(
        withdrawal_id=payout.id,
        user_id=asked.user_id,
        asset=asked.asset,
        scale=asked.scale,
        amount=asked.amount,
        address=asked.detail,
        # Where it was paid is known once it is sent; before, where the user wants it.
        network=payout.network or asked.network,
        status=str(payout.stage),
        reason=payout.reason,
        chain=payout.chain,
        conflict_point=payout.conflict_point,
        transaction_ids=payout.transactions,
        created_unix_nanos=payout.created,
        updated_unix_nanos=max(payout.updated, payout.created),
        retries=payout.retries,
    )
