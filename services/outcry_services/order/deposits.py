"""gRPC for users' deposits: the wallets are asked for the caller, never for anybody whom a request names."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from outcry.v1 import deposit_api_pb2 as api
from outcry.v1.deposit_api_pb2_grpc import DepositsServicer

from outcry_services.common.errors import InvalidError
from outcry_services.common.identity import SERVICE, Permission, identity_of
from outcry_services.common.wallets import choose

if TYPE_CHECKING:
    from outcry_services.common.identity import Identity
    from outcry_services.common.wallets import WalletDirectory

__all__ = ["Deposits"]

PAGE, LONGEST_PAGE = 100, 500
WHO = ((SERVICE, "order"),)

Context = Any  # gRPC's own


class Deposits(DepositsServicer):
    """What users call; a wallet that doesn't answer fails the call: what it has would be missing."""

    def __init__(self, directory: WalletDirectory) -> None:
        self._directory = directory

    async def GetDepositAddress(  # noqa: N802 - gRPC's name
        self, request: api.GetDepositAddressRequest, context: Context
    ) -> api.DepositAddress:
        """The caller's own."""
        user_id = _caller(context).user_id
        wallet = choose(self._directory.wallets, asset=request.asset, network=request.network)
        asked = api.GiveAddressRequest(user_id=user_id, asset=request.asset)
        answer: api.DepositAddress = await self._directory.desk(wallet).GiveAddress(asked, metadata=WHO)
        return answer

    async def ListDeposits(  # noqa: N802
        self, request: api.ListDepositsRequest, context: Context
    ) -> api.ListDepositsResponse:
        """The caller's own of all wallets, newest first."""
        user_id = _caller(context).user_id
        if not 0 <= request.page_size <= LONGEST_PAGE:
            raise InvalidError(f"1 to {LONGEST_PAGE} at a time", name="INVALID_PAGE_SIZE", field="pageSize")
        most = request.page_size or PAGE
        asked = api.ListArrivalsRequest(user_id=user_id, most=most)
        calls = [
            self._directory.desk(wallet).ListArrivals(asked, metadata=WHO)
            for wallet in self._directory.wallets
        ]
        answers: list[api.ListDepositsResponse] = await asyncio.gather(*calls)
        found = [deposit for answer in answers for deposit in answer.deposits]
        found.sort(key=lambda deposit: deposit.found_at, reverse=True)
        return api.ListDepositsResponse(deposits=found[:most])


def _caller(context: Context) -> Identity:
    identity = identity_of(context)
    identity.require(Permission.READ)
    return identity
