"""Withdrawals in the tables of their shard: read, judged and moved in the transaction that numbers the step.

The shard's counter is locked meanwhile, so that whatever moves a withdrawal here stands in one line.
"""
# ruff: noqa: S608 - the names in statements are made from shard numbers here, values are arguments

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcry_services.common.errors import IntegrityError, NotFoundError
from outcry_services.common.ids import database_of
from outcry_services.order.entries import Denied, Repeated
from outcry_services.order.errors import PayoutStepError
from outcry_services.order.model import MoneyKind, MoneyRow
from outcry_services.order.payout_rows import PAYOUT_COLUMNS, payout_of, payouts_of
from outcry_services.order.payouts import ENDED, PayoutStep, Stage, advance, is_numbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from outcry_services.common.mysql import Session
    from outcry_services.order.entries import Entry, Outcome
    from outcry_services.order.payouts import Payout, Step

__all__ = ["Judged", "answered", "begun", "judge", "moves"]

Statement = tuple[str, "Sequence[Any]"]
Key = tuple[int, int]
"""Shard and number."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of a step: `after` is None where it is denied."""

    outcome: Outcome | None
    """None: it takes a number, by which its outcome is made."""
    after: Payout | None = None
    fresh: bool = False


async def judge(session: Session, entries: Sequence[Entry], *, now: int) -> dict[int, Judged]:
    """By the identity of each entry that is a withdrawal's step, what becomes of it, in their order.

    Their shards' counters must be locked.
    """
    steps = [(entry, entry.body) for entry in entries if isinstance(entry.body, PayoutStep)]
    there = await _look_up(session, {(entry.shard, body.number) for entry, body in steps})
    judged: dict[int, Judged] = {}
    for entry, body in steps:
        key = entry.shard, body.number
        before = there.get(key)
        judged[id(entry)] = one = _judge(before, body, now=now)
        if one.after is not None:
            there[key] = one.after
    return judged


def _judge(before: Payout | None, body: PayoutStep, *, now: int) -> Judged:
    if before is None:
        return Judged(Denied(NotFoundError("there is no such withdrawal", name="WITHDRAWAL_NOT_FOUND")))
    asked = before.request
    if (asked.user_id, asked.asset, asked.amount) != (body.user_id, body.asset, body.amount):
        raise IntegrityError(f"withdrawal {before.id} is not what a step of it says: {body}")
    try:
        advanced = advance(before, body.step, now=now)
    except PayoutStepError as error:
        return Judged(Denied(error))
    if advanced.fresh and is_numbered(before, body.step):
        return Judged(None, advanced.payout, fresh=True)
    return Judged(Repeated(advanced.payout), advanced.payout, fresh=advanced.fresh)


async def _look_up(session: Session, keys: Iterable[Key]) -> dict[Key, Payout]:
    wanted = sorted(keys)
    found = await session.run_all(
        [
            (
                f"SELECT {PAYOUT_COLUMNS} FROM {payouts_of(shard)} WHERE w.number = %s FOR UPDATE",
                (number,),
            )
            for shard, number in wanted
        ]
    )
    return {key: payout_of(rows[0]) for key, (_, rows) in zip(wanted, found, strict=True) if rows}


def moves(entries: Sequence[Entry], judged: Mapping[int, Judged]) -> list[Statement]:
    """What writes fresh steps: each a row of history, and its withdrawal as it is after the last of them."""
    statements: list[Statement] = []
    last: dict[Key, Payout] = {}
    for entry in entries:
        one = judged.get(id(entry))
        if one is None or one.after is None or not one.fresh or not isinstance(entry.body, PayoutStep):
            continue
        last[entry.shard, entry.body.number] = one.after
        statements.append(_history(entry.shard, one.after, entry.body.step))
    return statements + [_update(shard, payout) for (shard, _), payout in sorted(last.items(), key=_by_key)]


def _by_key(item: tuple[Key, Payout]) -> Key:
    return item[0]


def _history(shard: int, after: Payout, step: Step) -> Statement:
    transaction = getattr(step, "transaction_id", "") or getattr(step, "spent_by", "")
    return (
        f"INSERT INTO {database_of(shard)}.withdrawal_steps "
        "(number, time, stage, reason, transaction_id, note, actor) VALUES (%s, %s, %s, %s, %s, %s, %s)"
    ), (after.number, after.updated, str(after.stage), after.reason, transaction, step.note, step.actor)


def _update(shard: int, payout: Payout) -> Statement:
    return (
        f"UPDATE {database_of(shard)}.withdrawals SET stage = %s, reason = %s, chain = %s, network = %s, "
        "conflict_point = %s, transactions = %s, retries = %s, updated = %s, ended = %s WHERE number = %s"
    ), (
        str(payout.stage),
        payout.reason,
        payout.chain,
        payout.network,
        payout.conflict_point,
        " ".join(payout.transactions),
        payout.retries,
        payout.updated,
        int(payout.stage in ENDED),
        payout.number,
    )


def begun(database: str, rows: Iterable[object]) -> list[Statement]:
    """What keeps the life of withdrawals that are entered now."""
    asked = [row for row in rows if isinstance(row, MoneyRow) and row.request.kind is MoneyKind.WITHDRAWAL]
    if not asked:
        return []
    values = [
        value
        for row in asked
        for value in (row.number, row.request.user_id, row.request.network, row.created)
    ]
    places = ", ".join(["(%s, %s, %s, %s)"] * len(asked))
    columns = "number, user_id, asked_network, updated"
    return [(f"INSERT INTO {database}.withdrawals ({columns}) VALUES {places}", values)]


def answered(shard: int, number: int, *, stage: str, reason: str, time: int) -> Statement:
    """Position's answer to a withdrawal, if that is what the number is, and it has none yet."""
    return (
        f"UPDATE {database_of(shard)}.withdrawals SET stage = %s, reason = %s, answered = %s, "
        "updated = GREATEST(updated, %s), ended = %s WHERE number = %s AND stage = 'PENDING'"
    ), (stage, reason, time, time, int(Stage(stage) in ENDED), number)
