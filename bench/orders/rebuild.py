"""Number 5: how long it takes to make 1,000,000 positions again after Redis lost all of them.

Position's own rebuild, from a ledger of that size in MariaDB to an empty Redis, every position read back, and
every user's new balances in Kafka's journal. Half as many users have two assets each.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from outcry_services.common.ids import SHARDS
from outcry_services.common.kafka import Publisher
from outcry_services.common.mysql import MySql, MySqlAddress
from outcry_services.common.order_log import ORDER_EVENTS, ORDERS
from outcry_services.common.redis import Redis
from outcry_services.position.ledger_store import LedgerStore
from outcry_services.position.metrics import Metrics
from outcry_services.position.rebuild import Rebuild
from outcry_services.position.topics import JOURNAL
from outcry_services.settlement.schema import migrate
from prometheus_client import CollectorRegistry

from bench.cpu import cpu_seconds
from bench.figures import rounded
from e2e.backends import KafkaServer, MariaDbServer, RedisServer

if TYPE_CHECKING:
    import argparse

    from bench.figures import Figure

__all__ = ["measure"]

ASSETS = {"BTC": 10**8, "USDT": 5 * 10**12}
PARTITIONS = 8
FILL_SECONDS = 600.0


def measure(options: argparse.Namespace, command: str) -> list[Figure]:
    """Fill a ledger, rebuild, count; raises `RuntimeError` when Redis has other keys than it should."""
    with ExitStack() as stack:
        mariadb = stack.enter_context(MariaDbServer())
        redis = stack.enter_context(RedisServer())
        kafka = stack.enter_context(KafkaServer())
        kafka.create_topic(JOURNAL, partitions=PARTITIONS)
        before = cpu_seconds(redis.process.pid)
        seconds, own = asyncio.run(_rebuild(options.positions, mariadb, redis, kafka))
        taken = cpu_seconds(redis.process.pid) - before
        with redis.client() as client:
            found = client.dbsize()
    users = options.positions // len(ASSETS)
    # A cursor and, for each asset, available and held; and the watermark.
    wanted = users * (1 + 2 * len(ASSETS)) + 1
    if found != wanted:
        raise RuntimeError(f"Redis has {found} keys after the rebuild, not {wanted}")
    peers = {"CPU of position": own, "CPU of Redis": taken}
    rate = options.positions / seconds
    return [
        rounded("position.rebuild_seconds", seconds, "s", "lower", command=command, peers=peers),
        rounded("position.rebuild_rate", rate, "positions/s", "higher", command=command),
    ]


async def _rebuild(
    positions: int, mariadb: MariaDbServer, redis: RedisServer, kafka: KafkaServer
) -> tuple[float, float]:
    """Seconds, and CPU seconds of this process."""
    mysql = MySql(MySqlAddress.parse(mariadb.url), statement_seconds=FILL_SECONDS)
    await mysql.open()
    store = Redis(redis.url)
    metrics = CollectorRegistry()
    publisher = Publisher(bootstrap=kafka.bootstrap, client_id="bench", registry=metrics)
    try:
        await migrate(mysql)
        await _fill(mysql, positions // len(ASSETS))
        rebuild = Rebuild(
            store=store,
            publishing=publisher,
            ledger=LedgerStore(mysql),
            metrics=Metrics(metrics),
            partitions=PARTITIONS,
            clock=time.time,
        )
        masters = await store.masters()
        began, used = time.perf_counter(), time.process_time()
        await rebuild.make_good(masters, [{}])
        await publisher.settle()
        return time.perf_counter() - began, time.process_time() - used
    finally:
        await publisher.close()
        await store.close()
        await mysql.close()


async def _fill(mysql: MySql, users: int) -> None:
    """By MariaDB's own sequences, in one transaction an asset."""
    for asset, amount in ASSETS.items():
        async with mysql.transaction() as session:
            await session.execute(
                "INSERT INTO ledger.balances (user_id, asset, available, held, source, position) "
                f"SELECT seq, %s, %s + seq, 0, CONCAT('i:', seq %% {SHARDS}), 1 FROM ledger.seq_1_to_{users}",
                [asset, amount],
            )
    offsets = [(topic, number, 1000) for topic in (ORDERS, ORDER_EVENTS) for number in range(PARTITIONS)]
    async with mysql.transaction() as session:
        await session.execute(
            f"INSERT INTO ledger.cursors SELECT CONCAT('i:', seq), 1, 1000 FROM ledger.seq_0_to_{SHARDS - 1}"
        )
        await session.execute_many("INSERT INTO ledger.offsets VALUES (%s, %s, %s)", offsets)
