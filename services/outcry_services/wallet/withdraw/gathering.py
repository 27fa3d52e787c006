"""Bringing what users paid in to the account that pays out, where the chain keeps it at their own addresses.

Only credited deposits are fetched. Each is a payment that pays no withdrawal: built and marked in one change
of the database, then signed, sent and followed like any other, so that it happens once whatever dies. On
Bitcoin there is none: a deposit is a coin like any other there, and pays for withdrawals where it lies.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from outcry_services.wallet.withdraw.said import Said

if TYPE_CHECKING:
    from outcry_services.wallet.withdraw.move_rows import Due
    from outcry_services.wallet.withdraw.rail import Short
    from outcry_services.wallet.withdraw.world import World

__all__ = ["WORTH", "Gatherer", "Gathering"]

log = logging.getLogger(__name__)

SECOND = 1_000_000_000
EVERY_SECONDS = 15
AT_ONCE = 20
"""Payments that one look begins; so many signatures are asked for before withdrawals get a turn again."""
AGAIN_SECONDS = 600
"""Until a deposit that wasn't worth it is looked at again, if nothing more comes to its address."""
PASSING = frozenset({"NONCES_BUSY", "INSUFFICIENT_HOT_FUNDS"})
"""What keeps a deposit back for the moment alone."""
WORTH = 20
"""Coins are fetched when they are so many times what it costs."""


class Gatherer(Protocol):
    """A chain on which deposits lie at accounts of their own."""

    async def gather(self, due: Due, *, rate: int) -> Short | None:
        """Build the payment that fetches it, or one that makes this possible; or say why not now.

        Raises `PoolError`.
        """


class Gathering:
    """Of one wallet."""

    def __init__(self, world: World, gatherer: Gatherer) -> None:
        self._world = world
        self._gatherer = gatherer
        self._next = 0
        self._later: dict[Due, int] = {}
        self._said = Said()

    async def step(self) -> None:
        """Begin what is due, if it is time. Withdrawals that wait for their turn go first."""
        world = self._world
        if world.now() < self._next or await world.paused() is not None:
            return
        self._next = world.now() + EVERY_SECONDS * SECOND
        async with world.store.look() as tables:
            due = await tables.moves.due()
            world.metrics.ungathered(await tables.moves.ungathered())
        self._later = {one: until for one, until in self._later.items() if one in due}
        rate = await world.rail.rate()
        ripe = [one for one in due if self._later.get(one, 0) <= world.now()]
        # Tokens first: what lies beside them of the chain's own coin pays for their way.
        ripe.sort(key=lambda one: one.asset == world.rail.native)
        busy: set[int] = set()
        for one in ripe[:AT_ONCE]:
            if one.user_id in busy:
                continue
            short = await self._gatherer.gather(one, rate=rate)
            if short is None:
                busy.add(one.user_id)
                continue
            if short.reason not in PASSING:
                self._later[one] = world.now() + AGAIN_SECONDS * SECOND
            if self._said.anew(one.user_id, f"{one.asset} {short.reason}"):
                log.info(
                    "deposits stay where they are",
                    extra={"user": one.user_id, "asset": one.asset, "why": short.reason, "note": short.note},
                )
