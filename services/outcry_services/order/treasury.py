"""Deposits, adjustments and withdrawals: money that moves without an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1 import risk_api_pb2

from outcry_services.common import trace
from outcry_services.common.errors import IntegrityError, ServiceError
from outcry_services.common.ids import shard_of_user
from outcry_services.order.entries import Committed, Entry
from outcry_services.order.errors import ReferenceConflictError
from outcry_services.order.model import MoneyKind, MoneyRow
from outcry_services.order.money_requests import asset_of, claim_shard, money_request
from outcry_services.order.parse import check_client_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry.v1.order_api_pb2 import AdjustRequest, CreateWithdrawalRequest, DepositRequest
    from outcry.v1.withdrawal_api_pb2 import CreditDepositRequest

    from outcry_services.order.intake import World
    from outcry_services.order.model import MoneyRequest
    from outcry_services.order.withdrawals import WithdrawalSwitch

__all__ = ["Treasury"]


class Treasury:
    """What users and administrators ask for with money.

    `check_address(asset, network, address)` refuses an address that its chain would not take, as far as that
    is known before the funds are held; risk looks again before anything is signed.
    """

    def __init__(
        self,
        world: World,
        *,
        switch: WithdrawalSwitch,
        check_address: Callable[[str, str, str], None] = lambda *_: None,
    ) -> None:
        self._world = world
        self._switch = switch
        self._check_address = check_address

    async def deposit(self, user_id: int, request: DepositRequest, *, actor: str) -> MoneyRow:
        """Credit a user; the same reference is the same deposit for ever, whoever it names."""
        wanted = money_request(
            MoneyKind.DEPOSIT,
            user_id=user_id,
            reference=request.reference,
            asset=asset_of(request.asset, self._world.pairs.pairs().values()),
            amount=request.amount,
            actor=actor,
        )
        await self._claim(wanted)
        return await self._commit(wanted)

    async def adjust(self, user_id: int, request: AdjustRequest, *, actor: str) -> MoneyRow:
        """Change a user's balance by hand, with a reason."""
        wanted = money_request(
            MoneyKind.ADJUSTMENT,
            user_id=user_id,
            reference=request.reference,
            asset=asset_of(request.asset, self._world.pairs.pairs().values()),
            amount=request.amount,
            detail=request.reason,
            actor=actor,
        )
        await self._claim(wanted)
        return await self._commit(wanted)

    async def credit(self, request: CreditDepositRequest, *, actor: str) -> MoneyRow:
        """Credit what the wallet found confirmed; its place in the chain names it for ever."""
        place = (request.chain, request.network, request.transaction_id, str(request.output))
        wanted = money_request(
            MoneyKind.DEPOSIT,
            user_id=request.user_id,
            reference=":".join(place),
            asset=asset_of(request.asset, self._world.pairs.pairs().values()),
            amount=request.amount,
            actor=actor,
        )
        await self._claim(wanted)
        return await self._commit(wanted)

    async def withdraw(self, user_id: int, request: CreateWithdrawalRequest) -> MoneyRow:
        """Hold funds for a payout. What was accepted once stays accepted, whatever the flag says now."""
        named = bool(request.client_withdrawal_id)
        if named:
            check_client_id(request.client_withdrawal_id, field="clientWithdrawalId")
        wanted = money_request(
            MoneyKind.WITHDRAWAL,
            user_id=user_id,
            reference=request.client_withdrawal_id or self._world.chance.name(),
            asset=asset_of(request.asset, self._world.pairs.pairs().values()),
            amount=request.amount,
            detail=request.address,
            network=request.network,
        )
        try:
            self._check_address(wanted.asset, wanted.network, wanted.detail)
            await self._switch.require_running()
            await self._ask_risk(wanted)
        except ServiceError as refusal:
            found = await self._find(wanted) if named else None
            if found is None:
                self._world.metrics.refused(refusal.name)
                raise
            return self._same(found, wanted)
        return await self._commit(wanted)

    async def _ask_risk(self, wanted: MoneyRequest) -> None:
        check = risk_api_pb2.RiskCheck(
            user_id=wanted.user_id,
            withdrawal=risk_api_pb2.WithdrawalCheck(asset=wanted.asset, amount=wanted.amount),
        )
        await self._world.risk.require(check)

    async def _claim(self, wanted: MoneyRequest) -> None:
        """Take the reference for this content alone: the user's own shard can't see those of others.

        A crash behind this leaves a claim without an instruction; the same request again makes it whole.
        """
        kept = await self._world.shards.on(
            claim_shard(wanted.reference),
            lambda store: store.claim(
                claim_shard(wanted.reference), wanted.kind, wanted.reference, wanted.digest
            ),
        )
        if kept != wanted.digest:
            raise _conflict(wanted)

    async def _commit(self, wanted: MoneyRequest) -> MoneyRow:
        outcome = await self._world.shards.commit(Entry(wanted, trace.traceparent()))
        if not isinstance(outcome.row, MoneyRow):
            raise IntegrityError("a deposit or withdrawal was committed as something else")
        if not isinstance(outcome, Committed):
            return self._same(outcome.row, wanted)
        self._world.metrics.accepted(wanted.kind.lower())
        return outcome.row

    async def _find(self, wanted: MoneyRequest) -> MoneyRow | None:
        return await self._world.shards.on(
            shard_of_user(wanted.user_id),
            lambda store: store.money(wanted.user_id, wanted.kind, wanted.reference),
        )

    def _same(self, found: MoneyRow, wanted: MoneyRequest) -> MoneyRow:
        if found.request.digest != wanted.digest:
            raise _conflict(wanted)
        self._world.metrics.repeated(wanted.kind.lower())
        return found


def _conflict(wanted: MoneyRequest) -> ReferenceConflictError:
    what = wanted.kind.lower()
    return ReferenceConflictError(
        f"{wanted.reference} names another {what}; use a new one for a new {what}",
        field="clientWithdrawalId" if wanted.kind is MoneyKind.WITHDRAWAL else "reference",
    )
