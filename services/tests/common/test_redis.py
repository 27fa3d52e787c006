"""Scripts run by their hash, on a server and on a cluster, exact to the last unit, over restarts."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager

import pytest
from outcry_services.common.errors import ConfigError, IntegrityError, InternalError, UnavailableError
from outcry_services.common.money import I64_MAX
from outcry_services.common.redis import Call, Redis, Script, exact
from outcry_services.common.redis_errors import RedisAwayError, RedisLostError
from outcry_services.common.redis_servers import Admission

from e2e.backends import RedisCluster, RedisServer

ADD = Script.of("add", "redis.call('INCRBY', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])")
BROKEN = Script.of("broken", "return redis.call('INCRBY', KEYS[1], 'x')")


@asynccontextmanager
async def opened(server, **named):
    redis = Redis(server.url, **named)
    try:
        yield redis
    finally:
        await redis.close()


def add(user, amount):
    return Call(ADD, (f"pos:{{{user}}}:BTC",), (amount,))


def fresh():
    return uuid.uuid4().hex[:8]


@pytest.mark.integration
async def test_amounts_are_exact_to_the_ends_of_64_bits(redis_server):
    async with opened(redis_server) as redis:
        user = fresh()
        assert exact(await redis.run(add(user, I64_MAX - 1))) == I64_MAX - 1
        assert exact(await redis.run(add(user, 1))) == I64_MAX
        with pytest.raises(InternalError) as raised:
            await redis.run(add(user, 1))
        assert raised.value.name == "REDIS_REFUSED"
        assert exact(await redis.command("GET", f"pos:{{{user}}}:BTC")) == I64_MAX


@pytest.mark.parametrize("reply", [7, 7.0, None, b"", b"1e3", b"-", b"nil", "\u0661".encode(), [b"1"]])
def test_what_is_no_text_of_an_integer_is_refused(reply):
    with pytest.raises(IntegrityError):
        exact(reply)


def test_exact_takes_text_alone():
    assert (exact(b"-9223372036854775808"), exact("5")) == (-(2**63), 5)


@pytest.mark.integration
async def test_a_batch_keeps_its_order_and_a_failure_its_place(redis_server):
    async with opened(redis_server) as redis:
        user = fresh()
        calls = [add(user, 1), Call(BROKEN, (f"pos:{{{user}}}:BTC",)), add(user, 2)]
        first, second, third = await redis.run_all(calls)
        assert (exact(first), exact(third)) == (1, 3)
        assert isinstance(second, InternalError)
        assert await redis.run_all([]) == []


@pytest.mark.integration
@pytest.mark.parametrize("ask", ["command", "run", "keys"])
async def test_a_cancel_ends_a_task_whenever_it_comes(redis_server, ask):
    """Also in the moment in which the driver has what it waited for."""
    async with opened(redis_server) as redis:

        async def work():
            for _ in range(100):
                if ask == "command":
                    await redis.ping()
                elif ask == "run":
                    await redis.run(add("cancelled", 1))
                else:
                    [name async for name in redis.keys("none:*")]

        await redis.run(add("cancelled", 1))
        for moment in range(20):
            task = asyncio.create_task(work())
            for _ in range(moment):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


@pytest.mark.integration
async def test_a_script_that_redis_forgot_is_loaded_and_run_once(redis_server):
    async with opened(redis_server) as redis:
        user = fresh()
        for number in range(1, 4):
            await redis.command("SCRIPT", "FLUSH")
            assert exact(await redis.run(add(user, 1))) == number


@pytest.mark.integration
async def test_a_restart_is_said_once_and_loses_nothing_acknowledged():
    with RedisServer() as server:
        async with opened(server) as redis:
            replies = await redis.run_all([add(1, 1) for _ in range(100)])
            assert exact(replies[-1]) == 100
            server.kill()
            with pytest.raises(RedisLostError, match="ask again under the same key"):
                await redis.run(add(1, 1))
            assert {type(reply) for reply in await redis.run_all([add(1, 1)] * 2)} == {RedisLostError}
            await asyncio.to_thread(server.start)
            assert exact(await redis.run(add(1, 1))) == 101


@pytest.mark.integration
async def test_a_silent_server_is_given_up_in_time_and_nothing_repeated():
    with RedisServer() as server:
        async with opened(server, answer_seconds=0.2) as redis:
            await redis.run(add(1, 1))
            server.pause()
            with pytest.raises(RedisLostError):
                await redis.run(add(1, 1))
            server.resume()
            # The one that got no answer did run, once.
            assert exact(await redis.run(add(1, 0))) == 2


@pytest.mark.integration
async def test_a_replica_refuses_to_write():
    with RedisServer() as primary, RedisServer(replica_of=primary) as replica:
        async with opened(replica) as redis:
            with pytest.raises(RedisAwayError):
                await redis.command("SET", "x", "1")


@pytest.mark.integration
async def test_a_cluster_runs_scripts_where_their_keys_are_and_goes_on_after_a_failover():
    with RedisCluster() as cluster:
        async with opened(cluster) as redis:
            users = range(60)
            replies = await redis.run_all([add(user, user) for user in users])
            assert [exact(reply) for reply in replies] == list(users)
            with cluster.client() as client:
                key = "pos:{7}:BTC"
                assert client.wait(1, 5000, target_nodes=client.get_node_from_key(key)) == 1
            await asyncio.to_thread(cluster.fail_over, key)
            assert exact(await served(redis, add(7, 1))) == 8
            replies = await redis.run_all([add(user, 0) for user in users])
            assert [exact(reply) for reply in replies] == [user + (user == 7) for user in users]


@pytest.mark.integration
async def test_a_server_that_began_anew_is_not_spoken_to_before_it_was_learnt():
    with RedisServer() as server:
        async with opened(server, admission=Admission()) as redis:
            (before,) = await redis.masters()
            assert exact(await redis.run(add(1, 1))) == 1
            await asyncio.to_thread(server.restart)
            for _ in range(3):
                with pytest.raises(RedisLostError):
                    await redis.run(add(1, 1))
            (after,) = await redis.masters()
            assert before.identity != after.identity
            # Nothing of what was refused did run.
            assert exact(await redis.run(add(1, 1))) == 2


@pytest.mark.integration
async def test_a_replica_is_no_master_even_while_masters_are_learnt():
    with RedisServer() as primary, RedisServer(replica_of=primary) as replica:
        async with opened(replica, admission=Admission()) as redis:
            with pytest.raises(UnavailableError):
                await redis.masters()
            await asyncio.to_thread(replica.promote)
            (master,) = await redis.masters()
            assert master.slots is None


@pytest.mark.integration
async def test_a_master_that_a_cluster_promoted_is_not_spoken_to_before_it_was_learnt():
    with RedisCluster() as cluster:
        async with opened(cluster, admission=Admission()) as redis:
            before = await redis.masters()
            assert sorted(slot for master in before for slot in master.slots) == list(range(16384))
            await redis.run_all([add(user, 1) for user in range(20)])
            await asyncio.to_thread(cluster.fail_over, "pos:{7}:BTC")
            for _ in range(3):
                with pytest.raises(UnavailableError):
                    await redis.run(add(7, 1))
            after = await redis.masters()
            kept = {master.identity for master in before} & {master.identity for master in after}
            assert (len(kept), len(after)) == (2, 3)
            assert isinstance(exact(await redis.run(add(7, 1))), int)


async def served(redis, call):
    """The reply of the second try at the latest: the first one may find out that the old master is gone."""
    try:
        return await redis.run(call)
    except UnavailableError:
        return await redis.run(call)


def test_a_url_says_what_it_is_and_holds_no_password():
    for url in ("http://h:1", "redis://h", "redis://a:1,b:2", "redis-cluster://"):
        with pytest.raises(ConfigError, match="is not like redis"):
            Redis(url)
    with pytest.raises(ConfigError) as raised:
        Redis("redis://:hunter2@h:1")
    assert "hunter2" not in raised.value.message
