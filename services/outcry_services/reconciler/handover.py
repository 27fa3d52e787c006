"""From a thread that reads to the event loop that works, with bounded memory.

The thread waits once `most` items are on their way; the loop never waits for the thread. The end comes from
either side: `finish` by the thread, with or without an error, or `close` by the loop, after which the
thread's next `put` raises `HandoverClosedError`.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import Generic, TypeVar

__all__ = ["Handover", "HandoverClosedError"]

T = TypeVar("T")


class HandoverClosedError(Exception):
    """Nobody takes items any more; for the thread alone."""


class Handover(Generic[T]):
    """Made in the event loop that takes."""

    def __init__(self, *, most: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._most = most
        self._items: deque[T] = deque()
        self._room = threading.Condition()
        self._news = asyncio.Event()
        self._closed = False
        self._finished = False
        self._error: BaseException | None = None

    def put(self, item: T) -> None:
        """From the thread: wait for room, then hand over. Raises `HandoverClosedError`."""
        with self._room:
            self._room.wait_for(lambda: self._closed or len(self._items) < self._most)
            if self._closed:
                raise HandoverClosedError
            self._items.append(item)
        self._tell()

    def finish(self, error: BaseException | None = None) -> None:
        """From the thread: nothing follows; `get` raises `error` behind the last item."""
        self._error = error
        self._finished = True
        self._tell()

    async def get(self) -> T | None:
        """From the loop: the next item; None behind the last one, or the error that ended the thread."""
        while True:
            self._news.clear()
            with self._room:
                if self._items:
                    item = self._items.popleft()
                    self._room.notify()
                    return item
            if self._finished:
                if self._error is not None:
                    raise self._error
                return None
            await self._news.wait()

    def close(self) -> None:
        """From the loop: take no more."""
        with self._room:
            self._closed = True
            self._items.clear()
            self._room.notify()

    def _tell(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._news.set)
