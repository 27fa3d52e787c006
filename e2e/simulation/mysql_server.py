"""A fake of `common.mysql.MySql` and of its server: SQLite in memory, running the shipped statements.

Transactions of a server run one after the other, so nothing is shown of how they interleave under READ
COMMITTED: that stays with the tests on the real server. Everything else that can happen to one does: it is
rolled back when its process is killed, broken before or after its commit, chosen in a deadlock, or waits.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from outcry_services.common.errors import InternalError
from outcry_services.common.mysql import MySqlAddress
from outcry_services.common.mysql_errors import (
    DuplicateKeyError,
    MySqlBusyError,
    MySqlDeadlockError,
    MySqlLockError,
    MySqlLostError,
    MySqlTimeoutError,
)

from e2e.simulation.chance import Chance
from e2e.simulation.errors import UnfaithfulError
from e2e.simulation.mysql_dialect import Translated, in_database, translate
from e2e.simulation.processes import WORLD, current_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from e2e.simulation.processes import Process

__all__ = ["FakeMySql", "FakeMySqlServer"]

Rows = list[tuple[Any, ...]]
_BROKEN = (MySqlLostError, MySqlTimeoutError)
LOCK_SECONDS = 5.0
LATE_SECONDS = 2.0
_READS = re.compile(r"\s*SELECT\b(?!.*\b(FOR UPDATE|LOCK IN SHARE MODE)\b)", re.IGNORECASE | re.DOTALL)


class FakeMySqlServer:
    """Databases, and the one transaction that may be open."""

    def __init__(self) -> None:
        self.databases: set[str] = set()
        self._known: dict[str, Translated] = {}
        self._holder: FakeSession | None = None
        self._committing = False
        """The holder's client is gone, and its commit is still under way."""
        self._waiting: deque[tuple[FakeSession, asyncio.Future[None]]] = deque()
        self._updates: list[int] = []
        self._sqlite = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._sqlite.create_function("note_update", 1, self._updates.append)
        self._sqlite.create_function("concat", -1, lambda *parts: "".join(map(str, parts)))

    def execute(self, statement: str, arguments: Sequence[Any] = ()) -> Rows:
        """For the world: one statement, now."""
        return self.run(statement, [tuple(arguments)], many=False)[1]

    def image(self) -> sqlite3.Connection:
        """Everything in it, to begin from again."""
        copy = sqlite3.connect(":memory:")
        self._sqlite.backup(copy)
        return copy

    def restore(self, image: sqlite3.Connection) -> None:
        """As it was, without any client."""
        if self._sqlite.in_transaction:
            self._sqlite.execute("ROLLBACK")
        self._holder, self._committing = None, False
        self._waiting.clear()
        image.backup(self._sqlite)

    async def take(self, session: FakeSession, *, reading: bool) -> None:
        """Wait for every other transaction's end; raises `MySqlLockError` when that takes too long.

        Who reads without a lock doesn't wait for a commit that is under way, and sees nothing of it.
        """
        if reading and self._committing:
            return
        if self._holder is None:
            self._holder = session
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((session, future))
        try:
            async with asyncio.timeout(LOCK_SECONDS):
                await future
        except TimeoutError:
            raise MySqlLockError("MySQL at fake did not give a lock in time") from None
        finally:
            if self._holder is not session:
                self._waiting = deque(entry for entry in self._waiting if entry[0] is not session)

    def commit_later(self, session: FakeSession, *, seconds: float) -> None:
        """The client hears nothing more, and its commit takes effect later on."""
        if self._holder is not session or not self._sqlite.in_transaction:
            return
        self._sqlite.execute("ROLLBACK")
        self._committing = True
        asyncio.get_running_loop().call_later(seconds, self._commit_at_last, session, context=WORLD.context)

    def _commit_at_last(self, session: FakeSession) -> None:
        # Nobody wrote in between: what it did then it can do now.
        self._committing = False
        self.begin()
        for run in session.done:
            run()
        self.give_back(session, commit=True)

    def give_back(self, session: FakeSession, *, commit: bool) -> None:
        """End a session's transaction, if it has one."""
        if self._holder is not session or self._committing:
            return
        if self._sqlite.in_transaction:
            self._sqlite.execute("COMMIT" if commit else "ROLLBACK")
        self._holder = None
        while self._waiting and self._holder is None:
            waiting, future = self._waiting.popleft()
            if waiting.process.alive and not future.done():
                self._holder = waiting
                future.set_result(None)

    def forget(self, process: Process) -> None:
        """Roll back what a killed process left open."""
        if self._holder is not None and self._holder.process is process:
            # A commit that is under way goes on without its client.
            self.give_back(self._holder, commit=False)

    def begin(self) -> None:
        """Of the holder."""
        self._sqlite.execute("BEGIN")

    def run(self, statement: str, rows: Sequence[tuple[Any, ...]], *, many: bool) -> tuple[int, Rows]:
        """Rows changed, as MariaDB counts them, and rows found. A named error means that nothing was done."""
        translated = self._translate(statement)
        if translated is None:
            return 0, []
        self._updates.clear()
        self._sqlite.execute("SAVEPOINT statement")
        try:
            if many:
                cursor = self._sqlite.executemany(translated.text, rows)
            else:
                cursor = self._sqlite.execute(translated.text, rows[0])
            found = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
            if translated.table:
                self._watch_updates(translated.table)
            if translated.rows:
                self._sqlite.execute(translated.rows)
        except (sqlite3.Error, OverflowError) as error:
            self._sqlite.execute("ROLLBACK TO statement")
            raise _named(error, statement) from error
        finally:
            self._sqlite.execute("RELEASE statement")
        return self._changed(cursor.rowcount, upsert=translated.upsert), found

    def _changed(self, touched: int, *, upsert: bool) -> int:
        """MariaDB doesn't count a row that an UPDATE left as it was, and counts one of an upsert twice."""
        updated, changed = len(self._updates), sum(self._updates)
        return max(touched, 0) - updated + (2 if upsert else 1) * changed

    def _watch_updates(self, table: str) -> None:
        columns = [row[1] for row in self._sqlite.execute(f'PRAGMA table_info("{table}")')]
        differs = " OR ".join(f'OLD."{name}" IS NOT NEW."{name}"' for name in columns)
        self._sqlite.execute(
            f'CREATE TRIGGER IF NOT EXISTS "{table} updated" AFTER UPDATE ON "{table}" '
            f"BEGIN SELECT note_update({differs}); END"
        )

    def _translate(self, statement: str) -> Translated | None:
        known = self._known.get(statement)
        if known is not None:
            return known
        words = statement.split()
        if [word.upper() for word in words[:2]] == ["CREATE", "DATABASE"]:
            # IF NOT EXISTS, a character set: the name is the word behind.
            name = re.sub(r"(?i)CREATE DATABASE (IF NOT EXISTS )?", "", " ".join(words)).split()[0]
            self.databases.add(name.strip("`"))
            self._known.clear()
            return None
        translated = self._known[statement] = translate(statement, sorted(self.databases))
        return translated


class FakeSession:
    """`common.mysql.Session`."""

    def __init__(self, server: FakeMySqlServer, chance: Chance, process: Process) -> None:
        self._server = server
        self._chance = chance
        self.process = process
        self.in_transaction = False
        self.done: list[Callable[[], object]] = []
        self._begun = False
        self._broken = False
        self._database = ""

    async def execute(self, statement: str, arguments: Sequence[Any] = ()) -> int:
        """As the real one."""
        return (await self.run_all([(statement, arguments)]))[0][0]

    async def query(self, statement: str, arguments: Sequence[Any] = ()) -> Rows:
        """As the real one."""
        return (await self.run_all([(statement, arguments)]))[0][1]

    async def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        """As the real one."""
        if not rows:
            return 0
        many = [tuple(row) for row in rows]

        def run() -> list[tuple[int, Rows]]:
            return [self._server.run(statement, many, many=True)]

        return (await self._exchange(run, reading=False))[0][0]

    async def run_all(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> list[tuple[int, Rows]]:
        """As the real one: those before one that fails were run."""
        controls = [self._controls(text) for text, _ in statements]
        if all(controls):
            return [(0, [])] * len(statements)

        def run() -> list[tuple[int, Rows]]:
            return [
                self._server.run(in_database(text, self._database), [tuple(values)], many=False)
                for text, values in statements
            ]

        return await self._exchange(run, reading=all(_READS.match(text) for text, _ in statements))

    def _controls(self, statement: str) -> bool:
        """Whether a statement is about the transaction or the session; the next one then begins it."""
        if used := re.match(r"\s*USE (\w+)", statement, re.IGNORECASE):
            self._database = used[1]
        if re.match(r"\s*START TRANSACTION\b", statement, re.IGNORECASE):
            self.in_transaction = True
        return bool(re.match(r"\s*(START TRANSACTION|SET|USE)\b", statement, re.IGNORECASE))

    async def rollback(self) -> None:
        """As the real one."""
        await asyncio.sleep(self._chance.seconds())
        self.abort()
        self.in_transaction = self._begun = False

    async def commit(self) -> None:
        """Broken before or after, as chance has it."""
        chance = self._chance
        await asyncio.sleep(chance.seconds())
        if self._broken or chance.happens(chance.odds.refused):
            if not self._broken and chance.happens(chance.odds.late):
                self._server.commit_later(self, seconds=LATE_SECONDS * chance.fraction())
            self.abort()
            raise _lost()
        self._server.give_back(self, commit=True)
        await asyncio.sleep(chance.seconds())
        if chance.happens(chance.odds.lost_answer):
            raise _lost()

    def abort(self) -> None:
        """Roll back what is open."""
        self._server.give_back(self, commit=False)

    async def _exchange(
        self, run: Callable[[], list[tuple[int, Rows]]], *, reading: bool
    ) -> list[tuple[int, Rows]]:
        chance = self._chance
        await asyncio.sleep(chance.seconds())
        if self._broken:
            raise _lost()
        if not self._begun:
            await self._server.take(self, reading=reading and not self.in_transaction)
        try:
            if self.in_transaction and not self._begun:
                self._server.begin()
                self._begun = True
            if chance.happens(chance.odds.refused):
                self.abort()
                self._broken = True
                raise self._fault()
            found = run()
            self.done.append(run)
            return found
        finally:
            if not self.in_transaction:
                self._server.give_back(self, commit=True)

    def _fault(self) -> Exception:
        if self.in_transaction and self._chance.happens(0.5):
            return MySqlDeadlockError("MySQL at fake broke a deadlock; begin the transaction again")
        return _lost()


def _lost() -> MySqlLostError:
    return MySqlLostError("MySQL at fake doesn't answer; ask what became of the work")


class FakeMySql:
    """`common.mysql.MySql`: one pool of a process."""

    def __init__(self, server: FakeMySqlServer, chance: Chance | None = None) -> None:
        self.address = MySqlAddress(host="fake", port=3306, user="app")
        self._server = server
        self._chance = chance or Chance()
        self._processes: set[Process] = set()

    async def open(self) -> None:
        """As the real one."""

    async def close(self) -> None:
        """As the real one."""

    @asynccontextmanager
    async def session(self) -> AsyncIterator[FakeSession]:
        """As the real one."""
        chance = self._chance
        await asyncio.sleep(chance.seconds())
        if chance.happens(chance.odds.refused):
            raise MySqlBusyError("no connection to MySQL at fake in time; try again")
        session = FakeSession(self._server, chance, self._mourned(current_process()))
        try:
            yield session
        finally:
            session.abort()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[FakeSession]:
        """As the real one."""
        async with self.session() as session:
            session.in_transaction = True
            yield session
            await session.commit()

    async def ping(self) -> None:
        """As the real one."""
        async with self.session() as session:
            await session.query("SELECT 1")

    def _mourned(self, process: Process) -> Process:
        """The server sees the connections of a killed process go."""
        if process not in self._processes:
            self._processes.add(process)
            process.at_death(lambda: self._server.forget(process))
        return process


def _named(error: Exception, statement: str) -> Exception:
    if isinstance(error, sqlite3.IntegrityError) and "UNIQUE constraint" in str(error):
        return DuplicateKeyError("MySQL at fake has that key already")
    if isinstance(error, (sqlite3.IntegrityError, OverflowError)):
        return InternalError(f"MySQL at fake refuses a statement ({error})", name="MYSQL_REFUSED")
    return UnfaithfulError(f"{error}: {statement}")
