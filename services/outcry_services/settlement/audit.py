"""The trial balance: proves that the books balance, over everything, at one cut of the ledger.

Nothing here trusts a total. The entries are summed again, for each transaction, each account and each user,
and every row that tells a total is held against its sum. A fault says what is off, where, and by how much;
amounts are in ledger units.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outcry_services.settlement.model import Account, Transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.common.mysql import Session

__all__ = ["Trial", "audit"]

_MOST = 20
"""Rows shown of one kind of fault."""

_BY_USER = """SELECT user_id, asset, SUM(IF(account = 'available', amount, 0)) AS free,
    SUM(IF(account = 'held', amount, 0)) AS bound
    FROM ledger.entries WHERE user_id <> 0 GROUP BY user_id, asset"""
_BY_HOUSE = """SELECT account, IF(account IN ('fees', 'clearing'), source, '') AS scope, asset,
    SUM(amount) AS total FROM ledger.entries WHERE user_id = 0
    GROUP BY account, IF(account IN ('fees', 'clearing'), source, ''), asset"""


@dataclass(kw_only=True)
class Trial:
    """What was found. `sums`: asset → account → ledger units of all entries."""

    sums: dict[str, dict[Account, int]] = field(default_factory=dict)
    positions: list[tuple[str, int, int]] = field(default_factory=list)
    """(topic, partition, offset): what the books hold lies before these."""
    transactions: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """Whether nothing is off."""
        return not self.faults


async def audit(session: Session, named: Callable[[str], str]) -> Trial:
    """Check everything that a session sees, which must be one snapshot; `named` names the database."""
    trial = Trial()
    for account, asset, total in await session.query(
        named("SELECT account, asset, SUM(amount) FROM ledger.entries GROUP BY account, asset")
    ):
        trial.sums.setdefault(asset, {})[Account(account)] = int(total)
    offsets = await session.query(named("SELECT topic, part, position FROM ledger.offsets"))
    trial.positions = sorted(tuple(row) for row in offsets)
    ((count,),) = await session.query(named("SELECT COUNT(*) FROM ledger.transactions"))
    trial.transactions = int(count)
    for asset, accounts in sorted(trial.sums.items()):
        if total := sum(accounts.values()):
            trial.faults.append(f"all entries of {asset} sum to {total}, not 0")
    for query, describe in _CHECKS:
        whole = query.replace("BY_USER", _BY_USER).replace("BY_HOUSE", _BY_HOUSE)
        rows = await session.query(named(f"{whole} LIMIT {_MOST}"))
        trial.faults.extend(describe(*row) for row in rows)
    return trial


def _key(source: str, position: int) -> str:
    return Transaction.key_of(source, position)


def _account(*parts: str) -> str:
    return " ".join(("the house's", *filter(None, parts)))


def _int(value: Any) -> int:  # noqa: ANN401 - MySQL gives sums as decimals
    return int(value or 0)


_CHECKS: list[tuple[str, Callable[..., str]]] = [
    (
        """SELECT source, position, asset, SUM(amount) FROM ledger.entries
            GROUP BY source, position, asset HAVING SUM(amount) <> 0""",
        lambda source, position, asset, total: (
            f"transaction {_key(source, position)} sums to {_int(total)} {asset}, not 0"
        ),
    ),
    (
        """SELECT e.source, e.position, e.line FROM ledger.entries e LEFT JOIN ledger.transactions t
            ON t.source = e.source AND t.position = e.position WHERE t.source IS NULL""",
        lambda source, position, line: f"entry {line} of {_key(source, position)} belongs to no transaction",
    ),
    (
        """SELECT t.source, t.position FROM ledger.transactions t LEFT JOIN
            (SELECT DISTINCT source, position FROM ledger.entries) e
            ON e.source = t.source AND e.position = t.position WHERE e.source IS NULL""",
        lambda source, position: f"transaction {_key(source, position)} has no entries",
    ),
    (
        """SELECT t.source, t.position, c.position FROM ledger.transactions t LEFT JOIN ledger.cursors c
            ON c.source = t.source WHERE c.source IS NULL OR t.position > c.position""",
        lambda source, position, cursor: (
            f"transaction {_key(source, position)} is beyond the cursor of its source ({cursor})"
        ),
    ),
    (
        """SELECT b.user_id, b.asset, b.available, s.free, b.held, s.bound FROM ledger.balances b
            LEFT JOIN (BY_USER) s ON s.user_id = b.user_id AND s.asset = b.asset
            WHERE b.available <> COALESCE(s.free, 0) OR b.held <> COALESCE(s.bound, 0)""",
        lambda user, asset, available, free, held, bound: (
            f"user {user} {asset}: the balance says {available} available and {held} held, "
            f"the entries {_int(free)} and {_int(bound)}"
        ),
    ),
    (
        """SELECT s.user_id, s.asset, s.free, s.bound FROM (BY_USER) s LEFT JOIN ledger.balances b
            ON b.user_id = s.user_id AND b.asset = s.asset WHERE b.user_id IS NULL""",
        lambda user, asset, free, bound: (
            f"user {user} {asset}: there is no balance, "
            f"the entries say {_int(free)} available and {_int(bound)} held"
        ),
    ),
    (
        """SELECT user_id, asset, available, held FROM ledger.balances WHERE available < 0 OR held < 0""",
        lambda user, asset, available, held: (
            f"user {user} {asset}: {available} available and {held} held, and no balance may be negative"
        ),
    ),
    (
        """SELECT b.user_id, b.asset, b.held, h.total FROM ledger.balances b LEFT JOIN
            (SELECT user_id, asset, SUM(left_amount) AS total FROM ledger.holds GROUP BY user_id, asset) h
            ON h.user_id = b.user_id AND h.asset = b.asset WHERE b.held <> COALESCE(h.total, 0)""",
        lambda user, asset, held, total: (
            f"user {user} {asset}: {held} are held, and open orders and withdrawals hold {_int(total)}"
        ),
    ),
    (
        """SELECT h.id, h.user_id, h.asset, h.left_amount FROM ledger.holds h LEFT JOIN ledger.balances b
            ON b.user_id = h.user_id AND b.asset = h.asset WHERE b.user_id IS NULL OR h.left_amount < 0""",
        lambda hold, user, asset, left: f"hold {hold} of user {user}: {left} {asset} that no balance has",
    ),
    (
        """SELECT h.account, h.scope, h.asset, h.balance, s.total FROM ledger.house h
            LEFT JOIN (BY_HOUSE) s ON s.account = h.account AND s.scope = h.scope AND s.asset = h.asset
            WHERE h.balance <> COALESCE(s.total, 0)""",
        lambda account, scope, asset, balance, total: (
            f"{_account(account, scope, asset)}: the balance says {balance}, the entries {_int(total)}"
        ),
    ),
    (
        """SELECT s.account, s.scope, s.asset, s.total FROM (BY_HOUSE) s LEFT JOIN ledger.house h
            ON h.account = s.account AND h.scope = s.scope AND h.asset = s.asset WHERE h.account IS NULL""",
        lambda account, scope, asset, total: (
            f"{_account(account, scope, asset)}: there is no balance, the entries say {_int(total)}"
        ),
    ),
    (
        """SELECT source, asset, SUM(amount) FROM ledger.entries WHERE account = 'clearing'
            GROUP BY source, asset HAVING SUM(amount) <> 0""",
        lambda source, asset, total: (
            f"trades of {source} leave {_int(total)} {asset} in clearing: a leg had no order with funds"
        ),
    ),
    (
        """SELECT t.order_id, e.asset, SUM(e.amount) FROM ledger.entries e JOIN ledger.transactions t
            ON t.source = e.source AND t.position = e.position WHERE e.account = 'withdrawals_in_flight'
            GROUP BY t.order_id, e.asset HAVING SUM(e.amount) < 0""",
        lambda withdrawal, asset, total: (
            f"withdrawal {withdrawal} ended with {-_int(total)} {asset} more than was sent for it"
        ),
    ),
    (
        """SELECT e.asset, e.total, COALESCE(o.total, 0) FROM
            (SELECT asset, -SUM(amount) AS total FROM ledger.entries WHERE user_id = 0
            AND account IN ('deposits', 'withdrawals', 'chain_fees') GROUP BY asset) e LEFT JOIN
            (SELECT asset, SUM(amount) AS total FROM ledger.outside GROUP BY asset) o ON o.asset = e.asset
            WHERE e.total <> COALESCE(o.total, 0)""",
        lambda asset, total, outside: (
            f"chains must have {_int(total)} {asset} by the entries, {_int(outside)} by what is kept of each "
            "deposit and payout"
        ),
    ),
    (
        """SELECT source, position, line, user_id, asset, account, balance, total FROM
            (SELECT source, position, line, user_id, asset, account, balance, SUM(amount)
                OVER (PARTITION BY user_id, account, asset ORDER BY id) AS total
                FROM ledger.entries WHERE user_id <> 0) running
            WHERE balance IS NULL OR balance <> total""",
        lambda source, position, line, user, asset, account, balance, total: (
            f"entry {line} of {_key(source, position)} shows user {user} {balance} {asset} {account}, "
            f"the entries up to it sum to {_int(total)}"
        ),
    ),
]
