"""The flow on real Kafka and Redis, killed, restarted, promoted and emptied in the middle of its work."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from outcry_services.common.redis import Redis

from e2e.backends import KafkaServer, RedisCluster, RedisServer
from services.tests.position.exchange import Exchange, Marks, make_topics, remove_topics
from services.tests.position.making import BUY, SELL, cancel, deposit, order

pytestmark = pytest.mark.integration

USERS = range(1, 13)


@pytest.fixture(scope="module")
def own_kafka():
    """A broker whose topics are this module's own: their names are the exchange's."""
    with KafkaServer() as kafka:
        yield kafka


@pytest.fixture
def broker(own_kafka):
    """Logs of the test's own, from their beginning."""
    make_topics(own_kafka)
    yield own_kafka
    remove_topics(own_kafka)


async def balances(redis):
    """Available, held and the sum of holds of every user and asset."""
    found = {}
    for user in USERS:
        holds = await redis.command("HGETALL", f"holds:{{{user}}}")
        for asset in ("BTC", "USDT"):
            values = [await redis.command("GET", f"{kind}:{{{user}}}:{asset}") for kind in ("pos", "held")]
            left = [text.decode().split(" ")[:2] for text in holds.values()]
            found[user, asset] = (
                *(int(value or 0) for value in values),
                sum(int(amount) for amount, of in left if of == asset),
            )
    return found


def check(found, *, deposited, fees):
    """Nothing is negative, held is what the holds say, and every unit is somewhere."""
    sums = Counter()
    for (_, asset), (available, held, holds) in found.items():
        assert available >= 0
        assert held == holds >= 0
        sums[asset] += available + held
    assert {asset: sums[asset] + fees[asset] for asset in deposited} == deposited


def fees_of(events):
    """What the house took, computed anew: rounded up, buyers in base and sellers in quote."""
    fees = Counter()
    for event in events:
        if event.WhichOneof("body") != "trade_executed":
            continue
        it = event.trade_executed
        base, quote = it.quantity * 10, it.price * it.quantity
        taker_buys = it.taker_side == BUY
        for ppm, buys in ((it.maker_fee_ppm, not taker_buys), (it.taker_fee_ppm, taker_buys)):
            fees["BTC" if buys else "USDT"] += -(-(base if buys else quote) * ppm // 1_000_000)
    return fees


class Trading:
    """Random orders and cancels of a seed, and what the money must add up to."""

    def __init__(self, exchange, seed):
        self.exchange = exchange
        self.chance = random.Random(seed)
        self.placed = []
        self.events = []
        applied = exchange.engine.apply

        def apply(command):
            events = applied(command)
            self.events += events
            return events

        exchange.engine.apply = apply

    async def fund(self):
        await self.exchange.say(
            *((user, lambda u, n: deposit(u, n, "USDT", 100_000)) for user in USERS),
            *((user, lambda u, n: deposit(u, n, "BTC", 10_000)) for user in USERS),
        )

    async def trade(self, count):
        for _ in range(count):
            user = self.chance.choice(USERS)
            if self.placed and self.chance.random() < 0.2:
                owner, number = self.chance.choice(self.placed)
                await self.exchange.say((owner, lambda u, n, of=number: cancel(u, n, of)))
                continue
            side = self.chance.choice((BUY, SELL))
            price, quantity = self.chance.randint(90, 110), self.chance.randint(1, 20)
            numbers = await self.exchange.say(
                (user, lambda u, n, s=side, p=price, q=quantity: order(u, n, s, price=p, quantity=q))
            )
            self.placed.append((user, numbers[user]))

    async def end(self):
        """Cancel everything; afterwards nothing is held."""
        for user, number in self.placed:
            await self.exchange.say((user, lambda u, n, of=number: cancel(u, n, of)))

    def check(self, found):
        funded = len(USERS)
        check(
            found,
            deposited={"USDT": 100_000 * funded, "BTC": 10_000 * funded},
            fees=fees_of(self.events),
        )


async def test_money_is_kept_through_trades_and_deaths_of_position(broker):
    with RedisServer() as server:
        redis = Redis(server.url)
        async with Exchange(broker, server.url) as exchange:
            trading = Trading(exchange, 1)
            await trading.fund()
            for _ in range(4):
                async with exchange.position():
                    await trading.trade(40)
            async with exchange.position() as flow:
                await exchange.answered()
                await exchange.settled(Marks(redis))
                assert flow.problem() is None
                trading.check(await balances(redis))
                await trading.end()
                await exchange.answered()
                await exchange.settled(Marks(redis))
                found = await balances(redis)
        trading.check(found)
        assert {held for _, held, _ in found.values()} == {0}
        assert exchange.engine.trades > 10
        await redis.close()


async def test_a_restart_of_redis_that_forgets_its_scripts_changes_nothing(broker):
    with RedisServer() as server:
        redis = Redis(server.url)
        async with Exchange(broker, server.url) as exchange, exchange.position():
            trading = Trading(exchange, 2)
            await trading.fund()
            for _ in range(3):
                await trading.trade(30)
                await asyncio.to_thread(server.restart)
            await trading.end()
            await exchange.answered()
            await exchange.settled(Marks(redis))
            found = await balances(redis)
        trading.check(found)
        assert {held for _, held, _ in found.values()} == {0}
        await redis.close()


async def test_an_emptied_redis_is_filled_from_the_logs_to_the_last_unit(broker):
    with RedisServer() as server:
        redis = Redis(server.url)
        async with Exchange(broker, server.url) as exchange:
            trading = Trading(exchange, 3)
            await trading.fund()
            async with exchange.position():
                await trading.trade(60)
                await exchange.answered()
                await exchange.settled(Marks(redis))
                before = await balances(redis)
            await redis.command("FLUSHALL")
            async with exchange.position() as flow:
                await exchange.say((1, lambda u, n: deposit(u, n, "USDT", 5)))
                await exchange.answered()
                await exchange.settled(Marks(redis))
                assert flow.problem() is None
                after = await balances(redis)
        available, held, holds = before[1, "USDT"]
        assert after == before | {(1, "USDT"): (available + 5, held, holds)}
        await redis.close()


async def test_a_cluster_whose_masters_die_under_load_keeps_every_unit(broker):
    with RedisCluster(node_timeout_ms=1000) as cluster:
        redis = Redis(cluster.url)
        async with Exchange(broker, cluster.url) as exchange, exchange.position():
            trading = Trading(exchange, 4)
            await trading.fund()
            await trading.trade(20)
            for user in (1, 2):
                key = f"pos:{{{user}}}:BTC"
                # The replica misses what comes now, and takes over without it.
                replica = next(
                    node for node in cluster.replicas if node.process.running and follows(cluster, node, key)
                )
                replica.pause()
                await trading.trade(20)
                await exchange.answered()
                master = cluster.master_of(key)
                master.kill()
                replica.resume()
                await trading.trade(20)
                await exchange.answered(seconds=120)
                await asyncio.to_thread(master.start)
                await asyncio.to_thread(cluster.wait_healthy)
            await trading.end()
            await exchange.answered(seconds=120)
            await exchange.settled(Marks(redis), seconds=120)
            found = await balances(redis)
        trading.check(found)
        assert {held for _, held, _ in found.values()} == {0}
        await redis.close()


def follows(cluster, node, key):
    """Whether a node is the replica of the master of a key."""
    with node.client() as client:
        found = client.info("replication")
    return found["role"] == "slave" and found["master_port"] == cluster.master_of(key).port
