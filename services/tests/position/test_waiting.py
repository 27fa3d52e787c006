"""Instructions that wait for events, which wait for instructions, on real Redis."""

from __future__ import annotations

import asyncio

import pytest
from outcry_services.common.redis import Redis
from outcry_services.position import keys

from services.tests.position.making import BUY, World, cancelled, deposit, new_user, order

pytestmark = pytest.mark.integration


class CarriedOut:
    """The horizon of a log that goes on: as the flow's own."""

    def __init__(self, world):
        self._world = world

    async def reach(self, shard, number):
        world = self._world
        while world.instructions.carried.get(shard, 0) < number:
            await world.progress.after(world.progress.count)


@pytest.fixture
async def world(redis_server):
    redis = Redis(redis_server.url)
    world = World(redis)
    world.horizon = CarriedOut(world)
    world.begin()
    yield world
    await redis.close()


async def test_a_hold_and_the_events_that_pay_for_it_come_again_in_one_batch_each(world):
    """After Redis forgot them: the second hold needs what the first order left, and its own end needs it."""
    user = new_user()
    funds = deposit(user, 1, "USDT", 100)
    first, second = order(user, 2, BUY, price=100), order(user, 3, BUY, price=100)
    await world.order(funds, first)
    await world.event(cancelled(1, user, 2))
    await world.order(second)
    await world.event(cancelled(2, user, 3))
    forgotten = [keys.available(user, "USDT"), keys.held(user, "USDT"), keys.holds(user), keys.cursor(user)]
    await world.redis.command("DEL", *forgotten)
    world.begin()
    async with asyncio.timeout(60):
        await asyncio.gather(
            world.order(funds, first, second), world.event(cancelled(1, user, 2), cancelled(2, user, 3))
        )
    assert await world.balance(user, "USDT") == (100, 0)
    assert await world.holds(user) == {}
    answers = [(answer.number, answer.WhichOneof("body")) for answer in world.log.answers]
    assert answers == [(1, "funds_credited"), (2, "funds_held"), (3, "funds_held")]
