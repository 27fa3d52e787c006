"""The rules of the books by hand, and that nothing unbalanced gets through."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcry.v1.instruction_pb2 import Instruction
from outcry.v1.order_event_pb2 import OrderEvent
from outcry.v1.types_pb2 import Side
from outcry_services.common.legs import Fill, Leg
from outcry_services.settlement.errors import ContradictionError, UnbalancedError
from outcry_services.settlement.model import HOUSE, Account, Entry, Hold, HoldKind, Kind
from outcry_services.settlement.postings import balanced, credited, held, moved_asset, settled

USER, SYMBOL = 7, "BTC-USDT"
ORDER = 3 << 10 | USER
BUY = Hold(
    id=ORDER,
    user_id=USER,
    kind=HoldKind.ORDER,
    asset="USDT",
    left=5500,
    per_unit=550,
    side=Side.SIDE_BUY,
    symbol=SYMBOL,
    base="BTC",
    quote="USDT",
    tick_lot=10,
    lot=1000,
)
SALE = replace(BUY, asset="BTC", left=10_000, per_unit=1000, side=Side.SIDE_SELL)


def leg(side=Side.SIDE_BUY, *, price=30, quantity=4, remaining=6, ppm=1000):
    fill = Fill(trade_id=5, price=price, quantity=quantity, fee_ppm=ppm, side=side, maker=False)
    return Leg(seq=9, leg=1, order_id=ORDER, user_id=USER, remaining=remaining, fill=fill)


def moved(transaction):
    return {(it.user_id, str(it.account), it.asset, str(it.kind)): it.amount for it in transaction.entries}


def adjustment(amount):
    instruction = Instruction(incarnation=1, number=4, user_id=USER)
    made = instruction.adjustment_made
    made.asset, made.amount, made.reason, made.actor, made.reference = "BTC", amount, "why", "user 1", "ref"
    return instruction


def test_a_buyers_leg_pays_gets_its_fee_taken_and_what_a_better_price_leaves():
    transaction, after = settled(leg(), BUY, symbol=SYMBOL, time_unix_nanos=1)
    assert transaction.key == "e:BTC-USDT:9:1"
    assert moved(transaction) == {
        (USER, "held", "USDT", "trade"): -1200,
        (HOUSE, "clearing", "USDT", "trade"): 1200,
        (HOUSE, "clearing", "BTC", "trade"): -4000,
        (USER, "available", "BTC", "trade"): 4000,
        (USER, "available", "BTC", "fee"): -4,
        (HOUSE, "fees", "BTC", "fee"): 4,
        (USER, "held", "USDT", "release"): -1000,
        (USER, "available", "USDT", "release"): 1000,
    }
    assert after == replace(BUY, left=3300)


def test_a_sellers_last_leg_with_a_rebate_ends_the_hold():
    last = leg(Side.SIDE_SELL, remaining=0, quantity=10, ppm=-1001)
    transaction, after = settled(last, SALE, symbol=SYMBOL, time_unix_nanos=1)
    assert after is None
    assert moved(transaction)[USER, "held", "BTC", "trade"] == -10_000
    assert moved(transaction)[USER, "available", "USDT", "fee"] == 3
    assert moved(transaction)[HOUSE, "fees", "USDT", "fee"] == -3


def test_an_end_releases_what_is_left_and_an_amendment_its_part():
    end = Leg(seq=9, leg=0, order_id=ORDER, user_id=USER, remaining=0)
    transaction, after = settled(end, BUY, symbol=SYMBOL, time_unix_nanos=1)
    assert (after, transaction.kind) == (None, Kind.RELEASE)
    assert moved(transaction) == {
        (USER, "held", "USDT", "release"): -5500,
        (USER, "available", "USDT", "release"): 5500,
    }
    transaction, after = settled(end._replace(remaining=7), BUY, symbol=SYMBOL, time_unix_nanos=1)
    assert after.left == 3850
    assert moved(transaction)[USER, "available", "USDT", "release"] == 1650


def test_a_hold_that_is_too_small_is_filled_up_by_the_house_and_by_nobody_else():
    transaction, _ = settled(leg(price=200, quantity=10, remaining=0), BUY, symbol=SYMBOL, time_unix_nanos=1)
    assert moved(transaction)[HOUSE, "house", "USDT", "cover"] == 5500 - 20_000
    assert moved(transaction)[USER, "held", "USDT", "trade"] == -5500
    assert (USER, "available", "USDT", "trade") not in moved(transaction)


@pytest.mark.parametrize(
    "wrong", [{"user_id": USER + 1024}, {"symbol": "ETH-USDT"}, {"side": Side.SIDE_SELL, "asset": "BTC"}]
)
def test_a_leg_of_another_order_is_a_contradiction(wrong):
    with pytest.raises(ContradictionError, match=r"e:BTC-USDT:9:1 is no leg of order"):
        settled(leg(), replace(BUY, **wrong), symbol=SYMBOL, time_unix_nanos=1)


def test_an_adjustment_takes_away_what_is_there_and_says_who_and_why():
    transaction = credited(adjustment(-500), available=800)
    assert moved(transaction) == {
        (HOUSE, "adjustments", "BTC", "adjustment"): 500,
        (USER, "available", "BTC", "adjustment"): -500,
    }
    assert (transaction.key, transaction.note, transaction.reference) == ("i:7:4", "user 1: why", "ref")
    short = moved(credited(adjustment(-500), available=300))
    assert (short[USER, "available", "BTC", "adjustment"], short[HOUSE, "house", "BTC", "cover"]) == (
        -300,
        -200,
    )
    assert moved(credited(adjustment(500), available=0))[USER, "available", "BTC", "adjustment"] == 500


def test_funds_that_are_held_come_from_the_user_and_what_lacks_from_the_house():
    instruction = Instruction(incarnation=1, number=3, user_id=USER)
    instruction.order_created.symbol = SYMBOL
    assert moved(held(instruction, BUY, available=9000)) == {
        (USER, "available", "USDT", "hold"): -5500,
        (USER, "held", "USDT", "hold"): 5500,
    }
    assert moved(held(instruction, BUY, available=5000))[HOUSE, "house", "USDT", "cover"] == -500


@given(
    st.integers(1, 300),
    st.integers(1, 50),
    st.integers(0, 50),
    st.integers(-(10**6), 10**6),
    st.sampled_from([BUY, SALE]),
)
def test_every_leg_balances_for_each_asset(price, quantity, remaining, ppm, hold):
    traded = leg(hold.side, price=price, quantity=quantity, remaining=remaining, ppm=ppm)
    transaction, after = settled(traded, hold, symbol=SYMBOL, time_unix_nanos=1)
    sums = {}
    for entry in transaction.entries:
        assert entry.amount != 0
        sums[entry.asset] = sums.get(entry.asset, 0) + entry.amount
    assert set(sums.values()) == {0}
    assert after is None or 0 <= after.left <= hold.left


def test_a_transaction_that_is_off_by_one_unit_is_refused():
    transaction, _ = settled(leg(), BUY, symbol=SYMBOL, time_unix_nanos=1)
    wrong = Entry(USER, Account.AVAILABLE, "BTC", 1, Kind.TRADE)
    with pytest.raises(UnbalancedError, match=r"e:BTC-USDT:9:1 is off by \{'BTC': 1\}"):
        balanced(replace(transaction, entries=(*transaction.entries, wrong)))


def test_an_answer_that_does_not_fit_is_a_contradiction():
    instruction = adjustment(5)
    answer = OrderEvent(incarnation=1, number=4, user_id=USER)
    answer.refused.SetInParent()
    assert moved_asset(instruction, answer) is None
    answer.funds_adjusted.asset, answer.funds_adjusted.amount = "BTC", 5
    assert moved_asset(instruction, answer) == "BTC"
    answer.funds_adjusted.amount = 6
    with pytest.raises(ContradictionError, match="i:7:4: 5 BTC were asked for, 6 BTC answered"):
        moved_asset(instruction, answer)
    answer.cancel_forwarded.SetInParent()
    with pytest.raises(ContradictionError, match="was answered by cancel_forwarded"):
        moved_asset(instruction, answer)
