"""What events say about an order's status, fills and end."""

from __future__ import annotations

from outcry.v1.event_pb2 import Event, ExpireReason, OrderExpired, SelfTradePrevented, TradeExecuted
from outcry.v1.order_event_pb2 import FundsHeld, InstructionRefused, OrderEvent, RefusalReason
from outcry.v1.types_pb2 import Side
from outcry_services.order.model import Status
from outcry_services.order.progress import MoneyChange, Refusal, answered, changes_of, total

MAKER, TAKER = (5 << 10 | 7, 7), (9 << 10 | 8, 8)


def trade(seq, *, price, quantity, maker_left, taker_left):
    return Event(
        seq=seq,
        time_unix_nanos=seq,
        trade_executed=TradeExecuted(
            trade_id=seq,
            price=price,
            quantity=quantity,
            maker_order_id=MAKER[0],
            maker_user_id=MAKER[1],
            taker_order_id=TAKER[0],
            taker_user_id=TAKER[1],
            taker_side=Side.SIDE_BUY,
            maker_remaining=maker_left,
            taker_remaining=taker_left,
            maker_fee_ppm=-50,
            taker_fee_ppm=750,
        ),
    )


def accepted(seq, order):
    event = Event(seq=seq, time_unix_nanos=seq)
    event.order_accepted.order_id, event.order_accepted.user_id = order
    return event


def test_a_batch_is_one_change_an_order():
    events = [
        accepted(1, MAKER),
        accepted(2, TAKER),
        trade(3, price=10, quantity=4, maker_left=1, taker_left=6),
        trade(4, price=11, quantity=1, maker_left=0, taker_left=5),
    ]
    maker, taker = changes_of("BTC-USDT", events)
    assert (maker.order_id, taker.order_id) == (MAKER[0], TAKER[0])
    summed = total(maker.steps)
    assert (summed.executed, summed.quote_executed, summed.seq) == (5, 51, 4)
    assert (summed.status, summed.ended) == (Status.FILLED, True)
    assert [(fill.trade_id, fill.leg, fill.side, fill.fee_ppm) for fill in summed.fills] == [
        (3, 0, Side.SIDE_SELL, -50),
        (4, 0, Side.SIDE_SELL, -50),
    ]
    summed = total(taker.steps)
    assert (summed.status, summed.ended) == (Status.PARTIALLY_FILLED, False)
    assert [(fill.leg, fill.side, fill.fee_ppm) for fill in summed.fills] == [(1, Side.SIDE_BUY, 750)] * 2


def test_an_order_that_expires_says_why():
    def expired(reason):
        event = Event(seq=1, order_expired=OrderExpired(order_id=MAKER[0], user_id=MAKER[1], reason=reason))
        (change,) = changes_of("BTC-USDT", [event])
        return change.steps[0].status, change.steps[0].reason

    assert expired(ExpireReason.EXPIRE_REASON_FILL_OR_KILL) == (Status.EXPIRED, "FILL_OR_KILL")
    assert expired(ExpireReason.EXPIRE_REASON_SELF_TRADE) == (Status.EXPIRED_IN_MATCH, "SELF_TRADE")


def test_a_prevented_trade_ends_whoever_has_nothing_left():
    prevented = SelfTradePrevented(
        price=10,
        quantity=4,
        maker_order_id=MAKER[0],
        maker_user_id=MAKER[1],
        taker_order_id=TAKER[0],
        taker_user_id=TAKER[1],
        maker_remaining=0,
        taker_remaining=3,
    )
    maker, taker = changes_of("BTC-USDT", [Event(seq=1, self_trade_prevented=prevented)])
    assert total(maker.steps).status is Status.EXPIRED_IN_MATCH
    assert (total(taker.steps).status, total(taker.steps).executed) == (None, 0)


def test_orders_of_generators_are_passed_over():
    assert changes_of("BTC-USDT", [accepted(1, (77, 7)), accepted(2, (5 << 10 | 8, 7))]) == []


def test_positions_answers():
    shard, number = 7, 5
    order_id = number << 10 | shard

    def answer(**body):
        return answered(shard, OrderEvent(number=number, user_id=shard, time_unix_nanos=3, **body))

    assert answer(funds_held=FundsHeld(id=order_id)) == []
    held = answer(funds_held=FundsHeld(id=order_id, withdrawal=True))
    assert held == [MoneyChange(shard=shard, number=number, status="HELD", time=3)]
    reason = RefusalReason.REFUSAL_REASON_INSUFFICIENT_FUNDS
    assert answer(refused=InstructionRefused(id=order_id, reason=reason)) == [
        Refusal(order_id=order_id, user_id=shard, reason="INSUFFICIENT_FUNDS", time=3),
        MoneyChange(shard=shard, number=number, status="REFUSED", reason="INSUFFICIENT_FUNDS", time=3),
    ]
