"""Which pairs or wallets wait for a run: each at most once, and never two runs of one at a time.

One that is added while it is being worked on is worked on again afterwards, so that no change falls
between two runs. One that failed comes back by itself, later each time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K", bound=tuple[str, str])
"""Namespace and name."""

FIRST_SECONDS = 1.0
MOST_SECONDS = 60.0


class WorkQueue(Generic[K]):
    """For one event loop; `get` and `done` belong together."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[K, None] = OrderedDict()
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: K) -> None:
        """The object needs a run, now."""
        self._cancel(key)
        if key in self._working:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting[key] = None
            self._wake.set()

    def add_later(self, key: K, seconds: float) -> None:
        """The object needs a run by then; an earlier one makes this one unnecessary."""
        timer = self._timers.get(key)
        when = asyncio.get_running_loop().time() + seconds
        if key in self._waiting or (timer is not None and timer.when() <= when):
            return
        self._cancel(key)
        self._timers[key] = asyncio.get_running_loop().call_at(when, self.add, key)

    def add_failed(self, key: K) -> float:
        """The run failed: come back later than last time; in how many seconds."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        seconds = min(MOST_SECONDS, FIRST_SECONDS * 2.0 ** (failures - 1))
        self.add_later(key, seconds)
        return seconds

    def succeeded(self, key: K) -> None:
        """The next failure is a first one again."""
        self._failures.pop(key, None)

    def forget(self, key: K) -> None:
        """The object is gone: nothing of it is kept."""
        self._cancel(key)
        self._failures.pop(key, None)
        self._waiting.pop(key, None)
        self._again.discard(key)

    async def get(self) -> K:
        """The one that waits longest, waited for. Must be followed by `done`."""
        while not self._waiting:
            self._wake.clear()
            await self._wake.wait()
        key, _ = self._waiting.popitem(last=False)
        self._working.add(key)
        self._idle.clear()
        return key

    def done(self, key: K) -> None:
        """The run is over."""
        self._working.discard(key)
        if not self._working:
            self._idle.set()
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    async def idle(self) -> None:
        """Wait until no run is at hand."""
        await self._idle.wait()

    def close(self) -> None:
        """Give out nothing more."""
        self._waiting.clear()
        self._again.clear()
        for key in list(self._timers):
            self._cancel(key)

    def _cancel(self, key: K) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
