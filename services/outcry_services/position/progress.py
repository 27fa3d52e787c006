"""That something moved: for those who wait for another stream."""

from __future__ import annotations

import asyncio

__all__ = ["Progress"]


class Progress:
    """Counts what was carried out anywhere."""

    def __init__(self) -> None:
        self.count = 0
        self._event = asyncio.Event()

    def moved(self) -> None:
        """Something was carried out."""
        self.count += 1
        self._event.set()
        self._event = asyncio.Event()

    async def after(self, seen: int) -> None:
        """Wait until more was carried out than `seen`."""
        while self.count == seen:
            await self._event.wait()
