"""Binding withdrawals to what they will spend, and building the transaction that pays them.

Both are one change of the database, before risk is asked for its approval and before any signer is asked:
from then on a withdrawal is paid by a transaction that spends this point, or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.wallet.withdraw.model import State
from outcry_services.wallet.withdraw.rail import Short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_services.wallet.withdraw.model import Withdrawal
    from outcry_services.wallet.withdraw.world import World

__all__ = ["Paying"]

SECOND = 1_000_000_000


class Paying:
    """Withdrawals that risk has nothing against, oldest first."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def step(self) -> None:
        """As many payments as there are funds for."""
        world = self._world
        while True:
            async with world.store.look() as tables:
                queued = await tables.withdrawals.in_states(State.QUEUED)
            if not queued or self._gathering(queued):
                return
            if (why := await world.paused()) is not None:
                await world.explain(queued, "PAUSED", note=why)
                return
            rate = await world.rail.rate()
            async with world.store.change() as tables:
                bound = await world.rail.bind(tables, queued, rate=rate)
            if isinstance(bound, Short):
                await world.explain(queued, bound.reason, note=bound.note)
                return

    def _gathering(self, queued: Sequence[Withdrawal]) -> bool:
        """Whether the oldest may wait a little longer for others to share its transaction."""
        batch = self._world.file.batch
        if len(queued) >= batch.most:
            return False
        since = min(withdrawal.updated for withdrawal in queued)
        return self._world.now() - since < batch.seconds * SECOND
