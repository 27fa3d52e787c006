"""What the reconciler remembers, in a database of its own beside the ledger: position, findings, repairs.

- `binlog`: one row: how far the ledger's binary log was compared, and of which server.
- `findings`: one row for each user found different: both values, the log around it, who was wrong, its end.
- `repairs`: what was changed, on which side, and why; planned before it is done, so that none is forgotten.
- `cleared`: one row: the last finding that was there when a person let withdrawals run again, and whether
  they were paused when this was last seen, so that a clearing is noticed that fell into a pause of ours.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from outcry_services.reconciler.binlog import BinlogPosition

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.common.mysql import MySql, Session

__all__ = ["DATABASE", "Finding", "Records", "Repair", "Side", "State", "migrate"]

DATABASE = "reconciler"
_HOUR = 3_600_000_000_000

_TABLES = (
    """CREATE TABLE IF NOT EXISTS reconciler.binlog (
        id TINYINT NOT NULL PRIMARY KEY, server_id BIGINT NOT NULL, file VARCHAR(255) NOT NULL,
        position BIGINT NOT NULL) ENGINE=InnoDB""",
    """CREATE TABLE IF NOT EXISTS reconciler.findings (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, found_unix_nanos BIGINT NOT NULL, user_id BIGINT NOT
        NULL, differences MEDIUMTEXT NOT NULL, sats BIGINT NULL, cut TEXT NOT NULL, log MEDIUMTEXT NOT NULL,
        verdict VARCHAR(16) NOT NULL, state VARCHAR(16) NOT NULL, closed_unix_nanos BIGINT NOT NULL,
        KEY open (state, user_id)) ENGINE=InnoDB""",
    """CREATE TABLE IF NOT EXISTS reconciler.repairs (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, made_unix_nanos BIGINT NOT NULL, finding BIGINT NOT
        NULL, user_id BIGINT NOT NULL, side VARCHAR(16) NOT NULL, reason TEXT NOT NULL, changes MEDIUMTEXT NOT
        NULL, journal_number BIGINT NOT NULL, state VARCHAR(16) NOT NULL, KEY made (state, made_unix_nanos))
        ENGINE=InnoDB""",
    """CREATE TABLE IF NOT EXISTS reconciler.cleared (
        id TINYINT NOT NULL PRIMARY KEY, finding BIGINT NOT NULL, paused TINYINT NOT NULL) ENGINE=InnoDB""",
    "INSERT IGNORE INTO reconciler.cleared (id, finding, paused) VALUES (1, 0, 0)",
)


class Side(StrEnum):
    """Of a repair."""

    REDIS = "redis"
    LEDGER = "ledger"


class State(StrEnum):
    """Of a finding."""

    OPEN = "open"
    REPAIRED = "repaired"
    GONE = "gone"
    """Both sides agreed again without a repair of ours."""
    SUPERSEDED = "superseded"
    """The same user was found different in another way since."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A user found different."""

    id: int
    user_id: int
    differences: str
    """As JSON: what tells whether it is still the same."""
    sats: int | None
    """The worth in BTC ledger units; None: it can't be told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repair:
    """What a repair changes."""

    finding: int
    user_id: int
    side: Side
    reason: str
    changes: Any
    journal_number: int = 0


async def migrate(mysql: MySql) -> None:
    """Make what is missing; safe to run again."""
    async with mysql.session() as session:
        await session.execute(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        for statement in _TABLES:
            await session.execute(statement)


class Records:
    """The tables. `clock` gives Unix nanoseconds."""

    def __init__(self, mysql: MySql, *, clock: Callable[[], int]) -> None:
        self._mysql = mysql
        self._clock = clock

    async def position(self) -> tuple[int, BinlogPosition] | None:
        """How far the binary log was compared, and of which server."""
        async with self._mysql.session() as session:
            rows = await session.query("SELECT server_id, file, position FROM reconciler.binlog WHERE id = 1")
        return (int(rows[0][0]), BinlogPosition(str(rows[0][1]), int(rows[0][2]))) if rows else None

    async def move(self, server_id: int, position: BinlogPosition) -> None:
        """The binary log was compared so far."""
        async with self._mysql.session() as session:
            await session.execute(
                "INSERT INTO reconciler.binlog (id, server_id, file, position) VALUES (1, %s, %s, %s) "
                "ON DUPLICATE KEY UPDATE server_id = VALUES(server_id), file = VALUES(file), "
                "position = VALUES(position)",
                [server_id, position.file, position.offset],
            )

    async def find(self, *, user_id: int, differences: str, sats: int | None, cut: Any) -> Finding:  # noqa: ANN401 - JSON
        """A user was found different; an open finding of the same user is superseded."""
        async with self._mysql.transaction() as session:
            await self._close(session, user_id, State.SUPERSEDED)
            await session.execute(
                "INSERT INTO reconciler.findings (found_unix_nanos, user_id, differences, sats, cut, log, "
                "verdict, state, closed_unix_nanos) VALUES (%s, %s, %s, %s, %s, '', '', %s, 0)",
                [self._clock(), user_id, differences, sats, json.dumps(cut), str(State.OPEN)],
            )
            ((number,),) = await session.query("SELECT LAST_INSERT_ID()")
        return Finding(id=int(number), user_id=user_id, differences=differences, sats=sats)

    async def judged(self, finding: Finding, *, verdict: str, log: Any) -> None:  # noqa: ANN401 - JSON
        """Who is wrong, and what the logs say around it."""
        async with self._mysql.session() as session:
            await session.execute(
                "UPDATE reconciler.findings SET verdict = %s, log = %s WHERE id = %s",
                [verdict, json.dumps(log), finding.id],
            )

    async def close(self, user_id: int, state: State) -> None:
        """The user's open findings have come to this end."""
        async with self._mysql.transaction() as session:
            await self._close(session, user_id, state)

    async def open_findings(self) -> list[Finding]:
        """Those that nobody has repaired."""
        async with self._mysql.session() as session:
            rows = await session.query(
                "SELECT id, user_id, differences, sats FROM reconciler.findings WHERE state = %s",
                [str(State.OPEN)],
            )
        return [
            Finding(id=int(row[0]), user_id=int(row[1]), differences=str(row[2]), sats=row[3]) for row in rows
        ]

    async def worth_since_cleared(self) -> tuple[int, int]:
        """What was found since withdrawals were cleared: BTC ledger units, and findings without a value."""
        async with self._mysql.session() as session:
            ((sats, unvalued),) = await session.query(
                "SELECT COALESCE(SUM(sats), 0), COALESCE(SUM(sats IS NULL), 0) FROM reconciler.findings "
                "WHERE state <> %s AND id > (SELECT finding FROM reconciler.cleared WHERE id = 1)",
                [str(State.SUPERSEDED)],
            )
        return int(sats), int(unvalued)

    async def cleared(self) -> None:
        """A person has let withdrawals run again, and knows of all findings so far."""
        async with self._mysql.session() as session:
            await session.execute(
                "UPDATE reconciler.cleared SET paused = 0, "
                "finding = (SELECT COALESCE(MAX(id), 0) FROM reconciler.findings) WHERE id = 1"
            )

    async def paused(self) -> bool:
        """Whether withdrawals were paused when this was last seen."""
        async with self._mysql.session() as session:
            ((paused,),) = await session.query("SELECT paused FROM reconciler.cleared WHERE id = 1")
        return bool(paused)

    async def note_paused(self) -> None:
        """Withdrawals are paused."""
        async with self._mysql.session() as session:
            await session.execute("UPDATE reconciler.cleared SET paused = 1 WHERE id = 1")

    async def plan(self, repair: Repair) -> int:
        """Say what is about to be changed; its id."""
        async with self._mysql.transaction() as session:
            return await self.note(session, repair, state="planned")

    async def note(self, session: Session, repair: Repair, *, state: str) -> int:
        """The same inside a transaction that carries the repair itself."""
        await session.execute(
            "INSERT INTO reconciler.repairs (made_unix_nanos, finding, user_id, side, reason, changes, "
            "journal_number, state) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                self._clock(),
                repair.finding,
                repair.user_id,
                str(repair.side),
                repair.reason,
                json.dumps(repair.changes),
                repair.journal_number,
                state,
            ],
        )
        ((number,),) = await session.query("SELECT LAST_INSERT_ID()")
        return int(number)

    async def settle(self, repair_id: int, *, done: bool) -> None:
        """What became of a planned repair."""
        async with self._mysql.session() as session:
            await session.execute(
                "UPDATE reconciler.repairs SET state = %s WHERE id = %s",
                ["done" if done else "abandoned", repair_id],
            )

    async def planned(self) -> list[tuple[int, Repair]]:
        """Repairs that a process which is no more had begun."""
        async with self._mysql.session() as session:
            rows = await session.query(
                "SELECT id, finding, user_id, side, reason, changes, journal_number FROM reconciler.repairs "
                "WHERE state = 'planned'"
            )
        return [
            (
                int(row[0]),
                Repair(
                    finding=int(row[1]),
                    user_id=int(row[2]),
                    side=Side(str(row[3])),
                    reason=str(row[4]),
                    changes=json.loads(row[5]),
                    journal_number=int(row[6]),
                ),
            )
            for row in rows
        ]

    async def repairs_of_last_hour(self) -> int:
        """How many were done."""
        async with self._mysql.session() as session:
            ((count,),) = await session.query(
                "SELECT COUNT(*) FROM reconciler.repairs WHERE state = 'done' AND made_unix_nanos > %s",
                [self._clock() - _HOUR],
            )
        return int(count)

    async def _close(self, session: Session, user_id: int, state: State) -> None:
        await session.execute(
            "UPDATE reconciler.findings SET state = %s, closed_unix_nanos = %s "
            "WHERE state = %s AND user_id = %s",
            [str(state), self._clock(), str(State.OPEN), user_id],
        )
