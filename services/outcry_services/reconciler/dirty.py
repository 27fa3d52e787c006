"""Users who are to be compared, in the order in which they came; one who comes again keeps his place."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Dirty"]


@dataclass(slots=True)
class _Entry:
    ticket: int
    assets: set[str] = field(default_factory=set)


class Dirty:
    """A queue without doubles, bounded: who puts waits for room. `ticket`s rise with what was put."""

    def __init__(self, *, most: int = 20_000) -> None:
        self._most = most
        self._queued: dict[int, _Entry] = {}
        self._working: dict[int, _Entry] = {}
        self._ticket = 0
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._queued) + len(self._working)

    async def put(self, users: Iterable[tuple[int, str]]) -> int:
        """Add users, each with an asset that must be looked at ('': none more than is known); the ticket."""
        while len(self._queued) >= self._most:
            await self._wait()
        return self.add(users)

    def add(self, users: Iterable[tuple[int, str]]) -> int:
        """As `put`, whether there is room or not: for those who were in the queue before."""
        self._ticket += 1
        for user, asset in users:
            entry = self._queued.setdefault(user, _Entry(self._ticket))
            if asset:
                entry.assets.add(asset)
        self._tell()
        return self._ticket

    async def take(self, most: int) -> dict[int, set[str]]:
        """The next users with their assets, once there is one; they count as in work until `done`."""
        while not self._queued:
            await self._wait()
        taken = list(self._queued)[:most]
        for user in taken:
            self._working[user] = self._queued.pop(user)
        self._tell()
        return {user: self._working[user].assets for user in taken}

    def done(self) -> None:
        """Everything that was taken is compared, or was put again."""
        self._working.clear()
        self._tell()

    def oldest(self) -> int:
        """The ticket of the oldest one that isn't compared; above the last one when there is none."""
        entries = [*self._queued.values(), *self._working.values()]
        return min((entry.ticket for entry in entries), default=self._ticket + 1)

    async def passed(self, ticket: int) -> None:
        """Wait until everything up to this ticket was compared."""
        while self.oldest() <= ticket:
            await self._wait()

    async def _wait(self) -> None:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # A driver below may have answered a cancel by itself; nobody cancels a second time.
            raise asyncio.CancelledError
        await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
