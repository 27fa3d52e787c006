"""One user's calls, straight to the services, under the identity that the gateway would have established."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1 import deposit_api_pb2, ledger_api_pb2, order_api_pb2, position_api_pb2
from outcry.v1.deposit_api_pb2_grpc import DepositsStub
from outcry.v1.ledger_api_pb2_grpc import LedgerStub
from outcry.v1.order_api_pb2_grpc import OrderAdminStub, OrdersStub
from outcry.v1.position_api_pb2_grpc import PositionsStub

if TYPE_CHECKING:
    from collections.abc import Mapping

    import grpc

__all__ = ["Client"]

SECONDS = 10.0


class Client:
    """Blocking calls of one user; errors come as `grpc.RpcError`."""

    def __init__(self, user_id: int, *, channels: Mapping[str, grpc.Channel], permissions: str) -> None:
        self.user_id = user_id
        self._metadata = (("x-outcry-user", str(user_id)), ("x-outcry-permissions", permissions))
        self._orders = OrdersStub(channels["order"])
        self._admin = OrderAdminStub(channels["order"])
        self._positions = PositionsStub(channels["position"])
        self._deposits = DepositsStub(channels["order"])
        self._ledger = LedgerStub(channels["settlement"])

    def order(
        self, *, side: str, quantity: str, symbol: str, price: str = "", **rest: str
    ) -> order_api_pb2.Order:
        """A LIMIT GTC order, or a MARKET one without a price; `rest` as in `CreateOrderRequest`."""
        kind = {"type": "LIMIT", "time_in_force": "GTC", "price": price} if price else {"type": "MARKET"}
        request = order_api_pb2.CreateOrderRequest(
            **{"symbol": symbol, "side": side, "quantity": quantity, **kind, **rest}
        )
        return self._orders.CreateOrder(request, timeout=SECONDS, metadata=self._metadata)

    def get(self, order_id: str) -> order_api_pb2.Order:
        """The order as it stands."""
        request = order_api_pb2.GetOrderRequest(order_id=order_id)
        return self._orders.GetOrder(request, timeout=SECONDS, metadata=self._metadata)

    def cancel(self, order_id: str) -> None:
        """Ask for its end."""
        request = order_api_pb2.CancelOrderRequest(order_id=order_id)
        self._orders.CancelOrder(request, timeout=SECONDS, metadata=self._metadata)

    def cancel_all(self, symbol: str) -> None:
        """Ask for the end of all open orders of a pair."""
        request = order_api_pb2.CancelOrdersRequest(symbol=symbol)
        self._orders.CancelOrders(request, timeout=SECONDS, metadata=self._metadata)

    def deposit(self, user_id: int, asset: str, amount: str, *, reference: str) -> None:
        """Credit a user (administrators)."""
        request = order_api_pb2.DepositRequest(
            user_id=str(user_id), asset=asset, amount=amount, reference=reference
        )
        self._admin.Deposit(request, timeout=SECONDS, metadata=self._metadata)

    def withdraw(self, asset: str, amount: str, *, address: str, network: str) -> str:
        """Ask for a withdrawal; its id."""
        request = order_api_pb2.CreateWithdrawalRequest(
            asset=asset, amount=amount, address=address, network=network
        )
        found = self._orders.CreateWithdrawal(request, timeout=SECONDS, metadata=self._metadata)
        return str(found.withdrawal_id)

    def withdrawal(self, withdrawal_id: str) -> order_api_pb2.Withdrawal:
        """As it stands."""
        request = order_api_pb2.GetWithdrawalRequest(withdrawal_id=withdrawal_id)
        return self._orders.GetWithdrawal(request, timeout=SECONDS, metadata=self._metadata)

    def position(self, asset: str) -> tuple[str, str]:
        """(available, held), in decimal text."""
        request = position_api_pb2.GetPositionRequest(user_id=str(self.user_id), ccy=asset)
        found = self._positions.GetPosition(request, timeout=SECONDS, metadata=self._metadata)
        return found.available, found.held

    def deposit_address(self, asset: str) -> str:
        """Where to pay what is to be the user's."""
        request = deposit_api_pb2.GetDepositAddressRequest(asset=asset)
        found = self._deposits.GetDepositAddress(request, timeout=SECONDS, metadata=self._metadata)
        return str(found.address)

    def solvency(self) -> ledger_api_pb2.Solvency:
        """Books and chains at one cut (administrators)."""
        request = ledger_api_pb2.CheckSolvencyRequest()
        return self._ledger.CheckSolvency(request, timeout=60, metadata=self._metadata)

    def check_ledger(self) -> ledger_api_pb2.TrialBalance:
        """The trial balance (administrators)."""
        request = ledger_api_pb2.CheckLedgerRequest()
        return self._ledger.CheckLedger(request, timeout=60, metadata=self._metadata)
