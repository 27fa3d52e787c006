"""Which events touch a hold, and what they leave of its order."""

from __future__ import annotations

import pytest
from outcry.v1.event_pb2 import Event
from outcry.v1.types_pb2 import Side
from outcry_services.common.legs import Fill, Leg, legs_of, mark_of, opposite

USER, OTHER = 7, 1031
ORDER, OTHERS = 3 << 10 | 7, 4 << 10 | 7
BOTH = {"maker_order_id": ORDER, "taker_order_id": OTHERS, "maker_user_id": USER, "taker_user_id": OTHER}


def test_a_trade_has_a_leg_of_each_side_with_its_own_fee_and_rest():
    event = Event(seq=9)
    event.trade_executed.MergeFrom(
        event.trade_executed.__class__(
            trade_id=2,
            price=30,
            quantity=4,
            taker_side=Side.SIDE_SELL,
            maker_remaining=6,
            taker_remaining=0,
            maker_fee_ppm=-100,
            taker_fee_ppm=1000,
            **BOTH,
        )
    )
    maker, taker = legs_of(event)
    buying, selling = Side.SIDE_BUY, Side.SIDE_SELL
    assert maker == Leg(
        seq=9,
        leg=0,
        order_id=ORDER,
        user_id=USER,
        remaining=6,
        fill=Fill(trade_id=2, price=30, quantity=4, fee_ppm=-100, side=buying, maker=True),
    )
    assert taker == Leg(
        seq=9,
        leg=1,
        order_id=OTHERS,
        user_id=OTHER,
        remaining=0,
        fill=Fill(trade_id=2, price=30, quantity=4, fee_ppm=1000, side=selling, maker=False),
    )
    assert (maker.mark, taker.mark) == (18, 19)


def test_a_prevented_self_trade_has_two_legs_without_money():
    event = Event(seq=1)
    event.self_trade_prevented.maker_order_id = ORDER
    event.self_trade_prevented.taker_order_id = OTHERS
    event.self_trade_prevented.maker_user_id = event.self_trade_prevented.taker_user_id = USER
    event.self_trade_prevented.maker_remaining = 5
    assert [(leg.order_id, leg.remaining, leg.fill) for leg in legs_of(event)] == [
        (ORDER, 5, None),
        (OTHERS, 0, None),
    ]


@pytest.mark.parametrize("kind", ["order_cancelled", "order_expired", "order_rejected"])
def test_an_end_leaves_nothing_of_an_order_whatever_had_not_traded(kind):
    event = Event(seq=5)
    body = getattr(event, kind)
    body.order_id, body.user_id = ORDER, USER
    if kind != "order_rejected":
        body.remaining = 12
    assert legs_of(event) == (Leg(seq=5, leg=0, order_id=ORDER, user_id=USER, remaining=0),)


def test_an_amended_order_keeps_what_it_has_left():
    event = Event(seq=5)
    event.order_amended.order_id, event.order_amended.user_id = ORDER, USER
    event.order_amended.quantity, event.order_amended.remaining = 9, 3
    assert legs_of(event) == (Leg(seq=5, leg=0, order_id=ORDER, user_id=USER, remaining=3),)


@pytest.mark.parametrize("kind", ["order_accepted", "cancel_rejected", "mass_cancelled", "order_triggered"])
def test_other_events_touch_no_hold(kind):
    event = Event(seq=5)
    getattr(event, kind).SetInParent()
    assert legs_of(event) == ()


@pytest.mark.parametrize(
    ("order_id", "user_id", "foreign"),
    [
        *((ORDER, USER, False), (ORDER, OTHER, False), (7, 7, True), (ORDER, 8, True), (0, 0, True)),
        *((5 << 10, 0, True), (1 << 63 | 7, 7, True), (5 << 10, 1 << 63, True)),
    ],
)
def test_a_foreign_order_is_told_by_its_id(order_id, user_id, foreign):
    leg = Leg(seq=1, leg=0, order_id=order_id, user_id=user_id, remaining=0)
    assert leg.foreign is foreign


def test_marks_rise_along_the_legs_and_sides_have_opposites():
    assert [mark_of(1, 0), mark_of(1, 1), mark_of(2, 0)] == [2, 3, 4]
    assert opposite(Side.SIDE_BUY) == Side.SIDE_SELL
    assert opposite(Side.SIDE_SELL) == Side.SIDE_BUY
