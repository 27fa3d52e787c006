"""The gRPC side: who asks, what they may see, and messages in and out."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from outcry.v1 import ledger_api_pb2, ledger_api_pb2_grpc

from outcry_services.common.errors import InvalidError, TooManyError
from outcry_services.common.identity import Permission, identity_of
from outcry_services.settlement.liabilities.rpc import proof_message, publication_of, roots_message
from outcry_services.settlement.render import statement_line, trial_balance
from outcry_services.settlement.reserves.render import solvency_message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from outcry_services.settlement.liabilities.publisher import LiabilityPublisher
    from outcry_services.settlement.liabilities.reader import LiabilityReader
    from outcry_services.settlement.reading_store import ReadingStore
    from outcry_services.settlement.reserves.reader import SolvencyReader

__all__ = ["LONGEST_PAGE", "PAGE", "LedgerRpc"]

Context = Any  # gRPC's own

PAGE, LONGEST_PAGE = 50, 500


class LedgerRpc(ledger_api_pb2_grpc.LedgerServicer):
    """What users and administrators ask of the ledger. `scales` gives the decimals of the assets."""

    def __init__(
        self,
        store: ReadingStore,
        *,
        publisher: LiabilityPublisher,
        liabilities: LiabilityReader,
        solvency: SolvencyReader,
        scales: Callable[[], Mapping[str, int]],
        now: Callable[[], int],
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._liabilities = liabilities
        self._solvency = solvency
        self._scales = scales
        self._now = now
        self._reading_all = False

    async def GetStatement(  # noqa: N802 - gRPC's name
        self, request: ledger_api_pb2.GetStatementRequest, context: Context
    ) -> ledger_api_pb2.GetStatementResponse:
        """GET /ledger: the caller's own, whatever else they may do."""
        identity = identity_of(context)
        identity.require(Permission.READ)
        most = _page_size(request.page_size)
        lines = await self._store.statement(
            identity.user_id, asset=_asset(request.asset), before=_before(request.page_token), most=most + 1
        )
        scales = self._scales()
        return ledger_api_pb2.GetStatementResponse(
            lines=[statement_line(line, scales) for line in lines[:most]],
            next_page_token=str(lines[most - 1].id) if len(lines) > most else "",
        )

    async def CheckLedger(  # noqa: N802
        self, request: ledger_api_pb2.CheckLedgerRequest, context: Context
    ) -> ledger_api_pb2.TrialBalance:
        """GET /admin/ledger/check: one at a time, for it reads everything."""
        identity_of(context).require(Permission.ADMIN)
        with self._alone():
            return trial_balance(await self._store.trial(), self._scales())

    async def CheckSolvency(  # noqa: N802
        self, request: ledger_api_pb2.CheckSolvencyRequest, context: Context
    ) -> ledger_api_pb2.Solvency:
        """GET /admin/solvency: books and chains at one cut."""
        identity_of(context).require(Permission.ADMIN)
        return solvency_message(await self._solvency.check())

    async def PublishLiabilities(  # noqa: N802
        self, request: ledger_api_pb2.PublishLiabilitiesRequest, context: Context
    ) -> ledger_api_pb2.ListLiabilitiesResponse:
        """POST /admin/liabilities: the roots of the new publication."""
        identity_of(context).require(Permission.ADMIN)
        with self._alone():
            made = await self._publisher.publish(now=self._now())
        roots = [root for root in await self._liabilities.roots() if root.publication == made]
        return roots_message(roots, self._scales())

    async def ListLiabilities(  # noqa: N802
        self, request: ledger_api_pb2.ListLiabilitiesRequest, context: Context
    ) -> ledger_api_pb2.ListLiabilitiesResponse:
        """GET /liabilities."""
        identity_of(context).require(Permission.READ)
        return roots_message(await self._liabilities.roots(), self._scales())

    async def GetLiabilityProof(  # noqa: N802
        self, request: ledger_api_pb2.GetLiabilityProofRequest, context: Context
    ) -> ledger_api_pb2.LiabilityProof:
        """GET /liabilities/proof: the caller's own, whatever else they may do."""
        identity = identity_of(context)
        identity.require(Permission.READ)
        if not request.asset:
            raise InvalidError("say of which asset, like ?asset=BTC", name="INVALID_ASSET", field="asset")
        root, proof = await self._liabilities.proof(
            identity.user_id,
            asset=_asset(request.asset),
            publication=publication_of(request.publication),
        )
        return proof_message(root, proof, self._scales())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One at a time of what reads everything."""
        if self._reading_all:
            raise TooManyError(
                "a check of the ledger or a publication is under way; ask again when it is done",
                name="CHECK_UNDER_WAY",
                retry_after=5.0,
            )
        self._reading_all = True
        try:
            yield
        finally:
            self._reading_all = False


def _page_size(size: int) -> int:
    if not 0 <= size <= LONGEST_PAGE:
        raise InvalidError(
            f"a page of {size} is not to be had; 1 to {LONGEST_PAGE}, or none for {PAGE}",
            name="INVALID_PAGE_SIZE",
            field="pageSize",
        )
    return size or PAGE


def _before(token: str) -> int | None:
    if not token:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,17}", token, re.ASCII):
        raise InvalidError(
            "that page token is none; send it as it was given", name="INVALID_PAGE_TOKEN", field="pageToken"
        )
    return int(token)


def _asset(text: str) -> str:
    if text and not re.fullmatch(r"[A-Z0-9]{2,10}", text, re.ASCII):
        raise InvalidError(
            f"{text[:32]!a} is no asset; write it like BTC", name="INVALID_ASSET", field="asset"
        )
    return text
