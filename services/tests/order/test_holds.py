"""What is held is what the worst course of an order can cost, and never more than once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcry.v1.types_pb2 import OrderType, Side, TimeInForce
from outcry_services.common.errors import AmountError
from outcry_services.common.fees import hold_step
from outcry_services.common.money import I64_MAX
from outcry_services.order.holds import Hold, hold_of, notional_of
from outcry_services.order.model import Terms

from services.tests.order.desk import make_pair

PAIR = make_pair()
BUY, SELL = Side.SIDE_BUY, Side.SIDE_SELL
TICK_LOT, LOT = PAIR.units.tick_lot, PAIR.units.lot


def terms(side, kind, **named):
    return Terms(side=side, type=kind, **named)


@pytest.mark.parametrize(
    ("order", "hold"),
    [
        (
            terms(BUY, OrderType.ORDER_TYPE_LIMIT, price=300, quantity=7),
            Hold("USDT", 2100 * TICK_LOT, 300 * TICK_LOT),
        ),
        (
            terms(BUY, OrderType.ORDER_TYPE_STOP_LOSS_LIMIT, price=300, quantity=7, stop_price=280),
            Hold("USDT", 2100 * TICK_LOT, 300 * TICK_LOT),
        ),
        (
            terms(BUY, OrderType.ORDER_TYPE_MARKET, quantity=7),
            Hold("USDT", 7 * PAIR.band_upper * TICK_LOT, PAIR.band_upper * TICK_LOT),
        ),
        (
            terms(BUY, OrderType.ORDER_TYPE_TAKE_PROFIT, quantity=7, stop_price=5),
            Hold("USDT", 7 * PAIR.band_upper * TICK_LOT, PAIR.band_upper * TICK_LOT),
        ),
        (terms(BUY, OrderType.ORDER_TYPE_MARKET, quote_quantity=999), Hold("USDT", 999 * TICK_LOT, TICK_LOT)),
        (terms(SELL, OrderType.ORDER_TYPE_LIMIT, price=300, quantity=7), Hold("BTC", 7 * LOT, LOT)),
        (terms(SELL, OrderType.ORDER_TYPE_MARKET, quantity=7), Hold("BTC", 7 * LOT, LOT)),
        (
            terms(SELL, OrderType.ORDER_TYPE_MARKET, quote_quantity=PAIR.band_lower * 3 + 1),
            Hold("BTC", 4 * LOT, 0),
        ),
    ],
)
def test_each_type_holds_what_the_table_says(order, hold):
    assert hold_of(order, PAIR) == hold


def test_a_hold_that_leaves_64_bits_is_refused():
    order = terms(BUY, OrderType.ORDER_TYPE_LIMIT, price=PAIR.band_upper, quantity=I64_MAX // PAIR.band_upper)
    with pytest.raises(AmountError, match="64-bit"):
        hold_of(order, PAIR)


@settings(deadline=None)
@given(
    st.integers(PAIR.band_lower, PAIR.band_upper),
    st.integers(1, 10**6),
    st.data(),
)
def test_a_limit_buy_pays_every_trade_out_of_its_hold(price, quantity, data):
    hold = hold_of(terms(BUY, OrderType.ORDER_TYPE_LIMIT, price=price, quantity=quantity), PAIR)
    left, remaining = hold.amount, quantity
    while remaining:
        traded = data.draw(st.integers(1, remaining))
        paid = data.draw(st.integers(1, price)) * traded * TICK_LOT
        remaining -= traded
        step = hold_step(left=left, per_unit=hold.per_unit, remaining=remaining, paid=paid)
        assert step.short == 0
        left = step.left
        assert left == remaining * hold.per_unit
    assert left == 0


@settings(deadline=None)
@given(st.integers(1, 10**12), st.data())
def test_a_sale_by_quote_holds_enough_at_every_price_of_the_band(wanted, data):
    hold = hold_of(terms(SELL, OrderType.ORDER_TYPE_MARKET, quote_quantity=wanted), PAIR)
    price = data.draw(st.integers(PAIR.band_lower, PAIR.band_upper))
    # The engine takes as many whole lots as the budget pays for.
    assert wanted // price * LOT <= hold.amount


def test_limits_see_what_an_order_may_come_to():
    market = terms(BUY, OrderType.ORDER_TYPE_MARKET, quantity=7)
    assert notional_of(market, PAIR, reference=500) == 3500
    assert notional_of(market, PAIR, reference=0) == 7 * PAIR.band_upper
    priced = terms(
        BUY, OrderType.ORDER_TYPE_LIMIT, price=300, quantity=7, time_in_force=TimeInForce.TIME_IN_FORCE_GTC
    )
    assert notional_of(priced, PAIR, reference=500) == 2100
    by_quote = terms(SELL, OrderType.ORDER_TYPE_MARKET, quote_quantity=77)
    assert notional_of(by_quote, PAIR, reference=500) == 77
