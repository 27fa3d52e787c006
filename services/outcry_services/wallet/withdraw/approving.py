"""Risk's signed approval of all that a payment pays; who doesn't get it is left out before anybody signs."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from outcry.v1.withdrawal_approval_pb2 import SignedApproval, WithdrawalApproval

from outcry_services.wallet.withdraw.errors import WithdrawalError
from outcry_services.wallet.withdraw.model import Standing, State
from outcry_services.wallet.withdraw.reviewing import CLEARED, check_approval
from outcry_services.wallet.withdraw.world import each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_services.wallet.withdraw.model import Payment, Withdrawal
    from outcry_services.wallet.withdraw.world import World

__all__ = ["Approving"]

log = logging.getLogger(__name__)

LEFT_NANOS = 60 * 1_000_000_000
"""So long an approval must hold still, or it is asked for anew."""
PASSING = frozenset({"PAUSED", "UNKNOWN_WITHDRAWAL", CLEARED})
"""What risk waits for by itself."""


class Approving:
    """For payments that are built."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def approve(self, payment: Payment, members: Sequence[Withdrawal]) -> Sequence[Withdrawal] | None:
        """All it pays, each with an approval; None: not now, or it pays others now."""
        asked = await each(members, self._approved)
        gone = [it for it in asked if it.state is State.REJECTED]
        kept = [after for before, after in zip(members, asked, strict=True) if after not in (before, *gone)]
        if kept:
            await self._world.save(*kept)
        if gone:
            await self.leave_out(payment, asked, gone)
            return None
        return asked if all(it.approval for it in asked) else None

    async def leave_out(
        self, payment: Payment, members: Sequence[Withdrawal], gone: Sequence[Withdrawal]
    ) -> None:
        """Build it for the others, of the same coins; `gone` are kept as they are here.

        Raises `WithdrawalError` where a whole signature may exist: then nobody may be left out.
        """
        if payment.asked:
            raise WithdrawalError(
                f"{[it.id for it in gone]} can't be paid any more, and payment {payment.id} may be signed: "
                "have its conflict points spent by hand"
            )
        ids = {it.id for it in gone}
        left = [it for it in members if it.id not in ids]
        world = self._world
        rate = await world.rail.rate()
        async with world.store.change() as tables:
            await tables.withdrawals.save(world.stamped(replace(it, payment=None) for it in gone))
            if not await world.rail.rebuild(tables, payment, left, rate=rate):
                await tables.payments.keep(replace(payment, standing=Standing.DROPPED))
        log.warning("left out of a payment", extra={"payment": payment.id, "withdrawals": sorted(ids)})

    async def _approved(self, member: Withdrawal) -> Withdrawal:
        if member.approval and self._holds(member.approval):
            return member
        world = self._world
        asset = world.file.asset(member.asset)
        if asset is None:
            raise WithdrawalError(f"withdrawal {member.id} is of {member.asset}, which the wallet lost")
        answer = await world.reviewer.review(member, asset=asset.chain_name)
        match answer.WhichOneof("outcome"):
            case "approved":
                check_approval(
                    answer.approved,
                    member,
                    chain=world.rail.chain,
                    network=world.rail.network,
                    asset=asset.chain_name,
                )
                return replace(member, approval=answer.approved.SerializeToString())
            case "rejected":
                said = answer.rejected
                return self._gone(member, said.reason, said.message)
            case "waiting" if answer.waiting.reason not in PASSING:
                return self._gone(member, answer.waiting.reason, "it was approved before, and is no more")
        return replace(member, approval=b"")

    def _gone(self, member: Withdrawal, reason: str, note: str) -> Withdrawal:
        if member.state is State.SENT:
            raise WithdrawalError(
                f"withdrawal {member.id} is sent, and risk says {reason}: it is not signed again"
            )
        return replace(member, state=State.REJECTED, reason=reason, note=note)

    def _holds(self, approval: bytes) -> bool:
        said = WithdrawalApproval.FromString(SignedApproval.FromString(approval).approval)
        return said.expires_at > self._world.now() + LEFT_NANOS
