"""One step after the other, for ever; what keeps one of them back is said, and keeps no other."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from outcry_services.common.errors import ServiceError, UnavailableError
from outcry_services.wallet.withdraw.errors import SupersededError
from outcry_services.wallet.withdraw.following import Following
from outcry_services.wallet.withdraw.gathering import Gathering
from outcry_services.wallet.withdraw.intake import Intake
from outcry_services.wallet.withdraw.paying import Paying
from outcry_services.wallet.withdraw.refreshing import Refreshing
from outcry_services.wallet.withdraw.rejecting import Rejecting
from outcry_services.wallet.withdraw.reviewing import Reviewing
from outcry_services.wallet.withdraw.sending import Sending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outcry_services.wallet.withdraw.world import World

__all__ = ["Saga"]

log = logging.getLogger(__name__)


class Saga:
    """All withdrawals of one wallet."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.intake = Intake(world)
        self._wake = asyncio.Event()
        self._problems: dict[str, str] = {}
        following = Following(world)
        self.steps: dict[str, Callable[[], Awaitable[None]]] = {
            "chain": world.rail.look,
            "intake": self.intake.step,
            "books": Refreshing(world, urge=following.urge).step,
            "review": Reviewing(world).step,
            "reject": Rejecting(world).step,
            "pay": Paying(world).step,
            **({} if world.gatherer is None else {"gather": Gathering(world, world.gatherer).step}),
            "send": Sending(world).step,
            "follow": following.step,
            "metrics": self._count,
        }

    def problem(self) -> str | None:
        """What stands still, for a readiness check."""
        return "; ".join(f"{step}: {why}" for step, why in self._problems.items()) or None

    async def heard(self, ids: list[int]) -> None:
        """Funds are held for these withdrawals."""
        await self.intake.heard(ids)
        self._wake.set()

    async def run(self, *, tick_seconds: float) -> None:
        """Until cancelled; raises `SupersededError`, and what is no `ServiceError`."""
        while True:
            await self.turn()
            try:
                async with asyncio.timeout(tick_seconds):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    async def turn(self) -> None:
        """Every step once."""
        for name, step in self.steps.items():
            try:
                await step()
            except SupersededError:
                raise
            except ServiceError as error:
                self._failed(name, error)
            else:
                if self._problems.pop(name, None) is not None:
                    log.info("a step goes on", extra={"step": name})

    def _failed(self, name: str, error: ServiceError) -> None:
        text = f"{error.name}: {error.message}"
        if self._problems.get(name) != text:
            level = logging.WARNING if isinstance(error, UnavailableError) else logging.ERROR
            log.log(level, "a step is held back", extra={"step": name, "why": text})
        self._problems[name] = text

    async def _count(self) -> None:
        async with self._world.store.look() as tables:
            self._world.metrics.pending(await tables.withdrawals.counts())
            free, bound = await self._world.rail.balance(tables)
        self._world.metrics.hot(self._world.rail.native, free=free, bound=bound)
