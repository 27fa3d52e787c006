"""A shard that was restored from a backup goes on above everything that it ever numbered."""

from __future__ import annotations

import pytest
from outcry_services.common.ids import OrderId, database_of
from outcry_services.order.restored import logged, restored

from services.tests.order.desk import PARTITIONS, desk, limit, opened, publishing, whole_map
from services.tests.order.orders_log import published, without_repeats

pytestmark = pytest.mark.integration


async def test_numbers_go_on_above_the_log(kafka, shard_server, shards_of_test, orders_topic):
    shard, other = shards_of_test[:2]
    database = database_of(shard)
    servers = whole_map({"a": shard_server})
    async with publishing(kafka, "before") as log, desk(servers, log=log) as at:
        at.dispatcher.learn(await at.shards._servers["a"].store.unpublished(shards_of_test))
        rows = [await at.intake.create(shard, limit()) for _ in range(5)]
        await at.intake.cancel(shard, rows[0].order_id)
        await at.dispatcher.settled()
    # A backup made after the third order knows nothing of what came behind it.
    shard_server.execute(f"DELETE FROM {database}.orders WHERE order_id > %s", [rows[2].order_id])
    shard_server.execute(f"DELETE FROM {database}.outbox WHERE number > 3")
    shard_server.execute(f"UPDATE {database}.counter SET last = 3")
    found = await logged(kafka.bootstrap, [shard, other], partitions=PARTITIONS)
    assert (found[shard].incarnation, found[shard].number, found[other].number) == (1, 6, 0)
    async with opened(shard_server) as mysql:
        lacking = await restored(mysql, shard, found[shard])
        assert await restored(mysql, other, found[other]) == ()
    assert lacking == tuple(row.order_id for row in rows[3:])
    assert shard_server.execute(f"SELECT incarnation, last FROM {database}.counter") == [(2, 6)]
    async with publishing(kafka, "after") as log, desk(servers, log=log) as at:
        at.dispatcher.learn(await at.shards._servers["a"].store.unpublished(shards_of_test))
        row = await at.intake.create(shard, limit())
        await at.dispatcher.settled()
    assert OrderId.of(row.order_id).number == 7
    instructions = without_repeats(published(kafka, shard))
    assert [(each.incarnation, each.number) for each in instructions[-2:]] == [(1, 6), (2, 7)]
