"""A fake of a MySQL server: SQLite in memory, running the shipped statements (`mysql_client` sends them).

Transactions of a server run one after the other, so nothing is shown of how they interleave under READ
COMMITTED: that stays with the tests on the real server. Who reads outside of a transaction waits for none,
and sees nothing of one that is open. Everything else that can happen to one does: it is rolled back when its
process is killed, broken before or after its commit, chosen in a deadlock, or waits.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from outcry_services.common.errors import InternalError
from outcry_services.common.mysql_errors import DuplicateKeyError, MySqlLockError

from e2e.simulation.errors import UnfaithfulError
from e2e.simulation.mysql_dialect import Translated, translate
from e2e.simulation.mysql_rows import BinaryLog
from e2e.simulation.processes import WORLD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from e2e.simulation.mysql_client import FakeSession
    from e2e.simulation.processes import Process

__all__ = ["FakeMySqlServer", "Rows"]

T = TypeVar("T")
Rows = list[tuple[Any, ...]]
LOCK_SECONDS = 5.0
SERVER_ID = 1


class FakeMySqlServer:
    """Databases, and the one transaction that may be open. `logged`: tables whose rows the binary log has."""

    def __init__(self, *, logged: Iterable[str] = ()) -> None:
        self.databases: set[str] = set()
        self.rows = BinaryLog()
        self._logged = frozenset(logged)
        self._known: dict[str, Translated] = {}
        self._holder: FakeSession | None = None
        self._committing = False
        """The holder's client is gone, and its commit is still under way."""
        self._waiting: deque[tuple[FakeSession, asyncio.Future[None]]] = deque()
        self._updates: list[int] = []
        self._sqlite = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._sqlite.create_function("note_update", 1, self._updates.append)
        self._sqlite.create_function("note_row", -1, self.rows.note)
        self._sqlite.create_function("concat", -1, lambda *parts: "".join(map(str, parts)))
        # As of a column with a _bin collation, and no other is taken.
        self._sqlite.execute("PRAGMA case_sensitive_like = ON")

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
        self.rows.clear()
        image.backup(self._sqlite)

    async def take(self, session: FakeSession) -> None:
        """Wait for every other transaction's end; raises `MySqlLockError` when that takes too long."""
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
        self._roll_back()
        self._committing = True
        asyncio.get_running_loop().call_later(seconds, self._commit_at_last, session, context=WORLD.context)

    def _commit_at_last(self, session: FakeSession) -> None:
        # Nobody wrote in between: what it did then it can do now.
        self._committing = False
        self._do_again(session)
        self.give_back(session, commit=True)

    def beside(self, run: Callable[[], T]) -> T:
        """Read without seeing anything of the transaction that is open."""
        if not self._sqlite.in_transaction or self._holder is None:
            return run()
        self._roll_back()
        try:
            return run()
        finally:
            # As above: nobody wrote.
            self._do_again(self._holder)

    def _do_again(self, session: FakeSession) -> None:
        self.begin()
        for run in session.done:
            run()

    def _roll_back(self) -> None:
        self._sqlite.execute("ROLLBACK")
        self.rows.forget()

    def give_back(self, session: FakeSession, *, commit: bool) -> None:
        """End a session's transaction, if it has one."""
        if self._holder is not session or self._committing:
            return
        if self._sqlite.in_transaction and commit:
            self._sqlite.execute("COMMIT")
        elif self._sqlite.in_transaction:
            self._roll_back()
        self.rows.commit()
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
        if (said := self._said(statement)) is not None:
            return 0, said
        translated = self._translate(statement)
        if translated is None:
            return 0, []
        self._updates.clear()
        noted = self.rows.pending
        self._sqlite.execute("SAVEPOINT statement")
        try:
            if many:
                cursor = self._sqlite.executemany(translated.text, rows)
            else:
                cursor = self._sqlite.execute(translated.text, rows[0])
            found = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
            if translated.table:
                self._watch(translated.table)
            if translated.rows:
                self._sqlite.execute(translated.rows)
        except (sqlite3.Error, OverflowError) as error:
            self._sqlite.execute("ROLLBACK TO statement")
            self.rows.forget(from_row=noted)
            raise _named(error, statement) from error
        finally:
            self._sqlite.execute("RELEASE statement")
        if not self._sqlite.in_transaction:
            self.rows.commit()
        return self._changed(cursor.rowcount, upsert=translated.upsert), found

    def _changed(self, touched: int, *, upsert: bool) -> int:
        """MariaDB doesn't count a row that an UPDATE left as it was, and counts one of an upsert twice."""
        updated, changed = len(self._updates), sum(self._updates)
        return max(touched, 0) - updated + (2 if upsert else 1) * changed

    def _said(self, statement: str) -> Rows | None:
        """What the server says of itself, for the few questions that services have."""
        if statement == "SHOW MASTER STATUS":
            return [(self.rows.end.file, self.rows.end.offset, "", "")]
        return [(SERVER_ID,)] if statement == "SELECT @@server_id" else None

    def _watch(self, table: str) -> None:
        """Note which rows of a table really change, and, if its changes are logged, how."""
        columns = [row[1] for row in self._sqlite.execute(f'PRAGMA table_info("{table}")')]
        differs = " OR ".join(f'OLD."{name}" IS NOT NEW."{name}"' for name in columns)
        self._trigger(table, "UPDATE", f"SELECT note_update({differs})")
        if table not in self._logged:
            return
        self.rows.watch(table, columns)
        old, new = (", ".join(f'{side}."{name}"' for name in columns) for side in ("OLD", "NEW"))
        self._trigger(table, "INSERT", f"SELECT note_row('{table}', 'INSERT', {new}, {new})")
        self._trigger(
            table, "UPDATE", f"SELECT note_row('{table}', 'UPDATE', {old}, {new}) WHERE {differs}", nth=2
        )
        self._trigger(table, "DELETE", f"SELECT note_row('{table}', 'DELETE', {old}, {old})")

    def _trigger(self, table: str, event: str, does: str, *, nth: int = 1) -> None:
        self._sqlite.execute(
            f'CREATE TRIGGER IF NOT EXISTS "{table} {event} {nth}" AFTER {event} ON "{table}" '
            f"BEGIN {does}; END"
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


def _named(error: Exception, statement: str) -> Exception:
    if isinstance(error, sqlite3.IntegrityError) and "UNIQUE constraint" in str(error):
        return DuplicateKeyError("MySQL at fake has that key already")
    if isinstance(error, (sqlite3.IntegrityError, OverflowError)):
        return InternalError(f"MySQL at fake refuses a statement ({error})", name="MYSQL_REFUSED")
    return UnfaithfulError(f"{error}: {statement}")
