"""What is compared, and when: users whose rows change, everybody now and then, who differed again.

    binary log ─ changed rows ─┐
    sweep ─ users and keys ────┼→ dirty users → compared in batches → different → repairer
    waiting, repaired ─────────┘

Everything is compared when a process begins, so the stored position of the binary log only spares work.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from outcry_services.common.errors import InternalError, UnavailableError
from outcry_services.reconciler.cut import Compared, Waiting, compare
from outcry_services.reconciler.dirty import Dirty
from outcry_services.reconciler.errors import BinlogAwayError, BinlogLostError
from outcry_services.reconciler.ledger_view import read_assets, read_ledger
from outcry_services.reconciler.redis_view import RedisView, read_users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from outcry_services.common.mysql import MySql
    from outcry_services.common.redis import Redis
    from outcry_services.reconciler.binlog import BinlogPosition, Chunk
    from outcry_services.reconciler.floor_follower import FloorFollower
    from outcry_services.reconciler.metrics import Metrics
    from outcry_services.reconciler.ports import RowLog
    from outcry_services.reconciler.records import Records
    from outcry_services.reconciler.repairer import Repairer
    from outcry_services.reconciler.server_log import ServerLog

__all__ = ["Watcher"]

log = logging.getLogger(__name__)

_BATCH = 200
_PAUSE = 0.5


class Watcher:
    """Runs `follow`, `compare` and `mend` side by side; `clock` gives seconds."""

    def __init__(
        self,
        *,
        mysql: MySql,
        redis: Redis,
        binlog: RowLog,
        server: ServerLog,
        records: Records,
        floors: FloorFollower,
        repairer: Repairer,
        metrics: Metrics,
        clock: Callable[[], float],
        ahead_seconds: float,
    ) -> None:
        self._mysql = mysql
        self._redis = redis
        self._binlog = binlog
        self._server = server
        self._records = records
        self._floors = floors
        self._repairer = repairer
        self._metrics = metrics
        self._clock = clock
        self._ahead = ahead_seconds
        self.dirty = Dirty()
        self.assets: set[str] = set()
        self.sweep_now = asyncio.Event()
        self._moved = asyncio.Event()
        self._waiting: dict[int, float] = {}
        self._different: asyncio.Queue[Compared] = asyncio.Queue()
        self._mending: set[int] = set()
        self._positions: deque[tuple[int, BinlogPosition]] = deque()
        self._server_id = 0
        metrics.queued.set_function(lambda: len(self.dirty))
        metrics.waiting.set_function(lambda: len(self._waiting))
        metrics.oldest_wait.set_function(self._oldest_wait)

    async def follow(self) -> None:
        """Read the binary log for ever, from where it was compared to last."""
        self._server_id, position = await self._begin()
        while True:
            try:
                async for chunk in self._binlog.follow(position):
                    await self._take(chunk)
                    position = chunk.position
            except BinlogAwayError as error:
                log.warning("the binary log broke off", extra={"why": error.message})
            except BinlogLostError as error:
                log.exception("changes were missed: everything is swept", extra={"why": error.message})
                position = (await self._server.end()).position
                self.sweep_now.set()
            await asyncio.sleep(_PAUSE)

    async def compare(self) -> None:
        """Compare dirty users for ever."""
        while True:
            users = await self.dirty.take(_BATCH)
            try:
                await self._compare(users)
            except UnavailableError as error:
                log.warning("users can't be compared now", extra={"why": error.message, "users": len(users)})
                self.dirty.add((user, asset) for user, assets in users.items() for asset in assets or ("",))
                await asyncio.sleep(_PAUSE)
            self.dirty.done()
            await self._store_position()

    async def mend(self) -> None:
        """Hand over who was found different, many at a time, and compare them again."""
        while True:
            found = [await self._different.get()]
            while not self._different.empty() and len(found) < _BATCH:
                found.append(self._different.get_nowait())
            try:
                await self._repairer.handle(found, self.assets)
            except UnavailableError as error:
                log.warning("differences can't be repaired now", extra={"why": error.message})
                await self._take_up()
            except InternalError:
                log.exception("differences can't be repaired")
                await self._take_up()
            self._mending.difference_update(one.user_id for one in found)

    async def _take_up(self) -> None:
        """Bring what broke off to its end, as the next process would: it may be done, and not be told of."""
        while True:
            await asyncio.sleep(_PAUSE)
            try:
                await self._repairer.begin()
            except UnavailableError as error:
                log.warning("what broke off can't be taken up", extra={"why": error.message})
            else:
                return

    async def moved(self) -> None:
        """Wait until the ledger has moved, or, if it doesn't, a moment."""
        try:
            async with asyncio.timeout(_PAUSE):
                await self._moved.wait()
        except TimeoutError:
            return

    async def wake(self) -> None:
        """Compare those again who wait, whenever the ledger has moved."""
        while True:
            await self.moved()
            if self._waiting:
                self.dirty.add((user, "") for user in self._waiting)

    async def _begin(self) -> tuple[int, BinlogPosition]:
        end = await self._server.end()
        stored = await self._records.position()
        # Another server's file of the same name is another log.
        same = stored is not None and stored[0] == end.server_id
        return end.server_id, stored[1] if stored is not None and same else end.position

    async def _take(self, chunk: Chunk) -> None:
        self._metrics.rows.inc(len(chunk.changes))
        users = dict.fromkeys((int(one.row["user_id"]), str(one.row["asset"])) for one in chunk.changes)
        ticket = await self.dirty.put(users)
        self._positions.append((ticket, chunk.position))
        self._moved.set()
        self._moved = asyncio.Event()

    async def _compare(self, users: dict[int, set[str]]) -> None:
        floor = await self._floors.floor()
        if not self.assets:
            self.assets |= await read_assets(self._mysql)
        self.assets.update(*users.values())
        here = await read_users(self._redis, dict.fromkeys(users, self.assets))
        there = await read_ledger(self._mysql, users, behind=floor.entry)
        equal = []
        for redis in here:
            outcome = compare(redis, there[redis.user_id], floor)
            if isinstance(outcome, Waiting):
                self._waiting.setdefault(redis.user_id, self._clock())
                continue
            self._waiting.pop(redis.user_id, None)
            self._metrics.compared.inc()
            if outcome.unasked:
                self.dirty.add((redis.user_id, asset) for asset in outcome.unasked)
                continue
            if outcome.differences:
                self._differs(outcome)
            else:
                equal.append(redis.user_id)
        await self._repairer.agreed(user for user in equal if user not in self._mending)
        await self._look_beyond(here)

    def _differs(self, outcome: Compared) -> None:
        if outcome.user_id not in self._mending:
            self._mending.add(outcome.user_id)
            self._different.put_nowait(outcome)

    async def _look_beyond(self, here: Iterable[RedisView]) -> None:
        long = [
            one for one in here if self._clock() - self._waiting.get(one.user_id, self._clock()) > self._ahead
        ]
        if not long:
            return
        for one in long:
            self._waiting[one.user_id] = self._clock()
        for outcome in await self._repairer.look_beyond(long):
            if outcome.differences:
                self._differs(outcome)

    async def _store_position(self) -> None:
        oldest = self.dirty.oldest()
        done = None
        while self._positions and self._positions[0][0] < oldest:
            _, done = self._positions.popleft()
        if done is not None:
            await self._records.move(self._server_id, done)

    def _oldest_wait(self) -> float:
        return self._clock() - min(self._waiting.values(), default=self._clock())
