"""Shards on real servers."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from outcry_services.order.migrate import migrate

from e2e.backends import MariaDbServer
from services.tests.order.desk import PARTITIONS, opened

_shards = itertools.count(1)


@pytest.fixture(scope="session")
def shard_server():
    """A MariaDB whose commits are as durable as in production, and whose tables are quick to make."""
    with MariaDbServer(settings={"innodb-file-per-table": "0"}) as server:
        yield server


@pytest.fixture(scope="session")
def other_server():
    """Another one, to which shards move."""
    with MariaDbServer(server_id=2, settings={"innodb-file-per-table": "0"}) as server:
        yield server


@pytest.fixture
def shards_of_test(shard_server):
    """Four shards that no other test has."""
    shards = [next(_shards) for _ in range(4)]

    async def make():
        async with opened(shard_server) as mysql:
            await migrate(mysql, shards, made=lambda _: None)

    asyncio.run(make())
    return shards


@pytest.fixture
def orders_topic(kafka):
    """The topic that the service writes."""
    if "orders" not in kafka.admin.list_topics(timeout=10).topics:
        kafka.create_topic("orders", partitions=PARTITIONS)
    return "orders"
