"""The service on a real broker and Consul: its view, its admins, and what it does when it can't see."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from confluent_kafka import TopicPartition
from outcry.v1.risk_api_pb2 import (
    CheckRequest,
    GetLimitsRequest,
    LimitValues,
    RestoreUserRequest,
    RiskCheck,
    SetLimitsRequest,
    SuspendUserRequest,
)
from outcry_services.common.errors import ForbiddenError, InvalidError, NotFoundError, UnauthenticatedError
from outcry_services.common.identity import Identity, Permission
from outcry_services.common.kafka import Record
from outcry_services.common.order_log import ORDERS, events_topic
from outcry_services.topics.ensure import ensure_topics

from e2e.backends import ConsulServer, KafkaServer
from services.tests.risk.making import SELL, Market, Shard, check
from services.tests.risk.processes import ADMIN, PARTITIONS, RiskServer, world_of

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def broker():
    """A broker whose topics are the exchange's own."""
    with KafkaServer() as server:
        list(ensure_topics(server.bootstrap, partitions=PARTITIONS, replication=1))
        yield server


@pytest.fixture(scope="module")
def server(broker, consul):
    with RiskServer(kafka=broker, consul=consul, OUTCRY_CHECKPOINT_SECONDS="0.5") as server:
        server.wait_until_ready()
        yield server


@pytest.fixture
async def world(broker, consul, server):
    async with world_of(broker, consul, server) as world:
        yield world


@pytest.fixture
def user():
    """A user that no other test uses."""
    return 10_000 + uuid.uuid4().int % 10**9


@pytest.fixture
async def pair(world, symbol):
    """A pair that the service follows."""
    await asyncio.to_thread(world.make_pair, symbol)
    await known(world, symbol)
    yield symbol
    await asyncio.to_thread(world.consul.delete, f"kv/outcry/pairs/{symbol}")


async def known(world, symbol):
    await eventually(world, check(5, symbol=symbol), "")


async def eventually(world, asked, name):
    """Ask until the verdict is this one."""
    async with asyncio.timeout(60):
        while True:
            if await world.names(asked) == [name]:
                return
            await asyncio.sleep(0.05)


async def set_limits(world, **named):
    values = {name: named.pop(name) for name in list(named) if name in LimitValues.DESCRIPTOR.fields_by_name}
    request = SetLimitsRequest(limits=LimitValues(**values), reason="test", **named)
    return await world.admin.SetLimits(request, metadata=ADMIN.metadata())


async def test_a_limit_is_in_force_once_its_call_is_answered(world, pair, user):
    answer = await set_limits(world, user_id=user, symbol=pair, max_order_notional=500)
    assert answer.limits == LimitValues(max_order_notional=500)
    asked = check(user, notional=501, symbol=pair)
    assert await world.names(asked, check(user + 1, notional=501, symbol=pair)) == [
        "ORDER_NOTIONAL_LIMIT",
        "",
    ]
    await set_limits(world, user_id=user, symbol=pair)
    assert await world.names(asked) == [""]


async def test_what_is_in_force_is_shown_scope_by_scope(world, pair, user):
    await set_limits(world, user_id=user, max_open_orders=3, price_collar_bps=500)
    await set_limits(world, user_id=user, symbol=pair, max_open_orders=2)
    asked = GetLimitsRequest(user_id=user, symbol=pair)
    answer = await world.admin.GetLimits(asked, metadata=ADMIN.metadata())
    assert answer.limits == LimitValues(max_open_orders=2, price_collar_bps=500)


async def test_orders_count_from_their_instruction_to_their_end(world, pair, user):
    shard, market = Shard(user, symbol=pair), Market(symbol=pair)
    await set_limits(world, user_id=user, symbol=pair, max_open_orders=1)
    # Not reserved by a check: the log alone says that it is there.
    await world.orders(shard, shard.order())
    asked = check(user, symbol=pair, price=77)
    await eventually(world, asked, "OPEN_ORDERS_LIMIT")
    await world.answers(shard, shard.held(1))
    await world.events(market, market.cancelled(user, shard.order_id(1)))
    await eventually(world, asked, "")
    assert await world.names(asked) == ["OPEN_ORDERS_LIMIT"]


async def test_trades_move_the_collar_and_the_volume(world, pair, user):
    shard, market = Shard(user, symbol=pair), Market(symbol=pair)
    await set_limits(world, symbol=pair, price_collar_bps=100)
    await set_limits(world, user_id=user, symbol=pair, max_daily_volume=1_000)
    await world.orders(shard, shard.order(price=200, quantity=4, side=SELL))
    await world.events(market, market.trade((user, shard.order_id(1)), (3, 3), price=200, quantity=4))
    # Somebody else asks until the trade is known, so that no answer before it counts with this user's.
    asked = check(user + 1, symbol=pair, price=190, notional=1, side=SELL)
    await eventually(world, asked, "PRICE_COLLAR")
    assert await world.names(check(user, symbol=pair, price=203, notional=1)) == ["PRICE_COLLAR"]
    assert await world.names(check(user, symbol=pair, price=202, notional=201)) == ["DAILY_VOLUME_LIMIT"]
    assert await world.names(check(user, symbol=pair, price=202, notional=200)) == [""]


async def test_a_thousand_checks_at_once_allow_no_more_than_the_limit(world, pair, user):
    await set_limits(world, user_id=user, symbol=pair, max_open_orders=10)
    calls = [
        world.names(*[check(user, symbol=pair, price=price) for price in range(1, 21)]) for _ in range(50)
    ]
    verdicts = [name for names in await asyncio.gather(*calls) for name in names]
    assert (verdicts.count(""), verdicts.count("OPEN_ORDERS_LIMIT")) == (10, 990)


async def test_users_are_suspended_and_restored(world, pair, user):
    suspend = SuspendUserRequest(user_id=user, mode="SUSPENDED", reason="fraud")
    state = await world.admin.SuspendUser(suspend, metadata=ADMIN.metadata())
    assert (state.mode, state.reason) == ("SUSPENDED", "fraud")
    assert await world.names(check(user, symbol=pair)) == ["USER_SUSPENDED"]
    restore = RestoreUserRequest(user_id=user, reason="a mistake")
    assert (await world.admin.RestoreUser(restore, metadata=ADMIN.metadata())).mode == "ACTIVE"
    assert await world.names(check(user, symbol=pair)) == [""]


async def test_only_administrators_change_anything(world, user):
    trader = Identity(user_id=user, permissions=frozenset({Permission.TRADE, Permission.WITHDRAW}))
    suspend = SuspendUserRequest(user_id=user + 1, mode="SUSPENDED", reason="rival")
    calls = [
        (world.admin.SetLimits, SetLimitsRequest(reason="x")),
        (world.admin.GetLimits, GetLimitsRequest()),
        (world.admin.SuspendUser, suspend),
        (world.admin.RestoreUser, RestoreUserRequest(user_id=user, reason="x")),
    ]
    for call, request in calls:
        with pytest.raises(ForbiddenError):
            await call(request, metadata=trader.metadata())
        with pytest.raises(UnauthenticatedError):
            await call(request)


@pytest.mark.parametrize(
    ("change", "kind", "name"),
    [
        ({"reason": ""}, InvalidError, "REASON_MISSING"),
        ({"reason": " " * 5}, InvalidError, "REASON_MISSING"),
        ({"reason": "x" * 201}, InvalidError, "REASON_MISSING"),
        ({"user_id": 2**63}, InvalidError, "INVALID_USER_ID"),
        ({"symbol": "\u0412TC-USDT"}, InvalidError, "SYMBOL_CHARACTERS"),
        ({"symbol": "nothing"}, InvalidError, "INVALID_SYMBOL"),
        ({"symbol": "NO-SUCH"}, NotFoundError, "UNKNOWN_SYMBOL"),
        ({"limits": LimitValues(max_order_notional=-1)}, InvalidError, "INVALID_LIMIT"),
        ({"limits": LimitValues(max_daily_volume=-(2**63))}, InvalidError, "INVALID_LIMIT"),
    ],
)
async def test_a_limit_that_makes_no_sense_has_a_name(world, change, kind, name):
    request = SetLimitsRequest(**({"reason": "test"} | change))
    with pytest.raises(kind) as caught:
        await world.admin.SetLimits(request, metadata=ADMIN.metadata())
    assert caught.value.name == name


@pytest.mark.parametrize("mode", ["ACTIVE", "", "suspended", "x" * 100])
async def test_a_mode_that_makes_no_sense_has_a_name(world, user, mode):
    request = SuspendUserRequest(user_id=user, mode=mode, reason="test")
    with pytest.raises(InvalidError) as caught:
        await world.admin.SuspendUser(request, metadata=ADMIN.metadata())
    assert caught.value.name == "INVALID_MODE"


@pytest.mark.parametrize(
    "checks", [[RiskCheck(user_id=7)], [check(0)], [check(7)] * 1001], ids=["nothing", "nobody", "too many"]
)
async def test_a_batch_that_makes_no_sense_is_refused_whole(world, checks):
    with pytest.raises(InvalidError):
        await world.risk.Check(CheckRequest(checks=checks))


async def test_nothing_is_allowed_in_a_pair_that_is_not_there_and_a_new_one_is_found(world, symbol, user):
    asked = check(user, symbol=symbol)
    assert await world.names(asked) == ["RISK_NOT_READY"]
    # The operator has named it; its topic comes later.
    await asyncio.to_thread(world.make_pair, symbol, topic=False)
    assert await world.names(asked) == ["RISK_NOT_READY"]
    await asyncio.to_thread(world.kafka.create_topic, events_topic(symbol))
    await known(world, symbol)


async def test_a_record_that_nobody_can_read_is_kept_and_a_missing_number_stops_its_shard_alone(world, pair):
    shard, other = Shard(2_000_011, symbol=pair), Shard(2_000_012, symbol=pair)
    await world.orders(shard, shard.order(), shard.order())
    lost = shard.order()
    await world.publisher.publish(
        Record(topic=ORDERS, partition=shard.shard % PARTITIONS, value=b"\xff" * 20)
    )
    await world.orders(shard, shard.order())
    await eventually(world, check(shard.user_id, symbol=pair), "RISK_NOT_READY")
    assert world.server.metric("outcry_risk_gaps") == 1
    assert await world.names(check(other.user_id, symbol=pair)) == [""]
    # Its publisher goes on from what is missing.
    await world.orders(shard, lost, shard.order())
    await world.orders(shard, *(shard_again(shard, number) for number in (4, 5)))
    await eventually(world, check(shard.user_id, symbol=pair), "")
    assert world.server.metric("outcry_risk_gaps") == 0


def shard_again(shard, number):
    """An instruction of that number, written once more."""
    again = Shard(shard.user_id, symbol=shard.symbol)
    for _ in range(number - 1):
        again.order()
    return again.order()


async def test_a_service_that_was_killed_knows_everything_again(world, pair, user):
    shard = Shard(user, symbol=pair)
    await set_limits(world, user_id=user, symbol=pair, max_open_orders=1)
    await world.orders(shard, shard.order())
    await eventually(world, check(user, symbol=pair, price=77), "OPEN_ORDERS_LIMIT")
    await asyncio.to_thread(world.server.restart)
    await asyncio.to_thread(world.server.wait_until_ready)
    await eventually(world, check(user, symbol=pair, price=77), "OPEN_ORDERS_LIMIT")


async def test_a_view_that_was_kept_needs_no_events_that_were_trimmed(world, pair, user):
    shard, market = Shard(user, symbol=pair), Market(symbol=pair)
    await set_limits(world, user_id=user, symbol=pair, max_open_orders=2, price_collar_bps=100)
    await world.orders(shard, shard.order(), shard.order(), shard.order())
    await world.events(market, market.cancelled(user, shard.order_id(2)), market.trade((3, 3), (4, 4)))
    asked = check(user, symbol=pair, price=77)
    await eventually(world, asked, "OPEN_ORDERS_LIMIT")
    await next_checkpoint(world)
    await asyncio.to_thread(world.server.kill)
    await world.events(market, market.cancelled(user, shard.order_id(3)))
    await asyncio.to_thread(trim, world.kafka, events_topic(pair), 1)
    await asyncio.to_thread(world.server.start)
    await asyncio.to_thread(world.server.wait_until_ready)
    await known(world, pair)
    assert await world.names(check(user, symbol=pair, price=102)) == ["PRICE_COLLAR"]
    assert await world.names(asked, asked) == ["", "OPEN_ORDERS_LIMIT"]


async def next_checkpoint(world):
    """Until one was written that began from now on: the first to be whole may have begun before."""
    before = world.server.metric("outcry_risk_checkpoints")
    await asyncio.to_thread(
        world.server.until,
        lambda: world.server.metric("outcry_risk_checkpoints") >= before + 2,
        "two checkpoints are written",
    )


def trim(kafka, topic, offset):
    """Forget the records before an offset, as retention does."""
    # It must outlive its answer.
    admin = kafka.admin
    admin.delete_records([TopicPartition(topic, 0, offset)])[TopicPartition(topic, 0)].result(30)


async def test_while_kafka_is_away_nothing_is_allowed_and_afterwards_it_is_again(symbol):
    with KafkaServer() as broker, ConsulServer() as consul:
        list(ensure_topics(broker.bootstrap, partitions=PARTITIONS, replication=1))
        with RiskServer(kafka=broker, consul=consul, OUTCRY_STALE_SECONDS="1") as server:
            async with world_of(broker, consul, server) as world:
                await asyncio.to_thread(world.make_pair, symbol)
                await known(world, symbol)
                broker.pause()
                await eventually(world, check(7, symbol=symbol), "RISK_NOT_READY")
                assert "logs were last read" in server.page("readyz")[1]
                broker.resume()
                await known(world, symbol)
                await asyncio.to_thread(server.wait_until_ready)


def test_settings_that_make_no_sense_end_it_with_one_line(broker, consul):
    server = RiskServer(kafka=broker, consul=consul, OUTCRY_STALE_SECONDS="never")
    try:
        server.launch()
        assert server.process.wait(seconds=60) == 2
        assert server.process.tail().startswith("outcry risk: set these in the environment: OUTCRY_STALE")
    finally:
        server.close()
