"""Each script against a plain model, to the ends of 64 bits, whatever is repeated: on the shipped text in
Lua.
"""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcry.v1.instruction_pb2 import DepositMade
from outcry_services.common import fees
from outcry_services.common.errors import ServiceError
from outcry_services.common.money import I64_MAX
from outcry_services.common.redis import Call, Redis, Script
from outcry_services.position import keys, library
from outcry_services.position.entries import Said, answer_of, parse_entry
from outcry_services.position.errors import PositionCorruptError, StoreChangedError

from e2e.simulation.redis_server import FakeRedis, FakeRedisServer
from services.tests.position.making import (
    BUY,
    SELL,
    World,
    adjustment,
    cancel,
    cancelled,
    deposit,
    instruction,
    instruction_batch,
    new_user,
    order,
    order_id,
    trade,
    withdrawal,
)

AMOUNTS = st.one_of(
    st.integers(0, I64_MAX),
    st.sampled_from([0, 1, 9, 10, 999_999_999, 10**9, 10**9 + 1, 2**53, 2**53 + 1, I64_MAX - 1, I64_MAX]),
    st.integers(0, 10**10),
)


def exact_script(expression):
    text = library.PRE_DEDUCT.text
    prelude = text[: text.index("-- What all scripts of an instruction share")]
    return Script.of("exact", f"{prelude}\nreturn {expression}")


PLUS, MINUS = exact_script("plus(ARGV[1], ARGV[2])"), exact_script("minus(ARGV[1], ARGV[2])")
LESS = exact_script("less(ARGV[1], ARGV[2]) and 'yes' or 'no'")
AMOUNT = exact_script("amount(ARGV[1]) or 'none'")


def evaluated(calls):
    return asyncio.run(FakeRedis(FakeRedisServer()).run_all(calls))


@given(AMOUNTS, AMOUNTS)
def test_sums_and_comparisons_of_text_are_those_of_integers(a, b):
    high, low = max(a, b), min(a, b)
    replies = evaluated(
        [Call(PLUS, (), (a, b)), Call(MINUS, (), (high, low)), Call(LESS, (), (a, b)), Call(LESS, (), (b, a))]
    )
    assert [reply.decode() for reply in replies] == [
        str(a + b),
        str(high - low),
        "yes" if a < b else "no",
        "yes" if b < a else "no",
    ]


@pytest.mark.parametrize(
    "text",
    ["-1", "+1", "01", "", " 1", "1 ", "1e3", "1.0", "0x1", "nan", str(I64_MAX + 1), "9" * 40, "\u0661"],
)
def test_text_that_is_no_amount_is_none(text):
    assert evaluated([Call(AMOUNT, (), (text,))]) == [b"none"]


@given(AMOUNTS, AMOUNTS, st.integers(0, 5), st.integers(0, 2**40))
def test_a_step_of_a_hold_is_that_of_the_ledger(left, paid, remaining, per_unit):
    text = library.SETTLE.text
    prelude = text[: text.index("-- One side of a trade.")]
    script = Script.of(
        "step",
        f"{prelude}\nlocal a, b, c, d = step(ARGV[1], ARGV[2], ARGV[3]) return a..' '..b..' '..c..' '..d",
    )
    keep = "0" if remaining == 0 else str(per_unit * remaining) if per_unit else ""
    (reply,) = evaluated([Call(script, (), (left, paid, keep))])
    wanted = fees.hold_step(left=left, per_unit=per_unit, remaining=remaining, paid=paid)
    assert tuple(map(int, reply.split())) == (wanted.from_hold, wanted.short, wanted.released, wanted.left)


@pytest.fixture(params=["lua", pytest.param("redis", marks=pytest.mark.integration)])
async def world(request):
    """The same on the shipped text in a Lua of its own, and on Redis."""
    if request.param == "lua":
        yield World(FakeRedis(FakeRedisServer()))
        return
    redis = Redis(request.getfixturevalue("redis_server").url)
    yield World(redis)
    await redis.close()


async def test_amounts_are_exact_to_the_end_of_64_bits(world):
    user = new_user()
    await world.order(
        deposit(user, 1, "USDT", I64_MAX),
        deposit(user, 2, "USDT", 1),
        adjustment(user, 3, "USDT", 1),
        order(user, 4, BUY, hold=I64_MAX, per_unit=I64_MAX),
        deposit(user, 5, "USDT", 1),
        adjustment(user, 6, "USDT", -1),
    )
    reasons = [answer.refused.reason for answer in world.log.answers if answer.HasField("refused")]
    # What is held counts too: a release must always fit.
    assert reasons == [2, 2, 2, 1]
    assert await world.balance(user, "USDT") == (0, I64_MAX)
    await world.event(cancelled(1, user, 4))
    assert await world.balance(user, "USDT") == (I64_MAX, 0)


async def test_a_refusal_stays_one_when_it_is_asked_again_with_the_funds_there(world):
    user = new_user()
    first = order(user, 1, BUY, price=100)
    whole = world.log.publish

    async def dies(record):
        raise ConnectionError

    world.log.publish = dies
    with pytest.raises(BaseExceptionGroup):
        await world.order(first)
    world.log.publish = whole
    world.begin()
    await world.order(first, deposit(user, 2, "USDT", 500))
    world.begin()
    await world.order(first, deposit(user, 2, "USDT", 500))
    assert [answer.WhichOneof("body") for answer in world.log.answers] == ["refused", "funds_credited"]
    assert await world.balance(user, "USDT") == (500, 0)


async def test_a_withdrawal_is_held_and_says_what_it_is(world):
    user = new_user()
    await world.order(
        deposit(user, 1, "BTC", 10), withdrawal(user, 2, "BTC", 7), withdrawal(user, 3, "BTC", 4)
    )
    assert await world.balance(user, "BTC") == (3, 7)
    assert await world.holds(user) == {order_id(user, 2): 7}
    _, held, refused = world.log.answers
    assert (held.funds_held.withdrawal, held.funds_held.id) == (True, order_id(user, 2))
    assert refused.refused.id == order_id(user, 3)
    assert [(entry.number, entry.kind) for entry in world.log.journal] == [(1, 4), (2, 5)]


async def test_an_order_of_a_pair_that_nobody_matches_is_refused_and_takes_nothing(world):
    user = new_user()
    world.topics.missing.add("matching.X-USDT")
    await world.order(
        deposit(user, 1, "USDT", 100),
        order(user, 2, BUY, price=50, symbol="X-USDT"),
        cancel(user, 3, 2, symbol="X-USDT"),
    )
    _, refused, cancel_refused = world.log.answers
    assert (refused.refused.id, refused.refused.reason) == (order_id(user, 2), 3)
    # The refusal of a cancel must end no order.
    assert cancel_refused.refused.id == 0
    assert await world.balance(user, "USDT") == (100, 0)


async def test_what_a_pair_loses_is_released_by_the_unit(world):
    user, other = new_user(), new_user()
    await world.order(
        deposit(user, 1, "USDT", 1000),
        order(user, 2, BUY, price=100, quantity=10),
        deposit(other, 3, "BTC", 10),
        order(other, 4, SELL, price=90),
    )
    # Filled below its limit: 10 of the 100 that this lot held come back at once.
    await world.event(
        trade(1, maker=(other, 4), taker=(user, 2), price=90, quantity=1, taker_side=BUY, left=(0, 9))
    )
    assert await world.balance(user, "USDT") == (10, 900)
    assert await world.holds(user) == {order_id(user, 2): 900}


async def test_a_sale_by_quote_keeps_its_hold_to_the_end(world):
    seller, buyer = new_user(), new_user()
    await world.order(
        deposit(seller, 1, "BTC", 100),
        order(seller, 2, SELL, price=0, hold=100, per_unit=0, quote_quantity=500),
        deposit(buyer, 3, "USDT", 1000),
        order(buyer, 4, BUY, price=100, quantity=10),
    )
    await world.event(
        trade(1, maker=(buyer, 4), taker=(seller, 2), price=100, quantity=4, taker_side=SELL, left=(6, 100))
    )
    assert await world.balance(seller, "BTC") == (0, 60)
    await world.event(cancelled(2, seller, 2))
    assert await world.balance(seller, "BTC") == (60, 0)
    assert await world.balance(seller, "USDT") == (400, 0)


async def test_the_house_pays_for_a_hold_that_is_short_and_nobody_goes_below_zero(world):
    buyer, seller = new_user(), new_user()
    await world.order(
        deposit(buyer, 1, "USDT", 150),
        order(buyer, 2, BUY, price=0, hold=100, per_unit=100),
        deposit(seller, 3, "BTC", 10),
        order(seller, 4, SELL, price=120),
    )
    await world.event(trade(1, maker=(seller, 4), taker=(buyer, 2), price=120, quantity=1, taker_side=BUY))
    assert await world.balance(buyer, "USDT") == (50, 0)
    assert await world.balance(seller, "USDT") == (120, 0)
    assert [entry.short for entry in world.log.journal if entry.symbol] == [0, 20]


async def test_a_leg_that_comes_before_its_order_waits_for_it_and_keeps_its_place(world):
    buyer, seller = new_user(), new_user()
    funded = (deposit(buyer, 1, "USDT", 300), deposit(seller, 2, "BTC", 20))
    orders = (order(buyer, 3, BUY, price=100), order(seller, 4, SELL), order(seller, 5, SELL))
    await world.order(*funded)
    # Redis lost the orders, and their events are replayed first.
    late = World(world.redis, tag=world.tag)
    late.instructions.numbers.last[7] = (1, 2)

    async def reach(shard, number):
        if number == 3:
            await late.order(*orders)

    world.horizon.reach = reach
    await world.event(
        trade(1, maker=(buyer, 3), taker=(seller, 4), price=100, quantity=1, taker_side=SELL),
        cancelled(2, seller, 5),
    )
    assert await world.balance(buyer, "BTC") == (10, 0)
    assert await world.balance(seller, "BTC") == (10, 0)
    assert await world.holds(seller) == {}


async def test_an_order_that_nobody_asked_for_moves_nothing(world):
    user = new_user()
    await world.order(deposit(user, 1, "USDT", 10))
    # A generator's orders: an id of nobody's shard, and one that only looks like ours.
    await world.event(cancelled(1, user, 0), cancelled(2, user, 77))
    assert world.horizon.asked == [(7, 77)]
    assert await world.balance(user, "USDT") == (10, 0)
    assert await world.redis.command("HGET", keys.cursor(user), "BTC-USDT") == b"4"


async def test_a_value_that_nobody_wrote_stops_the_worker_before_it_changes_anything(world):
    user = new_user()
    await world.order(deposit(user, 1, "USDT", 10))
    await world.redis.command("SET", keys.available(user, "USDT"), "1e3")
    with pytest.raises(PositionCorruptError, match="waits at 2"):
        await world.order(order(user, 2, BUY, price=1))
    assert await world.holds(user) == {}
    await world.redis.command("SET", keys.available(user, "USDT"), "10")
    world.begin()
    await world.order(deposit(user, 1, "USDT", 10), order(user, 2, BUY, price=1))
    assert await world.balance(user, "USDT") == (9, 1)


async def test_holds_of_another_type_stop_an_order_before_it_changes_anything(world):
    """Redis takes nothing back of a script that fails: an entry in the journal would say that it is held."""
    user = new_user()
    await world.order(deposit(user, 1, "USDT", 10))
    await world.redis.command("SET", keys.holds(user), "lost")
    with pytest.raises(ServiceError, match="refuses a script"):
        await world.order(order(user, 2, BUY, price=1))
    assert await world.redis.command("HKEYS", keys.journal(user)) == []
    assert await world.balance(user, "USDT") == (10, 0)
    await world.redis.command("DEL", keys.holds(user))
    world.begin()
    await world.order(deposit(user, 1, "USDT", 10), order(user, 2, BUY, price=1))
    assert await world.balance(user, "USDT") == (9, 1)


@pytest.mark.parametrize("incarnations", [(1, 1), (1, 2)])
async def test_what_a_crash_left_untold_is_told_by_the_next_process(world, incarnations):
    """Between the script and its answer, also when the user's next step was of a shard restored since."""
    user = new_user()
    steps = [
        instruction(user, number, incarnation=incarnation, deposit_made=DepositMade(asset="USDT", amount=10))
        for number, incarnation in enumerate(incarnations, 1)
    ]
    for step in steps:
        await world.instructions.take(instruction_batch(step))
    assert world.log.answers == []
    world.begin()
    for step in steps:
        await world.order(step)
    assert [answer.number for answer in world.log.answers] == [1, 2]
    assert [entry.cause for entry in world.log.journal] == [1, 2]
    assert await world.balance(user, "USDT") == (20, 0)


async def test_a_cursor_that_no_answer_stands_behind_stops_the_worker_until_it_is_repaired(world):
    """To take the instruction for done would leave it without an answer for ever."""
    user = new_user()
    await world.order(deposit(user, 1, "USDT", 10))
    await world.redis.command("HSET", keys.cursor(user), "i", "999")
    with pytest.raises(PositionCorruptError, match="says that 2 is done") as raised:
        await world.order(deposit(user, 2, "USDT", 10))
    assert raised.value.name == "POSITION_UNTOLD"
    await world.redis.command("HSET", keys.cursor(user), "i", "1")
    world.begin()
    await world.order(deposit(user, 1, "USDT", 10), deposit(user, 2, "USDT", 10))
    assert [answer.number for answer in world.log.answers] == [1, 2]
    assert await world.balance(user, "USDT") == (20, 0)


async def test_what_was_answered_reaches_its_pair_although_the_cursor_was_ahead_of_it(world):
    """The process died between answer and command, Redis lost the step, and somebody set the cursor."""
    user = new_user()
    await world.order(deposit(user, 1, "USDT", 100))
    whole = world.log.publish_all

    async def without_commands(records):
        if any(record.topic.startswith("matching.") for record in records):
            raise ConnectionError
        return await whole(records)

    world.log.publish_all = without_commands
    with pytest.raises(BaseExceptionGroup):
        await world.order(order(user, 2, BUY, price=100))
    world.log.publish_all = whole
    await world.redis.command("DEL", keys.journal(user))
    world.begin()
    await world.order(deposit(user, 1, "USDT", 100), order(user, 2, BUY, price=100))
    assert [answer.number for answer in world.log.answers] == [1, 2]
    assert [command.number for command in world.log.commands()] == [2]


async def test_a_redis_that_lost_what_it_acknowledged_is_found_out_by_the_next_step(world):
    user = new_user()
    await world.order(deposit(user, 1, "USDT", 10), deposit(user, 2, "USDT", 10))
    await world.redis.command("HSET", keys.cursor(user), "i", "1")
    with pytest.raises(StoreChangedError, match=f"lacks step 2 of user {user}"):
        await world.order(deposit(user, 3, "USDT", 10))


def test_answers_and_entries_that_no_script_gives_are_refused():
    assert answer_of(b"OLD ").said is Said.OLD
    entry = parse_entry("3 SETTLE 9 USDT:25:-55 BTC:10:0 short=4")
    assert (entry.number, entry.short, entry.changes[0].held) == (3, 4, -55)


# Conservation over anything at all.
