"""From a transaction that is built to one that is durable in the books, so that nodes may have it.

    approvals of all it pays → SIGNING in the books → two of three sign → kept → SENT in the books

What was kept is never signed again. A process that dies in between has the same transaction signed once
more, by the same approvals: its id is the same where the chain leaves signatures out of it, and it spends
the same points in any case.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from outcry.v1.withdrawal_approval_pb2 import SignedApproval

from outcry_services.common.errors import ConflictError, ServiceError
from outcry_services.wallet.signing.errors import SignersDownError, SignersRefusedError, SigningError
from outcry_services.wallet.withdraw.approving import Approving
from outcry_services.wallet.withdraw.errors import SupersededError, WithdrawalError
from outcry_services.wallet.withdraw.model import ENDED, Form, Kind, Standing, State
from outcry_services.wallet.withdraw.said import Said
from outcry_services.wallet.withdraw.world import each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_services.wallet.withdraw.model import Payment, Transaction, Withdrawal
    from outcry_services.wallet.withdraw.world import World

__all__ = ["Sending"]

log = logging.getLogger(__name__)

SECOND = 1_000_000_000
NEEDED = 2
"""Signers."""
SHORTEST_WAIT, LONGEST_WAIT = 1.0, 30.0
"""Seconds before signers that didn't sign are asked again."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A payment with what it pays and its last version."""

    payment: Payment
    members: Sequence[Withdrawal]
    last: Transaction
    ended: Sequence[Withdrawal] = ()
    """Of those that it was built for: what the books ended meanwhile."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Until signers are asked again; `until` in Unix nanoseconds."""

    seconds: float
    until: int

    @classmethod
    def after(cls, before: Wait | None, *, now: int) -> Wait:
        """Twice as long as the last time."""
        seconds = min(before.seconds * 2, LONGEST_WAIT) if before else SHORTEST_WAIT
        return cls(seconds, now + int(seconds * SECOND))


class Sending:
    """Payments with a version that is not sent."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._approving = Approving(world)
        self._waits: dict[int, Wait] = {}
        self._said = Said()

    async def step(self) -> None:
        """Each of them as far as it goes; what keeps one back keeps no other."""
        async with self._world.store.look() as tables:
            payments = await tables.payments.open_ones()
        self._waits = {it.id: self._waits[it.id] for it in payments if it.id in self._waits}
        for payment in payments:
            wait = self._waits.get(payment.id)
            if wait is not None and self._world.now() < wait.until:
                continue
            try:
                await self._move(payment)
            except SupersededError:
                raise
            except SigningError as error:
                self._waits[payment.id] = wait = Wait.after(wait, now=self._world.now())
                self._world.metrics.held_back(error.name)
                # Its own words: a traceback would tell no more.
                log.warning(
                    "a payment is not signed",
                    extra={
                        "payment": payment.id,
                        "error": error.name,
                        "why": error.message,
                        "again_in": wait.seconds,
                    },
                )
            except ServiceError as error:
                self._world.metrics.held_back(error.name)
                if self._said.anew(payment.id, error.message):
                    log.warning(
                        "a payment is held back",
                        extra={"payment": payment.id, "error": error.name, "why": error.message},
                    )

    async def _move(self, payment: Payment) -> None:
        turn = await self._turn(payment)
        if turn is None:
            return
        if turn.last.form is Form.BUILT:
            turn = await self._signed(turn)
        if turn is not None and turn.last.form is Form.SIGNED:
            await self._send(turn)

    async def _turn(self, payment: Payment) -> Turn | None:
        async with self._world.store.look() as tables:
            versions = await tables.payments.transactions(payment.id)
            members = await tables.withdrawals.of_payment(payment.id)
        if not versions:
            raise WithdrawalError(f"payment {payment.id} has no transaction")
        if versions[-1].form is Form.SENT:
            return None
        ended = [it for it in members if it.state in ENDED]
        return Turn(payment, [it for it in members if it not in ended], versions[-1], ended)

    async def _signed(self, turn: Turn) -> Turn | None:
        world = self._world
        if (why := await world.paused()) is not None:
            await self._wait(turn, "PAUSED", why)
            return None
        if turn.ended and turn.payment.standing is Standing.BUILT:
            # An operator's end, seen before it was led to its signing: the transaction still pays it.
            await self._approving.leave_out(turn.payment, [*turn.members, *turn.ended], turn.ended)
            return None
        left = await self._approving.approve(turn.payment, turn.members)
        if left is None:
            return None
        turn = replace(turn, members=left)
        answering = await world.signers.status()
        if len(answering) < NEEDED:
            await self._wait(turn, "SIGNERS_DOWN", f"{len(answering)} of 3 signers answer, 2 are needed")
            raise SignersDownError(f"two of three signers are needed, {len(answering)} answer")
        if turn.payment.standing is Standing.BUILT and not await self._led(turn):
            return None
        return await self._sign(turn)

    async def _led(self, turn: Turn) -> bool:
        """Whether all it pays are SIGNING in the books; what ended there is left out of it."""
        payouts = await each(turn.members, lambda member: self._world.desk.lead(member.id, "SIGNING"))
        gone = [
            member
            for member, payout in zip(turn.members, payouts, strict=True)
            if payout.status not in ("SIGNING", "SENT")
        ]
        if gone:
            ended = await each(gone, self._world.as_in_books)
            await self._approving.leave_out(turn.payment, turn.members, ended)
        return not gone

    async def _sign(self, turn: Turn) -> Turn:
        world, last = self._world, turn.last

        async def begun() -> None:
            if not turn.payment.asked:
                async with world.store.change() as tables:
                    await tables.payments.keep(replace(turn.payment, asked=True))

        approvals = [SignedApproval.FromString(member.approval) for member in turn.members]
        try:
            answer = await world.signers.sign(
                world.rail.request(last),
                approvals,
                begun=begun,
                check=lambda answer: world.rail.signed(last, answer),
            )
        except SigningError as error:
            await self._refused(turn, error)
            raise
        signed = world.rail.signed(last, answer)
        async with world.store.change() as tables:
            await tables.payments.keep_transaction(last.txid, signed)
        return replace(turn, last=signed)

    async def _refused(self, turn: Turn, error: SigningError) -> None:
        if isinstance(error, SignersRefusedError):
            world = self._world
            world.metrics.refused(error.refusal)
            if error.refusal == "REFUSED_EXPIRED":
                await world.save(*(replace(member, approval=b"") for member in turn.members))
                return
            await self._wait(turn, error.refusal, error.message)
            if turn.payment.kind is Kind.GAS:
                await self._turn_back(turn)
        else:
            await self._wait(turn, error.name, error.message)

    async def _turn_back(self, turn: Turn) -> None:
        """Gas that signers refuse must not hold up the withdrawals behind its nonce."""
        world = self._world
        rate = await world.rail.rate()
        async with world.store.change() as tables:
            payment, move = await tables.payments.get(turn.payment.id), await tables.moves.of(turn.payment.id)
            if not payment.asked and move is not None and move.source != move.target:
                await world.rail.rebuild(tables, payment, [], rate=rate)

    async def _wait(self, turn: Turn, reason: str, note: str) -> None:
        """Show why, where the books still let it be told: from SIGNING back only if nothing can be signed."""
        async with self._world.store.look() as tables:
            payment = await tables.payments.get(turn.payment.id)
        if payment.standing is Standing.BUILT and not payment.asked:
            await self._world.explain(turn.members, reason, note=note)

    async def _send(self, turn: Turn) -> None:
        """Tell the books of this version; only then it may leave."""
        world, txid = self._world, turn.last.txid

        async def send(member: Withdrawal) -> Withdrawal:
            try:
                payout = await world.desk.send(
                    member.id,
                    chain=world.rail.chain,
                    network=world.file.network,
                    txid=txid,
                    conflict_point=member.conflict_point,
                )
            except ConflictError as error:
                raise WithdrawalError(
                    f"withdrawal {member.id} is signed in {txid}, and the books refuse that it is sent: "
                    f"{error.message}"
                ) from error
            if payout.status != "SENT":
                raise WithdrawalError(
                    f"withdrawal {member.id} is signed in {txid}, and in the books it is {payout.status}"
                )
            return replace(member, state=State.SENT, reason="", note="")

        sent = await each(turn.members, send)
        async with world.store.change() as tables:
            await tables.withdrawals.save(world.stamped(sent))
            await tables.payments.keep_transaction(txid, replace(turn.last, form=Form.SENT))
            await tables.payments.keep(replace(turn.payment, standing=Standing.SENT, asked=True, reason=""))
        log.info("a payment is sent", extra={"payment": turn.payment.id, "txid": txid, "pays": len(sent)})
