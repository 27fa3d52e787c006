"""What becomes of a withdrawal's hold: on the shipped scripts in Lua, whatever is repeated."""

from __future__ import annotations

import pytest
from outcry.v1.journal_pb2 import JournalKind
from outcry_services.common.money import I64_MAX
from outcry_services.position import keys
from outcry_services.position.errors import PositionCorruptError

from e2e.simulation.redis_server import FakeRedis, FakeRedisServer
from services.tests.position.making import (
    World,
    completed,
    deposit,
    new_user,
    order_id,
    released,
    returned,
    sent,
    withdrawal,
)

pytestmark = pytest.mark.asyncio


@pytest.fixture
def server():
    return FakeRedisServer()


@pytest.fixture
def world(server):
    return World(FakeRedis(server))


def said(world):
    return [answer.WhichOneof("body") for answer in world.log.answers]


async def test_a_payout_takes_what_was_held_and_its_end_takes_nothing(world):
    user = new_user()
    await world.order(
        deposit(user, 1, "BTC", 10),
        withdrawal(user, 2, "BTC", 7),
        sent(user, 3, 2, "BTC", 7),
        completed(user, 4, 2, "BTC", 7),
    )
    assert await world.balance(user, "BTC") == (3, 0)
    assert await world.holds(user) == {}
    assert said(world) == ["funds_credited", "funds_held", "funds_sent", "funds_paid_out"]
    moved = [
        (JournalKind.Name(entry.kind), entry.order_id, entry.changes[0].available, entry.changes[0].held)
        for entry in world.log.journal
    ]
    assert moved[-1] == ("JOURNAL_KIND_PAYOUT", order_id(user, 2), 0, -7)
    assert len(moved) == 3


async def test_what_is_released_or_comes_back_is_available(world):
    user = new_user()
    await world.order(
        deposit(user, 1, "BTC", 10),
        withdrawal(user, 2, "BTC", 7),
        withdrawal(user, 3, "BTC", 3),
        released(user, 4, 2, "BTC", 7),
        sent(user, 5, 3, "BTC", 3),
    )
    assert await world.balance(user, "BTC") == (7, 0)
    await world.order(returned(user, 6, 3, "BTC", 3))
    assert await world.balance(user, "BTC") == (10, 0)
    assert said(world)[-3:] == ["funds_released", "funds_sent", "funds_returned"]
    assert world.log.answers[-1].funds_returned.id == order_id(user, 3)


async def test_every_step_counts_once_however_often_it_comes(world):
    user = new_user()
    story = [
        deposit(user, 1, "BTC", 10),
        withdrawal(user, 2, "BTC", 7),
        released(user, 3, 2, "BTC", 7),
        withdrawal(user, 4, "BTC", 6),
        sent(user, 5, 4, "BTC", 6),
        returned(user, 6, 4, "BTC", 6),
    ]
    for _ in range(3):
        world.begin()
        await world.order(*story)
    assert await world.balance(user, "BTC") == (10, 0)
    assert len(world.log.answers) == len(story)


@pytest.mark.parametrize(
    ("step", "of", "asset", "amount"),
    [(sent, 1, "BTC", 7), (released, 2, "BTC", 6), (sent, 2, "ETH", 7)],
    ids=["no hold", "another amount", "another asset"],
)
async def test_a_hold_that_is_not_there_stops_what_would_end_it(world, step, of, asset, amount):
    user = new_user()
    await world.order(deposit(user, 1, "BTC", 10), withdrawal(user, 2, "BTC", 7))
    with pytest.raises(PositionCorruptError, match="holds:"):
        await world.order(step(user, 3, of, asset, amount))
    assert await world.balance(user, "BTC") == (3, 7)


async def test_what_comes_back_must_fit(world, server):
    user = new_user()
    await world.order(deposit(user, 1, "BTC", 10), withdrawal(user, 2, "BTC", 7), sent(user, 3, 2, "BTC", 7))
    server.keys.values[keys.available(user, "BTC").encode()] = str(I64_MAX).encode()
    with pytest.raises(PositionCorruptError, match="pos:"):
        await world.order(returned(user, 4, 2, "BTC", 7))
