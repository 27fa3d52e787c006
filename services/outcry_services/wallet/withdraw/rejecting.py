"""Giving back what will never be signed."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from outcry.v1.instruction_pb2 import ReleaseReason

from outcry_services.common.errors import ConflictError
from outcry_services.wallet.withdraw.model import State

if TYPE_CHECKING:
    from outcry_services.wallet.withdraw.model import Withdrawal
    from outcry_services.wallet.withdraw.world import World

__all__ = ["Rejecting", "release_code"]

log = logging.getLogger(__name__)


class Rejecting:
    """Tells the books, first why, then that the hold returns."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def step(self) -> None:
        """All that are rejected."""
        async with self._world.store.look() as tables:
            rejected = await tables.withdrawals.in_states(State.REJECTED)
        await self._world.move(rejected, self._release)

    async def _release(self, withdrawal: Withdrawal) -> Withdrawal:
        desk = self._world.desk
        try:
            payout = await desk.get(withdrawal.id)
            if payout.status == "SIGNING":
                # Nothing whole was signed, or it would not be rejected here.
                await desk.tell(withdrawal.id, "QUEUED", reason=withdrawal.reason)
            await desk.tell(withdrawal.id, "REJECTED", reason=withdrawal.reason, note=withdrawal.note)
            await desk.release(withdrawal.id, release_code(withdrawal.reason), note=withdrawal.note)
        except ConflictError:
            return await self._world.as_in_books(withdrawal)
        log.info("a withdrawal is given back", extra={"withdrawal": withdrawal.id, "why": withdrawal.reason})
        return replace(withdrawal, state=State.RELEASED)


def release_code(reason: str) -> ReleaseReason.ValueType:
    """What the ledger keeps of a reason."""
    if reason.startswith("ADDRESS_"):
        return ReleaseReason.RELEASE_REASON_INVALID_ADDRESS
    if reason.startswith("AMOUNT_"):
        return ReleaseReason.RELEASE_REASON_UNPAYABLE_AMOUNT
    if reason == "EXPIRED":
        return ReleaseReason.RELEASE_REASON_EXPIRED
    return ReleaseReason.RELEASE_REASON_REJECTED
