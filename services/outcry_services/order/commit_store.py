"""Commits of one MySQL server: entries of many shards in one transaction, each with its number.

Two ways in. The quick one trusts the counters that this process saw last: one message updates them (where
they are still so), writes rows and outbox, and a second one commits. When a counter has moved (another
replica) or a key is there already, nothing took effect, and the careful way follows: lock the counters, look
the keys up, number what is new. Both lock shards in ascending order, so that two processes can't lock each
other out.
"""
# ruff: noqa: S608 - the names in statements are made from shard numbers here, values are arguments

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from outcry_services.common.errors import IntegrityError
from outcry_services.common.ids import database_of
from outcry_services.common.mysql_errors import DuplicateKeyError
from outcry_services.order import payout_store
from outcry_services.order.entries import Committed, Repeated, encode, key_of, row_of
from outcry_services.order.model import MoneyRow, OrderRow
from outcry_services.order.payouts import PayoutStep
from outcry_services.order.rows import (
    MONEY_COLUMNS,
    MONEY_WRITTEN,
    ORDER_COLUMNS,
    ORDER_WRITTEN,
    money_of,
    money_values,
    order_of,
    order_values,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from outcry_services.common.mysql import MySql, Session
    from outcry_services.order.entries import Entry, Outcome
    from outcry_services.order.payout_store import Judged
    from outcry_services.order.ports import Clock

__all__ = ["CommitTables"]

Statement = tuple[str, "Sequence[Any]"]
Counter = tuple[int, int]
"""Incarnation, last number."""
Key = tuple[str, int, str]


class _CounterMovedError(Exception):
    """Somebody else committed in one of the shards; nothing took effect."""


class CommitTables:
    """One caller at a time: what it remembers of the counters is its own."""

    def __init__(self, mysql: MySql, *, clock: Clock) -> None:
        self._mysql = mysql
        self._clock = clock
        self._known: dict[int, Counter] = {}

    async def commit(self, entries: Sequence[Entry]) -> list[Outcome]:
        """See `ports.CommitStore`."""
        shards = sorted({entry.shard for entry in entries})
        counters = {shard: self._known[shard] for shard in shards if shard in self._known}
        # Until it is known how this ends, nothing is known of these counters.
        for shard in shards:
            self._known.pop(shard, None)
        if len(counters) == len(shards) and not _must_look(entries):
            try:
                return await self._quickly(entries, counters)
            except (_CounterMovedError, DuplicateKeyError):
                pass
        return await self._carefully(entries, shards)

    async def _quickly(self, entries: Sequence[Entry], counters: Mapping[int, Counter]) -> list[Outcome]:
        planned = _numbered(entries, counters, now=self._clock.now())
        async with self._mysql.transaction() as session:
            await _write(session, entries, planned, counters)
        self._learn(entries, planned)
        return [*planned]

    async def _carefully(self, entries: Sequence[Entry], shards: list[int]) -> list[Outcome]:
        async with self._mysql.transaction() as session:
            counters = await _locked_counters(session, shards)
            there = await _look_up(session, entries)
            now = self._clock.now()
            judged = await payout_store.judge(session, entries, now=now)
            fresh = _fresh(entries, there, judged)
            planned = _numbered(fresh, counters, now=now)
            try:
                await _write(session, fresh, planned, counters)
                await session.run_all(payout_store.moves(entries, judged))
            except DuplicateKeyError as error:
                raise IntegrityError(
                    "a counter gave a number that is taken: its shard was restored in part; restore it whole"
                ) from error
        self._known.update(counters)
        self._learn(fresh, planned)
        return _outcomes(entries, fresh, planned, there, judged)

    def _learn(self, entries: Sequence[Entry], planned: Sequence[Committed]) -> None:
        for entry, committed in zip(entries, planned, strict=True):
            self._known[entry.shard] = (committed.incarnation, committed.number)


def _must_look(entries: Sequence[Entry]) -> bool:
    """Whether two of the entries have one key, or one depends on what is there."""
    if any(isinstance(entry.body, PayoutStep) for entry in entries):
        return True
    keys = [key for entry in entries if (key := key_of(entry.body)) is not None]
    return len(set(keys)) < len(keys)


def _numbered(entries: Sequence[Entry], counters: Mapping[int, Counter], *, now: int) -> list[Committed]:
    last = {shard: number for shard, (_, number) in counters.items()}
    planned = []
    for entry in entries:
        shard, incarnation = entry.shard, counters[entry.shard][0]
        last[shard] += 1
        number = last[shard]
        payload = encode(entry, incarnation=incarnation, number=number, now=now)
        row = row_of(entry, number=number, now=now)
        planned.append(Committed(incarnation, number, payload, row))
    return planned


async def _write(
    session: Session, entries: Sequence[Entry], planned: Sequence[Committed], counters: Mapping[int, Counter]
) -> None:
    """Counters, outbox and rows in one message, ascending by shard; raises `_CounterMovedError`."""
    by_shard: dict[int, list[Committed]] = defaultdict(list)
    for entry, committed in zip(entries, planned, strict=True):
        by_shard[entry.shard].append(committed)
    statements: list[Statement] = []
    moves: list[int] = []
    for shard in sorted(by_shard):
        moves.append(len(statements))
        statements.extend(_statements(shard, counters[shard], by_shard[shard]))
    results = await session.run_all(statements)
    if any(results[move][0] != 1 for move in moves):
        raise _CounterMovedError


def _statements(shard: int, counter: Counter, planned: Sequence[Committed]) -> list[Statement]:
    database = database_of(shard)
    incarnation, last = counter
    orders = [order_values(each.row) for each in planned if isinstance(each.row, OrderRow)]
    money = [money_values(each.row) for each in planned if isinstance(each.row, MoneyRow)]
    statements: list[Statement] = [
        (
            f"UPDATE {database}.counter SET last = %s WHERE id = 1 AND last = %s AND incarnation = %s",
            (planned[-1].number, last, incarnation),
        ),
        _insert(f"{database}.outbox", "number, payload", [(each.number, each.payload) for each in planned]),
    ]
    if orders:
        statements.append(_insert(f"{database}.orders", ORDER_WRITTEN, orders))
    if money:
        statements.append(_insert(f"{database}.instructions", MONEY_WRITTEN, money))
        statements += payout_store.begun(database, (each.row for each in planned))
    return statements


def _insert(table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> Statement:
    places = f"({', '.join(['%s'] * len(rows[0]))})"
    values = [value for row in rows for value in row]
    return f"INSERT INTO {table} ({columns}) VALUES {', '.join([places] * len(rows))}", values


async def _locked_counters(session: Session, shards: Sequence[int]) -> dict[int, Counter]:
    found = await session.run_all(
        [
            (f"SELECT incarnation, last FROM {database_of(shard)}.counter WHERE id = 1 FOR UPDATE", ())
            for shard in shards
        ]
    )
    counters: dict[int, Counter] = {}
    for shard, (_, rows) in zip(shards, found, strict=True):
        if len(rows) != 1:
            raise IntegrityError(
                f"{database_of(shard)} has no counter; restore it, don't number from 1 again"
            )
        counters[shard] = (rows[0][0], rows[0][1])
    return counters


async def _look_up(session: Session, entries: Sequence[Entry]) -> dict[Key, OrderRow | MoneyRow]:
    """Of the entries' keys those that are there. Their shards are locked: none comes in between."""
    keys = [(entry.shard, key) for entry in entries if (key := key_of(entry.body)) is not None]
    found = await session.run_all([_search(shard, key) for shard, key in keys])
    there: dict[Key, OrderRow | MoneyRow] = {}
    for (_, key), (_, rows) in zip(keys, found, strict=True):
        if rows:
            there[key] = order_of(rows[0]) if key[0] == "ORDER" else money_of(rows[0])
    return there


def _search(shard: int, key: Key) -> Statement:
    kind, user_id, name = key
    database = database_of(shard)
    if kind == "ORDER":
        return (
            f"SELECT {ORDER_COLUMNS} FROM {database}.orders WHERE user_id = %s AND client_order_id = %s",
            (user_id, name),
        )
    where = "kind = %s AND user_id = %s AND reference = %s"
    return f"SELECT {MONEY_COLUMNS} FROM {database}.instructions WHERE {where}", (kind, user_id, name)


def _fresh(
    entries: Sequence[Entry], there: Mapping[Key, object], judged: Mapping[int, Judged]
) -> list[Entry]:
    """What gets a number: of entries with one key the first alone, and none whose key is there."""
    seen = set(there)
    fresh = []
    for entry in entries:
        if id(entry) in judged and judged[id(entry)].outcome is not None:
            continue
        key = key_of(entry.body)
        if key is None or key not in seen:
            fresh.append(entry)
        if key is not None:
            seen.add(key)
    return fresh


def _outcomes(
    entries: Sequence[Entry],
    fresh: Sequence[Entry],
    planned: Sequence[Committed],
    there: dict[Key, OrderRow | MoneyRow],
    judged: Mapping[int, Judged],
) -> list[Outcome]:
    numbered = {id(entry): committed for entry, committed in zip(fresh, planned, strict=True)}
    for entry, committed in zip(fresh, planned, strict=True):
        key = key_of(entry.body)
        if key is not None and isinstance(committed.row, OrderRow | MoneyRow):
            there[key] = committed.row
    outcomes: list[Outcome] = []
    for entry in entries:
        key = key_of(entry.body)
        step = judged.get(id(entry))
        if step is not None:
            outcomes.append(step.outcome or replace(numbered[id(entry)], row=step.after))
        elif id(entry) in numbered:
            outcomes.append(numbered[id(entry)])
        elif key is not None:
            outcomes.append(Repeated(there[key]))
    return outcomes
