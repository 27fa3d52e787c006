"""The reconciler on real servers, while orders flow and somebody breaks things."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager

import pytest
from outcry.v1.journal_pb2 import JournalBatch
from outcry_services.common.consul import ConsulKv
from outcry_services.common.errors import UnavailableError
from outcry_services.common.mysql_errors import MySqlLostError
from outcry_services.common.pause import PAUSED
from outcry_services.reconciler.floor_follower import FloorFollower
from outcry_services.reconciler.log_pass import opened
from outcry_services.reconciler.records import Repair, Side
from outcry_services.reconciler.redis_view import UserKeys

from e2e.backends import ConsulServer, KafkaServer, MariaDbServer, RedisServer
from services.tests.reconciler.breaking import LEDGER, REDIS
from services.tests.reconciler.world import empty, put_pairs, reconciling, world_of
from services.tests.settlement.exchange import BUY

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def servers():
    """Of these tests alone: topics, databases and keys have fixed names."""
    with MariaDbServer() as mariadb, RedisServer() as redis, ConsulServer() as consul, KafkaServer() as kafka:
        yield kafka, mariadb, redis, consul


@pytest.fixture
async def world(servers):
    """Users who have traded a little."""
    empty(*servers[:3])
    kv = ConsulKv(servers[3].url)
    await kv.delete(PAUSED)
    await put_pairs(kv)
    async with world_of(*servers[:3]) as world:
        world.consul = kv
        await world.step(100)
        yield world
    await kv.close()


@asynccontextmanager
async def load(world):
    """Orders all the time."""

    over = asyncio.Event()

    async def flow():
        while not over.is_set():
            await world.step(5)

    task = asyncio.create_task(flow())
    try:
        yield
    finally:
        # Not in the middle of a step: that is a crash, and for other tests.
        over.set()
        await task


async def findings(world, *, user=None, states=("open", "repaired", "gone", "superseded")):
    rows = await world.rows(
        "SELECT user_id, differences, verdict, state, sats, log FROM reconciler.findings WHERE state IN %s",
        [tuple(states)],
    )
    return [row for row in rows if user in (None, row[0])]


async def ended(world, user, seen):
    """The user's finding, once it has come to its end."""
    return await world.until(
        "SELECT verdict, state, log FROM reconciler.findings WHERE id > %s AND user_id = %s "
        "AND state IN ('repaired', 'gone')",
        [seen, user],
    )


async def test_both_views_agree_while_orders_flow(servers, world):
    async with reconciling(*servers) as reconciler:
        for _ in range(10):
            await world.step(10)
        assert await world.wrong() == []
        await reconciler.sweeper.sweep()
        assert await findings(world) == []
        assert reconciler.metrics.compared._value.get() >= 20
        assert reconciler.metrics.rows._value.get() > 50


@pytest.mark.parametrize(("side", "ways"), [("redis", REDIS), ("ledger", LEDGER)])
async def test_whatever_is_broken_is_found_and_put_right(servers, world, side, ways, capsys):
    async with reconciling(*servers) as reconciler:
        await reconciler.sweeper.sweep()
        for name, breaking in ways.items():
            ((seen,),) = await world.rows("SELECT COALESCE(MAX(id), 0) FROM reconciler.findings")
            begun = time.monotonic()
            user = await breaking(world)
            # The user's own next instruction moves on a cursor that went back: nothing would be found.
            healed = name in ("cursor back", "cursor deleted")
            flow = None if healed else asyncio.create_task(world.step(5))
            await world.until(
                "SELECT id FROM reconciler.findings WHERE id > %s AND user_id = %s", [seen, user]
            )
            found = time.monotonic() - begun
            ((verdict, state, log),) = (await ended(world, user, seen))[-1:]
            await (flow or world.step(5))
            await world.until_right()
            with capsys.disabled():
                right = time.monotonic() - begun
                print(f"\n{side} {name}: found after {found:.2f} s, right after {right:.2f} s", end="")
            assert verdict == side, name
            # It may come before the repair.
            assert state == "repaired" or (healed and state == "gone"), name
            assert json.loads(log), name
        repairs = await world.rows("SELECT DISTINCT side, state FROM reconciler.repairs")
        assert (side, "done") in repairs
        assert {of for of, _ in repairs} == {side}


async def test_a_busy_user_is_put_right_too(servers, world):
    async with reconciling(*servers) as reconciler:
        await reconciler.sweeper.sweep()
        async with load(world):
            users = [await REDIS["changed"](world) for _ in range(3)]
            users += [await LEDGER["changed"](world) for _ in range(3)]
            for user in users:
                await ended(world, user, 0)
        await world.until_right()
        assert {verdict for _, _, verdict, _, _, _ in await findings(world)} <= {"redis", "ledger", "neither"}


async def test_lag_is_no_difference(servers, world):
    async with reconciling(*servers) as reconciler:
        # Redis goes ahead, and the ledger stands still.
        first = await world.trade(40)
        await world.position.carry_out(first)
        await reconciler.sweeper.sweep()
        await world.settle(first)
        # The ledger goes ahead, and Redis stands still.
        second = await world.trade(40)
        await world.settle(second)
        await reconciler.sweeper.sweep()
        await world.position.carry_out(second)
        await world.until_right()
        await reconciler.sweeper.sweep()
        assert await findings(world) == []


async def test_the_first_row_of_an_asset_between_the_two_readings_is_no_difference(
    servers, world, monkeypatch
):
    """Redis was not asked for it, and nobody trades it: taken for a difference it would have no value."""
    user, deposits = world.exchange.users[0], iter(("SOL", "XRP"))
    async with reconciling(*servers) as reconciler:
        await reconciler.sweeper.sweep()
        read = reconciler.redis.run_all

        async def read_between(calls):
            asset = next(deposits, None)
            if asset is None:
                return await read(calls)
            world.exchange.deposit(user, asset, 5)
            news = await world.trade(0)
            await world.position.carry_out(news)
            replies = await read(calls)
            await world.settle(news)
            return replies

        monkeypatch.setattr(reconciler.redis, "run_all", read_between)
        await reconciler.sweeper.sweep()
        # The second one came while the user was compared for the first.
        await reconciler.sweeper.sweep()
        assert next(deposits, None) is None
        assert {"SOL", "XRP"} <= reconciler.watcher.assets
        assert await findings(world) == []
        assert await world.consul.get(PAUSED) is None


async def test_a_ledger_that_stands_still_because_it_is_wrong_is_put_right_by_the_logs(servers, world):
    """Redis is ahead, and stays so: settlement lacks the funds that somebody took out of a row."""
    user = world.exchange.users[0]
    async with reconciling(*servers):
        world.exchange.deposit(user, "USD", 700_000)
        await world.step(0)
        world.exchange.order(user, "BTC-USD", BUY, price=100, lots=1)
        news = await world.trade(0)
        await world.position.carry_out(news)
        await world.change(
            "UPDATE ledger.balances SET available = 0 WHERE user_id = %s AND asset = 'USD'", [user]
        )
        await world.until("SELECT 1 FROM reconciler.repairs WHERE side = 'ledger' AND state = 'done'")
        await world.settle(news)
        ((verdict, state, _),) = await ended(world, user, 0)
        assert (verdict, state) == ("ledger", "repaired")
        await world.until_right()


async def test_there_is_a_floor_although_position_waits_for_a_repair(world):
    """Redis's watermark stays below where the ledger is until the reconciler has done something."""
    await world.settle(await world.trade(5))
    now = 0.0
    floors = FloorFollower(mysql=world.mysql, redis=world.redis, clock=lambda: now, seconds=0.01)
    following = asyncio.create_task(floors.follow())
    first = asyncio.create_task(floors.floor())
    await asyncio.wait([first], timeout=0.2)
    assert not first.done()
    now = 15.1
    assert (await first).entry == 0
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_what_is_worth_too_much_pauses_withdrawals_until_a_person_clears_it(servers, world):
    keys = UserKeys(world.exchange.users[0])
    async with reconciling(*servers, pause_above_btc="0.1") as reconciler:
        await reconciler.sweeper.sweep()
        await world.redis.command("INCRBY", keys.available("BTC"), 10_000_000)
        await ended(world, keys.user_id, 0)
        assert await world.consul.get(PAUSED) is None
        # Repaired or not: one unit more than 0.1 BTC since the last clearing.
        await world.redis.command("INCRBY", keys.available("BTC"), 1)
        flag = json.loads((await paused(world)).value)
        assert flag["by"].startswith("reconciler")
        assert "10000001" in flag["reason"]
        await world.consul.delete(PAUSED)
        await world.until("SELECT 1 FROM reconciler.cleared WHERE finding > 0 AND paused = 0")
        await world.until_right()
        await world.redis.command("INCRBY", keys.available("BTC"), 1)
        await world.until("SELECT 1 FROM reconciler.findings WHERE sats = 1 HAVING COUNT(*) = 2")
        await world.until_right()
        assert await world.consul.get(PAUSED) is None


async def paused(world):
    async with asyncio.timeout(60):
        while (flag := await world.consul.get(PAUSED)) is None:  # noqa: ASYNC110 - another process's key
            await asyncio.sleep(0.05)
    return flag


async def test_a_repair_beyond_its_bounds_is_left_to_a_person(servers, world):
    keys = UserKeys(world.exchange.users[0])
    async with reconciling(*servers, repair_most_btc="0.5", repairs_an_hour=1) as reconciler:
        await reconciler.sweeper.sweep()
        await world.redis.command("INCRBY", keys.available("BTC"), 60_000_000)
        await world.until("SELECT 1 FROM reconciler.findings WHERE verdict = 'redis'")
        await reconciler.sweeper.sweep()
        assert await world.wrong() == ["redis"]
        assert len(await findings(world, states=("open",))) == 1
        # Made small enough, the only repair that an hour allows.
        await world.redis.command("DECRBY", keys.available("BTC"), 30_000_000)
        await world.until_right()
        await world.redis.command("INCRBY", keys.available("ETH"), 1)
        await world.until("SELECT 1 FROM reconciler.findings WHERE state = 'open' AND verdict = 'redis'")
        refused = reconciler.metrics.refused.labels(why="REPAIRS_TOO_MANY")
        async with asyncio.timeout(60):
            while not refused._value.get():  # noqa: ASYNC110 - metrics don't tell
                await asyncio.sleep(0.05)
        assert await world.wrong() == ["redis"]


async def test_a_repair_that_a_crash_cut_short_is_told_once(servers, world):
    """The script ran, the process died before Kafka had the entry; another one was only planned."""
    user = world.exchange.users[0]
    async with reconciling(*servers) as reconciler:
        repairs = [
            Repair(
                finding=0,
                user_id=user,
                side=Side.REDIS,
                reason="r",
                changes=[["BTC", 1, 0]],
                journal_number=n,
            )
            for n in (7001, 7002)
        ]
        done, planned = [await reconciler.records.plan(one) for one in repairs]
        await world.redis.command("HSET", UserKeys(user).journal, f"r{done}", "7001 ADJUST 0 BTC:1:0")
    async with reconciling(*servers):
        rows = dict(await world.rows("SELECT id, state FROM reconciler.repairs"))
        assert rows == {done: "done", planned: "abandoned"}
    assert await world.redis.command("HGETALL", UserKeys(user).journal) == {}
    numbers = [entry.number for entry in journal(servers[0], user)]
    assert numbers.count(7001) == 1
    assert 7002 not in numbers


async def test_a_finding_whose_answer_was_lost_comes_to_its_end(servers, world, monkeypatch):
    """It is recorded, and whoever recorded it doesn't know; meanwhile the difference has gone."""
    keys = UserKeys(world.exchange.users[0])
    async with reconciling(*servers) as reconciler:
        await reconciler.sweeper.sweep()
        find = reconciler.records.find

        async def find_and_lose(**named):
            monkeypatch.setattr(reconciler.records, "find", find)
            await find(**named)
            await world.redis.command("DECRBY", keys.available("BTC"), 1)
            raise MySqlLostError("the connection broke")

        monkeypatch.setattr(reconciler.records, "find", find_and_lose)
        await world.redis.command("INCRBY", keys.available("BTC"), 1)
        ((_, state, _),) = await ended(world, keys.user_id, 0)
        assert state == "gone"


async def test_a_repair_that_kafka_did_not_take_is_told_once_all_the_same(servers, world, monkeypatch):
    """Redis is right already: nothing differs any more that would bring somebody back to it."""
    keys = UserKeys(world.exchange.users[0])
    async with reconciling(*servers) as reconciler:
        await reconciler.sweeper.sweep()
        publish = reconciler.publisher.publish

        async def refuse_once(_):
            monkeypatch.setattr(reconciler.publisher, "publish", publish)
            raise UnavailableError("no broker answers", name="KAFKA_AWAY")

        monkeypatch.setattr(reconciler.publisher, "publish", refuse_once)
        await world.redis.command("INCRBY", keys.available("BTC"), 1)
        await world.until("SELECT 1 FROM reconciler.repairs WHERE state = 'done'")
        await ended(world, keys.user_id, 0)
        assert await world.wrong() == []
    told = [entry for entry in journal(servers[0], keys.user_id) if not entry.cause]
    assert [(one.changes[0].asset, one.changes[0].available) for one in told] == [("BTC", -1)]


async def test_what_was_found_and_not_summed_up_is_counted_when_it_has_gone(servers, world, monkeypatch):
    """The sum broke off, and then nothing differed any more."""
    keys = UserKeys(world.exchange.users[0])
    async with reconciling(*servers, pause_above_btc="0.1") as reconciler:
        await reconciler.sweeper.sweep()
        look = reconciler.guard.look

        async def break_off():
            monkeypatch.setattr(reconciler.guard, "look", look)
            await world.redis.command("DECRBY", keys.available("BTC"), 10_000_001)
            raise MySqlLostError("the connection broke")

        monkeypatch.setattr(reconciler.guard, "look", break_off)
        await world.redis.command("INCRBY", keys.available("BTC"), 10_000_001)
        flag = json.loads((await paused(world)).value)
        assert "10000001" in flag["reason"]


def journal(kafka, user):
    with opened(kafka.bootstrap, "test") as logs:
        ranges = {place: logs.range(place) for place in logs.places("journal")}
        records = list(logs.read(ranges))
    entries = [entry for record in records for entry in JournalBatch.FromString(record.value).entries]
    return [entry for entry in entries if entry.user_id == user]
