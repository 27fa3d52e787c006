"""The ledger in MySQL: one transaction a batch, with its cursors, and one writer at a time.

Every batch locks the one row of `writer` first. Whoever opened the ledger last has its epoch: an older writer
finds another number there and writes nothing (`SupersededError`). The lock also keeps a batch from what the
reconciler repairs meanwhile, which takes the same row: nothing is remembered here from one batch to the next.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcry_services.common.errors import UnavailableError
from outcry_services.common.mysql_errors import DuplicateKeyError
from outcry_services.settlement.errors import ContradictionError, SupersededError
from outcry_services.settlement.model import Balance, Hold, HoldKind
from outcry_services.settlement.schema import DATABASE, naming
from outcry_services.settlement.steps import Cursor, Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence

    from outcry_services.common.mysql import MySql, Session
    from outcry_services.settlement.books import Change, UserAsset

__all__ = ["LedgerBatch", "LedgerStore", "Opened"]

_LONGEST_TEXT = 1000
_LONGEST_NAME = 255
_HOLD = "id, user_id, kind, asset, left_amount, per_unit, side, symbol, base, quote, tick_lot, lot"


@dataclass(frozen=True, slots=True)
class Opened:
    """Where the ledger stands."""

    epoch: int
    cursors: dict[str, Cursor]
    offsets: dict[Place, int]


class LedgerStore:
    """Reads and writes of the one who keeps the books."""

    def __init__(self, mysql: MySql, *, database: str = DATABASE) -> None:
        self._mysql = mysql
        self._in = naming(database)

    async def open(self) -> Opened:
        """Become the writer, and learn how far the books are."""
        async with self._mysql.transaction() as session:
            changed = await session.execute(
                self._in("UPDATE ledger.writer SET epoch = epoch + 1 WHERE id = 1")
            )
            if changed != 1:
                raise UnavailableError(
                    "the ledger has no writer row; run the migration of settlement first",
                    name="LEDGER_NOT_MIGRATED",
                )
            ((epoch,),) = await session.query(self._in("SELECT epoch FROM ledger.writer WHERE id = 1"))
            cursors = await session.query(
                self._in("SELECT source, incarnation, position FROM ledger.cursors")
            )
            offsets = await session.query(self._in("SELECT topic, part, position FROM ledger.offsets"))
        return Opened(
            epoch=epoch,
            cursors={source: Cursor(incarnation, position) for source, incarnation, position in cursors},
            offsets={(topic, part): position for topic, part, position in offsets},
        )

    async def symbols(self) -> set[str]:
        """The pairs that have events in the books."""
        async with self._mysql.session() as session:
            rows = await session.query(self._in("SELECT source FROM ledger.cursors"))
        return {source for (source,) in rows if not source.startswith("i:")}

    async def symbols_held(self) -> set[str]:
        """The pairs for whose orders funds are held."""
        async with self._mysql.session() as session:
            rows = await session.query(
                self._in("SELECT DISTINCT symbol FROM ledger.holds WHERE kind = 'order'")
            )
        return {symbol for (symbol,) in rows}

    @asynccontextmanager
    async def batch(self, epoch: int) -> AsyncIterator[LedgerBatch]:
        """One transaction of the writer; raises `SupersededError` when `epoch` is not the last any more."""
        async with self._mysql.transaction() as session:
            ((last,),) = await session.query(
                self._in("SELECT epoch FROM ledger.writer WHERE id = 1 FOR UPDATE")
            )
            if last != epoch:
                raise SupersededError(
                    f"the ledger was opened again (epoch {last}, not {epoch}): another process writes it"
                )
            yield LedgerBatch(session, self._in)


class LedgerBatch:
    """What is read and written inside one batch."""

    def __init__(self, session: Session, named: Callable[[str], str]) -> None:
        self._session = session
        self._in = named

    async def holds(self, ids: Collection[int]) -> dict[int, Hold]:
        """Those of the holds that are there."""
        if not ids:
            return {}
        rows = await self._session.query(
            self._in("SELECT {} FROM ledger.holds WHERE id IN ({})").format(_HOLD, _marks(ids)),
            sorted(ids),
        )
        return {row[0]: _hold(row) for row in rows}

    async def balances(self, keys: Collection[UserAsset]) -> dict[UserAsset, Balance]:
        """Those of the balances that are there."""
        if not keys:
            return {}
        rows = await self._session.query(
            self._in(
                "SELECT user_id, asset, available, held FROM ledger.balances WHERE (user_id, asset) IN ({})"
            ).format(", ".join(["(%s, %s)"] * len(keys))),
            [part for key in sorted(keys) for part in key],
        )
        return {(user, asset): Balance(available, held) for user, asset, available, held in rows}

    async def available_by_entries(self, keys: Collection[UserAsset]) -> dict[UserAsset, int]:
        """What these balances have available by their entries, of which it reads all."""
        if not keys:
            return {}
        rows = await self._session.query(
            self._in(
                "SELECT user_id, asset, SUM(amount) FROM ledger.entries WHERE (user_id, asset) IN ({}) "
                "AND account = 'available' GROUP BY user_id, asset"
            ).format(", ".join(["(%s, %s)"] * len(keys))),
            [part for key in sorted(keys) for part in key],
        )
        return dict.fromkeys(keys, 0) | {(user, asset): int(amount) for user, asset, amount in rows}

    async def write(self, change: Change) -> None:
        """Everything that a batch changes. Raises `ContradictionError` for a cause that was posted before."""
        await self._transactions(change)
        await self._entries(change)
        await self._many(
            "balances (user_id, asset, available, held, source, position)",
            [
                (user, asset, balance.available, balance.held, source, position)
                for (user, asset), (balance, source, position) in sorted(change.balances.items())
            ],
            "available = VALUES(available), held = VALUES(held), source = VALUES(source), "
            "position = VALUES(position)",
        )
        await self._many(
            "house (account, scope, asset, balance)",
            [(*account, amount) for account, amount in sorted(change.house.items())],
            "balance = balance + VALUES(balance)",
        )
        await self._holds(change)
        await self._many(
            "outside (reference, user_id, asset, amount)",
            [
                (it.outside_name[:_LONGEST_NAME], it.user_id, asset, amount)
                for it in (posted.transaction for posted in change.posted)
                for asset, amount in sorted(it.outside.items())
            ],
            "amount = amount + VALUES(amount)",
        )
        await self._many(
            "cursors (source, incarnation, position)",
            [(source, it.incarnation, it.position) for source, it in sorted(change.cursors.items())],
            "incarnation = VALUES(incarnation), position = VALUES(position)",
        )
        await self._many(
            "offsets (topic, part, position)",
            [(*place, position) for place, position in sorted(change.positions.items())],
            "position = VALUES(position)",
        )
        await self._session.execute(self._in("UPDATE ledger.writer SET batch = batch + 1 WHERE id = 1"))

    async def _transactions(self, change: Change) -> None:
        rows = [
            (
                it.source,
                it.position,
                str(it.kind),
                it.user_id,
                it.order_id,
                it.trade_id,
                it.symbol,
                it.time_unix_nanos,
                # The log keeps the whole text.
                it.reference[:_LONGEST_TEXT],
                it.note[:_LONGEST_TEXT],
            )
            for it in (posted.transaction for posted in change.posted)
        ]
        try:
            await self._many(
                "transactions (source, position, kind, user_id, order_id, trade_id, symbol, time_unix_nanos, "
                "reference, note)",
                rows,
            )
        except DuplicateKeyError as error:
            keys = ", ".join(posted.transaction.key for posted in change.posted[:3])
            raise ContradictionError(f"one of {keys}, … was posted before: {error.message}") from error

    async def _entries(self, change: Change) -> None:
        rows = [
            (
                posted.transaction.source,
                posted.transaction.position,
                line,
                entry.user_id,
                str(entry.account),
                entry.asset,
                entry.amount,
                balance,
                str(entry.kind),
            )
            for posted in change.posted
            for line, (entry, balance) in enumerate(
                zip(posted.transaction.entries, posted.balances, strict=True)
            )
        ]
        await self._many(
            "entries (source, position, line, user_id, account, asset, amount, balance, kind)", rows
        )

    async def _holds(self, change: Change) -> None:
        await self._many(
            f"holds ({_HOLD})",
            [_row(hold) for _, hold in sorted(change.holds.items()) if hold is not None],
            "left_amount = VALUES(left_amount)",
        )
        gone = sorted(hold_id for hold_id, hold in change.holds.items() if hold is None)
        if gone:
            await self._session.execute(
                self._in("DELETE FROM ledger.holds WHERE id IN ({})").format(_marks(gone)), gone
            )

    async def _many(self, table: str, rows: Sequence[tuple[Any, ...]], update: str = "") -> None:
        if not rows:
            return
        otherwise = f" ON DUPLICATE KEY UPDATE {update}" if update else ""
        await self._session.execute_many(
            self._in("INSERT INTO ledger.{} VALUES ({}){}").format(table, _marks(rows[0]), otherwise), rows
        )


def _marks(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))


def _row(hold: Hold) -> tuple[Any, ...]:
    return (
        hold.id,
        hold.user_id,
        str(hold.kind),
        hold.asset,
        hold.left,
        hold.per_unit,
        hold.side,
        hold.symbol,
        hold.base,
        hold.quote,
        hold.tick_lot,
        hold.lot,
    )


def _hold(row: Iterable[Any]) -> Hold:
    hold_id, user_id, kind, asset, left, per_unit, side, symbol, base, quote, tick_lot, lot = row
    return Hold(
        id=hold_id,
        user_id=user_id,
        kind=HoldKind(kind),
        asset=asset,
        left=left,
        per_unit=per_unit,
        side=side,
        symbol=symbol,
        base=base,
        quote=quote,
        tick_lot=tick_lot,
        lot=lot,
    )
