"""The flow on real Kafka and Redis, killed, restarted, promoted and emptied in the middle of its work."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack, contextmanager

import pytest
from outcry_services.common.redis import Redis
from outcry_services.common.redis_errors import RedisLostError
from outcry_services.common.redis_servers import Admission

from e2e.backends import KafkaServer, RedisCluster, RedisServer
from services.tests.position.exchange import Exchange, Marks, RealBackend, make_topics, remove_topics
from services.tests.position.making import deposit
from services.tests.position.trading import Trading, balances

pytestmark = pytest.mark.integration


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


async def test_money_is_kept_through_trades_and_deaths_of_position(broker):
    with RedisServer() as server:
        redis = Redis(server.url)
        async with Exchange(RealBackend(broker, server.url)) as exchange:
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
        async with Exchange(RealBackend(broker, server.url)) as exchange, exchange.position():
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


class Waited(Redis):
    """Notes each time that nobody answered in time."""

    def __init__(self, url, **settings):
        super().__init__(url, **settings)
        self.given_up = asyncio.Event()

    async def masters(self):
        try:
            return await super().masters()
        except RedisLostError:
            self.given_up.set()
            raise


@contextmanager
def packets_dropped(server):
    """Nobody answers at the server's port, as at the address of a pod that is gone: no refusal either."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server((server.host, server.port), backlog=0))
        # The kernel keeps one connection more than the backlog says, and drops what comes behind those.
        for _ in range(2):
            connection = stack.enter_context(socket.socket())
            connection.setblocking(False)
            connection.connect_ex(listening.getsockname())
        yield


async def test_a_redis_whose_packets_are_dropped_for_a_while_is_found_again(broker):
    with RedisServer() as server:
        store = Waited(server.url, admission=Admission(), answer_seconds=1.0)
        backend = RealBackend(broker, server.url)
        backend.store = lambda: store
        async with Exchange(backend) as exchange, exchange.position() as flow:
            await exchange.say((1, lambda u, n: deposit(u, n, "USDT", 5)))
            await exchange.answered()
            # Its death ends one beginning; those that follow meet silence.
            await asyncio.to_thread(server.kill)
            with packets_dropped(server):
                for _ in range(2):
                    store.given_up.clear()
                    async with asyncio.timeout(60):
                        await store.given_up.wait()
            await asyncio.to_thread(server.start)
            await exchange.say((1, lambda u, n: deposit(u, n, "USDT", 6)))
            await exchange.answered()
            assert flow.problem() is None


async def test_an_emptied_redis_is_filled_from_the_logs_to_the_last_unit(broker):
    with RedisServer() as server:
        redis = Redis(server.url)
        async with Exchange(RealBackend(broker, server.url)) as exchange:
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
        async with Exchange(RealBackend(broker, cluster.url)) as exchange, exchange.position():
            trading = Trading(exchange, 4)
            await trading.fund()
            await trading.trade(20)
            for user in (1, 2):
                key = f"pos:{{{user}}}:BTC"
                # The replica misses what comes now, and takes over without it.
                replica = next(
                    node for node in cluster.nodes if node.process.running and follows(cluster, node, key)
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
