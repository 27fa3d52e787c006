"""Shares exchanges with Redis: what is to be run while one is on its way goes together in the next.

A client's work for an exchange is many times that for a script in it, and there are many small batches: eight
partitions, and every pair.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outcry_services.common.errors import ServiceError
from outcry_services.common.redis_errors import RedisLostError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_services.common.redis import Call, Reply
    from outcry_services.position.ports import Scripts

    _Asked = tuple[Sequence[Call], asyncio.Future[list[Reply | ServiceError]]]

__all__ = ["Pool"]

MOST_CALLS = 2000
"""In one exchange: Redis answers nobody else while it reads and runs them."""


class Pool:
    """As `Scripts`; calls that were given in order are run in order."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._waiting: list[_Asked] = []
        self._work: asyncio.Task[None] | None = None

    async def run_all(self, calls: Sequence[Call]) -> list[Reply | ServiceError]:
        """The replies to these calls, from an exchange that others may share."""
        if not calls:
            return []
        answered: asyncio.Future[list[Reply | ServiceError]] = asyncio.get_running_loop().create_future()
        self._waiting.append((calls, answered))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._exchange_all())
        return await answered

    async def close(self) -> None:
        """End what is on its way; whoever waits is told that its outcome is not known."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        # A task that was cancelled before its first step told nobody.
        self._give_up(self._waiting, RedisLostError("the exchange was given up"))

    async def _exchange_all(self) -> None:
        while self._waiting:
            shared: list[_Asked] = []
            count = 0
            while self._waiting and (not shared or count + len(self._waiting[0][0]) <= MOST_CALLS):
                shared.append(self._waiting.pop(0))
                count += len(shared[-1][0])
            try:
                replies = await self._scripts.run_all([call for calls, _ in shared for call in calls])
            except BaseException as error:
                lost = RedisLostError("the exchange was given up")
                self._give_up([*shared, *self._waiting], error if isinstance(error, ServiceError) else lost)
                raise
            at = 0
            for calls, answered in shared:
                if not answered.done():
                    answered.set_result(replies[at : at + len(calls)])
                at += len(calls)

    def _give_up(self, asked: Sequence[_Asked], error: ServiceError) -> None:
        for _, answered in asked:
            if not answered.done():
                answered.set_exception(error)
        self._waiting.clear()
