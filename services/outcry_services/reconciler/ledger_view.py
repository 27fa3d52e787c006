"""The ledger's view of users: what it shows now, and its last entries, so that it can be taken back to a cut.

All of it is read in one snapshot of the server. The entries up to `floor.entry` are known to be at or below
the floor's cut, so that only the few behind it are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outcry_services.common.ids import SHARDS
from outcry_services.reconciler.redis_view import Fault
from outcry_services.reconciler.state import INSTRUCTIONS, Balance, Cut, Posting, View, ledger_source

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from outcry_services.common.mysql import MySql, Rows, Session

__all__ = ["Floor", "LedgerView", "read_assets", "read_floor", "read_in", "read_ledger"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Floor:
    """A place that both the ledger and Redis have passed."""

    cursors: Mapping[str, int]
    """By source, as the ledger names them."""
    entry: int
    """Entries of the ledger up to this one are at or below it."""

    def cut(self, user_id: int) -> Cut:
        """As a user's cut: the instructions of the user's shard, and all pairs."""
        mine = ledger_source(INSTRUCTIONS, user_id)
        cut = {name: at for name, at in self.cursors.items() if not name.startswith(f"{INSTRUCTIONS}:")}
        cut[INSTRUCTIONS] = self.cursors.get(mine, 0)
        return cut


@dataclass(slots=True)
class LedgerView:
    """What the ledger has of one user at one moment."""

    user_id: int
    at: Cut
    """How far the ledger is in the user's sources."""
    view: View = field(default_factory=View)
    tail: list[Posting] = field(default_factory=list)
    """The changes behind the floor."""
    last: Cut = field(default_factory=dict)
    """The last cause of each source that moved something of the user."""
    faults: list[Fault] = field(default_factory=list)


async def read_floor(mysql: MySql) -> Floor:
    """Where the ledger is now: a floor once Redis is there, too."""
    async with mysql.transaction() as session:
        await _begin_snapshot(session)
        cursors = await session.query("SELECT source, position FROM ledger.cursors")
        ((entry,),) = await session.query("SELECT COALESCE(MAX(id), 0) FROM ledger.entries")
    return Floor(cursors={_name(source): int(position) for source, position in cursors}, entry=int(entry))


async def read_assets(mysql: MySql) -> set[str]:
    """Every asset that any user has a balance of."""
    async with mysql.session() as session:
        return {
            _name(asset) for (asset,) in await session.query("SELECT DISTINCT asset FROM ledger.balances")
        }


async def read_ledger(mysql: MySql, users: Collection[int], *, behind: int) -> dict[int, LedgerView]:
    """Each user's view, with the changes of entries behind this one."""
    async with mysql.transaction() as session:
        await _begin_snapshot(session)
        return await read_in(session, users, behind=behind)


async def _begin_snapshot(session: Session) -> None:
    """Make all reads of the transaction at hand see the server as it is now."""
    await session.execute("ROLLBACK")
    await session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    await session.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")


async def read_in(session: Session, users: Collection[int], *, behind: int) -> dict[int, LedgerView]:
    """As `read_ledger`, in a transaction of the caller's."""
    ids = tuple(sorted(users))
    shards = tuple({f"{INSTRUCTIONS}:{user % SHARDS}" for user in ids})
    cursors = await session.query(
        "SELECT source, position FROM ledger.cursors WHERE source NOT LIKE 'i:%%' OR source IN %s", [shards]
    )
    found = {user: LedgerView(user, _at(cursors, user)) for user in ids}
    for row in await session.query(_BALANCES, [ids]):
        _take_balance(found[int(row[0])], row)
    for row in await session.query(_HOLDS, [ids]):
        _take_hold(found[int(row[0])], row)
    for user, source, position in await session.query(_LAST, [ids]):
        found[int(user)].last[_own(_name(source))] = int(position)
    for row in await session.query(_ENTRIES, [ids, behind]):
        found[int(row[0])].tail.append(_posting(row))
    return found


_BALANCES = "SELECT user_id, asset, available, held FROM ledger.balances WHERE user_id IN %s"
_LAST = (
    "SELECT user_id, source, MAX(position) FROM ledger.entries WHERE user_id IN %s GROUP BY user_id, source"
)
_HOLDS = "SELECT user_id, id, asset, left_amount FROM ledger.holds WHERE user_id IN %s"
_ENTRIES = (
    "SELECT e.user_id, e.source, e.position, e.asset, e.account, e.amount, t.order_id "
    "FROM ledger.entries e JOIN ledger.transactions t ON t.source = e.source AND t.position = e.position "
    "WHERE e.user_id IN %s AND e.id > %s AND e.account IN ('available', 'held') ORDER BY e.id"
)


def _at(cursors: Rows, user: int) -> Cut:
    mine = ledger_source(INSTRUCTIONS, user)
    cut = {}
    for source, position in cursors:
        name = _name(source)
        if name == mine:
            cut[INSTRUCTIONS] = int(position)
        elif not name.startswith(f"{INSTRUCTIONS}:"):
            cut[name] = int(position)
    return cut


def _take_balance(ledger: LedgerView, row: Sequence[Any]) -> None:
    user, asset_name, available, held = row
    asset = _name(asset_name)
    where = f"ledger.balances {user} {asset}"
    balance = Balance(
        _amount(ledger, where, asset, available),
        _amount(ledger, where, asset, held),
    )
    ledger.view = View({**ledger.view.balances, asset: balance}, ledger.view.holds)


def _take_hold(ledger: LedgerView, row: Sequence[Any]) -> None:
    _, number, asset, left = row
    amount = _amount(ledger, f"ledger.holds {number}", _name(asset), left)
    if amount:
        ledger.view = View(ledger.view.balances, {**ledger.view.holds, int(number): (_name(asset), amount)})


def _amount(ledger: LedgerView, where: str, asset: str, value: Any) -> int:  # noqa: ANN401 - any type a column may have
    if isinstance(value, int):
        return value
    ledger.faults.append(Fault(where, f"{type(value).__name__} {str(value)[:40]}", asset))
    return 0


def _posting(row: Sequence[Any]) -> Posting:
    _, source, position, asset, account, amount, number = row
    name = _name(source)
    held = _name(account) == "held"
    return Posting(
        source=_own(name),
        position=int(position),
        asset=_name(asset),
        available=0 if held else int(amount),
        held=int(amount) if held else 0,
        id=int(number or 0),
    )


def _own(source: str) -> str:
    """A source of the ledger as the user's cut names it."""
    return INSTRUCTIONS if source.startswith(f"{INSTRUCTIONS}:") else source


def _name(value: Any) -> str:  # noqa: ANN401 - text or bytes, as the column is
    return value.decode() if isinstance(value, bytes) else str(value)
