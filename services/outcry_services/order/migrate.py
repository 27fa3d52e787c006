"""Makes the databases of the shards on the servers of the shard map. Run again, it changes nothing.

A database whose tables stand under another name was moved away from there: it is never made anew, because
numbers would begin at 1 again.
"""
# ruff: noqa: S608 - the names in statements are made from shard numbers here, values are arguments

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outcry_services.common.ids import database_of
from outcry_services.order.errors import ShardMapError
from outcry_services.order.schema import MOVED, TABLES, statements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outcry_services.common.mysql import MySql

__all__ = ["migrate"]

AT_ONCE = 4
"""Databases that are made at a time on one server: it syncs each table to disk."""


async def migrate(
    mysql: MySql, shards: Sequence[int], *, made: Callable[[int], None], incarnation: int = 1
) -> None:
    """Make these shards' databases on one server; `made` is called as each is done.

    Raises `ShardMapError` for a shard that was moved away from this server.
    """
    left = list(reversed(shards))

    async def work() -> None:
        while left:
            shard = left.pop()
            await _make(mysql, shard, incarnation=incarnation)
            made(shard)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())


async def _make(mysql: MySql, shard: int, *, incarnation: int) -> None:
    database = database_of(shard)
    async with mysql.session() as session:
        rows = await session.query(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (database,)
        )
        there = {str(row[0]) for row in rows}
        if f"{MOVED}counter" in there:
            raise ShardMapError(
                f"{database} was moved away from {mysql.address}, where the shard map has it: "
                "finish the move (order move), or correct the map"
            )
        if TABLES.keys() <= there and await session.query(f"SELECT last FROM {database}.counter"):
            return
        for statement in statements(shard, incarnation=incarnation, there=there):
            await session.execute(statement)
