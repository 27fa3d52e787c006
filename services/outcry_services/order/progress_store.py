"""What events do to the orders of one MySQL server, each exactly once.

An order's row keeps the seq of its last event: a change whose first step is not behind it was there before,
whole or in part, and then the row says which steps are new.
"""
# ruff: noqa: S608 - the names in statements are made from shard numbers here, values are arguments

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry_services.common.ids import database_of
from outcry_services.order import payout_store
from outcry_services.order.model import Status
from outcry_services.order.progress import MoneyChange, Refusal, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_services.common.mysql import MySql, Session
    from outcry_services.order.model import Fill
    from outcry_services.order.progress import OrderChange, Step, Sum

__all__ = ["ProgressTables"]

Statement = tuple[str, "Sequence[Any]"]

POSITIONS = f"{database_of(0)}.positions"
FILL_WRITTEN = "symbol, trade_id, leg, order_id, user_id, side, price, quantity, fee_ppm, time"


class ProgressTables:
    """See `ports.ProgressStore`."""

    def __init__(self, mysql: MySql) -> None:
        self._mysql = mysql

    async def apply(self, changes: Sequence[OrderChange]) -> int:
        """One transaction; the number of orders changed."""
        if not changes:
            return 0
        async with self._mysql.transaction() as session:
            done = await _advance(session, [(change, change.steps) for change in changes])
            missed = [change for change, advanced in zip(changes, done, strict=True) if not advanced]
            again = await self._new_steps(session, missed)
            done += await _advance(session, again)
        return sum(done)

    async def answer(self, answers: Sequence[Refusal | MoneyChange]) -> None:
        """One transaction. Who has an answer already keeps it."""
        if not answers:
            return
        async with self._mysql.transaction() as session:
            await session.run_all([statement for each in answers for statement in _answer(each)])

    async def positions(self, topics: Sequence[str]) -> dict[tuple[str, int], tuple[int, str]]:
        """By topic and partition: the offset to read on from, and the reader's marks."""
        if not topics:
            return {}
        places = ", ".join(["%s"] * len(topics))
        async with self._mysql.session() as session:
            rows = await session.query(
                f"SELECT topic, partition_number, next_offset, marks FROM {POSITIONS} "
                f"WHERE topic IN ({places})",
                list(topics),
            )
        return {(topic, partition): (offset, marks) for topic, partition, offset, marks in rows}

    async def keep_position(self, topic: str, partition: int, *, offset: int, marks: str) -> None:
        """Never goes back: another process may be further."""
        async with self._mysql.session() as session:
            await session.execute(
                f"INSERT INTO {POSITIONS} (topic, partition_number, next_offset, marks) "
                "VALUES (%s, %s, %s, %s) ON DUPLICATE KEY UPDATE "
                "marks = IF(VALUES(next_offset) > next_offset, VALUES(marks), marks), "
                "next_offset = GREATEST(next_offset, VALUES(next_offset))",
                (topic, partition, offset, marks),
            )

    @staticmethod
    async def _new_steps(
        session: Session, changes: Sequence[OrderChange]
    ) -> list[tuple[OrderChange, tuple[Step, ...]]]:
        """Of changes that were there in part, the rest. Rows are locked until this transaction ends."""
        found = await session.run_all([_seq(change) for change in changes])
        rest = []
        for change, (_, rows) in zip(changes, found, strict=True):
            # No row: somebody else's order, whose id only looks like one of ours.
            steps = tuple(step for step in change.steps if rows and step.seq > rows[0][0])
            if steps:
                rest.append((change, steps))
        return rest


async def _advance(session: Session, changes: Sequence[tuple[OrderChange, tuple[Step, ...]]]) -> list[bool]:
    """Move rows whose last event comes before the first step; for each change whether it did."""
    sums = [total(steps) for _, steps in changes]
    results = await session.run_all(
        [_update(change, steps[0].seq, summed) for (change, steps), summed in zip(changes, sums, strict=True)]
    )
    done = [changed == 1 for changed, _ in results]
    fills: dict[int, list[Fill]] = {}
    for (change, _), summed, advanced in zip(changes, sums, done, strict=True):
        if advanced and summed.fills:
            fills.setdefault(change.shard, []).extend(summed.fills)
    await session.run_all([_insert(shard, rows) for shard, rows in fills.items()])
    return done


def _seq(change: OrderChange) -> Statement:
    return (
        f"SELECT seq FROM {database_of(change.shard)}.orders "
        "WHERE order_id = %s AND user_id = %s AND symbol = %s FOR UPDATE"
    ), (change.order_id, change.user_id, change.symbol)


def _update(change: OrderChange, first: int, summed: Sum) -> Statement:
    assignments = ["executed = executed + %s", "quote_executed = quote_executed + %s"]
    assignments += ["seq = %s", "updated = GREATEST(updated, %s)"]
    values: list[Any] = [summed.executed, summed.quote_executed, summed.seq, summed.updated]
    if summed.status is not None:
        assignments += ["status = %s", "ended = %s"]
        values += [str(summed.status), int(summed.ended)]
    if summed.reason:
        assignments.append("reason = %s")
        values.append(summed.reason)
    return (
        f"UPDATE {database_of(change.shard)}.orders SET {', '.join(assignments)} "
        "WHERE order_id = %s AND user_id = %s AND symbol = %s AND seq < %s"
    ), (*values, change.order_id, change.user_id, change.symbol, first)


def _insert(shard: int, fills: Sequence[Fill]) -> Statement:
    places = f"({', '.join(['%s'] * 10)})"
    values: list[Any] = []
    for fill in fills:
        values += [fill.symbol, fill.trade_id, fill.leg, fill.order_id, fill.user_id, int(fill.side)]
        values += [fill.price, fill.quantity, fill.fee_ppm, fill.time]
    table = f"{database_of(shard)}.fills"
    return f"INSERT INTO {table} ({FILL_WRITTEN}) VALUES {', '.join([places] * len(fills))}", values


def _answer(answer: Refusal | MoneyChange) -> list[Statement]:
    if isinstance(answer, Refusal):
        return [_refuse(answer)]
    money = (
        (
            f"UPDATE {database_of(answer.shard)}.instructions SET status = %s, reason = %s "
            "WHERE number = %s AND status = 'PENDING'"
        ),
        (answer.status, answer.reason, answer.number),
    )
    if answer.status == "DONE":
        return [money]
    withdrawal = payout_store.answered(
        answer.shard, answer.number, stage=answer.status, reason=answer.reason, time=answer.time
    )
    return [money, withdrawal]


def _refuse(answer: Refusal) -> Statement:
    return (
        f"UPDATE {database_of(answer.shard)}.orders SET status = %s, ended = 1, reason = %s, "
        "updated = GREATEST(updated, %s) WHERE order_id = %s AND user_id = %s AND status = %s"
    ), (
        str(Status.REJECTED),
        answer.reason,
        answer.time,
        answer.order_id,
        answer.user_id,
        str(Status.PENDING_NEW),
    )
