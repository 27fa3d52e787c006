"""Keeps the view true: reads the logs of all pairs side by side, and knows how old that makes it.

One reader for everything: the set of pairs changes while the service runs, and reading goes on from where
each partition was. A pair whose topic isn't there yet is not known, and its orders are refused.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from outcry_services.common.errors import UnavailableError
from outcry_services.common.ids import shard_of_user
from outcry_services.common.kafka import TopicMissingError
from outcry_services.common.order_log import EVENTS_PREFIX, ORDER_EVENTS, ORDERS, events_topic
from outcry_services.risk.freshness import Freshness
from outcry_services.risk.records import SETTINGS, apply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_services.risk.freshness import Place
    from outcry_services.risk.ports import Clock, LogReader, Logs, Pairs, Range
    from outcry_services.risk.view import RiskView

__all__ = ["Follower"]

log = logging.getLogger(__name__)

SHARED = (ORDERS, ORDER_EVENTS, SETTINGS)
ASK_SECONDS = 0.5


class Follower:
    """The only one who changes the view."""

    def __init__(
        self,
        view: RiskView,
        *,
        reader: LogReader,
        logs: Logs,
        pairs: Pairs,
        clock: Clock,
        stale_seconds: float,
        settle_seconds: float,
    ) -> None:
        self._view = view
        self._reader = reader
        self._logs = logs
        self._pairs = pairs
        self._clock = clock
        self._stale = stale_seconds
        self._settled = clock() + settle_seconds
        self._freshness = Freshness()
        self._positions: dict[Place, int] = {}
        """Of everything that was ever read, also of pairs that are gone: they may come back."""
        self._reading: frozenset[Place] = frozenset()
        self._shared: tuple[Place, ...] = ()
        self._moved = asyncio.Event()
        self._found = asyncio.Event()

    async def run(self, positions: Mapping[Place, int]) -> None:
        """Follow for ever from these positions, at which the view stands; other logs from their start.

        Raises `PositionLostError` and `TopicMissingError`: a restart begins anew.
        """
        self._positions = dict(positions)
        while True:
            version = self._pairs.version
            await self._begin()
            await _first_of(self._read(), self._pairs.changed(version), self._found.wait())

    async def watch_ends(self) -> None:
        """Ask for ever where the logs end; while Kafka doesn't answer the view ages, as `age` says."""
        while True:
            try:
                await self._ask()
            except UnavailableError as error:
                log.warning("the ends of the logs are not known", extra={"why": error.message})
            await asyncio.sleep(ASK_SECONDS)

    def kept_positions(self) -> dict[Place, int]:
        """Where the view stands now, without the settings, which are read from their start each time."""
        return {place: position for place, position in self._positions.items() if place[0] != SETTINGS}

    async def moved(self) -> None:
        """Wait until something was read."""
        await self._moved.wait()

    async def reached(self, place: Place, position: int) -> None:
        """Wait until a partition was read up to a position."""
        while self._positions.get(place, 0) < position:
            await self._moved.wait()

    def behind(self, user_id: int, symbol: str | None) -> str | None:
        """Why the view can't be relied on for a user's order in a pair (None: for a user's state alone)."""
        if symbol is None:
            return self._old([(SETTINGS, 0)])
        place = (events_topic(symbol), 0)
        if place not in self._reading:
            return f"nothing is known of {symbol} yet"
        return self._old([*self._shared, place]) or self._view.gap(shard_of_user(user_id), symbol)

    def behind_on(self, user_id: int) -> str | None:
        """Why the view can't be relied on for a user's withdrawals, which are in no pair's events."""
        return self.problem() or self._view.gap(shard_of_user(user_id))

    def age(self) -> float | None:
        """Seconds since the whole view was complete; None: it never was."""
        return self._freshness.age(self._reading, now=self._clock()) if self._reading else None

    def problem(self) -> str | None:
        """Why no order at all can be checked: for readiness. A pair's own trouble is its own."""
        return self._old(self._shared) if self._shared else "the logs were not read yet"

    def _old(self, places: list[Place] | tuple[Place, ...]) -> str | None:
        now = self._clock()
        age = self._freshness.age(places, now=now)
        if age is None:
            return "the logs are still being read"
        if now - age < self._settled:
            return "what the process before this one allowed may still be on its way to the logs"
        return f"the logs were last read to their end {age:.1f} s ago" if age > self._stale else None

    async def _begin(self) -> None:
        """Read everything that is there, from where it was left."""
        ranges = await self._ranges()
        missing = [name for name in SHARED if (name, 0) not in ranges]
        if missing:
            raise TopicMissingError(
                f"topic {missing[0]} is not in Kafka; `python -m outcry_services.topics` makes it"
            )
        for place in self._reading - ranges.keys():
            self._freshness.forget(place)
        self._check_logs(ranges)
        self._reading = frozenset(ranges)
        self._shared = tuple(place for place in ranges if place[0] in SHARED)
        self._found.clear()
        await self._reader.assign({place: self._positions.get(place) for place in ranges})
        for place, found in ranges.items():
            # A log without records gives no batch that would say how far it was read.
            self._freshness.read(place, self._positions.get(place, found.start))

    async def _ranges(self) -> Mapping[Place, Range]:
        """Of every log there is; asked again until Kafka answers, as nothing can be begun without it."""
        while True:
            try:
                return await self._logs.of(self._topics())
            except UnavailableError as error:
                log.warning("the logs can't be read yet", extra={"why": error.message})
                await asyncio.sleep(ASK_SECONDS)

    def _topics(self) -> list[str]:
        return [*SHARED, *map(events_topic, self._pairs.pairs())]

    def _check_logs(self, ranges: Mapping[Place, Range]) -> None:
        """Find out which pairs' logs don't go on from where they were read.

        A log that ends before that was made anew with its pair: what the old one said is over. One that
        begins behind it was trimmed while nobody read it: orders that ended in between count as open for
        ever, which refuses too much and never too little.
        """
        for place, found in ranges.items():
            position = self._positions.get(place)
            if position is None or not place[0].startswith(EVENTS_PREFIX):
                continue
            symbol = place[0].removeprefix(EVENTS_PREFIX)
            if position > found.end:
                log.warning("a pair's log begins anew", extra={"topic": place[0], "position": position})
                self._view.forget_pair(symbol)
            elif position < found.start:
                log.error("events were trimmed unread", extra={"topic": place[0], "position": position})
                self._view.events.forget(symbol)
            else:
                continue
            self._freshness.forget(place)
            del self._positions[place]

    async def _read(self) -> None:
        async for batch in self._reader.batches():
            for item in batch.items:
                apply(self._view, item.value)
            place = (batch.topic, batch.partition)
            self._positions[place] = batch.position
            self._freshness.read(place, batch.position)
            self._moved.set()
            self._moved = asyncio.Event()

    async def _ask(self) -> None:
        asked = self._clock()
        ranges = await self._logs.of(self._topics())
        self._freshness.ends({place: found.end for place, found in ranges.items()}, asked=asked)
        if self._reading and ranges.keys() - self._reading:
            self._found.set()


async def _first_of(*works: object) -> None:
    """Run all until one ends, then cancel the others; raises what that one raised."""
    tasks = [asyncio.ensure_future(work) for work in works]  # type: ignore[call-overload]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        await task
