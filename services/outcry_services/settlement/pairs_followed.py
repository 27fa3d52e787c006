"""Which pairs' events are read: those that Consul lists or the ledger knows, once their topic is there.

A new pair may be in Consul before its topic is in Kafka; a pair that is gone from Consul may have events that
are not in the books yet. Neither may stop the others.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from outcry_services.common.errors import UnavailableError
from outcry_services.common.order_log import events_topic

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from outcry_services.common.pairs import PairCatalog

__all__ = ["PairsFollowed"]

log = logging.getLogger(__name__)

ASK_SECONDS = 2.0
"""How soon a topic that was missing is looked for again."""


class PairsFollowed:
    """The pairs as they are now; `topics` gives the names of all topics."""

    def __init__(self, catalog: PairCatalog, *, topics: Callable[[], Awaitable[Iterable[str]]]) -> None:
        self._catalog = catalog
        self._topics = topics
        self._known: set[str] = set()
        self._here: frozenset[str] = frozenset()
        self._version = 0

    def symbols(self) -> frozenset[str]:
        """What to follow."""
        return self._here

    async def begin(self, known: Iterable[str]) -> None:
        """Look once; `known` are those that the ledger has."""
        self._known.update(known)
        await self._look()

    async def watch(self, changed: Callable[[], None]) -> None:
        """Look whenever Consul tells of pairs, and now and then while a topic is missing; for ever."""
        while True:
            try:
                complete = await self._look()
            except UnavailableError as error:
                log.warning("topics can't be listed", extra={"why": error.message})
                complete = False
            changed()
            try:
                async with asyncio.timeout(None if complete else ASK_SECONDS):
                    await self._catalog.changed(self._version)
            except TimeoutError:
                continue

    async def _look(self) -> bool:
        """Whether every pair has its topic."""
        self._version = self._catalog.version
        # A pair whose spec can't be read any more may have traded while it could.
        wanted = self._known | set(self._catalog.pairs()) | set(self._catalog.unreadable)
        topics = set(await self._topics())
        self._here = frozenset(symbol for symbol in wanted if events_topic(symbol) in topics)
        return len(self._here) == len(wanted)
