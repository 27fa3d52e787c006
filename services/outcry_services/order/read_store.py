"""What users ask to see, from the tables of one MySQL server."""
# ruff: noqa: S608 - the names in statements are made from shard numbers here, values are arguments

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry_services.common.ids import OrderId, database_of, shard_of_user
from outcry_services.order.payout_rows import (
    PAYOUT_COLUMNS,
    STEP_COLUMNS,
    payout_of,
    payouts_of,
    step_of,
)
from outcry_services.order.rows import (
    FILL_COLUMNS,
    MONEY_COLUMNS,
    ORDER_COLUMNS,
    fill_of,
    money_of,
    order_of,
)

if TYPE_CHECKING:
    from outcry_services.common.mysql import MySql, Rows
    from outcry_services.order.model import Fill, MoneyKind, MoneyRow, OrderRow
    from outcry_services.order.payouts import Happened, Payout

__all__ = ["ReadTables"]


class ReadTables:
    """See `ports.ReadStore`."""

    def __init__(self, mysql: MySql) -> None:
        self._mysql = mysql

    async def order(self, order_id: int) -> OrderRow | None:
        """By id."""
        database = database_of(OrderId.of(order_id).shard)
        rows = await self._query(
            f"SELECT {ORDER_COLUMNS} FROM {database}.orders WHERE order_id = %s",
            [order_id],
        )
        return order_of(rows[0]) if rows else None

    async def order_by_client_id(self, user_id: int, client_order_id: str) -> OrderRow | None:
        """By the name that the client gave it."""
        database = database_of(shard_of_user(user_id))
        rows = await self._query(
            f"SELECT {ORDER_COLUMNS} FROM {database}.orders WHERE user_id = %s AND client_order_id = %s",
            [user_id, client_order_id],
        )
        return order_of(rows[0]) if rows else None

    async def orders(
        self, user_id: int, *, symbol: str, open_only: bool, before: int | None, most: int
    ) -> list[OrderRow]:
        """Newest first, below the id `before`."""
        database = database_of(shard_of_user(user_id))
        where, values = ["user_id = %s"], [user_id]
        _narrow(where, values, "ended = %s", 0 if open_only else None)
        _narrow(where, values, "symbol = %s", symbol or None)
        _narrow(where, values, "order_id < %s", before)
        rows = await self._query(
            f"SELECT {ORDER_COLUMNS} FROM {database}.orders WHERE {' AND '.join(where)} "
            "ORDER BY order_id DESC LIMIT %s",
            [*values, most],
        )
        return [order_of(row) for row in rows]

    async def fills(
        self, user_id: int, *, symbol: str, order_id: int | None, before: int | None, most: int
    ) -> list[Fill]:
        """Newest first, below the place `before`."""
        database = database_of(shard_of_user(user_id))
        where, values = ["f.user_id = %s"], [user_id]
        _narrow(where, values, "f.symbol = %s", symbol or None)
        _narrow(where, values, "f.order_id = %s", order_id)
        _narrow(where, values, "f.id < %s", before)
        rows = await self._query(
            f"SELECT {FILL_COLUMNS} FROM {database}.fills f JOIN {database}.orders o USING (order_id) "
            f"WHERE {' AND '.join(where)} ORDER BY f.id DESC LIMIT %s",
            [*values, most],
        )
        return [fill_of(row) for row in rows]

    async def money(self, user_id: int, kind: MoneyKind, reference: str) -> MoneyRow | None:
        """A deposit, adjustment or withdrawal by its reference."""
        database = database_of(shard_of_user(user_id))
        rows = await self._query(
            f"SELECT {MONEY_COLUMNS} FROM {database}.instructions "
            "WHERE kind = %s AND user_id = %s AND reference = %s",
            [str(kind), user_id, reference],
        )
        return money_of(rows[0]) if rows else None

    async def payout(self, shard: int, number: int) -> Payout | None:
        """A withdrawal by the number of its request."""
        rows = await self._query(
            f"SELECT {PAYOUT_COLUMNS} FROM {payouts_of(shard)} WHERE w.number = %s", [number]
        )
        return payout_of(rows[0]) if rows else None

    async def payouts(self, user_id: int, *, before: int | None, most: int) -> list[Payout]:
        """A user's, newest first, below the number `before`."""
        where, values = ["w.user_id = %s"], [user_id]
        _narrow(where, values, "w.number < %s", before)
        rows = await self._query(
            f"SELECT {PAYOUT_COLUMNS} FROM {payouts_of(shard_of_user(user_id))} "
            f"WHERE {' AND '.join(where)} ORDER BY w.number DESC LIMIT %s",
            [*values, most],
        )
        return [payout_of(row) for row in rows]

    async def open_payouts(self, shard: int, *, after: int, most: int) -> list[Payout]:
        """Those of a shard that have not ended, oldest first, above the number `after`."""
        rows = await self._query(
            f"SELECT {PAYOUT_COLUMNS} FROM {payouts_of(shard)} "
            "WHERE w.ended = 0 AND w.number > %s ORDER BY w.number LIMIT %s",
            [after, most],
        )
        return [payout_of(row) for row in rows]

    async def payout_steps(self, shard: int, number: int) -> list[Happened]:
        """What became of one, oldest first."""
        rows = await self._query(
            f"SELECT {STEP_COLUMNS} FROM {database_of(shard)}.withdrawal_steps WHERE number = %s ORDER BY id",
            [number],
        )
        return [step_of(row) for row in rows]

    async def claim(self, shard: int, kind: MoneyKind, reference: str, digest: bytes) -> bytes:
        """Keep the first digest that a reference is claimed with, for ever; the one that is kept."""
        table = f"{database_of(shard)}.claims"
        async with self._mysql.session() as session:
            await session.execute(
                f"INSERT INTO {table} (kind, reference, digest) VALUES (%s, %s, %s) "
                "ON DUPLICATE KEY UPDATE digest = digest",
                (str(kind), reference, digest),
            )
            rows = await session.query(
                f"SELECT digest FROM {table} WHERE kind = %s AND reference = %s",
                (str(kind), reference),
            )
        return bytes(rows[0][0])

    async def _query(self, statement: str, arguments: list[Any]) -> Rows:
        async with self._mysql.session() as session:
            return await session.query(statement, arguments)


def _narrow(where: list[str], values: list[Any], condition: str, value: Any) -> None:  # noqa: ANN401
    """Add a condition for a value that was given."""
    if value is not None:
        where.append(condition)
        values.append(value)
