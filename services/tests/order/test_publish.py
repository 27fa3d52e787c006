"""What is committed is published: in order, without gaps, whatever dies in between."""

from __future__ import annotations

import asyncio

import pytest
from outcry_services.common.ids import database_of

from services.tests.order.desk import desk, limit, publishing, whole_map
from services.tests.order.orders_log import published, without_repeats

pytestmark = pytest.mark.integration


@pytest.fixture
def one_server(shard_server):
    return whole_map({"a": shard_server})


async def learn(at, shards):
    """As the service begins, of these shards alone."""
    found = await at.shards._servers["a"].store.unpublished(shards)
    return at.dispatcher.learn(found)


async def test_instructions_are_published_as_they_were_committed(
    kafka, shard_server, one_server, shards_of_test, orders_topic
):
    user = shards_of_test[0]
    async with publishing(kafka, "plain") as log, desk(one_server, log=log) as at:
        await learn(at, shards_of_test)
        row = await at.intake.create(user, limit(client_order_id="mine"))
        await at.intake.cancel(user, row.order_id)
        await at.intake.cancel_all(user, "BTC-USDT", "BUY")
        await at.dispatcher.settled()
        await at.upkeep.store()
        assert at.dispatcher.unpublished() == 0
    created, cancel, mass = published(kafka, user)
    assert [each.number for each in (created, cancel, mass)] == [1, 2, 3]
    assert {each.incarnation for each in (created, cancel, mass)} == {1}
    assert {each.user_id for each in (created, cancel, mass)} == {user}
    order = created.order_created
    assert (order.symbol, order.client_order_id) == ("BTC-USDT", "mine")
    assert (order.order.order_id, order.order.user_id) == (row.order_id, user)
    assert (order.order.price, order.order.quantity) == (2_000_000, 50_000)
    assert (order.hold_asset, order.hold, order.hold_per_unit) == ("USDT", 10_000 * 10**8, 20_000_000)
    assert (order.quote_units_per_tick_lot, order.base_units_per_lot) == (10, 1000)
    assert cancel.cancel_requested.order_id == row.order_id
    assert mass.mass_cancel_requested.symbol == "BTC-USDT"
    # Published rows leave the outbox.
    assert shard_server.execute(f"SELECT COUNT(*) FROM {database_of(user)}.outbox") == [(0,)]
    assert shard_server.execute(f"SELECT number FROM {database_of(user)}.published") == [(3,)]


async def test_what_a_dead_process_left_unpublished_is_swept_in_order(
    kafka, one_server, shards_of_test, orders_topic
):
    user = shards_of_test[0]
    async with publishing(kafka, "first") as log, desk(one_server, log=log) as at:
        await learn(at, shards_of_test)
        for _ in range(3):
            await at.intake.create(user, limit())
        await at.dispatcher.settled()
        await at.upkeep.store()
    # This one commits, and dies before it publishes anything.
    async with desk(one_server) as dying:
        for _ in range(4):
            await dying.intake.create(user, limit())
    assert [each.number for each in published(kafka, user)] == [1, 2, 3]
    async with publishing(kafka, "second") as log, desk(one_server, log=log) as at:
        assert await learn(at, shards_of_test) == 4
        await at.intake.create(user, limit())
        await at.dispatcher.settled()
    assert [each.number for each in published(kafka, user)] == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_two_replicas_publish_one_shard_without_a_gap(kafka, one_server, shards_of_test, orders_topic):
    user = shards_of_test[0]
    async with (
        publishing(kafka, "one") as first,
        publishing(kafka, "two") as second,
        desk(one_server, log=first) as one,
        desk(one_server, log=second) as two,
    ):
        for at in (one, two):
            await learn(at, shards_of_test)
        for _ in range(10):
            await asyncio.gather(*(at.intake.create(user, limit()) for at in (one, two) for _ in range(5)))
        await asyncio.gather(one.dispatcher.settled(), two.dispatcher.settled())
        # Whoever stores first makes rows go that the other one may still have wanted to read.
        await asyncio.gather(one.upkeep.store(), two.upkeep.store())
        await one.intake.create(user, limit())
        await one.dispatcher.settled()
    assert [each.number for each in without_repeats(published(kafka, user))] == list(range(1, 102))


async def test_a_log_without_room_loses_nothing(kafka, one_server, shards_of_test, orders_topic):
    user = shards_of_test[0]
    async with publishing(kafka, "small") as log, desk(one_server, log=log) as at:
        log._most_records = 2
        await learn(at, shards_of_test)
        await asyncio.gather(*(at.intake.create(shard, limit()) for shard in shards_of_test * 20))
        await at.dispatcher.settled()
    assert [each.number for each in without_repeats(published(kafka, user))] == list(range(1, 21))
