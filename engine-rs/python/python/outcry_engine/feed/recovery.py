"""A client's side of the recovery channel: over TCP, each frame is a length, a kind and its content."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Final, Self, TypeVar

from outcry_engine.feed import messages as m
from outcry_engine.feed import packets
from outcry_engine.feed.book import Book
from outcry_engine.feed.errors import FeedError, RecoveryError, RefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from outcry_engine.feed.packets import Packet

_HEAD = struct.Struct("<IB")
_MESSAGES, _PACKET = 1, 2
_MAX_FRAME = 256 << 10
_LAST_SEQUENCE = (1 << 64) - 1

_T = TypeVar("_T")

REFUSALS: Final = {
    1: "not_kept",
    2: "not_yet",
    3: "starting",
    4: "too_many_connections",
    5: "too_many_requests",
    6: "slow",
    7: "malformed",
    8: "idle",
    9: "busy",
}


class Recovery:
    """A connection to a replica, to be used as a context. Each step may take `limit` seconds."""

    hello: m.Hello

    def __init__(self, address: str, *, limit: float) -> None:
        self.address = address
        self._limit = limit
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def __aenter__(self) -> Self:
        host, _, port = self.address.rpartition(":")
        try:
            async with asyncio.timeout(self._limit):
                self._reader, self._writer = await asyncio.open_connection(host, int(port))
        except (OSError, ValueError) as error:
            raise RecoveryError(f"{self.address}: {error or 'no answer'}") from error
        try:
            self.hello = await self._expect(m.Hello)
        except BaseException:
            self._writer.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    @property
    def session(self) -> str:
        """The feed it serves."""
        return self.hello.session.decode("ascii", "backslashreplace")

    @property
    def symbol(self) -> str:
        """The pair it serves."""
        return self.hello.symbol.rstrip(b"\0").decode(errors="replace")

    async def snapshot(self) -> Book:
        """The whole book."""
        await self._ask(m.SnapshotRequest())
        begin = await self._expect(m.SnapshotBegin)
        if begin.sequence >= _LAST_SEQUENCE:
            raise RecoveryError(f"{self.address}: no event can follow a snapshot of event {begin.sequence}")
        book = Book(begin)
        while True:
            for message in await self._messages():
                if isinstance(message, m.SnapshotEnd):
                    self._check_whole(begin, message, len(book))
                    return book
                if not isinstance(message, m.OrderAdded):
                    raise self._unexpected(message)
                book.add(message)

    async def gap(self, missing: range) -> AsyncIterator[Packet]:
        """The packets of a range of events, as far as there are any."""
        await self._ask(m.GapRequest(missing.start, missing.stop))
        while True:
            kind, content = await self._frame()
            if kind == _PACKET:
                yield self._parsed(content)
                continue
            message = self._single(self._decoded(content))
            if isinstance(message, m.GapEnd):
                return
            raise self._unexpected(message)

    async def _ask(self, message: m.Message) -> None:
        content = m.encode(message)
        self._writer.write(_HEAD.pack(len(content), _MESSAGES) + content)
        await self._writer.drain()

    async def _expect(self, kind: type[_T]) -> _T:
        message = self._single(await self._messages())
        if not isinstance(message, kind):
            raise self._unexpected(message)
        return message

    def _single(self, said: tuple[m.Message, ...]) -> m.Message:
        if len(said) != 1:
            raise RecoveryError(f"{self.address}: {len(said) or 'no'} messages where one was expected")
        return said[0]

    def _check_whole(self, begin: m.SnapshotBegin, end: m.SnapshotEnd, orders: int) -> None:
        if end.sequence != begin.sequence:
            raise RecoveryError(
                f"{self.address}: a snapshot of event {begin.sequence} ends behind event {end.sequence}"
            )
        if orders != begin.orders:
            raise RecoveryError(
                f"{self.address}: a snapshot with {orders} orders where {begin.orders} were announced"
            )

    async def _messages(self) -> tuple[m.Message, ...]:
        kind, content = await self._frame()
        if kind != _MESSAGES:
            raise RecoveryError(f"{self.address}: a packet where messages were expected")
        return self._decoded(content)

    async def _frame(self) -> tuple[int, bytes]:
        try:
            async with asyncio.timeout(self._limit):
                length, kind = _HEAD.unpack(await self._reader.readexactly(_HEAD.size))
                if length > _MAX_FRAME or kind not in (_MESSAGES, _PACKET):
                    raise RecoveryError(f"{self.address}: a frame of kind {kind} and {length} bytes")
                return kind, await self._reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise RecoveryError(f"{self.address}: {error or 'no answer'}") from error

    def _decoded(self, content: bytes) -> tuple[m.Message, ...]:
        try:
            return tuple(m.decode(content))
        except FeedError as error:
            raise RecoveryError(f"{self.address}: {error}") from error

    def _parsed(self, content: bytes) -> Packet:
        try:
            return packets.parse(content)
        except FeedError as error:
            raise RecoveryError(f"{self.address}: {error}") from error

    def _unexpected(self, message: m.Message) -> RecoveryError:
        if isinstance(message, m.Refused):
            return RefusedError(self.address, REFUSALS.get(message.reason, str(message.reason)))
        return RecoveryError(f"{self.address}: an unexpected {message}")
