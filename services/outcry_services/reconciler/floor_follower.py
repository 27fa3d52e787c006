"""Keeps the floor: asks both views again and again where they are."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from outcry_services.common.errors import UnavailableError
from outcry_services.reconciler.floor import Floors, read_marks
from outcry_services.reconciler.ledger_view import read_floor

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.common.mysql import MySql
    from outcry_services.common.redis import Redis
    from outcry_services.reconciler.ledger_view import Floor

__all__ = ["FloorFollower"]

log = logging.getLogger(__name__)


class FloorFollower:
    """`seconds` between two looks; `clock` gives seconds.

    After `patience_seconds` without a first floor comparing begins at one that costs more: with it the whole
    history of a user is read.
    """

    def __init__(
        self,
        *,
        mysql: MySql,
        redis: Redis,
        clock: Callable[[], float],
        seconds: float = 0.25,
        patience_seconds: float = 15.0,
    ) -> None:
        self._mysql = mysql
        self._redis = redis
        self._clock = clock
        self._seconds = seconds
        self._floors = Floors()
        self._rose = self._begun = clock()
        self._patience = patience_seconds
        self._first = asyncio.Event()

    def age(self) -> float:
        """Seconds since all sources had passed one place."""
        return self._clock() - self._rose

    async def floor(self) -> Floor:
        """The floor in force; waits for the first one."""
        await self._first.wait()
        return self.now()

    def now(self) -> Floor:
        """The floor in force, once there was a first one."""
        found = self._floors.floor
        if found is None:
            raise UnavailableError("no place is known yet that both views have passed", name="NO_FLOOR")
        return found

    async def follow(self) -> None:
        """Look for ever; a store that doesn't answer leaves the floor where it is."""
        while True:
            try:
                await self._look()
            except UnavailableError as error:
                log.warning("the floor can't rise", extra={"why": error.message})
            await asyncio.sleep(self._seconds)

    async def _look(self) -> None:
        before = self._floors.floor
        # The ledger first: what it has then, Redis must have later.
        ledger = await read_floor(self._mysql)
        if self._clock() - self._begun > self._patience:
            self._floors.begin()
        self._floors.move(ledger, await read_marks(self._redis))
        after = self._floors.floor
        if after is None:
            return
        # Not only when it is new: a look that broke off behind `begin` has it, and told nobody.
        self._first.set()
        if before is None or after.entry >= ledger.entry or after.entry > before.entry:
            self._rose = self._clock()
