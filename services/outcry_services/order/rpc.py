"""The gRPC side: who asks, what they may do, and messages in and out. The logic is elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry.v1 import order_api_pb2, order_api_pb2_grpc

from outcry_services.common import trace
from outcry_services.common.errors import InvalidError
from outcry_services.common.identity import Permission, identity_of, parse_user_id
from outcry_services.common.ids import parse_order_id
from outcry_services.order.render import (
    order_message,
    receipt_message,
    trade_message,
    withdrawal_message,
)

if TYPE_CHECKING:
    from outcry_services.order.intake import Intake
    from outcry_services.order.queries import Queries
    from outcry_services.order.treasury import Treasury
    from outcry_services.order.withdrawals import Pause, WithdrawalSwitch

__all__ = ["OrderAdmin", "Orders"]

Context = Any  # gRPC's own
MAX_REASON = 256


class Orders(order_api_pb2_grpc.OrdersServicer):
    """What users call; a user is whoever the gateway says, never what a request says."""

    def __init__(self, *, intake: Intake, treasury: Treasury, queries: Queries) -> None:
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
        return withdrawal_message(await self._treasury.withdraw(user, request))


class OrderAdmin(order_api_pb2_grpc.OrderAdminServicer):
    """What administrators call."""

    def __init__(self, *, treasury: Treasury, switch: WithdrawalSwitch) -> None:
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
