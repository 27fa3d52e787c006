"""The books of deposits: the order service's `WithdrawalDesk`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry.v1.withdrawal_api_pb2 import CreditDepositRequest
from outcry.v1.withdrawal_api_pb2_grpc import WithdrawalDeskStub

from outcry_services.common.errors import IntegrityError, RefusedError
from outcry_services.common.identity import SERVICE
from outcry_services.common.money import format_amount
from outcry_services.wallet.deposits.sorting import ledger_units

if TYPE_CHECKING:
    from outcry.v1.withdrawal_api_pb2 import CreditDepositResponse

    from outcry_services.common.rpc_client import RpcChannel
    from outcry_services.wallet.scan.book import Deposit
    from outcry_services.wallet.settings import WalletFile

__all__ = ["DepositBooks"]


class DepositBooks:
    """Every call may be repeated: the order service knows a deposit by chain, transaction and output."""

    def __init__(self, channel: RpcChannel, *, file: WalletFile) -> None:
        self._stub: Any = WithdrawalDeskStub(channel.channel)
        self._file = file

    async def credit(self, deposit: Deposit) -> None:
        """Once for each. Raises `ServiceError`: `RefusedError` where a balance has no room for it."""
        asset = self._file.asset(deposit.asset)
        if asset is None:
            raise IntegrityError(
                f"deposit {deposit.id} is of {deposit.asset}, which this wallet doesn't have"
            )
        _, txid, output = deposit.id.split(":")
        request = CreditDepositRequest(
            user_id=deposit.user_id,
            asset=deposit.asset,
            amount=format_amount(ledger_units(deposit.amount, asset), scale=asset.scale),
            chain=self._file.chain,
            network=self._file.approval_network,
            transaction_id=txid,
            output=int(output),
        )
        answer: CreditDepositResponse = await self._stub.CreditDeposit(
            request, metadata=((SERVICE, "wallet"),)
        )
        if answer.status == "REFUSED":
            raise RefusedError(f"the books refuse deposit {deposit.id}")
