"""Watches the pair's lock by blocking queries and carries out what was decided about it.

Keeps the last answer while Consul is away: silence from the registry changes nothing (invariant 9).
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from outcry_engine.shell.consul_client import ConsulClient
from outcry_engine.shell.errors import ConsulError, SessionInvalidError
from outcry_engine.shell.lock import Cause, Lock, LockValue

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.1


def utc_now() -> str:
    """RFC 3339, for what people read; nothing is decided by it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class LockKeeper:
    """One replica's dealings with the lock `key`."""

    def __init__(
        self,
        *,
        consul: ConsulClient,
        key: str,
        replica: str,
        check_id: str,
        changed: Callable[[], None],
        check_doubted: Callable[[], None],
    ) -> None:
        self._consul = consul
        self._key = key
        self._replica = replica
        self._check_id = check_id
        self._changed = changed
        self._check_doubted = check_doubted
        self._restart = asyncio.Event()
        consul.on_back = self.look_again
        self.lock: Lock | None = None
        self.session: str | None = None
        self.vacant_since: float | None = None
        self.released_term: str | None = None
        """The term given back last: `lock` may still show it for a moment."""

    def look_again(self) -> None:
        """Ask anew instead of waiting on a query that may hang on a dead connection."""
        self._restart.set()

    def forget(self) -> None:
        """Believe nothing until Consul has answered afresh: what is known of the lock is out of date."""
        self.lock = None
        self.look_again()

    async def run(self) -> None:
        """Keep `lock` up to date until cancelled."""
        index: int | None = None
        while True:
            index = await self._ask(index)

    async def _ask(self, index: int | None) -> int | None:
        """One query; the index for the next one to wait beyond, None for one that doesn't wait."""
        self._restart.clear()
        read = asyncio.create_task(self._consul.read_lock(self._key, after=index))
        restart = asyncio.create_task(self._restart.wait())
        try:
            await asyncio.wait({read, restart}, return_when=asyncio.FIRST_COMPLETED)
            if not read.done():
                return None
        finally:
            read.cancel()
            restart.cancel()
        try:
            lock = read.result()
        except ConsulError as error:
            log.debug("lock not read", extra={"error": str(error)})
            await asyncio.sleep(RETRY_SECONDS)
            return None
        # An index that went back is a Consul that lost its memory: blocking on the old one would hang.
        went_back = self.lock is not None and lock.index < self.lock.index
        self._note(lock)
        return None if went_back or lock.index < 1 else lock.index

    def _note(self, lock: Lock) -> None:
        before, self.lock = self.lock, lock
        if lock.session is not None:
            self.vacant_since = None
        elif self.vacant_since is None:
            self.vacant_since = time.monotonic()
        if before != lock:
            self._changed()

    async def acquire(self, *, cause: Cause, epoch: int | None) -> bool:
        """Take the lock; False when another session has it. Makes a session when there is none.

        Without `epoch` the value says what it will probably be, until the one in force is announced.
        """
        old = self.lock.value if self.lock else None
        probable = (old.epoch if old else 0) + 1
        value = self._value(
            cause=cause, epoch=probable if epoch is None else epoch, previous=old.replica if old else None
        )
        for attempt in (1, 2):
            session = self.session or await self._create_session()
            try:
                return await self._consul.acquire(self._key, value, session=session)
            except SessionInvalidError:
                log.info("session is gone: making another", extra={"session": session})
                self.session = None
                if attempt == 2:
                    raise
        return False

    async def announce(self, *, epoch: int) -> None:
        """Write the epoch in force into the lock that this replica holds."""
        if self.session is None or self.lock is None:
            return
        old = self.lock.value
        value = replace(old, epoch=epoch) if old else self._value(cause="start", epoch=epoch, previous=None)
        await self._consul.acquire(self._key, value, session=self.session)

    async def release(self, *, cause: Cause, epoch: int, successor: str | None = None) -> bool:
        """Let the lock go, to `successor` if given; False when this replica did not have it."""
        if self.session is None:
            return False
        old = self.lock.value if self.lock else None
        value = self._value(cause=cause, epoch=epoch, previous=old.previous if old else None)
        term = self.lock.term if self.lock else None
        released = await self._consul.release(
            self._key, replace(value, successor=successor), session=self.session
        )
        if released:
            self.released_term = term
        else:
            # It was lost while Consul could not be heard, and the last answer still shows it as ours.
            self.forget()
        return released

    async def depose(self, session: str) -> None:
        """Invalidate the session that holds the lock."""
        await self._consul.destroy_session(session)

    async def end_session(self) -> None:
        """Give the session back at the end of the process; its absence is only logged."""
        session, self.session = self.session, None
        if session is None:
            return
        try:
            await self._consul.destroy_session(session)
        except ConsulError as error:
            log.warning("session not destroyed: it ends with its check", extra={"error": str(error)})

    async def _create_session(self) -> str:
        try:
            self.session = await self._consul.create_session(name=self._replica, check_id=self._check_id)
        except SessionInvalidError:
            self._check_doubted()
            raise
        return self.session

    def _value(self, *, cause: Cause, epoch: int, previous: str | None) -> LockValue:
        return LockValue(replica=self._replica, epoch=epoch, since=utc_now(), reason=cause, previous=previous)
