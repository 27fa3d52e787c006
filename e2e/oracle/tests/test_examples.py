"""The oracle by worked examples: it is what everything else is judged by."""

from __future__ import annotations

import pytest

from e2e.oracle import Oracle, words
from e2e.oracle.commands import CancelOrder, Command, NewOrder, PairSettings, Tick
from e2e.oracle.events import OrderCancelled, OrderExpired, OrderRejected, TradeExecuted

RULES_1 = PairSettings(1, 1, 90, 110, 5, -10, 20, 1, 1)
RULES_2 = RULES_1._replace(rules_version=2)


class Market:
    def __init__(self, settings=RULES_2):
        self.oracle = Oracle()
        self.number = 0
        self.settings = settings
        if settings:
            self.send(settings)

    def send(self, body):
        """The bodies of the events of a command."""
        self.number += 1
        return [event.body for event in self.oracle.apply(Command(1, 1, self.number, 0, body))]

    def order(self, order_id, side, price, quantity, kind=words.LIMIT, tif=words.GTC, user=1):
        return self.send(NewOrder(order_id, user, side, kind, tif, price, quantity))

    def change(self, **changes):
        return self.send(self.settings._replace(**changes))


@pytest.fixture(params=[RULES_1, RULES_2], ids=["rules 1", "rules 2"])
def market(request):
    return Market(request.param)


def names(bodies):
    return [type(body).__name__ for body in bodies]


def test_the_earlier_order_at_a_price_trades_first(market):
    market.order(1, words.SELL, 100, 5)
    market.order(2, words.SELL, 100, 5)
    market.order(3, words.SELL, 99, 1)
    events = market.order(4, words.BUY, 100, 8)
    trades = [body[:5] for body in events if isinstance(body, TradeExecuted)]
    assert trades == [(1, 99, 1, 3, 4), (2, 100, 5, 1, 4), (3, 100, 2, 2, 4)]
    assert market.oracle.market.open[2].remaining == 3


def test_immediate_or_cancel_expires_its_rest(market):
    market.order(1, words.SELL, 100, 5)
    events = market.order(2, words.BUY, 101, 8, tif=words.IOC)
    assert events[-1] == OrderExpired(2, 1, 3, words.IMMEDIATE_OR_CANCEL)


def test_fill_or_kill_trades_all_or_nothing(market):
    market.order(1, words.SELL, 100, 5)
    assert names(market.order(2, words.BUY, 101, 8, tif=words.FOK)) == ["OrderAccepted", "OrderExpired"]
    assert names(market.order(3, words.BUY, 101, 5, tif=words.FOK))[-1] == "TradeExecuted"


def test_market_orders_stop_at_the_band(market):
    market.order(1, words.SELL, 110, 5)
    events = market.order(2, words.BUY, 0, 8, kind=words.MARKET, tif=0)
    assert names(events) == ["OrderAccepted", "TradeExecuted", "OrderExpired"]
    assert events[0].time_in_force == words.IOC


def test_limit_maker_never_takes(market):
    market.order(1, words.SELL, 100, 5)
    assert market.order(2, words.BUY, 100, 1, kind=words.LIMIT_MAKER)[0].reason == words.WOULD_TAKE
    assert names(market.order(3, words.BUY, 99, 1, kind=words.LIMIT_MAKER, tif=0)) == ["OrderAccepted"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ((0, 1, 1, 1, 1, 100, 5), words.INVALID_ORDER_ID),
        ((9, 0, 1, 1, 1, 100, 5), words.INVALID_USER_ID),
        ((9, 1, 3, 1, 1, 100, 5), words.INVALID_SIDE),
        ((9, 1, 1, 99, 1, 100, 5), words.INVALID_ORDER_TYPE),
        ((9, 1, 1, 1, 0, 100, 5), words.INVALID_TIME_IN_FORCE),
        ((9, 1, 1, 2, 1, 0, 5), words.INVALID_TIME_IN_FORCE),
        ((9, 1, 1, 2, 2, 1, 5), words.INVALID_PRICE),
        ((9, 1, 1, 1, 1, -1, 5), words.INVALID_PRICE),
        ((9, 1, 1, 1, 1, 100, 0), words.INVALID_QUANTITY),
        ((9, 1, 1, 1, 1, 100, 1 << 62), words.OVERFLOW),
        ((9, 1, 1, 1, 1, 111, 5), words.PRICE_OUT_OF_BAND),
        ((9, 1, 1, 1, 1, 89, 5), words.PRICE_OUT_OF_BAND),
        ((7, 1, 1, 1, 1, 95, 5), words.DUPLICATE_ORDER_ID),
    ],
)
def test_each_wrong_order_has_its_reason(market, body, reason):
    market.order(7, words.BUY, 95, 5)
    assert market.send(NewOrder(*body)) == [OrderRejected(body[0], body[1], reason)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (NewOrder(9, 1, words.BUY, words.STOP_LOSS, words.GTC, 0, 5), words.INVALID_TIME_IN_FORCE),
        (NewOrder(9, 1, words.BUY, words.LIMIT, words.GTD, 100, 5), words.INVALID_EXPIRE_TIME),
    ],
)
def test_version_1_refuses_what_version_2_looks_at(body, reason):
    assert Market(RULES_1).send(body) == [OrderRejected(9, 1, words.UNSUPPORTED)]
    assert Market(RULES_2).send(body) == [OrderRejected(9, 1, reason)]


def test_cancels_are_answered(market):
    market.order(1, words.BUY, 95, 5)
    assert market.send(CancelOrder(1, 2))[0].reason == words.NOT_OWNER
    assert market.send(CancelOrder(1, 1)) == [OrderCancelled(1, 1, 5)]
    assert market.send(CancelOrder(1, 1))[0].reason == words.UNKNOWN_ORDER


def test_trading_status_stops_orders_then_cancels(market):
    market.order(1, words.BUY, 95, 5)
    market.change(trading_status=words.CANCEL_ONLY)
    assert market.order(2, words.BUY, 95, 5)[0].reason == words.MARKET_CANCEL_ONLY
    market.change(trading_status=words.HALT)
    assert market.send(CancelOrder(1, 1))[0].reason == words.MARKET_HALTED


def test_a_new_band_expires_what_it_would_let_trade_outside(market):
    market.order(1, words.BUY, 95, 5)
    market.order(2, words.SELL, 105, 5)
    events = market.change(price_band_lower=106)
    assert events[-1] == OrderExpired(2, 1, 5, words.PRICE_BAND)


def test_nothing_trades_before_the_settings():
    assert Market(settings=None).order(1, words.BUY, 95, 5)[0].reason == words.NO_SETTINGS


def test_an_older_number_or_incarnation_is_a_repeat():
    oracle = Oracle()
    sent = [(2, 5, False), (2, 5, True), (1, 9, True), (3, 1, False), (9, 0, True)]
    for incarnation, number, repeats in sent:
        command = Command(1, incarnation, number, 0, Tick(1))
        assert oracle.repeats(command) is repeats
        assert oracle.apply(command) == []
