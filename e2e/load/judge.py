"""After the load: whether all that was promised is there, once, and every book at zero."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from e2e.load.books import Amounts, Row
    from e2e.load.log import Log
    from e2e.load.told import Told

__all__ = ["Judgement", "Outcome", "judge"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Everything that was written down by the time the exchange was at rest."""

    rows: Sequence[Row]
    redis: Amounts
    ledger: Amounts
    booked: Counter[tuple[int, int]]
    """How often the ledger has each leg, by trade and order."""
    log: Log
    faults: Sequence[str]
    """Of the trial balance."""


@dataclass
class Judgement:
    """Empty lists: nothing is wrong."""

    lost: list[str] = field(default_factory=list)
    """Orders that were acknowledged and are not there, or are another's, or never reached their pair."""
    doubled: list[str] = field(default_factory=list)
    """Client order ids with more than one order; orders that entered, and trades that were booked, twice."""
    unasked: list[str] = field(default_factory=list)
    """Orders that are there although their client was told that nothing was done."""
    held: dict[str, str] = field(default_factory=dict)
    """What is still held though no order is open."""
    different: dict[str, tuple[str, str]] = field(default_factory=dict)
    """What two books say differently."""
    faults: list[str] = field(default_factory=list)
    """Of the trial balance, and of the numbers of events and trades."""
    orders: int = 0
    filled: int = 0
    trades: int = 0
    found: int = 0
    """Orders whose client had no answer, and which are there."""

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        wrong = (self.lost, self.doubled, self.unasked, self.held, self.different, self.faults)
        return not any(wrong)


def judge(told: Told, outcome: Outcome) -> Judgement:
    """Hold what clients were told against the books, and the books against each other."""
    rows = outcome.rows
    found = Judgement(
        orders=len(rows), filled=sum(row.executed > 0 for row in rows), trades=outcome.log.trades
    )
    _judge_told(found, told, rows)
    _judge_orders(found, rows, outcome.log)
    _judge_trades(found, outcome)
    found.held = {f"{user} {asset}": str(held) for (user, asset), (_, held) in outcome.redis.items() if held}
    for (user, asset), amounts in outcome.redis.items():
        _compare(
            found, f"{user} {asset}, Redis and ledger", amounts, outcome.ledger.get((user, asset), (0, 0))
        )
    found.faults = [*outcome.faults, *outcome.log.faults]
    return found


def _judge_told(found: Judgement, told: Told, rows: Sequence[Row]) -> None:
    known = {row.order_id: row for row in rows}
    for placed in told.placed:
        row = known.get(placed.order_id)
        if row is None or (row.user_id, row.client_order_id) != (placed.user_id, placed.client_order_id):
            found.lost.append(f"order {placed.order_id} of user {placed.user_id} has no row")
    counted = Counter((row.user_id, row.client_order_id) for row in rows)
    found.doubled += [f"{client} of user {user}" for (user, client), count in counted.items() if count > 1]
    found.unasked = [
        f"{client} of user {user}" for user, client in told.refused_orders if counted[user, client]
    ]
    found.found = sum(counted[user, client] > 0 for user, client in told.unknown)


def _judge_orders(found: Judgement, rows: Iterable[Row], log: Log) -> None:
    for row in rows:
        entered = log.entered[row.order_id]
        if row.reached_the_pair and not entered:
            found.lost.append(f"order {row.order_id} is {row.status} and no event names it")
        if entered > 1:
            found.doubled.append(f"order {row.order_id} entered its pair {entered} times")
        _compare(
            found, f"lots of order {row.order_id}, row and events", row.executed, log.executed[row.order_id]
        )


def _judge_trades(found: Judgement, outcome: Outcome) -> None:
    """Everybody's trades, not those of the load alone: the two logs are whole."""
    for leg in outcome.log.legs.keys() | outcome.booked.keys():
        said, booked = outcome.log.legs[leg], outcome.booked[leg]
        if booked > said:
            found.doubled.append(f"trade {leg[0]} of order {leg[1]} is booked {booked} times, not {said}")
        elif booked < said:
            found.lost.append(f"trade {leg[0]} of order {leg[1]} is not in the ledger")


def _compare(found: Judgement, what: str, one: object, other: object) -> None:
    if one != other:
        found.different[what] = (str(one), str(other))
