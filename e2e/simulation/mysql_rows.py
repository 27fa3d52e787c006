"""A fake of a server's binary log and of `reconciler.binlog.Binlog`: the rows that transactions changed.

Rows come in the order of their commits. A stream breaks now and then, and whoever goes on from a position
gets whole transactions again; one may come in several chunks, of which only the last moves the position.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from outcry_services.reconciler.binlog import BinlogPosition, Chunk, Kind, RowChange
from outcry_services.reconciler.errors import BinlogAwayError, BinlogLostError

from e2e.simulation.chance import Chance

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

__all__ = ["BinaryLog", "FakeBinlog"]

FILE = "fake-bin.000001"
MOST_TRANSACTIONS = 20
"""Of one chunk."""


class BinaryLog:
    """What the tables changed that it was told to watch, a transaction each."""

    def __init__(self) -> None:
        self._columns: dict[str, list[str]] = {}
        self._open: list[RowChange] = []
        self._transactions: list[tuple[RowChange, ...]] = []
        self._first = 0
        # A dictionary for its order, as in the fake Kafka.
        self._waiting: dict[asyncio.Future[None], None] = {}

    @property
    def end(self) -> BinlogPosition:
        """Where the next transaction begins."""
        return BinlogPosition(FILE, self._first + len(self._transactions))

    @property
    def pending(self) -> int:
        """Rows of the transaction that is open."""
        return len(self._open)

    def clear(self) -> None:
        """A server that was just made."""
        self._open.clear()
        self._transactions.clear()
        self._waiting.clear()
        self._first = 0

    def purge(self) -> None:
        """Forget all that there is, as a server does with old files."""
        self._first += len(self._transactions)
        self._transactions.clear()

    def watch(self, table: str, columns: Sequence[str]) -> None:
        """Know a table's columns."""
        self._columns[table] = list(columns)

    def note(self, table: str, kind: str, *values: Any) -> None:  # noqa: ANN401 - as SQLite has them
        """For triggers: a row before it changed (none for one that is new), then after (none if it goes)."""
        names = self._columns[table]
        rows = [dict(zip(names, values[at : at + len(names)], strict=True)) for at in (0, len(names))]
        before, after = {"INSERT": (None, rows[0]), "DELETE": (rows[0], None)}.get(kind, (rows[0], rows[1]))
        self._open.append(RowChange(table=table, kind=Kind(kind), before=before, after=after))

    def forget(self, *, from_row: int = 0) -> None:
        """What was changed from this row of the open transaction on is rolled back."""
        del self._open[from_row:]

    def commit(self) -> None:
        """The open transaction took effect."""
        if not self._open:
            return
        self._transactions.append(tuple(self._open))
        self._open.clear()
        waiting, self._waiting = self._waiting, {}
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def since(self, position: BinlogPosition, most: int) -> list[tuple[RowChange, ...]]:
        """The next few transactions; raises `BinlogLostError`."""
        at = position.offset - self._first
        if not 0 <= at <= len(self._transactions):
            raise BinlogLostError(f"MySQL at fake has no binary log at {position} any more")
        return self._transactions[at : at + most]

    async def grown(self) -> None:
        """Wait for a transaction."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = None
        try:
            await future
        finally:
            self._waiting.pop(future, None)


class FakeBinlog:
    """`reconciler.binlog.Binlog`."""

    def __init__(self, log: BinaryLog, chance: Chance | None = None) -> None:
        self._log = log
        self._chance = chance or Chance()

    async def follow(self, position: BinlogPosition) -> AsyncIterator[Chunk]:
        """As the real one."""
        chance = self._chance
        while True:
            await asyncio.sleep(chance.seconds())
            if chance.happens(chance.odds.refused):
                raise BinlogAwayError("the binary log of MySQL at fake broke off")
            found = self._log.since(position, chance.between(1, MOST_TRANSACTIONS))
            if not found:
                await self._log.grown()
                continue
            rows = [row for transaction in found for row in transaction]
            if len(found[0]) > 1 and chance.happens(chance.odds.cut_short):
                yield self._chunk(rows[:1], position)
            position = BinlogPosition(FILE, position.offset + len(found))
            yield self._chunk(rows, position)

    def _chunk(self, rows: Sequence[RowChange], position: BinlogPosition) -> Chunk:
        return Chunk(changes=tuple(rows), position=position, time=int(asyncio.get_running_loop().time()))
