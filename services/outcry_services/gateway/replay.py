"""Which signed requests were used: in Redis for many gateways, in this process for one.

A digest is remembered until its request has expired, after which the time check refuses it.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from outcry_services.gateway.errors import ReplayGuardFullError, SignatureExpiredError

if TYPE_CHECKING:
    from outcry_services.common.redis import Redis
    from outcry_services.gateway.ports import Clock

__all__ = ["MemoryReplayGuard", "RedisReplayGuard"]


class MemoryReplayGuard:
    """For a gateway of one process.

    What the process before this one saw is not known, so requests signed before this one began are refused.
    """

    def __init__(self, *, clock: Clock, most: int = 1_000_000) -> None:
        self._clock = clock
        self._began = clock()
        self._most = most
        self._used: set[bytes] = set()
        self._expiries: list[tuple[int, bytes]] = []

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._used)

    async def first_use(self, digest: bytes, *, signed: int, expires: int) -> bool:
        """Raises `SignatureExpiredError` from before the beginning, `ReplayGuardFullError` without room."""
        if signed < self._began:
            raise SignatureExpiredError("signed before this gateway began: sign again")
        self._forget()
        if digest in self._used:
            return False
        if len(self._used) >= self._most:
            raise ReplayGuardFullError("too many requests are remembered: sign again in a second")
        self._used.add(digest)
        heapq.heappush(self._expiries, (expires, digest))
        return True

    def _forget(self) -> None:
        now = self._clock()
        while self._expiries and self._expiries[0][0] < now:
            self._used.discard(heapq.heappop(self._expiries)[1])


class RedisReplayGuard:
    """For any number of gateways: one key a request, set if absent, gone when it has expired."""

    def __init__(self, redis: Redis, *, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    async def first_use(self, digest: bytes, *, signed: int, expires: int) -> bool:
        """Raises the named error of a Redis that doesn't answer: then nobody is let in."""
        del signed
        # A margin for clocks of gateways that differ: each judges the expiry by its own.
        left = max(expires - self._clock(), 0) + _MARGIN_MILLIS
        key = f"gateway:used:{digest.hex()}"
        return await self._redis.command("SET", key, "1", "NX", "PX", left) is not None


_MARGIN_MILLIS = 5_000
