"""What is read from the ledger beside the writer: statements, and the trial balance in one snapshot."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.settlement.audit import Trial, audit
from outcry_services.settlement.schema import DATABASE, naming

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from outcry_services.common.mysql import MySql, Session

__all__ = ["Line", "ReadingStore"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a statement."""

    id: int
    asset: str
    account: str
    amount: int
    balance: int
    kind: str
    order_id: int
    symbol: str
    trade_id: int
    time_unix_nanos: int


class ReadingStore:
    """Reads alone."""

    def __init__(self, mysql: MySql, *, database: str = DATABASE) -> None:
        self._mysql = mysql
        self._in = naming(database)

    async def statement(self, user_id: int, *, asset: str, before: int | None, most: int) -> list[Line]:
        """A user's entries, newest first; `asset` empty: all; `before`: below this entry's id."""
        conditions = ["e.user_id = %s"]
        values: list[object] = [user_id]
        if asset:
            conditions.append("e.asset = %s")
            values.append(asset)
        if before is not None:
            conditions.append("e.id < %s")
            values.append(before)
        query = self._in(
            "SELECT e.id, e.asset, e.account, e.amount, e.balance, e.kind, t.order_id, t.symbol, t.trade_id, "
            "t.time_unix_nanos FROM ledger.entries e JOIN ledger.transactions t "
            "ON t.source = e.source AND t.position = e.position WHERE {} ORDER BY e.id DESC LIMIT %s"
        ).format(" AND ".join(conditions))
        async with self._mysql.session() as session:
            rows = await session.query(query, [*values, most])
        return [Line(*row) for row in rows]

    async def trial(self) -> Trial:
        """Check the whole ledger as it is now; what is written meanwhile is not in it."""
        async with self.snapshot() as session:
            return await audit(session, self._in)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Session]:
        """Everything as it is now, for as long as it is read."""
        async with self._mysql.snapshot() as session:
            yield session
