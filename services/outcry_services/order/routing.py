"""Where shards are: the map that holds now, a pool and a committer for each server in it.

A shard that has left a server says so itself: its tables are not there any more. Whoever meets that waits for
the next version of the map, and tries there.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from outcry_services.common.ids import database_of
from outcry_services.common.mysql_errors import MySqlMissingError
from outcry_services.order.errors import ShardMovingError
from outcry_services.order.shard_map import newer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from outcry_services.order.committer import Committer
    from outcry_services.order.entries import Entry, Outcome
    from outcry_services.order.ports import Store
    from outcry_services.order.progress import MoneyChange, OrderChange, Refusal
    from outcry_services.order.shard_map import ShardMap

__all__ = ["Server", "Shards"]

log = logging.getLogger(__name__)

T = TypeVar("T")
Change = TypeVar("Change", bound="OrderChange | Refusal | MoneyChange")


@dataclass(frozen=True, slots=True)
class Server:
    """One MySQL server of the map; `close` ends its pool and its committer, once that is idle."""

    store: Store
    committer: Committer
    close: Callable[[], Awaitable[None]]


class Shards:
    """Every shard, wherever it is. `moving_seconds`: how long to wait for a shard that is on its way."""

    def __init__(
        self, *, open_server: Callable[[str, str], Awaitable[Server]], moving_seconds: float = 3.0
    ) -> None:
        self._open = open_server
        self._seconds = moving_seconds
        self._map: ShardMap | None = None
        self._servers: dict[str, Server] = {}
        self._changed = asyncio.Event()

    @property
    def map(self) -> ShardMap:
        """The map that holds now; `use` must have been called."""
        if self._map is None:
            raise ShardMovingError("the shard map was not read yet", retry_after=1.0)
        return self._map

    async def use(self, offered: ShardMap) -> None:
        """Go by this map, if it is newer; raises `ShardMapError` when it contradicts the one in force."""
        chosen = offered if self._map is None else newer(offered, self._map)
        if chosen is self._map:
            return
        known = {} if self._map is None else self._map.servers
        stale = [name for name in self._servers if chosen.servers.get(name) != known.get(name)]
        fresh = {
            name: await self._open(name, url)
            for name, url in chosen.servers.items()
            if name not in self._servers or name in stale
        }
        leaving = [self._servers.pop(name) for name in stale]
        self._servers.update(fresh)
        self._map = chosen
        log.info("shard map in force", extra={"version": chosen.version})
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        for server in leaving:
            await server.close()

    async def close(self) -> None:
        """End all servers."""
        for server in self._servers.values():
            await server.close()
        self._servers.clear()

    async def on(self, shard: int, work: Callable[[Store], Awaitable[T]]) -> T:
        """Do something with the shard's store; raises `ShardMovingError` when the shard isn't to be had."""
        while True:
            version = self.map.version
            try:
                return await work(self._server(shard).store)
            except MySqlMissingError:
                await self._after(version, shard)

    async def commit(self, entry: Entry) -> Outcome:
        """Commit an entry where its shard is; errors as `Committer.commit` has them."""
        while True:
            version = self.map.version
            try:
                return await self._server(entry.shard).committer.commit(entry)
            except ShardMovingError:
                await self._after(version, entry.shard)

    async def apply(self, changes: Sequence[OrderChange]) -> int:
        """Changes of many shards, each where its shard is; the number of orders changed."""
        counts = await self._each(changes, lambda store, part: store.apply(part))
        return sum(counts)

    async def answer(self, answers: Sequence[Refusal | MoneyChange]) -> None:
        """Position's answers, each where its shard is."""
        await self._each(answers, lambda store, part: store.answer(part))

    async def unpublished(self) -> dict[int, tuple[int, int]]:
        """Of all shards, what is published and the last number."""
        found: dict[int, tuple[int, int]] = {}
        for name, server in list(self._servers.items()):
            shards = self.map.shards_of(name)
            try:
                found.update(await server.store.unpublished(shards))
            except MySqlMissingError:
                # One of them is on its way: ask for each where it is.
                for shard in shards:
                    found.update(await self._unpublished_of(shard))
        return found

    async def _unpublished_of(self, shard: int) -> dict[int, tuple[int, int]]:
        return await self.on(shard, lambda store: store.unpublished([shard]))

    async def mark_published(self, numbers: dict[int, int]) -> None:
        """By shard, what is published."""
        by_server: dict[str, dict[int, int]] = {}
        for shard, number in numbers.items():
            by_server.setdefault(self.map.owners[shard], {})[shard] = number
        for name, part in by_server.items():
            await self._servers[name].store.mark_published(part)

    async def _each(
        self, changes: Sequence[Change], work: Callable[[Store, Sequence[Change]], Awaitable[T]]
    ) -> list[T]:
        results: list[T] = []
        left = list(changes)
        while left:
            version = self.map.version
            name = self.map.owners[left[0].shard]
            part = [change for change in left if self.map.owners[change.shard] == name]
            rest = [change for change in left if self.map.owners[change.shard] != name]
            try:
                results.append(await work(self._servers[name].store, part))
                left = rest
            except MySqlMissingError:
                await self._after(version, part[0].shard)
        return results

    def _server(self, shard: int) -> Server:
        return self._servers[self.map.owners[shard]]

    async def _after(self, version: int, shard: int) -> None:
        """Wait for a map behind this version."""
        try:
            async with asyncio.timeout(self._seconds):
                while self.map.version <= version:
                    await self._changed.wait()
        except TimeoutError:
            raise ShardMovingError(
                f"{database_of(shard)} is not where the shard map says, and no newer map says where; "
                "it is being moved, or was never made (order migrate); try again",
                retry_after=1.0,
            ) from None
