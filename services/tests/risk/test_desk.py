"""Each limit says no by its name, at its edge; no burst passes one, however checks race the logs."""

from __future__ import annotations

import random

import pytest
from outcry.v1.risk_api_pb2 import RiskCheck, WithdrawalCheck
from outcry.v1.types_pb2 import OrderType
from outcry_services.risk.desk import Desk
from outcry_services.risk.limits import Limits, LimitTable
from outcry_services.risk.reservations import Reservations, Shape
from outcry_services.risk.view import RiskView

from services.tests.risk.making import (
    BUY,
    DAY,
    LIMIT,
    MARKET,
    NOON,
    SELL,
    SYMBOL,
    Market,
    Shard,
    check,
    limits,
    mode,
)

STOP_LIMIT = OrderType.ORDER_TYPE_STOP_LOSS_LIMIT
MAKER = OrderType.ORDER_TYPE_LIMIT_MAKER


class World:
    """A desk on a view that the test writes."""

    def __init__(self):
        self.now = 0.0
        self.reference = 0
        self.problem = None
        self.view = RiskView(Reservations(clock=lambda: self.now, seconds=10))
        self.view.time_unix_nanos = NOON
        self.desk = Desk(
            self.view, behind=lambda user, symbol: self.problem, reference=lambda symbol: self.reference
        )

    def names(self, *checks, time=0):
        return [verdict.name for verdict in self.desk.check(checks, time_unix_nanos=time)]


@pytest.fixture
def world():
    return World()


def test_without_limits_everything_is_allowed(world):
    assert world.names(check(7), check(8, price=10**9, quantity=10**9)) == ["", ""]


@pytest.mark.parametrize(("notional", "name"), [(500, ""), (501, "ORDER_NOTIONAL_LIMIT")])
def test_the_notional_of_one_order(world, notional, name):
    world.view.setting(limits(max_order_notional=500))
    assert world.names(check(7, notional=notional)) == [name]


def test_open_orders_count_with_those_of_the_same_batch(world):
    world.view.setting(limits(max_open_orders=2))
    assert world.names(check(7), check(7), check(7), check(8)) == ["", "", "OPEN_ORDERS_LIMIT", ""]


def test_zero_is_a_limit_and_absent_is_none(world):
    world.view.setting(limits(max_open_orders=0))
    assert world.names(check(7)) == ["OPEN_ORDERS_LIMIT"]
    world.view.setting(limits())
    assert world.names(check(7)) == [""]


def test_the_daily_volume_counts_what_traded_and_what_is_on_offer(world):
    alice, market = Shard(7), Market()
    world.view.setting(limits(max_daily_volume=1000))
    world.view.instruction(7, alice.order(price=100, quantity=6))
    world.view.event(SYMBOL, market.trade((7, alice.order_id(1)), (8, 5), quantity=2, left=(4, 0)))
    assert world.names(check(7, notional=401)) == ["DAILY_VOLUME_LIMIT"]
    assert world.names(check(7, notional=400)) == [""]
    assert world.names(check(7, notional=1)) == ["DAILY_VOLUME_LIMIT"]


def test_a_new_day_begins_with_the_times_in_the_log_and_not_with_a_clock(world):
    alice, market = Shard(7), Market()
    world.view.setting(limits(max_daily_volume=500))
    world.view.instruction(7, alice.order(price=100, quantity=5))
    world.view.event(SYMBOL, market.trade((7, alice.order_id(1)), (8, 5)))
    assert world.names(check(7, notional=1)) == ["DAILY_VOLUME_LIMIT"]
    world.view.instruction(8, Shard(8).order(time=NOON + DAY))
    assert world.names(check(7, notional=1)) == [""]


def test_a_check_carries_the_time_that_its_instruction_will_have(world):
    alice, market = Shard(7), Market()
    world.view.setting(limits(max_daily_volume=500))
    world.view.instruction(7, alice.order(price=100, quantity=5))
    world.view.event(SYMBOL, market.trade((7, alice.order_id(1)), (8, 5)))
    assert world.names(check(7, notional=1), time=NOON) == ["DAILY_VOLUME_LIMIT"]
    assert world.names(check(7, notional=1), time=NOON + DAY) == [""]


@pytest.mark.parametrize(
    ("side", "kind", "price", "stop", "name"),
    [
        (BUY, LIMIT, 10_500, 0, ""),
        (BUY, LIMIT, 10_501, 0, "PRICE_COLLAR"),
        (BUY, LIMIT, 1, 0, ""),
        (BUY, MAKER, 10_501, 0, "PRICE_COLLAR"),
        (SELL, LIMIT, 9_500, 0, ""),
        (SELL, LIMIT, 9_499, 0, "PRICE_COLLAR"),
        (SELL, LIMIT, 99_999, 0, ""),
        (BUY, MARKET, 0, 0, ""),
        # A stop's price is held against the price at which it will become active.
        (BUY, STOP_LIMIT, 21_000, 20_000, ""),
        (BUY, STOP_LIMIT, 21_001, 20_000, "PRICE_COLLAR"),
        (SELL, STOP_LIMIT, 4_749, 5_000, "PRICE_COLLAR"),
    ],
)
def test_a_price_is_held_against_the_last_trade(world, side, kind, price, stop, name):
    world.view.setting(limits(price_collar_bps=500))
    world.view.event(SYMBOL, Market().trade((1, 1), (2, 2), price=10_000))
    assert world.names(check(7, side=side, kind=kind, price=price, stop=stop, notional=1)) == [name]


def test_before_the_first_trade_the_reference_price_stands_for_it(world):
    world.view.setting(limits(price_collar_bps=500))
    assert world.names(check(7, price=10**9)) == [""]
    world.reference = 10_000
    assert world.names(check(7, price=10_501)) == ["PRICE_COLLAR"]


def withdrawal(user_id):
    return RiskCheck(user_id=user_id, withdrawal=WithdrawalCheck(asset="BTC", amount=5))


def test_who_is_suspended_may_neither_trade_nor_withdraw(world):
    world.view.setting(mode(7, "SUSPENDED"))
    world.view.setting(mode(8, "WITHDRAW_ONLY"))
    assert world.names(check(7), withdrawal(7)) == ["USER_SUSPENDED", "USER_SUSPENDED"]
    assert world.names(check(8), withdrawal(8)) == ["USER_WITHDRAW_ONLY", ""]
    world.view.setting(mode(7, "ACTIVE"))
    assert world.names(check(7), withdrawal(7)) == ["", ""]
    assert world.view.modes.keys() == {8}


def test_a_view_that_is_behind_allows_nothing_and_reserves_nothing(world):
    world.problem = "the logs are still being read"
    assert world.names(check(7), withdrawal(7)) == ["RISK_NOT_READY", "RISK_NOT_READY"]
    assert len(world.view.reservations) == 0


def test_the_narrowest_scope_that_sets_a_field_wins():
    table = LimitTable()
    table.put(0, "", Limits(max_open_orders=1, max_order_notional=1, max_daily_volume=1, price_collar_bps=1))
    table.put(0, SYMBOL, Limits(max_open_orders=2, max_order_notional=2, max_daily_volume=2))
    table.put(7, "", Limits(max_open_orders=3, max_order_notional=3))
    table.put(7, SYMBOL, Limits(max_open_orders=0))
    assert table.effective(7, SYMBOL) == Limits(
        max_open_orders=0, max_order_notional=3, max_daily_volume=2, price_collar_bps=1
    )
    assert table.effective(8, SYMBOL).max_open_orders == 2
    assert table.effective(7, "ETH-USDT").max_open_orders == 3
    assert table.effective(0, "").max_open_orders == 1
    table.put(7, SYMBOL, Limits())
    assert table.effective(7, SYMBOL).max_open_orders == 3
    assert LimitTable().effective(7, SYMBOL) == Limits()


def test_a_reservation_ends_with_its_instruction_or_its_time(world):
    alice = Shard(7)
    world.view.setting(limits(max_open_orders=2))
    assert world.names(check(7, price=100), check(7, price=101)) == ["", ""]
    world.view.instruction(7, alice.order(price=101))
    assert len(world.view.reservations) == 1
    assert world.names(check(7)) == ["OPEN_ORDERS_LIMIT"]
    world.now = 10.0
    # What was allowed at 100 was never committed.
    assert world.names(check(7)) == [""]
    assert world.view.reservations.expired == 1


def test_the_oldest_of_equal_reservations_ends_first():
    now = [0.0]
    held = Reservations(clock=lambda: now[0], seconds=10)
    shape = Shape(1, 1, 100, 5, 0)
    for now[0] in (0.0, 5.0):
        held.add(7, SYMBOL, shape, notional=500)
    held.seen(7, SYMBOL, shape)
    held.seen(8, SYMBOL, shape)
    now[0] = 12.0
    assert held.of(7, SYMBOL) == (1, 500)
    now[0] = 15.0
    assert (held.of(7, SYMBOL), held.expired, len(held)) == ((0, 0), 1, 0)


@pytest.mark.parametrize("seed", range(100))
def test_no_burst_outruns_a_limit_however_checks_race_the_log(seed):
    """Checks are asked at random moments, what they allow is committed at once, and seen in the log later."""
    chance = random.Random(seed)
    world, alice, market = World(), Shard(7), Market()
    most_open, most_volume = chance.randint(1, 5), chance.randint(500, 5000)
    world.view.setting(limits(user_id=7, max_open_orders=most_open, max_daily_volume=most_volume))
    committed, unseen, open_orders, volume = [], [], {}, 0
    for _ in range(300):
        move = chance.random()
        if move < 0.5:
            price, quantity = chance.randint(90, 110), chance.randint(1, 5)
            if world.names(check(7, price=price, quantity=quantity)) == [""]:
                instruction = alice.order(price=price, quantity=quantity)
                committed.append(instruction)
                unseen.append(("orders", instruction))
                open_orders[alice.order_id(alice.number)] = (price, quantity)
        elif move < 0.8 and unseen:
            source, message = unseen.pop(0 if chance.random() < 0.5 else ahead(unseen, chance))
            if source == "orders":
                world.view.instruction(7, message)
            else:
                world.view.event(SYMBOL, message)
        elif open_orders:
            order_id, (price, quantity) = chance.choice(list(open_orders.items()))
            del open_orders[order_id]
            if chance.random() < 0.5:
                volume += price * quantity
                event = market.trade((7, order_id), (8, 5), price=price, quantity=quantity)
            else:
                event = market.cancelled(7, order_id)
            unseen.append(("events", event))
        assert len(open_orders) <= most_open
        assert volume + sum(price * quantity for price, quantity in open_orders.values()) <= most_volume
    assert committed


def ahead(unseen, chance):
    """The next message of either log: they are read side by side."""
    firsts = {source: at for at, (source, _) in reversed(list(enumerate(unseen)))}
    return chance.choice(list(firsts.values()))
