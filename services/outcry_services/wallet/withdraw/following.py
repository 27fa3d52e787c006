"""Payments that nodes may have: broadcast, confirmed, replaced by one of a higher fee, or lost to another."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from outcry.v1.instruction_pb2 import ReturnReason

from outcry_services.common.errors import ConflictError, ServiceError
from outcry_services.wallet.nodes.model import Place
from outcry_services.wallet.withdraw.errors import SupersededError, WithdrawalError
from outcry_services.wallet.withdraw.model import ENDED, Form, Standing, State
from outcry_services.wallet.withdraw.rail import Short
from outcry_services.wallet.withdraw.said import Said
from outcry_services.wallet.withdraw.world import each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_services.wallet.nodes.model import Sighting
    from outcry_services.wallet.withdraw.model import Payment, Transaction, Withdrawal
    from outcry_services.wallet.withdraw.world import World

__all__ = ["Following", "shares"]

log = logging.getLogger(__name__)

SECOND = 1_000_000_000
BROADCAST_SECONDS = 10.0


class Following:
    """To the end of each payment."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._urged: set[int] = set()
        self._said = Said()

    def urge(self, payment: int) -> None:
        """Its fee is to be raised at the next look."""
        self._urged.add(payment)

    async def step(self) -> None:
        """A look at each; what can't be seen of one keeps no other back."""
        async with self._world.store.look() as tables:
            payments = [it for it in await tables.payments.open_ones() if it.standing is Standing.SENT]
        for payment in payments:
            try:
                await self._look(payment)
            except SupersededError:
                raise
            except ServiceError as error:
                self._world.metrics.held_back(error.name)
                if self._said.anew(payment.id, error.message):
                    log.warning(
                        "a payment can't be followed",
                        extra={"payment": payment.id, "error": error.name, "why": error.message},
                    )

    async def _look(self, payment: Payment) -> None:
        async with self._world.store.look() as tables:
            versions = await tables.payments.transactions(payment.id)
            members = await tables.withdrawals.of_payment(payment.id)
        left = [it for it in members if it.state not in ENDED]
        sent = [it for it in versions if it.form is Form.SENT]
        mined = await self._mined(sent)
        if mined is not None:
            transaction, sighting = mined
            if sighting.confirmations >= self._confirmations(members):
                await self._end(payment, transaction, members, succeeded=sighting.succeeded)
        elif not await self._lost(payment, sent, left):
            await self._push(payment, versions, left)

    async def _mined(self, sent: Sequence[Transaction]) -> tuple[Transaction, Sighting] | None:
        for transaction in reversed(sent):
            sighting = await self._world.rail.sighting(transaction.txid)
            if sighting.place is Place.MINED:
                return transaction, sighting
        return None

    def _confirmations(self, members: Sequence[Withdrawal]) -> int:
        file = self._world.file
        found = (file.asset(member.asset) for member in members)
        return max((asset.confirmations for asset in found if asset), default=file.native.confirmations)

    async def _end(
        self, payment: Payment, transaction: Transaction, members: Sequence[Withdrawal], *, succeeded: bool
    ) -> None:
        """Tell the books, each with its part of the fee."""
        world = self._world
        fee = await world.rail.fee_paid(transaction)

        async def complete(pair: tuple[Withdrawal, int]) -> Withdrawal:
            member, part = pair
            try:
                await self._tell(member, transaction.txid, world.rail.text(part), succeeded=succeeded)
            except ConflictError as error:
                found = await world.as_in_books(member)
                if found.state not in ENDED:
                    raise WithdrawalError(
                        f"withdrawal {member.id} is paid by {transaction.txid}, and the books refuse it: "
                        f"{error.message}"
                    ) from error
                return found
            return replace(member, state=State.PAID if succeeded else State.RETURNED, reason="", note="")

        parts = zip(members, shares(fee, len(members)), strict=True)
        ended = await each([pair for pair in parts if pair[0].state not in ENDED], complete)
        async with world.store.change() as tables:
            await tables.withdrawals.save(world.stamped(ended))
            await tables.payments.keep(replace(payment, standing=Standing.CONFIRMED))
            await tables.moves.end(payment.id, txid=transaction.txid, fee=fee, now=world.now())
        world.metrics.paid(len(ended), fee)
        extra = {"payment": payment.id, "kind": payment.kind, "txid": transaction.txid}
        if succeeded or members:
            log.info("a payment is confirmed", extra=extra)
        else:
            log.error("the chain took a payment to ourselves and undid it", extra=extra)

    async def _tell(self, member: Withdrawal, txid: str, fee: str, *, succeeded: bool) -> None:
        desk, native = self._world.desk, self._world.rail.native
        if succeeded:
            await desk.complete(member.id, txid=txid, fee_asset=native, fee=fee)
            return
        await desk.give_back(
            member.id,
            ReturnReason.RETURN_REASON_REVERTED,
            spent_by=txid,
            note="the chain took it and undid it",
            fee_asset=native,
            fee=fee,
        )

    async def _lost(self, payment: Payment, sent: Sequence[Transaction], left: Sequence[Withdrawal]) -> bool:
        """Whether something else spent what it spends, so that the chain can take none of its versions."""
        world = self._world
        txids = [it.txid for it in sent]
        async with world.store.look() as tables:
            spent = await world.rail.spent_elsewhere(tables, payment, txids, left)
        if not spent:
            return False
        log.error("a payment's coins were spent by another", extra={"payment": payment.id, "by": spent})

        async def give_back(member: Withdrawal) -> Withdrawal:
            by = spent.get(member.id)
            if by is None:
                # Its own point is whole: it is paid by another transaction, of those that are left.
                return replace(member, state=State.QUEUED, payment=None, reason="")
            try:
                await world.desk.give_back(
                    member.id,
                    ReturnReason.RETURN_REASON_SPENT_ELSEWHERE,
                    spent_by=by,
                    note=f"{by} spent {member.conflict_point}",
                )
            except ConflictError:
                return await world.as_in_books(member)
            return replace(member, state=State.RETURNED, reason="SPENT_ELSEWHERE")

        ended = await each(left, give_back)
        async with world.store.change() as tables:
            await tables.withdrawals.save(world.stamped(ended))
            await tables.payments.keep(replace(payment, standing=Standing.LOST))
            await tables.coins.give_up(payment.id)
            await tables.moves.leave(payment.id)
        return True

    async def _push(
        self, payment: Payment, versions: Sequence[Transaction], left: Sequence[Withdrawal]
    ) -> None:
        """Hand out the newest that may leave; where the chain lets it lie, make one that pays more."""
        world, last = self._world, versions[-1]
        if await world.paused() is not None:
            return
        newest = next(it for it in reversed(versions) if it.form is Form.SENT)
        told = await world.rail.broadcast(newest, seconds=BROADCAST_SECONDS)
        if not told.done and self._said.anew(payment.id, f"unseen {newest.txid}"):
            log.warning(
                "a transaction is not seen by a majority",
                extra={"txid": newest.txid, "refused": dict(told.refused), "silent": sorted(told.silent)},
            )
        age = world.now() - last.created
        due = age >= world.file.fees.bump_after_seconds * SECOND or payment.id in self._urged
        if last.form is not Form.SENT or not due:
            return
        self._urged.discard(payment.id)
        rate = await world.rail.rate()
        async with world.store.change() as tables:
            raised = await world.rail.raise_fee(tables, payment, versions, left, rate=rate)
        world.metrics.stuck(why=raised.reason if isinstance(raised, Short) else "")
        extra = {"payment": payment.id, "txid": last.txid, "seconds": age // SECOND}
        if isinstance(raised, Short):
            if self._said.anew(payment.id, raised.reason):
                log.error("a transaction is stuck", extra=extra | {"why": raised.reason, "note": raised.note})
        else:
            log.warning("a fee is raised", extra=extra | {"fee": raised.fee, "was": last.fee})


def shares(fee: int, among: int) -> list[int]:
    """A fee divided so that the parts are the whole, to the unit."""
    each_part, rest = divmod(fee, max(among, 1))
    return [each_part + (number < rest) for number in range(among)]
