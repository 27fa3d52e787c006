"""Group commit: requests of one MySQL server that come together share a transaction.

One transaction of a server runs at a time; what comes in meanwhile is the next one. So under load a batch is
as large as a commit is slow, and alone a request waits for nobody. A request that is cancelled is committed
all the same: its client asks by its key.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from outcry_services.common.errors import TooManyError, UnavailableError
from outcry_services.common.mysql_errors import (
    MySqlBusyError,
    MySqlDeadlockError,
    MySqlLockError,
    MySqlMissingError,
)
from outcry_services.order.entries import Committed
from outcry_services.order.errors import ShardMovingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outcry_services.order.entries import Entry, Outcome
    from outcry_services.order.metrics import CommitMetrics
    from outcry_services.order.ports import CommitStore

__all__ = ["Committer"]

log = logging.getLogger(__name__)

Waiting = tuple["Entry", "asyncio.Future[Outcome]"]

_NOTHING_DONE = (MySqlDeadlockError, MySqlLockError, MySqlBusyError)
ATTEMPTS = 3


class Committer:
    """Of one server. `run` works for as long as the server is in the shard map.

    `committed(shard, rows)` is called right after a commit, in the order of numbers, before anybody is
    answered; `unknown(shards)` when nobody knows what became of a commit.
    """

    def __init__(
        self,
        store: CommitStore,
        *,
        metrics: CommitMetrics,
        committed: Callable[[int, Sequence[tuple[int, bytes]]], None],
        unknown: Callable[[Sequence[int]], None],
        most_entries: int = 256,
        most_waiting: int = 10_000,
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._committed = committed
        self._unknown = unknown
        self._most = most_entries
        self._most_waiting = most_waiting
        self._waiting: deque[Waiting] = deque()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    async def commit(self, entry: Entry) -> Outcome:
        """Wait until the entry is durable.

        Raises `ShardMovingError` (nothing done), `TooManyError` (nothing done), and the errors of MySQL.
        """
        if len(self._waiting) >= self._most_waiting:
            raise TooManyError(
                f"{len(self._waiting)} requests wait for the database; try again later",
                name="ORDER_QUEUE_FULL",
                retry_after=1.0,
            )
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, answered))
        self._idle.clear()
        self._work.set()
        return await answered

    async def run(self) -> None:
        """Commit what waits, for ever."""
        while True:
            await self._work.wait()
            batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            if not self._waiting:
                self._work.clear()
            await self._settle(batch)
            if not self._waiting:
                self._idle.set()

    async def drain(self) -> None:
        """Wait until everything that was asked for is answered; `run` must still run."""
        await self._idle.wait()

    async def _settle(self, batch: list[Waiting]) -> None:
        """Answer everybody in the batch."""
        try:
            outcomes = await self._attempts([entry for entry, _ in batch])
        except MySqlMissingError:
            await self._apart(batch)
        except UnavailableError as error:
            self._unknown(sorted({entry.shard for entry, _ in batch}))
            _fail(batch, error)
        except asyncio.CancelledError:
            _fail(batch, UnavailableError("this process ends; ask what became of the request"))
            raise
        except Exception as error:
            # MySQL refused something, and so took nothing: whoever isn't to blame must not suffer for it.
            if len(batch) > 1:
                for waiting in batch:
                    await self._settle([waiting])
                return
            log.exception("a commit failed", extra={"shard": batch[0][0].shard})
            _fail(batch, error)
        else:
            self._metrics.committed(len(batch))
            self._tell(batch, outcomes)

    async def _attempts(self, entries: list[Entry]) -> list[Outcome]:
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._store.commit(entries)
            except _NOTHING_DONE as error:
                # By their description nothing took effect, and the same work may begin again.
                self._metrics.repeated(error.name)
        return await self._store.commit(entries)

    async def _apart(self, batch: list[Waiting]) -> None:
        """Some shard has left this server: its requests must not hold up those of others."""
        by_shard: dict[int, list[Waiting]] = {}
        for waiting in batch:
            by_shard.setdefault(waiting[0].shard, []).append(waiting)
        if len(by_shard) == 1:
            shard = next(iter(by_shard))
            _fail(batch, ShardMovingError(f"shard {shard} is on its way to another server", retry_after=1.0))
            return
        for part in by_shard.values():
            await self._settle(part)

    def _tell(self, batch: list[Waiting], outcomes: list[Outcome]) -> None:
        rows: dict[int, list[tuple[int, bytes]]] = {}
        for (entry, _), outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Committed):
                rows.setdefault(entry.shard, []).append((outcome.number, outcome.payload))
        for shard, numbered in rows.items():
            self._committed(shard, numbered)
        for (_, answered), outcome in zip(batch, outcomes, strict=True):
            if not answered.done():
                answered.set_result(outcome)


def _fail(batch: list[Waiting], error: Exception) -> None:
    for _, answered in batch:
        if not answered.done():
            answered.set_exception(error)
            # Who doesn't wait any more is not to be warned of it.
            answered.exception()
