"""Puts a user's rows of the ledger right, under the lock that settlement takes for every batch.

The lock is the one row of `ledger.writer`: while it is held the books stand still, so what the logs say is
compared and written at one place. Nothing but this user's rows in `balances` and `holds` is touched: entries
are the record of what was posted, and a difference in them is for a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.common.ids import SHARDS
from outcry_services.reconciler.compare import Difference, differences
from outcry_services.reconciler.ledger_view import read_in
from outcry_services.reconciler.state import INSTRUCTIONS, Balance, Posting, View, ledger_source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_services.common.mysql import Session
    from outcry_services.reconciler.ledger_view import LedgerView
    from outcry_services.reconciler.replay import HoldFacts

__all__ = ["changes_of", "lock", "read_covers", "read_locked", "write"]

_NO_ENTRIES = 2**62


async def lock(session: Session) -> None:
    """Wait for the batch at hand, and keep the next one from beginning until this transaction ends."""
    await session.query("SELECT epoch FROM ledger.writer WHERE id = 1 FOR UPDATE")


async def read_locked(session: Session, user_id: int) -> LedgerView:
    """The user's rows as they are under the lock."""
    return (await read_in(session, [user_id], behind=_NO_ENTRIES))[user_id]


async def read_covers(session: Session, user_id: int) -> list[Posting]:
    """What the house paid for the user where the log spent more than the ledger had: no log tells it.

    A hold that was short in a trade is no such thing: the logs tell that themselves.
    """
    rows = await session.query(
        "SELECT c.source, c.position, c.asset, -SUM(c.amount) FROM ledger.entries c "
        "JOIN ledger.transactions t ON t.source = c.source AND t.position = c.position "
        "WHERE c.user_id = 0 AND c.kind = 'cover' AND c.source = %s AND t.user_id = %s "
        "GROUP BY c.source, c.position, c.asset",
        [f"{INSTRUCTIONS}:{user_id % SHARDS}", user_id],
    )
    return [
        Posting(INSTRUCTIONS, int(position), str(asset), int(amount), 0)
        for _, position, asset, amount in rows
    ]


def changes_of(ledger: View, truth: View) -> list[Difference]:
    """What `write` will change; Redis's side of these is the truth."""
    return differences(truth, ledger)


async def write(
    session: Session,
    user_id: int,
    *,
    truth: View,
    holds: Mapping[int, tuple[str, int]],
    postings: list[Posting],
    facts: Mapping[int, HoldFacts],
) -> None:
    """Make the user's rows what the logs say."""
    await session.execute("DELETE FROM ledger.balances WHERE user_id = %s", [user_id])
    await session.execute_many(
        "INSERT INTO ledger.balances (user_id, asset, available, held, source, position) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        [
            (user_id, asset, balance.available, balance.held, *_last(user_id, asset, postings))
            for asset, balance in sorted(_touched(truth, postings).items())
        ],
    )
    await session.execute("DELETE FROM ledger.holds WHERE user_id = %s", [user_id])
    await session.execute_many(
        "INSERT INTO ledger.holds (id, user_id, kind, asset, left_amount, per_unit, side, symbol, base, "
        "quote, tick_lot, lot) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [_hold(user_id, it, left, facts[it]) for it, (_, left) in sorted(holds.items())],
    )


def _touched(truth: View, postings: list[Posting]) -> dict[str, Balance]:
    """Also what has become 0 since: the ledger keeps such a row."""
    return {one.asset: truth.balances.get(one.asset, Balance()) for one in postings}


def _last(user_id: int, asset: str, postings: list[Posting]) -> tuple[str, int]:
    """The cause that a balance names as its last."""
    last = [one for one in postings if one.asset == asset][-1]
    return ledger_source(last.source, user_id), last.position


def _hold(user_id: int, number: int, left: int, facts: HoldFacts) -> tuple[object, ...]:
    return (
        number,
        user_id,
        "order" if facts.is_order else "withdrawal",
        facts.asset,
        left,
        facts.per_unit,
        int(facts.side),
        facts.symbol,
        facts.base,
        facts.quote,
        facts.tick_lot,
        facts.lot,
    )
