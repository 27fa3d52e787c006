"""The ledger in MySQL (settlement's tables), read at one moment: for a rebuild, and to prove a replay."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from outcry_services.common.ids import SHARDS
from outcry_services.position.rebuild import Cut, Owned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from outcry_services.common.mysql import MySql, Session
    from outcry_services.position.proof import Balances, CutOfUser
    from outcry_services.position.rebuild import Snapshot

__all__ = ["LedgerStore"]

PAGE_ROWS = 5000
WITHDRAWAL = "withdrawal"


class LedgerStore:
    """Implements `rebuild.Ledger` and `proof.LedgerAt`; `database` is the ledger's name."""

    def __init__(self, mysql: MySql, *, database: str = "ledger") -> None:
        self._mysql = mysql
        self._database = database

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot | None]:
        """Everything at one moment, however long the reading takes; raises what `MySql` raises."""
        async with self._moment() as session:
            yield None if session is None else _Snapshot(session, await _cut(session))

    async def at(self, cuts: Mapping[int, CutOfUser]) -> dict[int, Balances] | None:
        """Balances less what is behind each user's own cut; None while the ledger has not come so far."""
        async with self._moment() as session:
            if session is None:
                return None if any(any(cut.values()) for cut in cuts.values()) else {}
            now = await _cut(session)
            if not all(_covers(now, user, cut) for user, cut in cuts.items()):
                return None
            marks = ", ".join(["%s"] * len(cuts))
            rows = await session.query(
                f"SELECT user_id, asset, available, held FROM balances WHERE user_id IN ({marks})",  # noqa: S608
                list(cuts),
            )
            found: dict[int, Balances] = {user: {} for user in cuts}
            for user, asset, available, held in rows:
                found[user][asset] = (available, held)
            for user, cut in cuts.items():
                await _take_back(session, user, cut, now, found[user])
            return found

    @asynccontextmanager
    async def _moment(self) -> AsyncIterator[Session | None]:
        """Reads of one moment; None: there is no ledger yet."""
        async with self._mysql.session() as session:
            await session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            await session.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            try:
                tables = await session.query(
                    "SELECT 1 FROM information_schema.tables "
                    "WHERE table_schema = %s AND table_name = 'offsets'",
                    [self._database],
                )
                if tables:
                    # Tables that are named without their database are this one's.
                    await session.execute(f"USE {self._database}")
                yield session if tables else None
            finally:
                await session.rollback()


def _covers(now: Cut, user: int, cut: CutOfUser) -> bool:
    _, number = now.shards.get(user % SHARDS, (0, 0))
    legs = {symbol: leg for symbol, leg in cut.items() if symbol != "i"}
    return number >= cut["i"] and all(now.legs.get(symbol, 0) >= leg for symbol, leg in legs.items())


async def _take_back(session: Session, user: int, cut: CutOfUser, now: Cut, balances: Balances) -> None:
    """Undo what the ledger has of a user beyond a cut."""
    sources = {f"i:{user % SHARDS}": cut["i"]} | {symbol: cut.get(symbol, 0) for symbol in now.legs}
    for source, position in sources.items():
        rows = await session.query(
            "SELECT asset, account, SUM(amount) FROM entries WHERE user_id = %s AND source = %s "
            "AND position > %s AND account IN ('available', 'held') GROUP BY asset, account",
            [user, source, position],
        )
        for asset, account, amount in rows:
            available, held = balances[asset]
            if account == "available":
                available -= int(amount)
            else:
                held -= int(amount)
            balances[asset] = (available, held)


class _Snapshot:
    """Implements `rebuild.Snapshot`."""

    def __init__(self, session: Session, cut: Cut) -> None:
        self._session = session
        self.cut = cut

    async def users(self) -> AsyncIterator[list[Owned]]:
        """Everybody who ever had a balance, in the order of their ids."""
        last = 0
        while rows := await self._session.query(
            "SELECT user_id, asset, available, held FROM balances WHERE user_id > %s "
            "ORDER BY user_id, asset LIMIT %s",
            [last, PAGE_ROWS],
        ):
            # The last user of a full page may go on behind it: the next page begins with them.
            end = rows[-1][0]
            if len(rows) == PAGE_ROWS and rows[0][0] != end:
                rows = [row for row in rows if row[0] != end]
            elif len(rows) == PAGE_ROWS:
                rows = await self._balances_of(end)
            last = rows[-1][0]
            users: dict[int, Owned] = {}
            for user, asset, available, held in rows:
                users.setdefault(user, Owned(user=user)).balances[asset] = (available, held)
            await self._add_holds(users)
            yield list(users.values())

    async def totals(self) -> dict[str, tuple[int, int]]:
        """The sums of all users by asset."""
        rows = await self._session.query(
            "SELECT asset, SUM(available), SUM(held) FROM balances GROUP BY asset"
        )
        return {asset: (int(available), int(held)) for asset, available, held in rows}

    async def _balances_of(self, user: int) -> list[tuple[int, str, int, int]]:
        rows = await self._session.query(
            "SELECT user_id, asset, available, held FROM balances WHERE user_id = %s", [user]
        )
        return [(user, asset, available, held) for user, asset, available, held in rows]

    async def _add_holds(self, users: dict[int, Owned]) -> None:
        rows = await self._session.query(
            "SELECT id, user_id, kind, asset, left_amount, per_unit, side, symbol, base, quote, tick_lot, "
            "lot FROM holds WHERE user_id BETWEEN %s AND %s",
            [min(users), max(users)],
        )
        for name, user, kind, asset, left, *facts in rows:
            words = [left, asset] if kind == WITHDRAWAL else [left, asset, *facts]
            users[user].holds[name] = " ".join(map(str, words))


async def _cut(session: Session) -> Cut:
    cursors = await session.query("SELECT source, incarnation, position FROM cursors")
    offsets = await session.query("SELECT topic, part, position FROM offsets")
    shards = {
        int(source.removeprefix("i:")): (incarnation, position)
        for source, incarnation, position in cursors
        if source.startswith("i:")
    }
    legs = {source: position for source, _, position in cursors if not source.startswith("i:")}
    return Cut(
        shards=shards, legs=legs, offsets={(topic, part): position for topic, part, position in offsets}
    )
