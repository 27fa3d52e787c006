"""The view counts every order from its instruction to its end, in whatever order the logs are read."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from outcry.v1.event_pb2 import OrderAmended, SelfTradePrevented
from outcry_services.risk.accounts import Account, OpenOrder
from outcry_services.risk.reservations import Reservations
from outcry_services.risk.view import RiskView

from services.tests.risk.making import BUY, DAY, MARKET, NOON, SELL, SYMBOL, Market, Shard, mode


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def view(clock):
    return RiskView(Reservations(clock=clock, seconds=10))


def standing(view, user_id):
    account = view.account(user_id, SYMBOL)
    return account.open_orders, account.exposure


def test_an_order_is_open_from_its_instruction_on(view):
    alice = Shard(7)
    view.instruction(7, alice.order(price=100, quantity=5))
    view.instruction(7, alice.order(price=90, quantity=2))
    assert standing(view, 7) == (2, 680)
    view.answer(7, alice.held(1))
    assert standing(view, 7) == (2, 680)


@pytest.mark.parametrize("ending", ["cancelled", "expired", "rejected"])
def test_every_end_ends_it_once(view, ending):
    alice, market = Shard(7), Market()
    view.instruction(7, alice.order())
    view.instruction(7, alice.order())
    end = getattr(market, ending)(7, alice.order_id(1))
    view.event(SYMBOL, end)
    view.event(SYMBOL, end)
    assert standing(view, 7) == (1, 500)
    view.event(SYMBOL, getattr(market, ending)(7, alice.order_id(2)))
    assert (standing(view, 7), view.open_orders, view.accounts) == ((0, 0), {}, {})


def test_a_refusal_of_position_ends_it(view):
    alice = Shard(7)
    view.instruction(7, alice.order())
    view.answer(7, alice.refused(1))
    assert standing(view, 7) == (0, 0)


def test_a_trade_moves_worth_from_on_offer_to_traded_on_its_day(view):
    alice, bob, market = Shard(7), Shard(8), Market()
    view.instruction(7, alice.order(price=100, quantity=5))
    view.instruction(8, bob.order(price=90, quantity=2, side=SELL))
    view.event(SYMBOL, market.trade((7, alice.order_id(1)), (8, bob.order_id(1)), quantity=2, left=(3, 0)))
    assert standing(view, 7) == (1, 300)
    assert standing(view, 8) == (0, 0)
    assert view.account(7, SYMBOL).volume(20_000) == 200
    assert view.account(8, SYMBOL).volume(20_000) == 200
    assert view.account(7, SYMBOL).volume(20_001) == 0
    assert view.last_prices == {SYMBOL: 100}


def test_what_is_lost_without_a_trade_is_not_volume(view):
    alice, market = Shard(7), Market()
    view.instruction(7, alice.order(price=100, quantity=10))
    amended = OrderAmended(order_id=alice.order_id(1), user_id=7, quantity=6, remaining=6)
    view.event(SYMBOL, market.event(order_amended=amended))
    assert standing(view, 7) == (1, 600)
    prevented = SelfTradePrevented(
        maker_order_id=alice.order_id(1),
        maker_user_id=7,
        taker_order_id=alice.order_id(2),
        taker_user_id=7,
        quantity=4,
        maker_remaining=2,
        taker_remaining=0,
    )
    view.instruction(7, alice.order(price=100, quantity=4, side=SELL))
    view.event(SYMBOL, market.event(self_trade_prevented=prevented))
    assert standing(view, 7) == (1, 200)
    assert view.account(7, SYMBOL).volumes == {}


def test_repeats_change_nothing_and_a_gap_is_never_stepped_over(view):
    alice = Shard(7)
    first, second, third = alice.order(), alice.order(), alice.order()
    view.instruction(7, first)
    view.instruction(7, first)
    assert standing(view, 7)[0] == 1
    view.instruction(7, third)
    assert standing(view, 7)[0] == 1
    assert view.gap(7, SYMBOL) == "number 2 is missing in orders, though 3 was read"
    assert (view.gap(8, SYMBOL), view.gaps()) == (None, 1)
    view.instruction(7, second)
    view.instruction(7, third)
    assert (standing(view, 7)[0], view.gaps()) == (3, 0)


def test_a_restored_shard_may_leave_numbers_out(view):
    alice = Shard(7)
    view.instruction(7, alice.order())
    later = alice.order()
    later.number, later.incarnation = 90, 1
    later.order_created.order.order_id = alice.order_id(90)
    view.instruction(7, later)
    assert (standing(view, 7)[0], view.gaps()) == (2, 0)


def test_orders_of_generators_have_no_account(view):
    market = Market()
    view.event(SYMBOL, market.trade((7, 5), (8, 6), price=120))
    assert (view.accounts, view.early, view.last_prices) == ({}, {}, {SYMBOL: 120})


def test_what_an_order_without_a_price_may_come_to(view):
    alice, market = Shard(7), Market()
    view.event(SYMBOL, market.trade((1, 1), (2, 2), price=110))
    buy = alice.order(price=0, quantity=3, kind=MARKET, side=BUY, hold=9_000)
    by_quote = alice.order(price=0, quantity=0, quote=450, kind=MARKET, side=BUY)
    sale = alice.order(price=0, quantity=3, kind=MARKET, side=SELL)
    stop = alice.order(price=0, quantity=3, kind=MARKET, side=SELL, stop=200)
    for instruction, worth in ((buy, 900), (by_quote, 450), (sale, 330), (stop, 600)):
        before = standing(view, 7)[1]
        view.instruction(7, instruction)
        assert standing(view, 7)[1] - before == worth


def test_a_pair_that_begins_anew_has_nothing_open(view):
    alice, market = Shard(7), Market()
    view.instruction(7, alice.order())
    view.event(SYMBOL, market.trade((1, 1), (2, 2), price=110))
    view.forget_pair(SYMBOL)
    assert (standing(view, 7), view.last_prices) == ((0, 0), {})
    view.event(SYMBOL, Market().trade((1, 1), (2, 2), price=50))
    assert view.last_prices == {SYMBOL: 50}


def test_volumes_of_days_long_gone_are_forgotten():
    account = Account()
    for day in range(10):
        account.trade(day, 5)
        account.trade(day, 5)
    assert account.volumes == {8: 10, 9: 10}


def test_the_exposure_of_what_is_left_is_rounded_up():
    assert OpenOrder(user_id=1, symbol=SYMBOL, worth=10, whole=3, left=1).exposure == 4


def story(chance):
    """A day of two users, as three logs; each in its own order, with repeats as publishers make them."""
    users, market = {7: Shard(7), 8: Shard(8)}, Market()
    orders, answers, events = [], [], []
    for _ in range(chance.randint(5, 40)):
        buyer, seller = users[7], users[8]
        quantity = chance.randint(1, 9)
        time = NOON + chance.choice([0, DAY])
        for shard, side in ((buyer, BUY), (seller, SELL)):
            orders.append((shard.shard, shard.order(quantity=quantity, side=side, time=time)))
        if chance.random() < 0.2:
            answers.append((7, buyer.refused(buyer.number)))
            answers.append((8, seller.held(seller.number)))
            if chance.random() < 0.5:
                events.append(market.cancelled(8, seller.order_id(seller.number)))
            continue
        answers += [(7, buyer.held(buyer.number)), (8, seller.held(seller.number))]
        traded = chance.randint(1, quantity)
        left = quantity - traded
        pair = (7, buyer.order_id(buyer.number)), (8, seller.order_id(seller.number))
        events.append(market.trade(*pair, quantity=traded, left=(left, left), time=time))
        if left and chance.random() < 0.5:
            events.append(market.expired(*pair[0]))
    return orders, answers, events


def with_repeats(messages, chance):
    """A publisher that begins again from what was not acknowledged: everything from there a second time."""
    at = chance.randint(0, len(messages))
    back = chance.randint(0, at)
    return [*messages[:at], *messages[back:]]


@pytest.mark.parametrize("seed", range(200))
def test_logs_read_side_by_side_give_the_same_view_in_any_order(seed):
    chance = random.Random(seed)
    orders, answers, events = story(chance)

    def read(logs):
        view = RiskView(Reservations(clock=Clock(), seconds=10))
        for source, message in logs:
            if source == "orders":
                view.instruction(*message)
            elif source == "answers":
                view.answer(*message)
            else:
                view.event(SYMBOL, message)
        return view.accounts, view.open_orders, view.early, view.last_prices

    straight = [("orders", one) for one in orders] + [("answers", one) for one in answers]
    straight += [("events", one) for one in events]
    queues = {
        "orders": with_repeats(orders, chance),
        "answers": with_repeats(answers, chance),
        "events": with_repeats(events, chance),
    }
    mixed = []
    while any(queues.values()):
        name = chance.choice([name for name, queue in queues.items() if queue])
        mixed.append((name, queues[name].pop(0)))
    expected = read(straight)
    assert read(mixed) == expected
    assert expected[2] == {}
    assert all(a.seq < b.seq for a, b in pairwise(events))


def test_a_setting_that_comes_late_changes_nothing_and_is_to_be_written_over(view):
    restored, suspended = mode(7, "ACTIVE"), mode(7, "SUSPENDED")
    for setting in (restored, suspended, suspended):
        view.setting(setting)
    assert (view.mode(7), view.outlived) == ("SUSPENDED", set())
    view.setting(restored)
    assert (view.mode(7), view.outlived) == ("SUSPENDED", {"user/7"})
    view.setting(mode(7, "ACTIVE"))
    assert (view.mode(7), view.outlived) == ("ACTIVE", set())
