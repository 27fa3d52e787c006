"""Databases are made once, by however many at a time, and never anew where they were moved away."""

from __future__ import annotations

import asyncio

import pytest
from outcry_services.common.ids import database_of
from outcry_services.order.errors import ShardMapError
from outcry_services.order.migrate import migrate
from outcry_services.order.schema import MOVED, TABLES

from services.tests.order.desk import opened

pytestmark = pytest.mark.integration

SHARDS = range(1001, 1005)


async def test_it_can_be_run_again_at_once_and_where_it_was_ended(shard_server):
    made = []
    async with opened(shard_server) as mysql:
        database = database_of(SHARDS[0])
        # As one that was ended in the middle left it.
        shard_server.execute(f"CREATE DATABASE {database}")
        shard_server.execute(
            f"CREATE TABLE {database}.published (id TINYINT UNSIGNED PRIMARY KEY, number BIGINT)"
        )
        await asyncio.gather(*(migrate(mysql, SHARDS, made=made.append) for _ in range(2)))
        assert sorted(made) == sorted([*SHARDS, *SHARDS])
        for shard in SHARDS:
            tables = shard_server.execute(f"SHOW TABLES FROM {database_of(shard)}")
            assert {name for (name,) in tables} == set(TABLES)
            assert shard_server.execute(f"SELECT * FROM {database_of(shard)}.counter") == [(1, 1, 0)]
        shard_server.execute(f"UPDATE {database}.counter SET last = 7, incarnation = 2")
        await migrate(mysql, SHARDS, made=made.append)
    assert shard_server.execute(f"SELECT * FROM {database}.counter") == [(1, 2, 7)]


NEWER = ("withdrawals", "withdrawal_steps")


@pytest.mark.parametrize("begun", [(), NEWER[:1]])
async def test_a_database_of_a_version_with_fewer_tables_gets_them_with_their_rows(shard_server, begun):
    shard = 1011
    database = database_of(shard)
    async with opened(shard_server) as mysql:
        await migrate(mysql, [shard], made=lambda _: None)
        shard_server.execute(
            f"INSERT INTO {database}.instructions (number, kind, user_id, reference, digest, asset, scale, "
            "amount, detail, actor, created) VALUES (3, 'WITHDRAWAL', %s, 'r', '', 'BTC', 8, 5, '', '', 9)",
            [shard],
        )
        for table in set(NEWER) - set(begun):
            shard_server.execute(f"DROP TABLE {database}.{table}")
        await migrate(mysql, [shard], made=lambda _: None)
    assert shard_server.execute(f"SELECT number, stage FROM {database}.withdrawals") == [(3, "PENDING")]
    assert {name for (name,) in shard_server.execute(f"SHOW TABLES FROM {database}")} == set(TABLES)
    shard_server.execute(f"DROP DATABASE {database}")


async def test_a_shard_that_was_moved_away_is_not_made_anew(shard_server):
    shard = 1010
    async with opened(shard_server) as mysql:
        await migrate(mysql, [shard], made=lambda _: None)
        database = database_of(shard)
        shard_server.execute(f"RENAME TABLE {database}.counter TO {database}.{MOVED}counter")
        with pytest.raises(ShardMapError, match="moved away"):
            await migrate(mysql, [shard], made=lambda _: None)
    shard_server.execute(f"DROP DATABASE {database}")
