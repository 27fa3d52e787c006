"""Moves shards from one MySQL server to another while orders flow, one after the other.

    1. copy     what never changes any more goes into tables of another name (`arriving_…`) on the new server
    2. fence    one RENAME TABLE takes all tables of the shard away from the old one (`moved_…`). The server
    waits for
                transactions in hand and lets none in behind: nothing is ever written on both sides,
                whatever map a process goes by. Requests for this shard wait from here on
    3. copy     the rest; both sides must have the same fingerprint
    4. open     one RENAME TABLE gives the arrived tables their names
    5. publish  the next version of the map, in Consul; requests go on, on the new server
    6. drop     the old server's database

Ended anywhere, it goes on from what it finds when it is begun again.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.errors import IntegrityError
from outcry_services.common.ids import database_of
from outcry_services.common.mysql import MySql
from outcry_services.order.copying import Side, copy, fingerprint
from outcry_services.order.errors import ShardMapError
from outcry_services.order.map_source import publish_map, read_map
from outcry_services.order.schema import MOVED, TABLES, tables_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outcry_services.common.consul import ConsulKv
    from outcry_services.order.settings import StoreSettings
    from outcry_services.order.shard_map import ShardMap

__all__ = ["Mover"]

log = logging.getLogger(__name__)

ARRIVING = "arriving_"
FENCE_SECONDS = 10
"""How long the fence may wait for transactions in hand; new ones wait behind it."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One shard's two servers."""

    shard: int
    source: MySql
    target: MySql

    @property
    def database(self) -> str:
        return database_of(self.shard)


class Mover:
    """Moves shards to the server `to`; `moved` is called as each is done."""

    def __init__(
        self,
        settings: StoreSettings,
        consul: ConsulKv,
        *,
        to: str,
        adding: str = "",
        moved: Callable[[int], None],
    ) -> None:
        self._settings = settings
        self._consul = consul
        self._to = to
        self._adding = adding
        self._moved = moved
        self._pools: dict[str, MySql] = {}

    async def move(self, shards: Sequence[int]) -> ShardMap:
        """Move what isn't there yet; the map in force then.

        Raises `ShardMapError` for an unknown server or two that hold one shard, `IntegrityError` for a copy
        that is not like its original, and the errors of MySQL and Consul.
        """
        try:
            chosen = await self._with_new_server(await read_map(self._consul, self._settings.shards()))
            for shard in shards:
                chosen = await self._move_one(chosen, shard)
                self._moved(shard)
            return chosen
        finally:
            await asyncio.gather(*(pool.close() for pool in self._pools.values()))

    async def _with_new_server(self, chosen: ShardMap) -> ShardMap:
        if not self._adding or chosen.servers.get(self._to) == self._adding:
            if self._to not in chosen.servers:
                raise ShardMapError(f"there is no server {self._to!r} in the shard map; add it with --at URL")
            return chosen
        wider = chosen.with_servers({self._to: self._adding})
        await publish_map(self._consul, wider)
        return wider

    async def _move_one(self, chosen: ShardMap, shard: int) -> ShardMap:
        target = await self._pool(chosen.servers[self._to])
        if chosen.owners[shard] == self._to:
            await self._clear_others(chosen, shard)
            return chosen
        way = _Way(shard, await self._pool(chosen.servers[chosen.owners[shard]]), target)
        await _bring(way)
        chosen = chosen.moved([shard], to=self._to)
        await publish_map(self._consul, chosen)
        await _drop(way.source, way.database)
        return chosen

    async def _clear_others(self, chosen: ShardMap, shard: int) -> None:
        """What an earlier move that was ended behind `publish` left on the old server."""
        for name, url in chosen.servers.items():
            if name != self._to and await _has(await self._pool(url), database_of(shard), f"{MOVED}counter"):
                await _drop(await self._pool(url), database_of(shard))

    async def _pool(self, url: str) -> MySql:
        if url not in self._pools:
            self._pools[url] = MySql(self._settings.address(url), most_connections=4, statement_seconds=300)
            await self._pools[url].open()
        return self._pools[url]


async def _bring(way: _Way) -> None:
    """Steps 1 to 4, as far as they are not done."""
    fenced = await _has(way.source, way.database, f"{MOVED}counter")
    opened = await _has(way.target, way.database, "counter")
    if opened and not fenced:
        raise ShardMapError(
            f"{way.database} is on both {way.source.address} and {way.target.address}: find out which one is "
            "in use, and remove the other"
        )
    if not opened:
        arriving = Side(way.target, way.database, ARRIVING)
        if not fenced:
            await _make_arriving(way)
            copied = await copy(Side(way.source, way.database), arriving, final_only=True)
            log.info("copied ahead", extra={"shard": way.shard, "rows": copied})
            await _fence(way)
        elif not await _has(way.target, way.database, f"{ARRIVING}counter"):
            await _make_arriving(way)
        copied = await copy(Side(way.source, way.database, MOVED), arriving, final_only=False)
        log.info("copied behind the fence", extra={"shard": way.shard, "rows": copied})
    original = await fingerprint(Side(way.source, way.database, MOVED))
    prefix = "" if opened else ARRIVING
    if await fingerprint(Side(way.target, way.database, prefix)) != original:
        raise IntegrityError(
            f"the copy of {way.database} on {way.target.address} is not like its original on "
            f"{way.source.address}, whose tables are called {MOVED}… now; nothing was opened"
        )
    if not opened:
        await _rename(way.target, way.database, ARRIVING, "")


async def _make_arriving(way: _Way) -> None:
    """Empty tables under another name: what a move that was ended left there is made anew."""
    async with way.target.session() as session:
        await session.execute(f"CREATE DATABASE IF NOT EXISTS {way.database}")
        for name in TABLES:
            if await _has(way.target, way.database, f"{ARRIVING}{name}"):
                await session.execute(f"DROP TABLE {way.database}.{ARRIVING}{name}")
        for statement in tables_of(way.shard, prefix=ARRIVING):
            await session.execute(statement)


async def _fence(way: _Way) -> None:
    await _rename(way.source, way.database, "", MOVED)
    log.info("fenced", extra={"shard": way.shard})


async def _rename(mysql: MySql, database: str, before: str, after: str) -> None:
    """All tables of a shard at once: whole or not at all, also when the server dies."""
    renames = ", ".join(f"{database}.{before}{name} TO {database}.{after}{name}" for name in TABLES)
    async with mysql.session() as session:
        await session.execute("SET SESSION lock_wait_timeout = %s", (FENCE_SECONDS,))
        await session.execute(f"RENAME TABLE {renames}")


async def _has(mysql: MySql, database: str, table: str) -> bool:
    async with mysql.session() as session:
        rows = await session.query(
            "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
            (database, table),
        )
    return bool(rows)


async def _drop(mysql: MySql, database: str) -> None:
    async with mysql.session() as session:
        await session.execute(f"DROP DATABASE IF EXISTS {database}")
