"""The loop around a follower: assign what there is, read, carry out, keep the position.

When the set of topics changes (a new pair), or a batch could not be carried out, it assigns again from the
positions behind the last effects.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from outcry_services.common.errors import UnavailableError
from outcry_services.common.kafka import PositionLostError, TopicMissingError
from outcry_services.common.order_log import events_topic
from outcry_services.order.errors import PairLostError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from outcry_services.common.kafka import Batch
    from outcry_services.order.metrics import FollowMetrics
    from outcry_services.order.ports import Clock
    from outcry_services.order.routing import Shards

__all__ = ["Feed", "Follower", "Reading"]

log = logging.getLogger(__name__)

Key = tuple[str, int]
SECOND = 1_000_000_000


class Feed(Protocol):
    """A reader of Kafka (`common.kafka.Reader`)."""

    async def assign(self, positions: Mapping[Key, int | None]) -> None:
        """Read these, each from its position; None: from the first record that is kept."""

    def batches(self) -> AsyncIterator[Batch[Any]]:
        """For ever."""


class Follower(Protocol):
    """`following.AnswerFollower` and `following.EventFollower`."""

    def restore(self, key: Key, marks: str) -> None:
        """Go on from stored marks."""

    def marks(self, key: Key) -> str:
        """What to store beside the position."""

    async def take(self, batch: Batch[Any]) -> None:
        """Carry a batch out; when it fails, nothing of it counts as taken."""


class Reading:
    """One follower's loop.

    `topics` gives the partitions that exist now; `changed` waits until they may be others. A position is
    stored every second, or when `flush` asks: after a crash the rest is read again, and is known.
    """

    def __init__(
        self,
        *,
        follower: Follower,
        feed: Feed,
        shards: Shards,
        topics: Callable[[], Awaitable[set[Key]]],
        changed: Callable[[], Awaitable[None]],
        clock: Clock,
        metrics: FollowMetrics,
        pause_seconds: float = 0.5,
        keep_seconds: float = 1.0,
    ) -> None:
        self._follower = follower
        self._feed = feed
        self._shards = shards
        self._topics = topics
        self._changed = changed
        self._clock = clock
        self._metrics = metrics
        self._pause = pause_seconds
        self._keep_nanos = int(keep_seconds * SECOND)
        self._positions: dict[Key, int | None] = {}
        self._unkept: set[Key] = set()
        self._kept_at = 0
        self._lags: dict[Key, int] = {}
        self._lost: set[str] = set()

    def lag(self) -> int:
        """Records that are there and not carried out."""
        return sum(self._lags.values())

    async def run(self) -> None:
        """Follow for ever. A store or topic that is away is waited for; whatever else goes wrong ends it.

        A topic that lacks what comes next is left alone until the process begins again: the others go on.
        """
        while True:
            try:
                await self._assign()
                await self._read_until_changed()
            except PositionLostError as error:
                if not error.topic:
                    raise
                self._give_up(error.topic, why=error.message)
            except (UnavailableError, TopicMissingError) as error:
                log.warning("following stands still", extra={"why": error.message})
                await asyncio.sleep(self._pause)

    def _give_up(self, topic: str, *, why: str) -> None:
        log.error("a topic can't be followed", extra={"topic": topic, "why": why})
        self._lost.add(topic)
        for name, partition in self._positions:
            if name == topic:
                self._metrics.gaps.labels(topic=f"{name}/{partition}").set(1)

    def require_followed(self, symbol: str) -> None:
        """Raises `PairLostError` for a pair whose log was given up."""
        if events_topic(symbol) in self._lost:
            raise PairLostError(
                f"{symbol} takes no new orders: what becomes of them can't be followed; cancels pass"
            )

    async def flush(self) -> None:
        """Store every position that is not."""
        for key in sorted(self._unkept):
            offset = self._positions[key]
            if offset is not None:
                await self._keep(key, offset, self._follower.marks(key))
        self._unkept.clear()
        self._kept_at = self._clock.now()

    async def _keep(self, key: Key, offset: int, marks: str) -> None:
        topic, partition = key
        await self._shards.on(
            0, lambda store: store.keep_position(topic, partition, offset=offset, marks=marks)
        )

    async def _assign(self) -> None:
        wanted = {key for key in await self._topics() if key[0] not in self._lost}
        fresh = sorted(wanted - self._positions.keys())
        names = sorted({topic for topic, _ in fresh})
        stored = await self._shards.on(0, lambda store: store.positions(names)) if names else {}
        for key in fresh:
            offset, marks = stored.get(key, (None, ""))
            self._positions[key] = offset
            self._follower.restore(key, marks)
        await self._feed.assign({key: self._positions[key] for key in wanted})

    async def _read_until_changed(self) -> None:
        change = asyncio.ensure_future(self._changed())
        reading = asyncio.ensure_future(self._read())
        try:
            await asyncio.wait({change, reading}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (change, reading):
                task.cancel()
            ended = await asyncio.gather(reading, change, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _read(self) -> None:
        async for batch in self._feed.batches():
            key = (batch.topic, batch.partition)
            await self._follower.take(batch)
            self._positions[key] = batch.position
            self._unkept.add(key)
            self._lags[key] = batch.lag
            self._metrics.lag.labels(topic=batch.topic).set(batch.lag)
            if self._clock.now() - self._kept_at >= self._keep_nanos:
                await self.flush()
