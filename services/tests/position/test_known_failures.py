"""Failures that other exchanges had, on real Redis."""

from __future__ import annotations

import asyncio

import pytest
from outcry_services.common.redis import Redis
from outcry_services.position.errors import PositionCorruptError
from outcry_services.position.marks import InstructionsMark

from services.tests.position.making import (
    BUY,
    SELL,
    World,
    cancel,
    cancelled,
    deposit,
    new_user,
    order,
    order_id,
    trade,
)

pytestmark = pytest.mark.integration

AT_ONE = InstructionsMark(numbers={7: (1, 1)})


@pytest.fixture
async def world(redis_server):
    redis = Redis(redis_server.url)
    yield World(redis)
    await redis.close()


async def test_a_thousand_orders_at_once_never_take_more_than_there_is(world):
    user = new_user()
    await world.order(deposit(user, 1, "USDT", 10_050))
    orders = [order(user, number, BUY, price=100) for number in range(2, 1002)]
    await world.order(*orders)
    held = [answer for answer in world.log.answers if answer.WhichOneof("body") == "funds_held"]
    refused = [answer for answer in world.log.answers if answer.WhichOneof("body") == "refused"]
    assert (len(held), len(refused)) == (100, 900)
    assert [answer.number for answer in world.log.answers] == list(range(1, 1002))
    assert [command.number for command in world.log.commands()] == list(range(2, 102))
    assert await world.balance(user, "USDT") == (50, 10_000)
    assert await world.undrained(user) == {}


async def test_many_processes_on_one_balance_never_take_more_than_there_is(redis_server):
    user = new_user()
    redises = [Redis(redis_server.url) for _ in range(10)]
    worlds = [World(redis) for redis in redises]
    await worlds[0].order(deposit(user, 1, "USDT", 5_000))
    orders = [order(user, number, BUY, price=100) for number in range(2, 102)]
    # Each of them carries out the same log: a process that was succeeded may still be at work.
    for world in worlds[1:]:
        world.log = worlds[0].log
        world.begin(AT_ONE)
    await asyncio.gather(*(_carry_out(world, orders) for world in worlds))
    assert await worlds[0].balance(user, "USDT") == (0, 5_000)
    for world in worlds:
        held = [one.number for one in world.log.answers if one.WhichOneof("body") == "funds_held"]
        assert set(held) <= set(range(2, 52))
    await asyncio.gather(*(redis.close() for redis in redises))


async def _carry_out(world, orders):
    """Another one may have told of them since this one began: then it begins again, as the flow does."""
    while True:
        try:
            return await world.order(*orders)
        except PositionCorruptError as error:
            if error.name != "POSITION_UNTOLD":
                raise
            world.begin(AT_ONE)


async def test_a_buy_at_55_filled_at_30_leaves_nothing_held(world):
    buyer, seller = new_user(), new_user()
    await world.order(
        deposit(buyer, 1, "USDT", 55),
        deposit(seller, 2, "BTC", 10),
        order(seller, 3, SELL, price=30),
        order(buyer, 4, BUY, price=55),
    )
    assert await world.balance(buyer, "USDT") == (0, 55)
    await world.event(trade(1, maker=(seller, 3), taker=(buyer, 4), price=30, quantity=1, taker_side=BUY))
    assert await world.balance(buyer, "USDT") == (25, 0)
    assert await world.balance(buyer, "BTC") == (10, 0)
    assert await world.balance(seller, "USDT") == (30, 0)
    assert await world.balance(seller, "BTC") == (0, 0)
    assert await world.holds(buyer) == await world.holds(seller) == {}


async def test_a_cancel_that_comes_twice_and_races_a_fill_releases_once(world):
    buyer, seller = new_user(), new_user()
    await world.order(
        deposit(buyer, 1, "USDT", 300),
        deposit(seller, 2, "BTC", 10),
        order(buyer, 3, BUY, price=100, quantity=3),
        order(seller, 4, SELL, price=100),
        cancel(buyer, 5, 3),
        cancel(buyer, 6, 3),
    )
    assert [command.WhichOneof("body") for command in world.log.commands()][2:] == ["cancel_order"] * 2
    filled = trade(
        1, maker=(buyer, 3), taker=(seller, 4), price=100, quantity=1, taker_side=SELL, left=(2, 0)
    )
    ended = cancelled(2, buyer, 3, remaining=2)
    await world.event(filled, ended)
    await world.event(filled, ended, cancelled(3, buyer, 3, remaining=2))
    assert await world.balance(buyer, "USDT") == (200, 0)
    assert await world.holds(buyer) == {}
    # The second cancel found no order: its event moved the cursor and nothing else.
    assert [entry.kind for entry in world.log.journal if entry.cause == 3 and entry.symbol] == []


async def test_a_self_trade_has_two_legs(world):
    user = new_user()
    await world.order(
        deposit(user, 1, "USDT", 100),
        deposit(user, 2, "BTC", 10),
        order(user, 3, SELL, price=100),
        order(user, 4, BUY, price=100),
    )
    await world.event(
        trade(
            1, maker=(user, 3), taker=(user, 4), price=100, quantity=1, taker_side=BUY, fees=(1000, 100_000)
        )
    )
    # 0.1 % of 100 quote units rounds up to 1, 10 % of 10 base units is 1.
    assert await world.balance(user, "USDT") == (99, 0)
    assert await world.balance(user, "BTC") == (9, 0)
    assert [(entry.cause, entry.leg) for entry in world.log.journal if entry.symbol] == [(1, 0), (1, 1)]


async def test_a_crash_between_the_legs_leaves_one_to_be_done(world):
    buyer, seller = new_user(), new_user()
    await world.order(
        deposit(buyer, 1, "USDT", 100),
        deposit(seller, 2, "BTC", 10),
        order(seller, 3, SELL),
        order(buyer, 4, BUY),
    )
    both = trade(1, maker=(seller, 3), taker=(buyer, 4), price=100, quantity=1, taker_side=BUY)
    whole = world.redis.run_all

    async def first_only(calls):
        if len(calls) > 1:
            await whole(calls[:1])
            raise ConnectionError
        return await whole(calls)

    world.redis.run_all = first_only
    with pytest.raises(ConnectionError):
        await world.event(both)
    assert await world.balance(seller, "USDT") == (100, 0)
    assert await world.balance(buyer, "BTC") == (0, 0)
    world.redis.run_all = whole
    world.begin()
    await world.event(both)
    assert await world.balance(seller, "USDT") == (100, 0)
    assert await world.balance(buyer, "BTC") == (10, 0)
    assert {(entry.user_id, entry.leg) for entry in world.log.journal if entry.symbol} == {
        (seller, 0),
        (buyer, 1),
    }


async def test_scripts_that_redis_forgets_change_neither_order_nor_result(world):
    user = new_user()
    await world.order(deposit(user, 1, "USDT", 100))
    await world.redis.command("SCRIPT", "FLUSH")
    # Redis knows one of these scripts and not the other: the first would run behind the second.
    await world.order(order(user, 2, BUY, price=60))
    await world.redis.command("SCRIPT", "FLUSH")
    await world.order(order(user, 3, BUY, price=40), deposit(user, 4, "USDT", 1), cancel(user, 5, 2))
    await world.redis.command("SCRIPT", "FLUSH")
    await world.order(deposit(user, 6, "USDT", 1))
    await world.order(order(user, 7, BUY, price=2), deposit(user, 8, "USDT", 5), order(user, 9, BUY, price=5))
    assert [answer.number for answer in world.log.answers] == list(range(1, 10))
    assert await world.balance(user, "USDT") == (0, 107)
    assert set(await world.holds(user)) == {order_id(user, number) for number in (2, 3, 7, 9)}
