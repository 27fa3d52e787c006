"""Status, fills and average price follow the events exactly once, whatever is repeated or comes too early."""

from __future__ import annotations

import random

import pytest
from outcry.v1.event_pb2 import Event, EventBatch, OrderCancelled
from outcry.v1.order_event_pb2 import InstructionRefused, OrderEvent, OrderEventBatch, RefusalReason
from outcry_services.common.ids import OrderId
from outcry_services.common.kafka import Batch, Item, RawRecord
from outcry_services.order.following import AnswerFollower, EventFollower
from outcry_services.order.metrics import FollowMetrics
from outcry_services.order.model import Status
from outcry_services.order.render import order_message, trade_message
from prometheus_client import CollectorRegistry

from services.tests.order.desk import desk, limit, whole_map
from services.tests.order.test_progress import accepted

pytestmark = pytest.mark.integration

TOPIC = "events.BTC-USDT"


@pytest.fixture
def one_server(shard_server):
    return whole_map({"a": shard_server})


def batch(topic, values, *, partition=0):
    """As a reader gives it."""
    record = RawRecord(
        topic=topic, partition=partition, offset=0, timestamp_ms=0, key=b"", value=b"", headers={}
    )
    items = tuple(Item(record=record, value=value) for value in values)
    return Batch(topic=topic, partition=partition, position=1, end=1, items=items)


def of_events(*events):
    return batch(TOPIC, [EventBatch(symbol="BTC-USDT", events=events)])


def story(maker, taker, *, before=0):
    """A maker of 50,000 lots is filled by half, then cancelled; a taker is filled whole in ten trades."""
    events = [accepted(1, maker), accepted(2, taker)]
    for index in range(10):
        event = Event(seq=3 + index, time_unix_nanos=10 + index)
        trade = event.trade_executed
        trade.trade_id, trade.price, trade.quantity = before + index + 1, 2_000_000 - index, 2_500
        trade.maker_order_id, trade.maker_user_id = maker
        trade.taker_order_id, trade.taker_user_id = taker
        trade.taker_side, trade.maker_fee_ppm, trade.taker_fee_ppm = 2, -50, 750
        trade.maker_remaining, trade.taker_remaining = (
            50_000 - 2_500 * (index + 1),
            25_000 - 2_500 * (index + 1),
        )
        events.append(event)
    cancelled = OrderCancelled(order_id=maker[0], user_id=maker[1], remaining=25_000)
    return [*events, Event(seq=13, time_unix_nanos=99, order_cancelled=cancelled)]


async def two_orders(at, shards):
    buyer, seller = shards[0], shards[1]
    maker = await at.intake.create(buyer, limit())
    taker = await at.intake.create(seller, limit(side="SELL", quantity="0.25"))
    return (maker.order_id, buyer), (taker.order_id, seller)


async def look(at, order):
    return await at.shards.on(order[1], lambda store: store.order(order[0]))


async def fills_of(at, order):
    return await at.shards.on(
        order[1], lambda store: store.fills(order[1], symbol="", order_id=order[0], before=None, most=100)
    )


async def check_the_end(at, maker, taker, *, before=0):
    row = await look(at, maker)
    assert (row.status, row.executed, row.seq) == (Status.CANCELED, 25_000, 13)
    assert row.quote_executed == sum(2_500 * (2_000_000 - index) for index in range(10))
    message = order_message(row)
    assert (message.executed_qty, message.average_price) == ("0.25000000", "19999.95500000")
    row = await look(at, taker)
    assert (row.status, row.executed, row.reason) == (Status.FILLED, 25_000, "")
    for order, leg in ((maker, 0), (taker, 1)):
        fills = await fills_of(at, order)
        assert [(fill.trade_id, fill.leg) for fill in fills] == [
            (before + number, leg) for number in range(10, 0, -1)
        ]


async def test_every_way_of_repeating_ends_in_the_same_rows(one_server, shards_of_test):
    chance = random.Random(5)
    async with desk(one_server) as at:
        for turn in range(8):
            maker, taker = await two_orders(at, shards_of_test)
            events = story(maker, taker, before=10 * turn)
            done = 0
            while done < len(events):
                # A new follower knows nothing of what was taken before, as after a crash.
                follower = EventFollower(at.shards, metrics=FollowMetrics(CollectorRegistry()))
                first = chance.randint(0, done)
                for _ in range(chance.randint(1, 3)):
                    last = min(len(events), max(done, first) + chance.randint(0, 4))
                    await follower.take(of_events(*events[first:last]))
                    done = max(done, last)
            await check_the_end(at, maker, taker, before=10 * turn)


async def test_what_comes_too_early_is_not_taken_and_is_alarming(one_server, shards_of_test):
    registry = CollectorRegistry()
    async with desk(one_server) as at:
        maker, taker = await two_orders(at, shards_of_test)
        events = story(maker, taker)
        follower = EventFollower(at.shards, metrics=FollowMetrics(registry))
        await follower.take(of_events(*events[:4], *events[6:]))
        assert registry.get_sample_value("outcry_order_gap", {"topic": f"{TOPIC}/0"}) == 1
        assert (await look(at, maker)).seq == 4
        assert follower.last_price("BTC-USDT") == 1_999_999
        # Whoever wrote it goes on without gaps: all of it comes again.
        await follower.take(of_events(*events[2:]))
        assert registry.get_sample_value("outcry_order_gap", {"topic": f"{TOPIC}/0"}) == 0
        await check_the_end(at, maker, taker)


async def test_positions_and_marks_carry_a_follower_over_a_restart(one_server, shards_of_test, shard_server):
    async with desk(one_server) as at:
        maker, taker = await two_orders(at, shards_of_test)
        events = story(maker, taker)
        before = EventFollower(at.shards, metrics=FollowMetrics(CollectorRegistry()))
        await before.take(of_events(*events[:6]))
        marks = before.marks((TOPIC, 0))
        registry = CollectorRegistry()
        after = EventFollower(at.shards, metrics=FollowMetrics(registry))
        after.restore((TOPIC, 0), marks)
        assert after.last_price("BTC-USDT") == 1_999_997
        # Now it knows that the sixth event is the last: one that misses its predecessor is seen.
        await after.take(of_events(*events[7:9]))
        assert registry.get_sample_value("outcry_order_gap", {"topic": f"{TOPIC}/0"}) == 1
        await after.take(of_events(*events))
        await check_the_end(at, maker, taker)


async def test_an_order_without_funds_is_rejected_once(one_server, shards_of_test):
    user = shards_of_test[0]
    async with desk(one_server) as at:
        row = await at.intake.create(user, limit())
        other = await at.intake.create(user, limit())
        event = OrderEvent(
            incarnation=1,
            number=OrderId.of(row.order_id).number,
            user_id=user,
            time_unix_nanos=row.created + 5,
            refused=InstructionRefused(
                id=row.order_id, reason=RefusalReason.REFUSAL_REASON_INSUFFICIENT_FUNDS
            ),
        )
        message = OrderEventBatch(version=1, shard=user, count=1, events=[event])
        for _ in range(2):
            follower = AnswerFollower(at.shards, metrics=FollowMetrics(CollectorRegistry()))
            await follower.take(batch("order-events", [message, message], partition=user % 8))
        refused = await look(at, (row.order_id, user))
        assert (refused.status, refused.reason) == (Status.REJECTED, "INSUFFICIENT_FUNDS")
        assert (await look(at, (other.order_id, user))).status is Status.PENDING_NEW
        orders = await at.shards.on(
            user, lambda store: store.orders(user, symbol="", open_only=True, before=None, most=10)
        )
        assert [each.order_id for each in orders] == [other.order_id]


async def test_an_order_of_another_hand_with_an_id_like_ours_changes_nothing(one_server, shards_of_test):
    async with desk(one_server) as at:
        maker, _ = await two_orders(at, shards_of_test)
        follower = EventFollower(at.shards, metrics=FollowMetrics(CollectorRegistry()))
        foreign = [accepted(1, (maker[0] + 1024, maker[1])), accepted(2, (maker[0], maker[1] + 1024))]
        await follower.take(of_events(*foreign))
        assert (await look(at, maker)).status is Status.PENDING_NEW


async def test_fees_are_shown_in_what_was_received(one_server, shards_of_test):
    async with desk(one_server) as at:
        maker, taker = await two_orders(at, shards_of_test)
        follower = EventFollower(at.shards, metrics=FollowMetrics(CollectorRegistry()))
        await follower.take(of_events(*story(maker, taker)[:3]))
        bought = trade_message((await fills_of(at, maker))[0])
        sold = trade_message((await fills_of(at, taker))[0])
    assert (bought.side, bought.maker, bought.fee, bought.fee_asset) == ("BUY", True, "-0.00000125", "BTC")
    assert (sold.side, sold.maker, sold.fee, sold.fee_asset) == ("SELL", False, "0.37500000", "USDT")
    assert (bought.price, bought.quantity, bought.quote_quantity) == (
        "20000.00000000",
        "0.02500000",
        "500.00000000",
    )
