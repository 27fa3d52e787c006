"""Settlement, put together and run to its end."""

from __future__ import annotations

import logging
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from outcry.v1.ledger_api_pb2_grpc import add_LedgerServicer_to_server

from outcry_services.common.consul import ConsulKv
from outcry_services.common.health import Health
from outcry_services.common.kafka import DeadLetters, Publisher
from outcry_services.common.lifecycle import Lifecycle
from outcry_services.common.mysql import MySql
from outcry_services.common.pairs import PairCatalog
from outcry_services.common.pressure import PressurePublisher
from outcry_services.common.rpc_server import RpcServer
from outcry_services.common.wallets import WalletDirectory
from outcry_services.settlement.follower import Follower
from outcry_services.settlement.kafka_logs import KafkaLogs
from outcry_services.settlement.lag import LagMeter
from outcry_services.settlement.ledger_store import LedgerStore
from outcry_services.settlement.liabilities.publisher import LiabilityPublisher
from outcry_services.settlement.liabilities.reader import LiabilityReader
from outcry_services.settlement.liabilities.schema import migrate_liabilities
from outcry_services.settlement.metrics import SettlementMetrics
from outcry_services.settlement.pairs_followed import PairsFollowed
from outcry_services.settlement.reading_store import ReadingStore
from outcry_services.settlement.render import scales_of
from outcry_services.settlement.reserves.metrics import SolvencyMetrics
from outcry_services.settlement.reserves.reader import SolvencyReader
from outcry_services.settlement.reserves.watch import SolvencyWatch
from outcry_services.settlement.rpc import LedgerRpc
from outcry_services.settlement.schema import migrate

if TYPE_CHECKING:
    from outcry_services.settlement.settings import SettlementSettings

__all__ = ["STAGE", "SettlementService", "now_millis", "run"]

log = logging.getLogger(__name__)

STAGE = "settlement"


def now_millis() -> int:
    """The wall clock: Kafka stamps records by one."""
    return time.time_ns() // 1_000_000


class SettlementService:
    """One process. `start` gives the gRPC port; what it began ends with the stack and the lifecycle."""

    def __init__(self, settings: SettlementSettings, *, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self.health = Health()
        self.lifecycle = Lifecycle(health=self.health, drain_seconds=settings.drain_seconds)
        self._consul = ConsulKv(settings.consul)
        stack.push_async_callback(self._consul.close)
        self._catalog = PairCatalog(self._consul)
        client_id = f"settlement-{settings.replica}"
        self._publisher = Publisher(
            bootstrap=settings.kafka, client_id=client_id, registry=self.health.registry
        )
        letters = DeadLetters(self._publisher, replica=settings.replica, registry=self.health.registry)
        self._logs = KafkaLogs(settings.kafka, client_id=client_id, dead_letters=letters)
        self.http_port = 0
        self._ready = False
        self.health.ready_if("start", lambda: None if self._ready else "it has not begun yet")

    async def start(self) -> int:
        """Begin everything, in the order in which it is needed."""
        settings, lifecycle, registry = self._settings, self.lifecycle, self.health.registry
        # First of all, so that the kubelet sees a process that is alive while it waits for others.
        self.http_port = await self._stack.enter_async_context(self.health.serve(settings.http_port))
        lifecycle.at_end("publisher", self._publisher.close)
        lifecycle.at_end("readers", self._logs.close)
        writing = await self._open(most_connections=2)
        await migrate(writing, database=settings.ledger_database)
        await migrate_liabilities(writing, database=settings.ledger_database)
        # A check reads everything, on connections of its own.
        reading = await self._open(most_connections=8, statement_seconds=settings.check_seconds)
        metrics = SettlementMetrics(registry)
        store = LedgerStore(writing, database=settings.ledger_database)
        lifecycle.background("pairs", self._catalog.watch())
        await self._catalog.changed(0)
        pairs = PairsFollowed(self._catalog, topics=self._logs.topics)
        await pairs.begin(await store.symbols())
        follower = Follower(
            store=store,
            logs=self._logs,
            symbols=pairs.symbols,
            partitions=await self._logs.partitions(),
            metrics=metrics,
            most_pending=settings.most_pending,
            most_steps=settings.batch_steps,
        )
        lifecycle.background("books", follower.run())
        lifecycle.background("topics", pairs.watch(follower.pairs_changed))
        meter = LagMeter(follower, catalog=self._catalog, metrics=metrics, clock=now_millis)
        pressure = PressurePublisher(
            self._publisher, stage=STAGE, replica=settings.replica, measure=meter.measure
        )
        lifecycle.background("pressure", pressure.run())
        self.health.ready_if("ledger", follower.unopened)
        self.health.ready_if("pairs", self._catalog.unread)
        return await self._listen(reading)

    async def _open(self, *, most_connections: int, statement_seconds: float = 10.0) -> MySql:
        mysql = MySql(
            self._settings.address(), most_connections=most_connections, statement_seconds=statement_seconds
        )
        await mysql.open()
        self._stack.push_async_callback(mysql.close)
        return mysql

    async def _listen(self, reading: MySql) -> int:
        settings = self._settings
        database = settings.ledger_database
        store = ReadingStore(reading, database=database)
        wallets = WalletDirectory(self._consul)
        self._stack.push_async_callback(wallets.close)
        self.lifecycle.background("wallets", wallets.watch())

        def scales() -> dict[str, int]:
            return scales_of(self._catalog.pairs())

        solvency = SolvencyReader(store, wallets, scales=scales, database=database)
        watch = SolvencyWatch(solvency, wallets, SolvencyMetrics(self.health.registry), now=time.time)
        self.lifecycle.background("solvency", watch.run(seconds=settings.solvency_seconds))
        server = RpcServer(registry=self.health.registry, deadline_seconds=settings.check_seconds)
        rpc = LedgerRpc(
            store,
            publisher=LiabilityPublisher(reading, store, database=database),
            liabilities=LiabilityReader(reading, database=database),
            solvency=solvency,
            scales=scales,
            now=time.time_ns,
        )
        add_LedgerServicer_to_server(rpc, server.server)
        port = await server.start(settings.grpc_port)
        self.lifecycle.at_end("grpc", lambda: server.drain(seconds=settings.drain_seconds))
        self._ready = True
        log.info("settlement answers", extra={"port": port})
        return port


async def run(settings: SettlementSettings) -> None:
    """Serve until SIGTERM."""
    async with AsyncExitStack() as stack:
        service = SettlementService(settings, stack=stack)
        await service.start()
        await service.lifecycle.run()
