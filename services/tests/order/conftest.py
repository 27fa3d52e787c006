"""Shards on real servers."""

from __future__ import annotations

import asyncio
import itertools
import json

import pytest
from outcry_services.order.__main__ import main
from outcry_services.order.migrate import migrate

from e2e.backends import MariaDbServer
from services.tests.order.desk import PARTITIONS, opened, url_of

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


@pytest.fixture(scope="session")
def shard_map(shard_server, other_server, tmp_path_factory):
    """All 1024 databases, on two servers; gives the file with the map."""
    path = tmp_path_factory.mktemp("order") / "shard-map.json"
    servers = {"a": url_of(shard_server), "b": url_of(other_server)}
    path.write_text(
        json.dumps({"version": 1, "servers": servers, "ranges": [[0, 799, "a"], [800, 1023, "b"]]})
    )
    return path


@pytest.fixture
def environment(monkeypatch, kafka, consul, shard_map):
    consul.delete("kv/outcry/shards")
    for name, value in {
        "KAFKA": kafka.bootstrap,
        "CONSUL": consul.url,
        "SHARD_MAP_FILE": str(shard_map),
        "MYSQL_USER": "root",
        "GRPC_PORT": "0",
        "HTTP_PORT": "0",
    }.items():
        monkeypatch.setenv(f"OUTCRY_{name}", value)
    return monkeypatch


@pytest.fixture
def migrated(environment, capsys):
    """As the job does it, twice."""
    main(["migrate"])
    told = capsys.readouterr().out
    assert "made 1024 of 1024 databases" in told
    main(["migrate", "--shards", "0-1023"])
    return environment
