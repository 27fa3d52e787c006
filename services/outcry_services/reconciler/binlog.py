"""The ledger's binary log as a stream of row changes, in the role that Canal plays elsewhere.

Positions are a file and an offset in it, always between two transactions, so that a resumed stream repeats
whole transactions and never begins inside one. The library would reconnect by itself wherever it stood, also
inside a transaction; here the first broken connection ends the stream, and its owner goes on from the last
position.

The library blocks, so a thread reads and hands over (`handover`); a slow reader slows the thread, and TCP
slows the server. A transaction with more rows than a chunk takes comes in several, of which only the last
moves the position.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pymysql
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.event import QueryEvent, RotateEvent, XidEvent
from pymysqlreplication.row_event import DeleteRowsEvent, RowsEvent, UpdateRowsEvent, WriteRowsEvent

from outcry_services.reconciler.errors import BinlogAwayError, BinlogLostError
from outcry_services.reconciler.handover import Handover, HandoverClosedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from outcry_services.common.mysql import MySqlAddress

__all__ = ["Binlog", "BinlogPosition", "Chunk", "Kind", "Row", "RowChange"]

Row = dict[str, Any]

# "Could not find first log file", "binlog truncated", "impossible position": all have this number.
_MASTER_FATAL = 1236
HEARTBEAT_SECONDS = 1.0
SILENCE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class BinlogPosition:
    """Where the next transaction begins."""

    file: str
    offset: int

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}"


class Kind(StrEnum):
    """What became of a row."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@dataclass(frozen=True, kw_only=True, slots=True)
class RowChange:
    """One row before and after; an inserted row has no `before`, a deleted one no `after`."""

    table: str
    kind: Kind
    before: Row | None
    after: Row | None

    @property
    def row(self) -> Row:
        """The row as it is now, or as it was last."""
        return self.after or self.before or {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """Changes in the order of their commits, and the position behind the last whole transaction."""

    changes: tuple[RowChange, ...]
    position: BinlogPosition
    time: int
    """When the server wrote the last change, in Unix seconds."""


class Binlog:
    """One server's binary log, of some tables of one schema.

    `server_id` must be no replica's: the server lets an id be connected once, and a second stream under it
    ends the first, so that of two reconcilers under one id the older one falls silent.
    """

    def __init__(
        self,
        address: MySqlAddress,
        *,
        server_id: int,
        schema: str,
        tables: frozenset[str],
        chunk_rows: int = 1000,
        most_chunks: int = 16,
    ) -> None:
        self._address = address
        self._server_id = server_id
        self._schema = schema
        self._tables = tables
        self._chunk_rows = chunk_rows
        self._most = most_chunks

    async def follow(self, position: BinlogPosition) -> AsyncIterator[Chunk]:
        """Everything behind `position`, then what comes, for ever.

        Raises `BinlogAwayError` when the stream breaks, `BinlogLostError` when the position is no more.
        """
        handover: Handover[Chunk] = Handover(most=self._most)
        reading = _Reading(self, position, handover)
        thread = threading.Thread(target=reading.run, name="binlog", daemon=True)
        thread.start()
        try:
            while (chunk := await handover.get()) is not None:
                yield chunk
        finally:
            handover.close()
            reading.abort()
            await asyncio.to_thread(thread.join)

    def stream(self, position: BinlogPosition, connect: Any) -> BinLogStreamReader:  # noqa: ANN401 - untyped there
        """The library's reader; `connect` makes its connections."""
        return BinLogStreamReader(
            connection_settings={
                "host": self._address.host,
                "port": self._address.port,
                "user": self._address.user,
                "password": self._address.password.get_secret_value(),
                "charset": "utf8mb4",
                "connect_timeout": SILENCE_SECONDS,
                "read_timeout": SILENCE_SECONDS,
            },
            server_id=self._server_id,
            log_file=position.file,
            log_pos=position.offset,
            resume_stream=True,
            blocking=True,
            slave_heartbeat=HEARTBEAT_SECONDS,
            only_schemas=[self._schema],
            only_tables=sorted(self._tables),
            only_events=[WriteRowsEvent, UpdateRowsEvent, DeleteRowsEvent, XidEvent, QueryEvent, RotateEvent],
            pymysql_wrapper=connect,
            enable_logging=False,
        )

    @property
    def chunk_rows(self) -> int:
        """Rows after which a chunk is handed over, whole transaction or not."""
        return self._chunk_rows

    @property
    def where(self) -> str:
        """The server, for messages."""
        return str(self._address)


class _Reading:
    """What the thread does."""

    def __init__(self, binlog: Binlog, position: BinlogPosition, handover: Handover[Chunk]) -> None:
        self._binlog = binlog
        self._position = position
        self._handover = handover
        self._connections: list[_Connection] = []
        self._rows: list[RowChange] = []
        self._time = 0
        self._partly = False
        self._aborted = False

    def run(self) -> None:
        """Read until the stream breaks or nobody takes any more."""
        stream = self._binlog.stream(self._position, self._connect)
        try:
            while True:
                self._take(stream.fetchone(), stream)
        except HandoverClosedError:
            self._handover.finish()
        except (pymysql.MySQLError, OSError) as error:
            self._handover.finish(self._named(error))
        except BaseException as error:
            self._handover.finish(error)
        finally:
            self.abort()

    def abort(self) -> None:
        """From either side: wake a read that waits, and leave the server."""
        self._aborted = True
        for connection in list(self._connections):
            connection.abort()

    def _connect(self, **settings: Any) -> _Connection:  # noqa: ANN401 - the library's own
        # One for the stream and one to ask about columns. A third is the library going on by itself after a
        # break, from the middle of a transaction.
        if self._aborted or len(self._connections) == 2:
            raise _away(self._binlog.where, "the connection broke")
        connection = _Connection(**settings)
        self._connections.append(connection)
        if self._aborted:
            # It came while the others were broken: nobody else would break it.
            connection.abort()
        return connection

    def _take(self, event: Any, stream: BinLogStreamReader) -> None:  # noqa: ANN401 - untyped there
        if event is None:
            raise _away(self._binlog.where, "the server ended the stream")
        if isinstance(event, RowsEvent):
            self._rows.extend(_changes(event))
            self._time = event.timestamp
            if len(self._rows) >= self._binlog.chunk_rows:
                self._hand_over()
                self._partly = True
        elif _ends_transaction(event):
            before, self._position = self._position, BinlogPosition(stream.log_file, stream.log_pos)
            if self._rows or self._partly or self._position.file != before.file:
                self._hand_over()
                self._partly = False

    def _hand_over(self) -> None:
        rows, self._rows = tuple(self._rows), []
        self._handover.put(Chunk(changes=rows, position=self._position, time=self._time))

    def _named(self, error: Exception) -> Exception:
        number = error.args[0] if error.args else None
        if number == _MASTER_FATAL:
            return BinlogLostError(
                f"MySQL at {self._binlog.where} has no binary log at {self._position} any more "
                f"({error.args[-1]}); begin at its end, and sweep everything"
            )
        return _away(self._binlog.where, type(error).__name__)


class _Connection(pymysql.connections.Connection):  # type: ignore[misc]
    """One that another thread may break."""

    def abort(self) -> None:
        sock: socket.socket | None = self._sock
        if sock is None:
            return
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            # The server was faster.
            return


def _away(where: str, why: str) -> BinlogAwayError:
    return BinlogAwayError(f"the binary log of MySQL at {where} broke off: {why}; go on from its position")


def _ends_transaction(event: object) -> bool:
    """COMMIT, or a statement that is a transaction of its own (DDL), or the next file: nothing is open."""
    return isinstance(event, (XidEvent, QueryEvent, RotateEvent))


def _changes(event: Any) -> list[RowChange]:  # noqa: ANN401 - untyped there
    table = f"{event.schema}.{event.table}"
    if isinstance(event, UpdateRowsEvent):
        return [
            RowChange(
                table=table,
                kind=Kind.UPDATE,
                before=_plain(row["before_values"]),
                after=_plain(row["after_values"]),
            )
            for row in event.rows
        ]
    if isinstance(event, WriteRowsEvent):
        return [
            RowChange(table=table, kind=Kind.INSERT, before=None, after=_plain(row["values"]))
            for row in event.rows
        ]
    return [
        RowChange(table=table, kind=Kind.DELETE, before=_plain(row["values"]), after=None)
        for row in event.rows
    ]


def _plain(values: Mapping[str, Any]) -> Row:
    return dict(values)
