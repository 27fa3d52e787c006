"""The outbox behind the dispatcher: swept at the start, and emptied as Kafka acknowledges.

Storing how far a shard is published costs two statements a shard, so a shard is stored once it has come some
way, and all of them at the end. After a crash the next process publishes what was not stored again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from outcry_services.common.errors import UnavailableError

if TYPE_CHECKING:
    from outcry_services.order.dispatch import Dispatcher
    from outcry_services.order.metrics import DispatchMetrics
    from outcry_services.order.routing import Shards

__all__ = ["Upkeep"]

log = logging.getLogger(__name__)

WORTH_STORING = 32


class Upkeep:
    """Of one process."""

    def __init__(
        self, shards: Shards, *, dispatcher: Dispatcher, metrics: DispatchMetrics, every_seconds: float
    ) -> None:
        self._shards = shards
        self._dispatcher = dispatcher
        self._metrics = metrics
        self._every = every_seconds

    async def sweep(self) -> int:
        """Hand what a former process left unpublished to the dispatcher; how many that are."""
        missed = self._dispatcher.learn(await self._shards.unpublished())
        self._metrics.swept(missed)
        if missed:
            log.warning("instructions were left unpublished", extra={"count": missed})
        return missed

    async def run(self) -> None:
        """Store for ever. A database that is away, or a shard that moves, has time."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.store(at_least=WORTH_STORING)
            except UnavailableError as error:
                log.warning("what is published can't be stored", extra={"why": error.message})

    async def finish(self) -> None:
        """Store all that is acknowledged. What can't be stored, the next process publishes again."""
        try:
            await self.store()
        except UnavailableError as error:
            log.warning("what is published can't be stored", extra={"why": error.message})

    async def store(self, *, at_least: int = 1) -> None:
        """Store how far shards are published, of those that have so much to store."""
        numbers = self._dispatcher.to_store(at_least=at_least)
        if numbers:
            await self._shards.mark_published(numbers)
            self._dispatcher.stored(numbers)
