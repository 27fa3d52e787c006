"""The reconciler as a process: everything made, connected, run side by side, and ended."""

from __future__ import annotations

import logging
import time
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from outcry_services.common.consul import ConsulKv
from outcry_services.common.health import Health
from outcry_services.common.kafka import Publisher
from outcry_services.common.lifecycle import Lifecycle
from outcry_services.common.money import parse
from outcry_services.common.mysql import MySql, MySqlAddress
from outcry_services.common.pairs import PairCatalog
from outcry_services.common.redis import Redis
from outcry_services.reconciler.binlog import Binlog
from outcry_services.reconciler.floor_follower import FloorFollower
from outcry_services.reconciler.guard import Guard
from outcry_services.reconciler.journal import Journal
from outcry_services.reconciler.log import JOURNAL
from outcry_services.reconciler.log_pass import opened, partitions_of
from outcry_services.reconciler.metrics import Metrics
from outcry_services.reconciler.prices import Prices, btc_scale
from outcry_services.reconciler.records import Records, migrate
from outcry_services.reconciler.repairer import Bounds, Repairer
from outcry_services.reconciler.server_log import ServerLog
from outcry_services.reconciler.sweep import Sweeper
from outcry_services.reconciler.watcher import Watcher

if TYPE_CHECKING:
    from outcry_services.reconciler.settings import Settings

__all__ = ["Reconciler", "address_of", "run"]

log = logging.getLogger(__name__)

NAME = "reconciler"
TABLES = frozenset({"balances", "holds"})
FLOOR_SECONDS = 30.0


def address_of(settings: Settings) -> MySqlAddress:
    """Where the ledger is, and as whom it is asked."""
    url = settings.ledger.replace("mysql://", f"mysql://{settings.mysql_user}@", 1)
    return MySqlAddress.parse(url, password=settings.mysql_password)


class Reconciler:
    """Every part, made of the settings; tests reach in."""

    def __init__(self, settings: Settings, health: Health) -> None:
        self._settings = settings
        self.health = health
        self.metrics = Metrics(health.registry)
        self.mysql = MySql(address_of(settings))
        self.redis = Redis(settings.redis, password=settings.redis_password)
        self.consul = ConsulKv(settings.consul)
        self.pairs = PairCatalog(self.consul)
        self.publisher = Publisher(bootstrap=settings.kafka, client_id=NAME, registry=health.registry)
        self.records = Records(self.mysql, clock=time.time_ns)
        self.server = ServerLog(self.mysql)
        self.floors = FloorFollower(mysql=self.mysql, redis=self.redis, clock=time.monotonic)
        self.guard = Guard(
            self.consul,
            self.records,
            most=lambda: self._btc(settings.pause_above_btc),
            name=f"{NAME} {settings.replica}",
            metrics=self.metrics,
            clock=time.time_ns,
        )
        passes = partial(opened, settings.kafka, NAME)
        prices = Prices(passes=passes, pairs=self.pairs.pairs)
        self.journal = Journal(
            redis=self.redis,
            publisher=self.publisher,
            records=self.records,
            partitions=lambda: partitions_of(settings.kafka, NAME, JOURNAL),
        )
        self.repairer = Repairer(
            mysql=self.mysql,
            redis=self.redis,
            records=self.records,
            guard=self.guard,
            journal=self.journal,
            metrics=self.metrics,
            floor=self.floors.now,
            ledger_moved=self._ledger_moved,
            value=prices.worth,
            bounds=self._bounds,
            passes=passes,
        )
        self.watcher: Watcher = Watcher(
            mysql=self.mysql,
            redis=self.redis,
            binlog=Binlog(
                self.mysql.address,
                server_id=settings.binlog_server_id,
                schema="ledger",
                tables=TABLES,
            ),
            server=self.server,
            records=self.records,
            floors=self.floors,
            repairer=self.repairer,
            metrics=self.metrics,
            clock=time.monotonic,
            ahead_seconds=settings.ahead_seconds,
        )
        self.sweeper = Sweeper(
            mysql=self.mysql,
            redis=self.redis,
            watcher=self.watcher,
            metrics=self.metrics,
            seconds=settings.sweep_seconds,
            clock=time.monotonic,
            now=time.time,
        )
        self.metrics.floor_age.set_function(self.floors.age)
        health.ready_if("pairs", self.pairs.unread)
        health.ready_if("kafka", self.publisher.problem)
        health.ready_if("floor", self._floor_problem)

    async def begin(self, lifecycle: Lifecycle) -> None:
        """Open the stores, take up what was left, and start all loops."""
        for name, end in (
            ("mysql", self.mysql.close),
            ("redis", self.redis.close),
            ("consul", self.consul.close),
            ("publisher", self.publisher.close),
        ):
            lifecycle.at_end(name, end)
        await self.mysql.open()
        await self.server.require_rows()
        await migrate(self.mysql)
        await self.repairer.begin()
        for name, work in (
            ("pairs", self.pairs.watch()),
            ("withdrawals", self.guard.watch()),
            ("floor", self.floors.follow()),
            ("binlog", self.watcher.follow()),
            ("compare", self.watcher.compare()),
            ("mend", self.watcher.mend()),
            ("wake", self.watcher.wake()),
            ("sweep", self.sweeper.run()),
        ):
            lifecycle.background(name, work)

    async def _ledger_moved(self) -> None:
        await self.watcher.moved()

    def _btc(self, text: str) -> int:
        return parse(text, scale=btc_scale(self.pairs.pairs()))

    def _bounds(self) -> Bounds:
        return Bounds(
            most_sats=self._btc(self._settings.repair_most_btc),
            most_an_hour=self._settings.repairs_an_hour,
        )

    def _floor_problem(self) -> str | None:
        age = self.floors.age()
        return f"the floor has not risen for {age:.0f} s" if age > FLOOR_SECONDS else None


async def run(settings: Settings) -> None:
    """Until SIGTERM; raises what ended it."""
    health = Health()
    lifecycle = Lifecycle(health=health, drain_seconds=settings.drain_seconds)
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(health.serve(settings.http_port))
        log.info("the reconciler begins", extra={"http_port": port})
        await Reconciler(settings, health).begin(lifecycle)
        await lifecycle.run()
