"""The client: everything together, as an async iterator of updates."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Self

from outcry_engine.feed import lines as feed_lines
from outcry_engine.feed import packets
from outcry_engine.feed.errors import BookError, FeedError, MalformedError, RecoveryError, RefusedError
from outcry_engine.feed.recovery import Recovery
from outcry_engine.feed.sequencer import Sequencer, Tally
from outcry_engine.feed.updates import Ended, Event, Snapshot, Update

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from types import TracebackType

    from outcry_engine.feed.book import Book
    from outcry_engine.feed.packets import Packet

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
"""Between two attempts when no replica could help."""
AT_ONCE = 64
"""Datagrams taken from a line before others have their turn."""


class FeedClient:
    """Keeps the book of one pair. Use it as a context, and iterate over its updates.

    `lines` are one or both `GROUP:PORT`, `recovery` the replicas' `HOST:PORT`; `patience` is how many seconds
    a gap may be closed by the other line before it is asked for, `limit` how many a replica may take to
    answer. Entering raises `FeedError` when no replica gives a book to begin with. After each update `book`
    is the book right after it.
    """

    book: Book

    def __init__(
        self,
        *,
        lines: Sequence[str],
        recovery: Sequence[str],
        interface: str = "",
        patience: float = 0.005,
        limit: float = 5.0,
    ) -> None:
        self._lines = tuple(lines)
        self._replicas = deque(recovery)
        self._interface = interface
        self._patience = patience
        self._limit = limit
        self._sockets: list[socket.socket] = []
        self._sequencer: Sequencer
        self._waiting: deque[tuple[int, Packet, bytes, int | None]] = deque()
        self._heard = asyncio.Event()
        self._gap_since: float | None = None
        self._heard_at = time.monotonic()
        self._broken = False
        self._begun = False
        self._ended = False
        self.snapshots = 0
        """Whole books taken, the first included."""
        self.trouble: FeedError | None = None
        """Why no replica could help when one was asked last; None when one did."""

    async def __aenter__(self) -> Self:
        try:
            for line in self._lines:
                self._sockets.append(feed_lines.hear(line, interface=self._interface))
            await self._begin()
        except BaseException:
            self._close()
            raise
        loop = asyncio.get_running_loop()
        for heard in self._sockets:
            loop.add_reader(heard, self._hear, heard)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for heard in self._sockets:
            loop.remove_reader(heard)
        self._close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Update:
        """The next update; the iteration ends behind `Ended`."""
        if not self._begun:
            self._begun = True
            return Snapshot(sequence=self.book.sequence)
        while True:
            if self._waiting and not self._broken:
                update = self._apply()
                if update is not None:
                    return update
            if await self._recover_when_due():
                return Snapshot(sequence=self.book.sequence)
            if self._waiting and not self._broken:
                continue
            if self._sequencer.ended:
                if self._ended:
                    raise StopAsyncIteration
                self._ended = True
                return Ended()
            await self._wait()

    @property
    def session(self) -> str:
        """Whose feed this is."""
        return self._sequencer.session

    @property
    def silence(self) -> float:
        """Seconds since the last packet, or the beginning.

        A hot replica is never silent for more than a second: after three the book is to be taken for old.
        """
        return time.monotonic() - self._heard_at

    @property
    def tally(self) -> Tally:
        """What became of packets."""
        return self._sequencer.tally

    async def _begin(self) -> None:
        error: FeedError = RecoveryError("no recovery address was given")
        for address in self._replicas:
            try:
                async with Recovery(address, limit=self._limit) as recovery:
                    self.book = await recovery.snapshot()
                    session, following = recovery.session, self.book.sequence + 1
            except FeedError as failed:
                error = failed
                continue
            self._sequencer = Sequencer(session=session, next_sequence=following)
            self.snapshots = 1
            return
        raise error

    def _close(self) -> None:
        for heard in self._sockets:
            heard.close()
        self._sockets.clear()

    def _hear(self, heard: socket.socket) -> None:
        for _ in range(AT_ONCE):
            received = feed_lines.receive(heard)
            if received is None:
                break
            datagram, arrived = received
            try:
                packet = packets.parse(datagram)
            except MalformedError:
                # Anybody can send to a group: what is no packet is nobody's.
                continue
            if packet.session == self._sequencer.session:
                self._heard_at = time.monotonic()
            self._take(self._sequencer.packet(packet), arrived)
        self._note_gap()
        self._heard.set()

    def _take(self, events: Iterable[tuple[int, Packet, bytes]], arrived: int | None) -> None:
        self._waiting.extend((sequence, packet, block, arrived) for sequence, packet, block in events)

    def _note_gap(self) -> None:
        if not self._broken and self._sequencer.missing() is None:
            self._gap_since = None
        elif self._gap_since is None:
            self._gap_since = asyncio.get_running_loop().time()

    def _apply(self) -> Update | None:
        sequence, packet, block, arrived = self._waiting.popleft()
        try:
            messages = self.book.apply(sequence, block)
        except BookError as error:
            log.warning("the feed contradicts the book: taking a whole one", extra={"error": str(error)})
            self._broken = True
            self._note_gap()
            return None
        return Event(
            sequence=sequence,
            epoch=packet.epoch,
            received_unix_nanos=packet.received_unix_nanos,
            sent_unix_nanos=packet.sent_unix_nanos,
            arrived_unix_nanos=arrived,
            messages=messages,
        )

    def _due_in(self) -> float | None:
        if self._gap_since is None:
            return None
        pause = self._patience if self.trouble is None else max(self._patience, RETRY_SECONDS)
        return self._gap_since + pause - asyncio.get_running_loop().time()

    async def _wait(self) -> None:
        self._heard.clear()
        try:
            async with asyncio.timeout(self._due_in()):
                await self._heard.wait()
        except TimeoutError:
            pass

    async def _recover_when_due(self) -> bool:
        """Whether the book was replaced."""
        due = self._due_in()
        if due is None or due > 0:
            return False
        snapshots = self.snapshots
        await self._ask(self._replace if self._broken else self._close_gaps)
        self._gap_since = None
        self._note_gap()
        return self.snapshots != snapshots

    async def _ask(self, help_with: Callable[[Recovery], Awaitable[None]]) -> None:
        """Asks one replica after the other until one could help."""
        for _ in range(len(self._replicas)):
            try:
                async with Recovery(self._replicas[0], limit=self._limit) as recovery:
                    if recovery.session != self.session:
                        raise RecoveryError(
                            f"{recovery.address} serves session {recovery.session}, not {self.session}"
                        )
                    await help_with(recovery)
            except FeedError as error:
                self.trouble = error
                self._replicas.rotate(-1)
            else:
                self.trouble = None
                return

    async def _close_gaps(self, recovery: Recovery) -> None:
        try:
            while (missing := self._sequencer.missing()) is not None:
                async for packet in recovery.gap(missing):
                    self._take(self._sequencer.packet(packet), None)
                if self._sequencer.next_sequence == missing.start:
                    # They were sent: the other replica has them, however long this one stands still.
                    raise RecoveryError(f"{recovery.address}: it has not made event {missing.start} yet")
        except RefusedError as error:
            if error.reason != "not_kept":
                raise
            await self._replace(recovery)

    async def _replace(self, recovery: Recovery) -> None:
        """Takes a whole book in place of this one."""
        book = await recovery.snapshot()
        following = self._waiting[0][0] if self._waiting else self._sequencer.next_sequence
        if book.sequence + 1 < following:
            raise RecoveryError(f"{recovery.address}: its book is older than what is needed")
        self._waiting = deque(held for held in self._waiting if held[0] > book.sequence)
        self._take(self._sequencer.skip_to(book.sequence), None)
        self.book, self._broken = book, False
        self.snapshots += 1
