"""The gRPC side: who asks, what they may do, and messages in and out. The logic is elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry.v1 import order_api_pb2, order_api_pb2_grpc
from outcry.v1.instruction_pb2 import ReleaseReason, ReturnReason

from outcry_services.common import trace
from outcry_services.common.errors import InvalidError
from outcry_services.common.identity import Permission, identity_of, parse_user_id
from outcry_services.common.ids import parse_order_id
from outcry_services.order.payout_desk import withdrawal_id_of
from outcry_services.order.payout_render import withdrawal_message
from outcry_services.order.queries import page_of
from outcry_services.order.render import order_message, receipt_message, trade_message

if TYPE_CHECKING:
    from outcry_services.common.pause import Pause
    from outcry_services.order.intake import Intake
    from outcry_services.order.payout_desk import PayoutDesk
    from outcry_services.order.payouts import Payout
    from outcry_services.order.queries import Queries
    from outcry_services.order.treasury import Treasury
    from outcry_services.order.withdrawals import WithdrawalSwitch

__all__ = ["OrderAdmin", "Orders"]

Context = Any  # gRPC's own
MAX_REASON = 256


class Orders(order_api_pb2_grpc.OrdersServicer):
    """What users call; a user is whoever the gateway says, never what a request says."""

    def __init__(self, *, intake: Intake, treasury: Treasury, queries: Queries, payouts: PayoutDesk) -> None:
        self._payouts = payouts
        self._intake = intake
        self._treasury = treasury
        self._queries = queries

    async def CreateOrder(  # noqa: N802 - gRPC's name
        self, request: order_api_pb2.CreateOrderRequest, context: Context
    ) -> order_api_pb2.Order:
        """POST /orders."""
        user = _user(context, Permission.TRADE)
        return order_message(await self._intake.create(user, request))

    async def CancelOrder(  # noqa: N802
        self, request: order_api_pb2.CancelOrderRequest, context: Context
    ) -> order_api_pb2.CancelOrderResponse:
        """DELETE /orders/{id}."""
        user = _user(context, Permission.TRADE)
        order_id = parse_order_id(request.order_id)
        with trace.working_on(str(order_id)):
            await self._intake.cancel(user, int(order_id))
        return order_api_pb2.CancelOrderResponse(order_id=str(order_id))

    async def CancelOrders(  # noqa: N802
        self, request: order_api_pb2.CancelOrdersRequest, context: Context
    ) -> order_api_pb2.CancelOrdersResponse:
        """DELETE /orders."""
        user = _user(context, Permission.TRADE)
        await self._intake.cancel_all(user, request.symbol, request.side)
        return order_api_pb2.CancelOrdersResponse(symbol=request.symbol)

    async def GetOrder(  # noqa: N802
        self, request: order_api_pb2.GetOrderRequest, context: Context
    ) -> order_api_pb2.Order:
        """GET /orders/{id}."""
        user = _user(context, Permission.READ)
        return order_message(await self._queries.order(user, request))

    async def ListOrders(  # noqa: N802
        self, request: order_api_pb2.ListOrdersRequest, context: Context
    ) -> order_api_pb2.ListOrdersResponse:
        """GET /orders."""
        user = _user(context, Permission.READ)
        rows, token = await self._queries.orders(user, request)
        return order_api_pb2.ListOrdersResponse(orders=map(order_message, rows), next_page_token=token)

    async def ListTrades(  # noqa: N802
        self, request: order_api_pb2.ListTradesRequest, context: Context
    ) -> order_api_pb2.ListTradesResponse:
        """GET /trades."""
        user = _user(context, Permission.READ)
        fills, token = await self._queries.trades(user, request)
        return order_api_pb2.ListTradesResponse(trades=map(trade_message, fills), next_page_token=token)

    async def CreateWithdrawal(  # noqa: N802
        self, request: order_api_pb2.CreateWithdrawalRequest, context: Context
    ) -> order_api_pb2.Withdrawal:
        """POST /withdrawals."""
        user = _user(context, Permission.WITHDRAW)
        row = await self._treasury.withdraw(user, request)
        return withdrawal_message(await self._payouts.by_number(user, row.number))

    async def ListWithdrawals(  # noqa: N802
        self, request: order_api_pb2.ListWithdrawalsRequest, context: Context
    ) -> order_api_pb2.ListWithdrawalsResponse:
        """GET /withdrawals."""
        user = _user(context, Permission.READ)
        most, before = page_of(request.page_size, request.page_token)
        found = await self._payouts.of_user(user, before=before, most=most + 1)
        return order_api_pb2.ListWithdrawalsResponse(
            withdrawals=map(withdrawal_message, found[:most]),
            next_page_token=str(found[most - 1].id) if len(found) > most else "",
        )

    async def GetWithdrawal(  # noqa: N802
        self, request: order_api_pb2.GetWithdrawalRequest, context: Context
    ) -> order_api_pb2.Withdrawal:
        """GET /withdrawals/{id}."""
        user = _user(context, Permission.READ)
        payout = await self._payouts.get(withdrawal_id_of(request.withdrawal_id), user_id=user)
        return withdrawal_message(payout, await self._payouts.steps(payout))


class OrderAdmin(order_api_pb2_grpc.OrderAdminServicer):
    """What administrators call."""

    def __init__(self, *, treasury: Treasury, switch: WithdrawalSwitch, payouts: PayoutDesk) -> None:
        self._payouts = payouts
        self._treasury = treasury
        self._switch = switch

    async def Deposit(  # noqa: N802
        self, request: order_api_pb2.DepositRequest, context: Context
    ) -> order_api_pb2.InstructionReceipt:
        """POST /admin/deposits."""
        actor = _admin(context)
        user = parse_user_id(request.user_id)
        return receipt_message(await self._treasury.deposit(user, request, actor=actor))

    async def Adjust(  # noqa: N802
        self, request: order_api_pb2.AdjustRequest, context: Context
    ) -> order_api_pb2.InstructionReceipt:
        """POST /admin/adjustments."""
        actor = _admin(context)
        user = parse_user_id(request.user_id)
        return receipt_message(await self._treasury.adjust(user, request, actor=actor))

    async def InspectWithdrawal(  # noqa: N802
        self, request: order_api_pb2.GetWithdrawalRequest, context: Context
    ) -> order_api_pb2.Withdrawal:
        """GET /admin/withdrawals/{id}."""
        _admin(context)
        return await self._shown(await self._payouts.get(withdrawal_id_of(request.withdrawal_id)))

    async def RetryWithdrawal(  # noqa: N802
        self, request: order_api_pb2.WithdrawalActionRequest, context: Context
    ) -> order_api_pb2.Withdrawal:
        """POST /admin/withdrawals/{id}/retry."""
        actor = _admin(context)
        _check_reason(request.reason)
        number = withdrawal_id_of(request.withdrawal_id)
        return await self._shown(await self._payouts.retry(number, note=request.reason, actor=actor))

    async def CancelWithdrawal(  # noqa: N802
        self, request: order_api_pb2.WithdrawalActionRequest, context: Context
    ) -> order_api_pb2.Withdrawal:
        """POST /admin/withdrawals/{id}/cancel."""
        actor = _admin(context)
        _check_reason(request.reason)
        payout = await self._payouts.release(
            withdrawal_id_of(request.withdrawal_id),
            ReleaseReason.RELEASE_REASON_CANCELED_BY_OPERATOR,
            note=request.reason,
            actor=actor,
        )
        return await self._shown(payout)

    async def FailWithdrawal(  # noqa: N802
        self, request: order_api_pb2.FailWithdrawalRequest, context: Context
    ) -> order_api_pb2.Withdrawal:
        """POST /admin/withdrawals/{id}/fail."""
        actor = _admin(context)
        _check_reason(request.reason)
        reverted, elsewhere = (
            ReturnReason.RETURN_REASON_REVERTED,
            ReturnReason.RETURN_REASON_SPENT_ELSEWHERE,
        )
        payout = await self._payouts.give_back(
            withdrawal_id_of(request.withdrawal_id),
            reverted if request.reverted else elsewhere,
            spent_by=request.spent_by,
            fee_asset="",
            fee="",
            note=request.reason,
            actor=actor,
        )
        return await self._shown(payout)

    async def _shown(self, payout: Payout) -> order_api_pb2.Withdrawal:
        return withdrawal_message(payout, await self._payouts.steps(payout), whole=True)

    async def PauseWithdrawals(  # noqa: N802
        self, request: order_api_pb2.PauseWithdrawalsRequest, context: Context
    ) -> order_api_pb2.WithdrawalsState:
        """POST /admin/withdrawals/pause."""
        actor = _admin(context)
        _check_reason(request.reason)
        return _state(await self._switch.pause(reason=request.reason, by=actor))

    async def ResumeWithdrawals(  # noqa: N802
        self, request: order_api_pb2.ResumeWithdrawalsRequest, context: Context
    ) -> order_api_pb2.WithdrawalsState:
        """POST /admin/withdrawals/resume."""
        actor = _admin(context)
        _check_reason(request.reason)
        await self._switch.resume(reason=request.reason, by=actor)
        return order_api_pb2.WithdrawalsState(paused=False, reason=request.reason, by=actor)


def _user(context: Context, permission: Permission) -> int:
    identity = identity_of(context)
    identity.require(permission)
    return identity.user_id


def _admin(context: Context) -> str:
    identity = identity_of(context)
    identity.require(Permission.ADMIN)
    return identity.actor


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > MAX_REASON or not reason.isprintable():
        raise InvalidError(
            f"it needs a reason: 1 to {MAX_REASON} printable characters",
            name="INVALID_REASON",
            field="reason",
        )


def _state(pause: Pause) -> order_api_pb2.WithdrawalsState:
    return order_api_pb2.WithdrawalsState(paused=True, reason=pause.reason, by=pause.by, since=pause.since)
