"""MySQL: one pool a server, however many shards it holds, and transactions that end one way or the other.

A connection belongs to no database: statements name theirs (`orders_0007.orders`), so that every connection
serves every shard of its server.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit
from weakref import WeakSet

import asyncmy
from asyncmy.errors import MySQLError
from pydantic import SecretStr

from outcry_services.common.cancels import cancels, heed
from outcry_services.common.errors import ConfigError
from outcry_services.common.mysql_errors import MySqlBusyError, MySqlLostError, MySqlTimeoutError, named

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from asyncmy.connection import Connection
    from asyncmy.cursors import Cursor

__all__ = ["MySql", "MySqlAddress", "Rows", "Session"]

T = TypeVar("T")
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class MySqlAddress:
    """Where a server is, and who asks."""

    host: str
    port: int
    user: str
    password: SecretStr = field(default=SecretStr(""), repr=False)

    @classmethod
    def parse(cls, url: str, *, password: SecretStr | None = None) -> MySqlAddress:
        """From `mysql://user@host:port`; raises `ConfigError`, also for a password in it: logs show URLs."""
        parts = urlsplit(url)
        if parts.password is not None:
            raise ConfigError("a MySQL URL must not hold the password: set it apart, best as a file")
        if parts.scheme != "mysql" or not parts.hostname or not parts.username:
            raise ConfigError(f"{url!r} is not like mysql://user@host:3306")
        return cls(
            host=parts.hostname,
            port=parts.port or 3306,
            user=parts.username,
            password=password or SecretStr(""),
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Session:
    """A connection while it is lent. Arguments fill `%s` in statements, and are escaped."""

    def __init__(self, connection: Connection, *, where: str, seconds: float) -> None:
        self._connection = connection
        self._where = where
        self._seconds = seconds

    async def execute(self, statement: str, arguments: Sequence[Any] = ()) -> int:
        """Run a statement that gives no rows; the number of rows that it changed."""
        return (await self._run(statement, arguments))[0]

    async def query(self, statement: str, arguments: Sequence[Any] = ()) -> Rows:
        """All rows of a statement."""
        return (await self._run(statement, arguments))[1]

    async def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        """One `INSERT … VALUES (%s, …)` for many rows, sent as one statement; the number of rows changed."""
        if not rows:
            return 0

        async def run() -> int:
            async with self._connection.cursor() as cursor:
                return int(await cursor.executemany(statement, [tuple(row) for row in rows]) or 0)

        return await self._bounded(run)

    async def run_all(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> list[tuple[int, Rows]]:
        """Send many statements as one message; for each the rows that it changed, and those that it gave.

        The server stops at the first that fails: its error is raised, and those behind it were not run. In a
        transaction, roll back then.
        """
        if not statements:
            return []

        async def run() -> list[tuple[int, Rows]]:
            found: list[tuple[int, Rows]] = []
            async with self._connection.cursor() as cursor:
                text = ";".join(cursor.mogrify(each, tuple(with_) or None) for each, with_ in statements)
                await cursor.execute(text)
                for _ in statements[1:]:
                    found.append(await _result(cursor))
                    await cursor.nextset()
                found.append(await _result(cursor))
            return found

        return await self._bounded(run)

    async def _run(self, statement: str, arguments: Sequence[Any]) -> tuple[int, Rows]:
        async def run() -> tuple[int, Rows]:
            async with self._connection.cursor() as cursor:
                changed = await cursor.execute(statement, tuple(arguments) or None)
                return int(changed or 0), (await _result(cursor))[1]

        return await self._bounded(run)

    async def begin(self) -> None:
        """Used by `MySql.transaction`."""
        await self._bounded(self._connection.begin)

    async def commit(self) -> None:
        """Used by `MySql.transaction`."""
        await self._bounded(self._connection.commit)

    async def rollback(self) -> None:
        """Used by `MySql.transaction`."""
        await self._bounded(self._connection.rollback)

    async def _bounded(self, work: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(self._seconds):
                return await work()
        except TimeoutError:
            # The answer may still come: nobody must take it for the answer to something else.
            self._connection.close()
            raise MySqlTimeoutError(
                f"MySQL at {self._where} took more than {self._seconds:g} s; ask what became of the work"
            ) from None
        except (MySQLError, OSError) as error:
            raise named(error, where=self._where) from error


async def _result(cursor: Cursor) -> tuple[int, Rows]:
    rows = list(await cursor.fetchall()) if cursor.description else []
    return cast("int", cursor.rowcount), rows


_BROKEN = (MySqlLostError, MySqlTimeoutError)


class MySql:
    """One server's pool.

    `wait_seconds`: how long to wait for a connection; `statement_seconds`: how long each statement may take;
    `lock_seconds`: how long the server waits for a lock, less than that.
    """

    def __init__(
        self,
        address: MySqlAddress,
        *,
        most_connections: int = 16,
        wait_seconds: float = 2.0,
        statement_seconds: float = 10.0,
        lock_seconds: int = 5,
    ) -> None:
        self.address = address
        self._wait = wait_seconds
        self._statement = statement_seconds
        self._lock = lock_seconds
        self._most = most_connections
        self._pool: asyncmy.Pool | None = None
        self._prepared: WeakSet[Connection] = WeakSet()

    async def open(self) -> None:
        """Make the pool. Connections come when they are needed, and come again after the server was away."""
        self._pool = await asyncmy.create_pool(
            minsize=0,
            maxsize=self._most,
            host=self.address.host,
            port=self.address.port,
            user=self.address.user,
            password=self.address.password.get_secret_value(),
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=self._wait,
        )

    async def close(self) -> None:
        """Wait for what is lent to come back, and close all connections."""
        if self._pool is not None:
            self._pool.close()
            await self._pool.wait_closed()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A connection on which each statement is a transaction of its own."""
        pool = self._open_pool()
        asked = cancels()
        connection = await self._acquire(pool)
        try:
            heed(asked)
            session = Session(connection, where=str(self.address), seconds=self._statement)
            if connection not in self._prepared:
                await self._prepare(session)
                self._prepared.add(connection)
            yield session
        except BaseException as error:
            # After a cancelled or broken exchange the next answer could be that of another question.
            if not isinstance(error, Exception) or isinstance(error, _BROKEN):
                connection.close()
            raise
        finally:
            pool.release(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Commits at the end; any exception, a cancel too, rolls back.

        When it returns, everything in it is durable. After `MySqlLostError` or `MySqlTimeoutError` from the
        end of the block itself it is not known whether it is: ask by the key that the work was done under.
        """
        async with self.session() as session:
            await session.begin()
            try:
                yield session
            except _BROKEN:
                raise
            except Exception:
                await session.rollback()
                raise
            await session.commit()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Session]:
        """For reading alone: everything as it is at one moment, for as long as it is read."""
        async with self.session() as session:
            await session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            await session.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
            try:
                yield session
            except _BROKEN:
                # The connection is gone, and the snapshot with it.
                raise
            except Exception:
                await session.rollback()
                raise
            await session.rollback()

    async def ping(self) -> None:
        """Ask the server something; raises a named error when it doesn't answer."""
        async with self.session() as session:
            await session.query("SELECT 1")

    def _open_pool(self) -> asyncmy.Pool:
        if self._pool is None:
            raise MySqlLostError(f"the pool of {self.address} is not open")
        return self._pool

    async def _acquire(self, pool: asyncmy.Pool) -> Connection:
        try:
            async with asyncio.timeout(self._wait):
                return await pool.acquire()
        except TimeoutError:
            raise MySqlBusyError(
                f"no connection to MySQL at {self.address} within {self._wait:g} s: all {self._most} are in "
                "use, or it is slow to answer; try again"
            ) from None
        except (MySQLError, OSError) as error:
            raise named(error, where=str(self.address)) from error

    async def _prepare(self, session: Session) -> None:
        # Values that don't fit are errors, never cut. Without gap locks, writers of one shard rarely meet.
        await session.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        await session.execute(
            "SET SESSION sql_mode = 'TRADITIONAL', time_zone = '+00:00', innodb_lock_wait_timeout = %s",
            [self._lock],
        )
