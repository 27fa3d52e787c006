"""gRPC for administrators: what arrived and was not credited, and what they decide of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from outcry.v1 import deposit_api_pb2 as api
from outcry.v1.deposit_api_pb2_grpc import DepositsAdminServicer

from outcry_services.common.errors import InvalidError, NotFoundError
from outcry_services.common.identity import Permission, identity_of
from outcry_services.order.deposits import LONGEST_PAGE, PAGE, WHO

if TYPE_CHECKING:
    from outcry_services.common.wallets import WalletDirectory

__all__ = ["DepositsAdmin"]

REASON_LONGEST = 256

Context = Any  # gRPC's own


class DepositsAdmin(DepositsAdminServicer):
    """The wallets keep and carry out; who asks is known here alone."""

    def __init__(self, directory: WalletDirectory) -> None:
        self._directory = directory

    async def ListAside(  # noqa: N802 - gRPC's name
        self, request: api.ListAsideRequest, context: Context
    ) -> api.ListAsideResponse:
        """Of all wallets, newest first."""
        _admin(context)
        if not 0 <= request.page_size <= LONGEST_PAGE:
            raise InvalidError(f"1 to {LONGEST_PAGE} at a time", name="INVALID_PAGE_SIZE", field="pageSize")
        asked = api.ListAsideRequest()
        asked.CopyFrom(request)
        asked.page_size = request.page_size or PAGE
        calls = [
            self._directory.desk(wallet).ListKeptAside(asked, metadata=WHO)
            for wallet in self._directory.wallets
        ]
        answers: list[api.ListAsideResponse] = await asyncio.gather(*calls)
        found = [deposit for answer in answers for deposit in answer.deposits]
        found.sort(key=lambda deposit: deposit.found_at, reverse=True)
        return api.ListAsideResponse(deposits=found[: asked.page_size])

    async def CreditAside(  # noqa: N802
        self, request: api.DecideAsideRequest, context: Context
    ) -> api.AsideDeposit:
        """POST /admin/deposits/aside/{deposit}/credit."""
        return await self._decide(request, context, "CREDIT")

    async def DismissAside(  # noqa: N802
        self, request: api.DecideAsideRequest, context: Context
    ) -> api.AsideDeposit:
        """POST /admin/deposits/aside/{deposit}/dismiss."""
        return await self._decide(request, context, "DISMISS")

    async def _decide(self, request: api.DecideAsideRequest, context: Context, what: str) -> api.AsideDeposit:
        """By the wallet of the deposit's chain that has it."""
        actor = _admin(context)
        reason = request.reason
        if not reason.strip() or len(reason) > REASON_LONGEST or not reason.isprintable():
            raise InvalidError(
                f"it needs a reason: 1 to {REASON_LONGEST} printable characters",
                name="INVALID_REASON",
                field="reason",
            )
        asked = api.DecideKeptAsideRequest(deposit=request.deposit, decision=what, actor=actor, note=reason)
        chain = request.deposit.partition(":")[0]
        for wallet in self._directory.wallets:
            if wallet.chain != chain or (request.network and request.network not in wallet.names):
                continue
            try:
                answer: api.AsideDeposit = await self._directory.desk(wallet).DecideKeptAside(
                    asked, metadata=WHO
                )
            except NotFoundError:
                continue
            return answer
        raise NotFoundError(
            f"no wallet keeps {request.deposit[:160]!a} aside", name="UNKNOWN_DEPOSIT", field="deposit"
        )


def _admin(context: Context) -> str:
    identity = identity_of(context)
    identity.require(Permission.ADMIN)
    return identity.actor
