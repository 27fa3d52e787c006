"""Makes the databases of the shards on the servers of the shard map. Run again, it changes nothing.

A database whose tables stand under another name was moved away from there: it is never made anew, because
numbers would begin at 1 again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outcry_services.common.errors import UnavailableError
from outcry_services.common.ids import database_of
from outcry_services.order.errors import ShardMapError
from outcry_services.order.schema import MOVED, TABLES, statements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outcry_services.common.mysql import MySql

__all__ = ["LOCK_SECONDS", "migrate"]

AT_ONCE = 4
"""Databases that are made at a time on one server: it syncs each table to disk, several of them together."""
LOCK, LOCK_SECONDS = "outcry-order-migrate", 600


async def migrate(
    mysql: MySql, shards: Sequence[int], *, made: Callable[[int], None], incarnation: int = 1
) -> None:
    """Make these shards' databases on one server; `made` is called as each is done or was there.

    Two that migrate one server wait for each other (`UnavailableError` when that takes too long). Raises
    `ShardMapError` for a shard that was moved away from it.
    """
    async with mysql.session() as session:
        locked = await session.query("SELECT GET_LOCK(%s, %s)", (LOCK, LOCK_SECONDS))
        if locked != [(1,)]:
            raise UnavailableError(
                f"another migration of {mysql.address} has run for {LOCK_SECONDS} s; try again"
            )
        try:
            await _make_all(mysql, shards, made=made, incarnation=incarnation)
        finally:
            await session.query("SELECT RELEASE_LOCK(%s)", (LOCK,))


async def _make_all(
    mysql: MySql, shards: Sequence[int], *, made: Callable[[int], None], incarnation: int
) -> None:
    there = await _tables(mysql)
    left = []
    for shard in shards:
        tables = there.get(database_of(shard), set())
        if f"{MOVED}counter" in tables:
            raise ShardMapError(
                f"{database_of(shard)} was moved away from {mysql.address}, where the shard map has it: "
                "finish the move (order move), or correct the map"
            )
        if tables.issuperset(TABLES):
            made(shard)
        else:
            left.append((shard, tables))
    left.reverse()

    async def work() -> None:
        while left:
            shard, tables = left.pop()
            async with mysql.session() as session:
                todo = statements(shard, incarnation=incarnation, there=tables)
                await session.run_all([(statement, ()) for statement in todo])
            made(shard)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())


async def _tables(mysql: MySql) -> dict[str, set[str]]:
    """By database, the tables that a server has."""
    async with mysql.session() as session:
        rows = await session.query(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema LIKE %s",
            (r"orders\_%",),
        )
    found: dict[str, set[str]] = {}
    for database, table in rows:
        found.setdefault(str(database), set()).add(str(table))
    return found
