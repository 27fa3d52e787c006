"""Shards move between two servers while orders flow: none is lost, doubled or numbered twice."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from outcry_services.common.consul import ConsulKv
from outcry_services.common.errors import IntegrityError
from outcry_services.common.ids import OrderId, database_of
from outcry_services.order import move
from outcry_services.order.errors import ShardMapError, ShardMovingError
from outcry_services.order.map_source import KEY, follow_map, publish_map, read_map
from outcry_services.order.move import Mover
from outcry_services.order.settings import StoreSettings
from pydantic import SecretStr

from services.tests.order.desk import desk, limit, publishing, url_of, whole_map
from services.tests.order.orders_log import published, without_repeats

pytestmark = pytest.mark.integration


@pytest.fixture
async def kv(consul):
    """Consul without a shard map."""
    client = ConsulKv(consul.url)
    await client.delete(KEY)
    yield client
    await client.delete(KEY)
    await client.close()


@pytest.fixture
def settings(consul, shard_server):
    chosen = whole_map({"a": shard_server})
    return StoreSettings(
        shard_map=chosen.text(), mysql_user="root", mysql_password=SecretStr(""), consul=consul.url
    )


def mover(settings, kv, other_server):
    return Mover(settings, kv, to="b", adding=url_of(other_server), moved=lambda _: None)


async def test_shards_move_while_orders_flow(
    kafka, kv, settings, shard_server, other_server, shards_of_test, orders_topic
):
    rows = []
    async with publishing(kafka, "moving") as log, desk(settings.shards(), log=log) as at:
        at.dispatcher.learn(await at.shards._servers["a"].store.unpublished(shards_of_test))
        following = asyncio.create_task(follow_map(kv, at.shards))
        ended, more = asyncio.Event(), asyncio.Event()

        async def until(count):
            while len(rows) < count:
                more.clear()
                await more.wait()

        async def trade(shard):
            count = 0
            while not ended.is_set():
                user = shard + 1024 * (count % 5)
                name = f"{shard}-{count}"
                row = await at.intake.create(user, limit(client_order_id=name))
                rows.append(row)
                await at.intake.cancel(user, row.order_id)
                # What was entered before the move is known behind it.
                again = await at.intake.create(user, limit(client_order_id=name))
                assert again == row
                count += 1
                more.set()

        trading = [asyncio.create_task(trade(shard)) for shard in shards_of_test]
        await until(20)
        # All but the last, so that a commit may hold shards of both servers' times.
        chosen = await mover(settings, kv, other_server).move(shards_of_test[:3])
        behind = len(rows)
        await until(behind + 20)
        ended.set()
        await asyncio.gather(*trading)
        await at.dispatcher.settled()
        assert at.shards.map == chosen == await read_map(kv, settings.shards())
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert [chosen.owners[shard] for shard in shards_of_test] == ["b", "b", "b", "a"]
    check_orders(rows, shards_of_test, {"a": shard_server, "b": other_server}, chosen)
    for shard in shards_of_test:
        numbers = [each.number for each in without_repeats(published(kafka, shard))]
        mine = [row for row in rows if OrderId.of(row.order_id).shard == shard]
        assert numbers == list(range(1, 2 * len(mine) + 1))
    left = shard_server.execute("SHOW DATABASES")
    assert not {(database_of(shard),) for shard in shards_of_test[:3]} & set(left)


def check_orders(rows, shards, servers, chosen):
    ids = [row.order_id for row in rows]
    assert len(set(ids)) == len(ids)
    for shard in shards:
        server = servers[chosen.owners[shard]]
        found = server.execute(f"SELECT order_id FROM {database_of(shard)}.orders ORDER BY order_id")
        assert [row[0] for row in found] == sorted(each for each in ids if each % 1024 == shard)


@pytest.mark.parametrize("step", ["copy", "_fence", "fingerprint", "_rename", "publish_map", "_drop"])
async def test_a_move_that_was_ended_anywhere_goes_on(
    step, monkeypatch, kv, settings, shard_server, other_server, shards_of_test
):
    shard = shards_of_test[0]
    async with desk(settings.shards()) as at:
        before = [await at.intake.create(shard, limit(client_order_id=str(number))) for number in range(5)]

        async def die(*_, **__):
            raise KeyboardInterrupt

        # Adding the server is a publication of its own; the one of the moved shard is meant.
        await publish_map(kv, settings.shards().with_servers({"b": url_of(other_server)}))
        with monkeypatch.context() as patch:
            patch.setattr(move, step, die)
            with pytest.raises(KeyboardInterrupt):
                await mover(settings, kv, other_server).move([shard])
        chosen = await mover(settings, kv, other_server).move([shard])
        assert chosen.owners[shard] == "b"
        await at.shards.use(chosen)
        after = await at.intake.create(shard, limit(client_order_id="after"))
        assert await at.intake.create(shard, limit(client_order_id="3")) == before[3]
    assert OrderId.of(after.order_id).number == 6
    assert (database_of(shard),) not in shard_server.execute("SHOW DATABASES")


async def test_a_copy_that_is_not_like_its_original_is_never_opened(
    kv, settings, other_server, shards_of_test, monkeypatch
):
    shard = shards_of_test[0]
    copying = move.copy

    async def lossy(source, target, *, final_only):
        copied = await copying(source, target, final_only=final_only)
        if not final_only:
            other_server.execute(f"DELETE FROM {target.table('orders')} LIMIT 1")
        return copied

    async with desk(settings.shards()) as at:
        await at.intake.create(shard, limit())
        monkeypatch.setattr(move, "copy", lossy)
        with pytest.raises(IntegrityError, match="not like its original"):
            await mover(settings, kv, other_server).move([shard])
        assert (await read_map(kv, settings.shards())).owners[shard] == "a"
        at.shards._seconds = 0.05
        with pytest.raises(ShardMovingError):
            await at.intake.create(shard, limit())
        monkeypatch.undo()
        chosen = await mover(settings, kv, other_server).move([shard])
        await at.shards.use(chosen)
        assert OrderId.of((await at.intake.create(shard, limit())).order_id).number == 2


async def test_a_server_that_is_not_in_the_map_must_be_named(kv, settings, shards_of_test):
    unknown = Mover(settings, kv, to="c", moved=lambda _: None)
    with pytest.raises(ShardMapError, match="no server 'c'"):
        await unknown.move(shards_of_test[:1])


async def test_a_map_is_published_over_an_older_one_alone(kv, settings):
    chosen = settings.shards()
    await publish_map(kv, chosen)
    with pytest.raises(ShardMapError, match="not older"):
        await publish_map(kv, chosen)
    await publish_map(kv, chosen.with_servers({"b": "mysql://two:3306"}))
    with contextlib.suppress(ShardMapError):
        await publish_map(kv, chosen)
    assert (await read_map(kv, chosen)).version == 2
