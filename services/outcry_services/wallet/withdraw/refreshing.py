"""What people did in the books meanwhile: cancelled or failed a withdrawal, or asked to try it again.

Nobody tells the wallet. Without a look, a withdrawal that was cancelled while it waits for funds would hold
up all younger ones.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from outcry_services.wallet.withdraw.model import State
from outcry_services.wallet.withdraw.world import BY_BOOKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.wallet.withdraw.model import Withdrawal
    from outcry_services.wallet.withdraw.world import World

__all__ = ["Refreshing"]

log = logging.getLogger(__name__)

SECOND = 1_000_000_000
EVERY_SECONDS = 15


class Refreshing:
    """Looks at all that is open, now and then; `urge` is told of payments that are to pay more at once."""

    def __init__(self, world: World, *, urge: Callable[[int], None]) -> None:
        self._world = world
        self._urge = urge
        self._next = 0

    async def step(self) -> None:
        """Compare with the books, if it is time."""
        if self._world.now() < self._next:
            return
        self._next = self._world.now() + EVERY_SECONDS * SECOND
        async with self._world.store.look() as tables:
            open_ones = await tables.withdrawals.in_states(State.REVIEW, State.QUEUED, State.SENT)
        await self._world.move(open_ones, self._compare)

    async def _compare(self, withdrawal: Withdrawal) -> Withdrawal:
        payout = await self._world.desk.get(withdrawal.id)
        if payout.status in BY_BOOKS:
            log.info("ended in the books", extra={"withdrawal": withdrawal.id, "status": payout.status})
            return replace(withdrawal, state=BY_BOOKS[payout.status], reason=payout.reason)
        if payout.retries <= withdrawal.retries:
            return withdrawal
        log.info("an operator wants it tried again", extra={"withdrawal": withdrawal.id})
        tried = replace(withdrawal, retries=payout.retries)
        if withdrawal.state is State.SENT:
            if withdrawal.payment is not None:
                self._urge(withdrawal.payment)
            return tried
        # Of one that is bound already only the payment counts: risk was asked with its point.
        return tried if withdrawal.conflict_point else replace(tried, state=State.REVIEW, reason="")
