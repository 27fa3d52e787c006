"""A shard's tables, copied from one MySQL server to another.

What never changes is copied while orders flow, the rest behind the fence. Rows that are there already are
left alone, so that a copy may be made in several goes.
"""
# ruff: noqa: S608 - the names in statements are made from shard numbers here, values are arguments

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcry_services.order.schema import TABLES

if TYPE_CHECKING:
    from outcry_services.common.mysql import MySql, Rows

__all__ = ["Side", "copy", "fingerprint"]

CHUNK = 1000

KEYS = {
    "counter": ("id",),
    "published": ("id",),
    "outbox": ("number",),
    "orders": ("order_id",),
    "fills": ("id",),
    "instructions": ("number",),
    "withdrawals": ("number",),
    "withdrawal_steps": ("id",),
    "claims": ("kind", "reference"),
    "positions": ("topic", "partition_number"),
}
"""Of each table."""

FINAL = {
    "orders": "ended = 1",
    "fills": "1 = 1",
    "instructions": "status <> 'PENDING'",
    "withdrawals": "ended = 1",
    "withdrawal_steps": "1 = 1",
    "claims": "1 = 1",
}
"""Rows that never change any more; tables that are not here may change as a whole."""


@dataclass(frozen=True, slots=True)
class Side:
    """Where a shard's tables are on one side of a copy, and what their names begin with."""

    mysql: MySql
    database: str
    prefix: str = ""

    def table(self, name: str) -> str:
        """With its database."""
        return f"{self.database}.{self.prefix}{name}"

    async def query(self, statement: str, arguments: tuple[Any, ...] = ()) -> Rows:
        """One statement."""
        async with self.mysql.session() as session:
            return await session.query(statement, arguments)


async def copy(source: Side, target: Side, *, final_only: bool) -> int:
    """Copy what the target lacks, of all rows or of those that never change; the number of rows copied."""
    copied = 0
    for name in TABLES:
        if not final_only or name in FINAL:
            copied += await _copy_table(source, target, name, FINAL[name] if final_only else "1 = 1")
    return copied


async def fingerprint(side: Side) -> dict[str, tuple[Any, ...]]:
    """Of every table the number of its rows and a sum over their content."""
    found = {}
    for name in TABLES:
        columns = await _columns(side, name)
        whole = ", ".join(f"HEX({column})" for column in columns)
        rows = await side.query(
            f"SELECT COUNT(*), COALESCE(SUM(CRC32(CONCAT_WS('|', {whole}))), 0), "
            f"COALESCE(BIT_XOR(CRC32(CONCAT_WS('/', {whole}))), 0) FROM {side.table(name)}"
        )
        found[name] = tuple(rows[0])
    return found


async def _copy_table(source: Side, target: Side, name: str, where: str) -> int:
    key = KEYS[name]
    columns = await _columns(source, name)
    places = [columns.index(column) for column in key]
    last: tuple[Any, ...] | None = None
    copied = 0
    while True:
        rows = await _chunk(source, name, columns, where, last)
        if not rows:
            return copied
        last = tuple(rows[-1][place] for place in places)
        first = tuple(rows[0][place] for place in places)
        there = await _keys_between(target, name, first, last)
        missing = [row for row in rows if tuple(row[place] for place in places) not in there]
        async with target.mysql.session() as session:
            statement = f"INSERT INTO {target.table(name)} ({', '.join(columns)}) VALUES ({_marks(columns)})"
            copied += await session.execute_many(statement, missing)


async def _columns(side: Side, name: str) -> list[str]:
    rows = await side.query(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
        "ORDER BY ordinal_position",
        (side.database, f"{side.prefix}{name}"),
    )
    return [row[0] for row in rows]


async def _chunk(side: Side, name: str, columns: list[str], where: str, last: tuple[Any, ...] | None) -> Rows:
    key = ", ".join(KEYS[name])
    behind = f"AND ({key}) > ({_marks(KEYS[name])})" if last else ""
    return await side.query(
        f"SELECT {', '.join(columns)} FROM {side.table(name)} WHERE {where} {behind} "
        f"ORDER BY {key} LIMIT {CHUNK}",
        last or (),
    )


async def _keys_between(
    side: Side, name: str, first: tuple[Any, ...], last: tuple[Any, ...]
) -> set[tuple[Any, ...]]:
    key, marks = ", ".join(KEYS[name]), _marks(KEYS[name])
    rows = await side.query(
        f"SELECT {key} FROM {side.table(name)} WHERE ({key}) >= ({marks}) AND ({key}) <= ({marks})",
        first + last,
    )
    return {tuple(row) for row in rows}


def _marks(columns: list[str] | tuple[str, ...]) -> str:
    return ", ".join(["%s"] * len(columns))
