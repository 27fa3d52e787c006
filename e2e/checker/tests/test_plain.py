"""The plain book by worked examples: it is what everything else is judged by."""

from __future__ import annotations

import pytest

from e2e.checker import words
from e2e.checker.plain import PlainBook
from e2e.checker.schema import Command

SETTINGS = (1, 1, 90, 110, 5, -10, 20, 1, 1)


class Market:
    def __init__(self, settings=SETTINGS):
        self.book = PlainBook()
        self.number = 0
        if settings:
            self.send("pair_settings", settings)

    def send(self, kind, body):
        self.number += 1
        return self.book.apply(Command(1, 1, self.number, 0, kind, body))

    def order(self, order_id, side, price, quantity, kind=words.LIMIT, tif=words.GTC, user=1):
        return self.send("new_order", (order_id, user, side, kind, tif, price, quantity))


def names(events):
    return [name for name, _ in events]


def test_the_earlier_order_at_a_price_trades_first():
    market = Market()
    market.order(1, words.SELL, 100, 5)
    market.order(2, words.SELL, 100, 5)
    market.order(3, words.SELL, 99, 1)
    events = market.order(4, words.BUY, 100, 8)
    trades = [body[:5] for name, body in events if name == "trade_executed"]
    assert trades == [(1, 99, 1, 3, 4), (2, 100, 5, 1, 4), (3, 100, 2, 2, 4)]
    assert market.book.orders[2].remaining == 3


def test_immediate_or_cancel_expires_its_rest():
    market = Market()
    market.order(1, words.SELL, 100, 5)
    events = market.order(2, words.BUY, 101, 8, tif=words.IOC)
    assert events[-1] == ("order_expired", (2, 1, 3, words.EXPIRED_IOC))


def test_fill_or_kill_trades_all_or_nothing():
    market = Market()
    market.order(1, words.SELL, 100, 5)
    assert names(market.order(2, words.BUY, 101, 8, tif=words.FOK)) == ["order_accepted", "order_expired"]
    assert names(market.order(3, words.BUY, 101, 5, tif=words.FOK))[-1] == "trade_executed"


def test_market_orders_stop_at_the_band():
    market = Market()
    market.order(1, words.SELL, 110, 5)
    events = market.order(2, words.BUY, 0, 8, kind=words.MARKET, tif=0)
    assert names(events) == ["order_accepted", "trade_executed", "order_expired"]
    assert events[0][1][4] == words.IOC


def test_limit_maker_never_takes():
    market = Market()
    market.order(1, words.SELL, 100, 5)
    assert market.order(2, words.BUY, 100, 1, kind=words.LIMIT_MAKER)[0][1][2] == words.WOULD_TAKE
    assert names(market.order(3, words.BUY, 99, 1, kind=words.LIMIT_MAKER, tif=0)) == ["order_accepted"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ((0, 1, 1, 1, 1, 100, 5), words.INVALID_ORDER_ID),
        ((9, 0, 1, 1, 1, 100, 5), words.INVALID_USER_ID),
        ((9, 1, 3, 1, 1, 100, 5), words.INVALID_SIDE),
        ((9, 1, 1, 99, 1, 100, 5), words.INVALID_ORDER_TYPE),
        ((9, 1, 1, 4, 1, 100, 5), words.UNSUPPORTED),
        ((9, 1, 1, 1, 4, 100, 5), words.UNSUPPORTED),
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
def test_each_wrong_order_has_its_reason(body, reason):
    market = Market()
    market.order(7, words.BUY, 95, 5)
    assert market.send("new_order", body) == [("order_rejected", (body[0], body[1], reason))]


def test_cancels_are_answered():
    market = Market()
    market.order(1, words.BUY, 95, 5)
    assert market.send("cancel_order", (1, 2))[0][1][2] == words.NOT_OWNER
    assert market.send("cancel_order", (1, 1)) == [("order_cancelled", (1, 1, 5))]
    assert market.send("cancel_order", (1, 1))[0][1][2] == words.UNKNOWN_ORDER


def test_trading_status_stops_orders_then_cancels():
    market = Market()
    market.order(1, words.BUY, 95, 5)
    market.send("pair_settings", (words.CANCEL_ONLY, *SETTINGS[1:]))
    assert market.order(2, words.BUY, 95, 5)[0][1][2] == words.MARKET_CANCEL_ONLY
    market.send("pair_settings", (words.HALT, *SETTINGS[1:]))
    assert market.send("cancel_order", (1, 1))[0][1][2] == words.MARKET_HALTED


def test_a_new_band_expires_what_it_would_let_trade_outside():
    market = Market()
    market.order(1, words.BUY, 95, 5)
    market.order(2, words.SELL, 105, 5)
    events = market.send("pair_settings", (1, 1, 106, 110, *SETTINGS[4:]))
    assert events[1:] == [("order_expired", (2, 1, 5, words.EXPIRED_BAND))]


def test_nothing_trades_before_the_settings():
    assert Market(settings=None).order(1, words.BUY, 95, 5)[0][1][2] == words.NO_SETTINGS


def test_an_older_number_or_incarnation_is_a_repeat():
    book = PlainBook()
    assert book.apply(Command(1, 2, 5, 0, "tick", (1,))) == []
    assert book.apply(Command(1, 2, 5, 0, "tick", (1,))) is None
    assert book.apply(Command(1, 1, 9, 0, "tick", (1,))) is None
    assert book.apply(Command(1, 3, 1, 0, "tick", (1,))) == []
    assert book.repeated == 2
