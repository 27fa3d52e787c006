"""Puts everybody forward for comparison: the ledger's users, and Redis's keys that no row explains."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from outcry_services.common.errors import UnavailableError
from outcry_services.reconciler.redis_view import parse_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from outcry_services.common.mysql import MySql
    from outcry_services.common.redis import Redis
    from outcry_services.reconciler.metrics import Metrics
    from outcry_services.reconciler.watcher import Watcher

__all__ = ["Sweeper"]

log = logging.getLogger(__name__)

_PAGE = 500
_PATTERNS = ("pos:*", "held:*", "holds:*", "cur:*")


class Sweeper:
    """`clock` gives seconds, `now` Unix seconds."""

    def __init__(
        self,
        *,
        mysql: MySql,
        redis: Redis,
        watcher: Watcher,
        metrics: Metrics,
        seconds: float,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._mysql = mysql
        self._redis = redis
        self._watcher = watcher
        self._metrics = metrics
        self._seconds = seconds
        self._clock = clock
        self._now = now

    async def run(self) -> None:
        """Sweep for ever: at once, then whenever the time is over or somebody asks for it."""
        while True:
            self._watcher.sweep_now.clear()
            try:
                await self.sweep()
            except UnavailableError as error:
                log.warning("the sweep broke off", extra={"why": error.message})
            try:
                async with asyncio.timeout(self._seconds):
                    await self._watcher.sweep_now.wait()
            except TimeoutError:
                continue

    async def sweep(self) -> None:
        """One sweep; at its end everybody was compared at least once."""
        begun = self._clock()
        ticket = 0
        async for users in self._ledger_users():
            ticket = await self._watcher.dirty.put((user, "") for user in users)
        for pattern in _PATTERNS:
            async for names in self._redis.keys(pattern):
                unexplained = await self._unexplained(names)
                if unexplained:
                    ticket = await self._watcher.dirty.put(sorted(unexplained))
        await self._watcher.dirty.passed(ticket)
        self._metrics.sweep_seconds.set(self._clock() - begun)
        self._metrics.swept.set(self._now())

    async def _ledger_users(self) -> AsyncIterator[list[int]]:
        last = 0
        while True:
            async with self._mysql.session() as session:
                rows = await session.query(
                    "SELECT DISTINCT user_id FROM ledger.balances WHERE user_id > %s "
                    "ORDER BY user_id LIMIT %s",
                    [last, _PAGE],
                )
            users = [int(user) for (user,) in rows]
            if not users:
                return
            yield users
            last = users[-1]

    async def _unexplained(self, names: Iterable[str]) -> set[tuple[int, str]]:
        """Users and assets of keys that no row of the ledger stands for."""
        found = {parsed for parsed in map(parse_key, names) if parsed is not None}
        if not found:
            return set()
        async with self._mysql.session() as session:
            rows = await session.query(
                "SELECT user_id, asset FROM ledger.balances WHERE user_id IN %s",
                [tuple({user for user, _ in found})],
            )
        known = {(int(user), str(asset)) for user, asset in rows}
        users = {user for user, _ in known}
        return {
            (user, asset)
            for user, asset in found
            if (user, asset) not in known and (asset or user not in users)
        }
