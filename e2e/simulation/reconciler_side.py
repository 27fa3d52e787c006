"""The reconciler in a simulation: its parts over fakes, wired as its `service` does."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from outcry_services.reconciler.floor_follower import FloorFollower
from outcry_services.reconciler.guard import Guard
from outcry_services.reconciler.journal import Journal
from outcry_services.reconciler.metrics import Metrics
from outcry_services.reconciler.prices import Prices
from outcry_services.reconciler.records import Records, migrate
from outcry_services.reconciler.repairer import Bounds, Repairer
from outcry_services.reconciler.server_log import ServerLog
from outcry_services.reconciler.sweep import Sweeper
from outcry_services.reconciler.watcher import Watcher
from prometheus_client import CollectorRegistry

from e2e.simulation.chance import Chance
from e2e.simulation.consul import FakeConsul
from e2e.simulation.kafka_ends import FakeLogPass
from e2e.simulation.kafka_publisher import FakePublisher
from e2e.simulation.loop import simulate
from e2e.simulation.market import PARTITIONS
from e2e.simulation.mysql_client import FakeMySql
from e2e.simulation.mysql_rows import FakeBinlog
from e2e.simulation.redis_server import FakeRedis

if TYPE_CHECKING:
    from e2e.simulation.mysql_server import FakeMySqlServer
    from e2e.simulation.world import World

__all__ = ["LOGGED", "PAUSE_ABOVE", "live_as_reconciler", "make_records"]

LOGGED = ("ledger.balances", "ledger.holds")
PAUSE_ABOVE = 400
"""Of BTC's ledger units: what somebody breaks in a story is worth less as often as more."""
BOUNDS = Bounds(most_sats=1 << 40, most_an_hour=1000)
"""Whoever breaks things here can't wait for a person."""
FLOOR_SECONDS = 1.0
PATIENCE_SECONDS = 5.0
SWEEP_SECONDS = 5.0
AHEAD_SECONDS = 3.0


def make_records(server: FakeMySqlServer) -> None:
    """As the reconciler's migration does."""
    simulate(migrate(FakeMySql(server)), Chance())  # type: ignore[arg-type]


class _Reconciler:
    """What its `service.Reconciler` holds."""

    def __init__(self, world: World) -> None:
        loop, chance = asyncio.get_running_loop(), world.chance
        mysql: Any = FakeMySql(world.mysql, chance)
        redis: Any = FakeRedis(world.redis, chance)
        consul: Any = FakeConsul(world.consul, chance)
        publisher: Any = FakePublisher(world.kafka, chance)
        passes: Any = partial(FakeLogPass.opened, world.kafka, chance)
        metrics = Metrics(CollectorRegistry())
        records = Records(mysql, clock=_nanos)
        self.floors = FloorFollower(
            mysql=mysql,
            redis=redis,
            clock=loop.time,
            seconds=FLOOR_SECONDS,
            patience_seconds=PATIENCE_SECONDS,
        )
        self.guard = Guard(
            consul, records, most=lambda: PAUSE_ABOVE, name="reconciler sim", metrics=metrics, clock=_nanos
        )
        self.repairer = Repairer(
            mysql=mysql,
            redis=redis,
            records=records,
            guard=self.guard,
            journal=Journal(redis=redis, publisher=publisher, records=records, partitions=lambda: PARTITIONS),
            metrics=metrics,
            floor=self.floors.now,
            ledger_moved=self._ledger_moved,
            value=Prices(passes=passes, pairs=lambda: world.pairs).worth,
            bounds=lambda: BOUNDS,
            passes=passes,
        )
        self.watcher = Watcher(
            mysql=mysql,
            redis=redis,
            binlog=FakeBinlog(world.mysql.rows, chance),
            server=ServerLog(mysql),
            records=records,
            floors=self.floors,
            repairer=self.repairer,
            metrics=metrics,
            clock=loop.time,
            ahead_seconds=AHEAD_SECONDS,
        )
        self.sweeper = Sweeper(
            mysql=mysql,
            redis=redis,
            watcher=self.watcher,
            metrics=metrics,
            seconds=SWEEP_SECONDS,
            clock=loop.time,
            now=loop.time,
        )

    async def live(self) -> None:
        """Until killed."""
        await self.repairer.begin()
        async with asyncio.TaskGroup() as group:
            for work in (
                self.guard.watch(),
                self.floors.follow(),
                self.watcher.follow(),
                self.watcher.compare(),
                self.watcher.mend(),
                self.watcher.wake(),
                self.sweeper.run(),
            ):
                group.create_task(work)

    async def _ledger_moved(self) -> None:
        await self.watcher.moved()


async def live_as_reconciler(world: World) -> None:
    """One replica's life."""
    await _Reconciler(world).live()


def _nanos() -> int:
    return int(asyncio.get_running_loop().time() * 1e9)
