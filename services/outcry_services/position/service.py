"""The position service, put together and run to its end."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from outcry.v1.position_api_pb2_grpc import add_PositionsServicer_to_server

from outcry_services.common.consul import ConsulKv
from outcry_services.common.health import Health
from outcry_services.common.kafka import DeadLetters, Publisher
from outcry_services.common.lifecycle import Lifecycle
from outcry_services.common.mysql import MySql, MySqlAddress
from outcry_services.common.pairs import PairCatalog
from outcry_services.common.pressure import PressurePublisher
from outcry_services.common.redis import Redis
from outcry_services.common.redis_servers import Admission
from outcry_services.common.rpc_server import RpcServer
from outcry_services.position.backlogs import Backlogs
from outcry_services.position.flow import Flow
from outcry_services.position.kafka_logs import CatalogPairs, KafkaLogs, KafkaTopics
from outcry_services.position.ledger_store import LedgerStore
from outcry_services.position.metrics import Metrics
from outcry_services.position.proof import Proof
from outcry_services.position.rebuild import NoLedger, Rebuild
from outcry_services.position.rpc import PositionsRpc
from outcry_services.position.run import Means

if TYPE_CHECKING:
    from outcry_services.position.settings import PositionSettings

__all__ = ["run"]

log = logging.getLogger(__name__)


async def run(settings: PositionSettings) -> None:
    """Serve until SIGTERM; raises `ConfigError`, `TopicMissingError`, and what ended the flow."""
    health = Health()
    async with AsyncExitStack() as stack:
        publisher = Publisher(
            bootstrap=settings.kafka, client_id=f"position-{settings.replica}", registry=health.registry
        )
        letters = DeadLetters(publisher, replica=settings.replica, registry=health.registry)
        logs = KafkaLogs(bootstrap=settings.kafka, replica=settings.replica, dead_letters=letters)
        topics = KafkaTopics(bootstrap=settings.kafka)
        catalog = PairCatalog(ConsulKv(settings.consul))
        lifecycle = Lifecycle(health=health, drain_seconds=settings.drain_seconds)
        lifecycle.background("pairs", catalog.watch())
        pairs = CatalogPairs(catalog, topics)
        # Who reads balances is let in by the same, so that nobody reads from a Redis that came back empty.
        admission = Admission()
        store, asked = (
            Redis(settings.redis, password=settings.redis_password, admission=admission) for _ in range(2)
        )
        for redis in (store, asked):
            stack.push_async_callback(redis.close)
        metrics = Metrics(health.registry)
        partitions = await topics.partitions()
        backlogs = Backlogs(catalog=catalog, clock=asyncio.get_running_loop().time)
        means = Means(
            store=store,
            logs=logs,
            publishing=publisher,
            topics=topics,
            pairs=pairs,
            sent=backlogs,
            metrics=metrics,
            partitions=partitions,
        )
        ledger = await _ledger(settings, stack)
        rebuild = Rebuild(
            store=store,
            publishing=publisher,
            ledger=ledger or NoLedger(),
            metrics=metrics,
            partitions=partitions,
            clock=time.time,
        )
        flow = Flow(means, rebuild=rebuild, proof=Proof(ledger) if ledger is not None else None)
        metrics.gaps(flow.gaps)
        for name, problem in {
            "publisher": publisher.problem,
            "logs": logs.problem,
            "pairs": catalog.unread,
            "flow": flow.problem,
        }.items():
            health.ready_if(name, problem)
        lifecycle.at_end("publisher", publisher.close)
        lifecycle.background("flow", _flow(catalog, pairs, flow))
        for stage, measure in {"engine": backlogs.engines, "position": lambda: backlogs.own(flow)}.items():
            told = PressurePublisher(publisher, stage=stage, replica=settings.replica, measure=measure)
            lifecycle.background(f"pressure of {stage}", told.run())
        server = RpcServer(registry=health.registry)
        positions = PositionsRpc(scripts=asked, catalog=catalog, whole=flow.whole)
        add_PositionsServicer_to_server(positions, server.server)
        port = await server.start(settings.grpc_port)
        lifecycle.at_end("grpc", lambda: server.drain(seconds=settings.drain_seconds))
        await stack.enter_async_context(health.serve(settings.http_port))
        log.info("position answers", extra={"port": port, "partitions": partitions})
        await lifecycle.run()


async def _flow(catalog: PairCatalog, pairs: CatalogPairs, flow: Flow) -> None:
    """The pairs first: a replay that leaves one out would decide without its credits."""
    await catalog.changed(0)
    await pairs.look()
    await flow.run()


async def _ledger(settings: PositionSettings, stack: AsyncExitStack) -> LedgerStore | None:
    if not settings.ledger:
        return None
    mysql = MySql(_address(settings), most_connections=2, statement_seconds=60.0)
    await mysql.open()
    stack.push_async_callback(mysql.close)
    return LedgerStore(mysql)


def _address(settings: PositionSettings) -> MySqlAddress:
    url = settings.ledger
    if settings.mysql_user and "@" not in url:
        url = url.replace("mysql://", f"mysql://{settings.mysql_user}@", 1)
    return MySqlAddress.parse(url, password=settings.mysql_password)
