"""Withdrawals after they were asked for: what the wallet and operators do with them, and who may see what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from outcry.v1.instruction_pb2 import ReleaseReason, ReturnReason

from outcry_services.common import trace
from outcry_services.common.errors import IntegrityError, InvalidError, NotFoundError
from outcry_services.common.ids import OrderId, parse_order_id, shard_of_user
from outcry_services.common.money import parse_up
from outcry_services.order.entries import Denied, Entry
from outcry_services.order.money_requests import asset_of
from outcry_services.order.payouts import (
    TOLD,
    Complete,
    Payout,
    PayoutStep,
    Release,
    Retry,
    Return,
    Send,
    Stage,
    Tell,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outcry_services.common.pairs import Pair
    from outcry_services.order.intake import World
    from outcry_services.order.payouts import Happened, Step

__all__ = ["PayoutDesk", "withdrawal_id_of"]

_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
_CHAIN = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_TRANSACTION = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
_CONFLICT_POINT = re.compile(r"[\x21-\x7e]{1,256}", re.ASCII)
MAX_NOTE, MAX_ACTOR = 256, 128


class PayoutDesk:
    """One desk for all shards; raises `NotFoundError` (`WITHDRAWAL_NOT_FOUND`) for what isn't there."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def get(self, withdrawal_id: int, *, user_id: int | None = None) -> Payout:
        """One; another user's is not there."""
        of = OrderId.of(withdrawal_id)
        found = None
        if user_id is None or shard_of_user(user_id) == of.shard:
            found = await self._world.shards.on(of.shard, lambda store: store.payout(of.shard, of.number))
        if found is None or user_id not in (None, found.request.user_id):
            raise NotFoundError(
                f"there is no withdrawal {withdrawal_id} of yours",
                name="WITHDRAWAL_NOT_FOUND",
                field="withdrawalId",
            )
        return found

    async def by_number(self, user_id: int, number: int) -> Payout:
        """A user's own, by the number of its request."""
        return await self.get(int(OrderId.make(shard=shard_of_user(user_id), number=number)), user_id=user_id)

    async def steps(self, payout: Payout) -> list[Happened]:
        """What became of one, oldest first."""
        shard = payout.shard
        return await self._world.shards.on(shard, lambda store: store.payout_steps(shard, payout.number))

    async def of_user(self, user_id: int, *, before: int | None, most: int) -> list[Payout]:
        """A user's, newest first, below an id."""
        number = None if before is None else OrderId.of(before).number
        return await self._world.shards.on(
            shard_of_user(user_id), lambda store: store.payouts(user_id, before=number, most=most)
        )

    async def open_of(self, shard: int, *, after: int, most: int) -> list[Payout]:
        """Of a shard those that have not ended, oldest first, above an id."""
        number = OrderId.of(after).number if after else 0
        return await self._world.shards.on(
            shard, lambda store: store.open_payouts(shard, after=number, most=most)
        )

    async def tell(self, withdrawal_id: int, stage: str, *, reason: str, note: str, actor: str) -> Payout:
        """What the wallet is at."""
        if stage not in TOLD:
            raise InvalidError(
                f"{stage[:32]!a} is not one of {', '.join(TOLD)}", name="INVALID_STAGE", field="stage"
            )
        if reason and not _NAME.fullmatch(reason):
            raise InvalidError("a reason is one word in upper case", name="INVALID_REASON", field="reason")
        step = Tell(stage=Stage(stage), reason=reason, **_said(note, actor))
        return await self._take(await self.get(withdrawal_id), step)

    async def send(
        self, withdrawal_id: int, *, chain: str, network: str, transaction_id: str, conflict_point: str
    ) -> Payout:
        """It may be on its way from now on."""
        for name, value, pattern in (
            ("chain", chain, _CHAIN),
            ("network", network, _CHAIN),
            ("transactionId", transaction_id, _TRANSACTION),
            ("conflictPoint", conflict_point, _CONFLICT_POINT),
        ):
            _check(name, value, pattern)
        step = Send(
            chain=chain, network=network, transaction_id=transaction_id, conflict_point=conflict_point
        )
        return await self._take(await self.get(withdrawal_id), step)

    async def complete(self, withdrawal_id: int, *, transaction_id: str, fee_asset: str, fee: str) -> Payout:
        """The chain confirmed it."""
        _check("transactionId", transaction_id, _TRANSACTION)
        payout = await self.get(withdrawal_id)
        units = self._fee(payout, fee_asset, fee)
        step = Complete(transaction_id=transaction_id, fee_asset=fee_asset, fee=units)
        return await self._take(payout, step)

    async def release(
        self, withdrawal_id: int, code: ReleaseReason.ValueType, *, note: str, actor: str
    ) -> Payout:
        """It is never sent."""
        if code not in ReleaseReason.values() or not code:
            raise InvalidError(f"{code} is no reason to release", name="INVALID_REASON", field="reason")
        return await self._take(await self.get(withdrawal_id), Release(code=code, **_said(note, actor)))

    async def give_back(
        self,
        withdrawal_id: int,
        code: ReturnReason.ValueType,
        *,
        spent_by: str,
        fee_asset: str,
        fee: str,
        note: str,
        actor: str,
    ) -> Payout:
        """It was sent, and the chain can never pay it any more."""
        if code not in ReturnReason.values() or not code:
            raise InvalidError(f"{code} is no reason to return", name="INVALID_REASON", field="reason")
        _check("spentBy", spent_by, _TRANSACTION)
        payout = await self.get(withdrawal_id)
        units = self._fee(payout, fee_asset, fee) if fee_asset else 0
        step = Return(code=code, spent_by=spent_by, fee_asset=fee_asset, fee=units, **_said(note, actor))
        return await self._take(payout, step)

    async def retry(self, withdrawal_id: int, *, note: str, actor: str) -> Payout:
        """An operator wants it tried again."""
        return await self._take(await self.get(withdrawal_id), Retry(**_said(note, actor)))

    async def _take(self, payout: Payout, step: Step) -> Payout:
        entry = Entry(PayoutStep.of(payout, step), trace.traceparent())
        outcome = await self._world.shards.commit(entry)
        if isinstance(outcome, Denied):
            raise outcome.error
        if not isinstance(outcome.row, Payout):
            raise IntegrityError("a withdrawal's step was committed as something else")
        return outcome.row

    def _fee(self, payout: Payout, asset: str, text: str) -> int:
        """Ledger units, rounded up: what is below one is the house's."""
        scale = payout.request.scale
        if asset != payout.request.asset:
            scale = asset_of(asset, self._pairs()).scale
        return parse_up(text, scale=scale, field="fee")

    def _pairs(self) -> Iterable[Pair]:
        return self._world.pairs.pairs().values()


def withdrawal_id_of(text: str) -> int:
    """An id as a client writes it; raises `InvalidError` (`INVALID_WITHDRAWAL_ID`)."""
    try:
        return int(parse_order_id(text))
    except InvalidError as error:
        raise InvalidError(
            f"{text[:24]!a} is no withdrawal id; send it as it was given",
            name="INVALID_WITHDRAWAL_ID",
            field="withdrawalId",
        ) from error


def _check(field: str, value: str, pattern: re.Pattern[str]) -> None:
    if not pattern.fullmatch(value):
        raise InvalidError(
            f"{value[:40]!a} is no {field}: it needs {pattern.pattern}", name="INVALID", field=field
        )


def _said(note: str, actor: str) -> dict[str, str]:
    """Raises `InvalidError` (`INVALID_REASON`) for what no record could hold."""
    for text, most in ((note, MAX_NOTE), (actor, MAX_ACTOR)):
        if len(text) > most or not text.isprintable():
            raise InvalidError(f"at most {most} printable characters", name="INVALID_REASON", field="reason")
    return {"note": note, "actor": actor}
