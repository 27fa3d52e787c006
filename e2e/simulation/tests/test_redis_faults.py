"""What the fake Redis may do to a caller: lose an answer, cut a pipeline short, forget its last moments."""

from __future__ import annotations

import asyncio
import re

import pytest
from outcry_services.common.redis import Call, Script, exact
from outcry_services.common.redis_errors import RedisLostError

from e2e.simulation.chance import Chance, Odds
from e2e.simulation.errors import UnfaithfulError
from e2e.simulation.loop import simulate
from e2e.simulation.processes import Process
from e2e.simulation.redis_server import FakeRedis, FakeRedisServer

ADD = Script.of("add", "redis.call('INCRBY', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])")
BOTH = Script.of(
    "both", "redis.call('HSET', 'h', ARGV[1], 1) redis.call('RPUSH', 'l', ARGV[1]) redis.call('DEL', 'gone')"
)


async def settled(server, count):
    redis = FakeRedis(server)
    await redis.command("SET", "gone", "x")
    server.keys.make_safe(0)
    for number in range(count):
        await redis.run(Call(BOTH, (), (number,)))
        await redis.command("SET", "gone", "x")


async def test_a_promotion_loses_the_last_scripts_whole():
    server = FakeRedisServer()
    await settled(server, 5)
    before = server.run_id
    server.promote(lost=4)
    redis = FakeRedis(server)
    assert await redis.command("LRANGE", "l", 0, -1) == [b"0", b"1", b"2"]
    assert await redis.command("HKEYS", "h") == [b"0", b"1", b"2"]
    assert await redis.command("GET", "gone") == b"x"
    assert server.run_id != before
    server.promote(lost=100)
    assert await redis.command("LLEN", "l") == 3, "what a promotion kept is never lost later"


async def test_changes_that_are_safe_are_not_lost():
    server = FakeRedisServer()
    await settled(server, 5)
    server.keys.make_safe(2)
    assert server.keys.unsafe == 2
    server.promote(lost=100)
    assert server.keys.values[b"l"] == [b"0", b"1", b"2", b"3"]


async def test_a_restart_forgets_scripts_alone_and_a_loss_everything():
    server = FakeRedisServer()
    redis = FakeRedis(server)
    assert exact(await redis.run(Call(ADD, ("k",), (5,)))) == 5
    server.restart()
    assert exact(await redis.run(Call(ADD, ("k",), (5,)))) == 10
    server.lose_all()
    assert exact(await redis.run(Call(ADD, ("k",), (5,)))) == 5


def rough(seed, **odds):
    """What a caller who doesn't repeat anything is told, and what the server has then."""
    server, chance = FakeRedisServer(), Chance(seed, Odds(quick_seconds=0.01, **odds))

    async def story():
        redis = FakeRedis(server, chance)
        await FakeRedis(server).run(Call(ADD, ("k",), (0,)))
        return await redis.run_all([Call(ADD, ("k",), (1,))] * 10)

    return simulate(story(), chance), int(server.keys.typed(b"k", bytes))


def test_a_lost_answer_means_that_all_was_done():
    replies, done = rough(1, lost_answer=1.0)
    assert {type(reply) for reply in replies} == {RedisLostError}
    assert done == 10


def test_a_refusal_means_that_nothing_was_done():
    replies, done = rough(1, refused=1.0)
    assert {type(reply) for reply in replies} == {RedisLostError}
    assert done == 0


def test_a_pipeline_cut_short_did_its_first_few():
    assert {rough(seed, cut_short=1.0)[1] for seed in range(60)} == set(range(11))


def test_pipelines_of_two_callers_run_through_each_other():
    orders = set()
    for seed in range(20):
        server, chance = FakeRedisServer(), Chance(seed, Odds(quick_seconds=0.001))
        append = Script.of("append", "return redis.call('RPUSH', 'l', ARGV[1])")

        async def story(server=server, chance=chance, append=append):
            async def work(name):
                redis = FakeRedis(server, chance)
                await redis.run_all([Call(append, (), (name,))] * 20)

            await asyncio.gather(*(Process(name).start(work(name)) for name in "ab"))

        simulate(story(), chance)
        orders.add(b"".join(server.keys.typed(b"l", list)))
    assert any(re.search(rb"ab+a", order) for order in orders)


async def test_what_the_fake_does_not_know_is_said_loudly():
    redis = FakeRedis(FakeRedisServer())
    with pytest.raises(UnfaithfulError, match="XADD"):
        await redis.command("XADD", "s", "*", "a", "1")
