"""A fake of `common.mysql.MySql`: a service's side of a fake server, and what goes wrong between the two."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from outcry_services.common.mysql import MySqlAddress
from outcry_services.common.mysql_errors import MySqlBusyError, MySqlDeadlockError, MySqlLostError

from e2e.simulation.chance import Chance
from e2e.simulation.mysql_dialect import expanded, in_database
from e2e.simulation.processes import current_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from e2e.simulation.mysql_server import FakeMySqlServer, Rows
    from e2e.simulation.processes import Process

__all__ = ["FakeMySql", "FakeSession"]

LATE_SECONDS = 2.0
_READS = re.compile(r"\s*SELECT\b(?!.*\b(FOR UPDATE|LOCK IN SHARE MODE)\b)", re.IGNORECASE | re.DOTALL)


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

        whole = [expanded(in_database(text, self._database), values) for text, values in statements]

        def run() -> list[tuple[int, Rows]]:
            return [self._server.run(text, [values], many=False) for text, values in whole]

        return await self._exchange(run, reading=all(_READS.match(text) for text, _ in statements))

    def _controls(self, statement: str) -> bool:
        """Whether a statement is about the transaction or the session; the next one then begins it."""
        if used := re.match(r"\s*USE (\w+)", statement, re.IGNORECASE):
            self._database = used[1]
        if re.match(r"\s*ROLLBACK\b", statement, re.IGNORECASE):
            self._end()
        if re.match(r"\s*START TRANSACTION\b", statement, re.IGNORECASE):
            self.in_transaction = True
        return bool(re.match(r"\s*(START TRANSACTION|ROLLBACK|SET|USE)\b", statement, re.IGNORECASE))

    async def rollback(self) -> None:
        """As the real one."""
        await asyncio.sleep(self._chance.seconds())
        self._end()

    def _end(self) -> None:
        self.abort()
        self.in_transaction = self._begun = False
        self.done.clear()

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
        beside = reading and not self.in_transaction
        if not self._begun and not beside:
            await self._server.take(self)
        try:
            if self.in_transaction and not self._begun:
                self._server.begin()
                self._begun = True
            if chance.happens(chance.odds.refused):
                self.abort()
                self._broken = True
                raise self._fault()
            if beside:
                return self._server.beside(run)
            found = run()
            if not reading:
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
