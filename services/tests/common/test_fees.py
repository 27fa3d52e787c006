"""What a trade moves adds up to nothing, rounds toward the house, and leaves no hold behind."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcry.v1.types_pb2 import Side
from outcry_services.common.errors import AmountError, IntegrityError
from outcry_services.common.fees import MILLION, HoldStep, bought, fee_of, hold_step, proceeds, sold
from outcry_services.common.money import I64_MAX

PPM = st.integers(-MILLION, MILLION)
TAKER_PPM = st.integers(0, MILLION)
AMOUNTS = st.integers(0, I64_MAX // 2)
SMALL = st.integers(1, 10**4)


@given(AMOUNTS, PPM)
def test_a_fee_is_less_than_one_unit_from_exact_and_never_to_the_users_advantage(gross, ppm):
    exact = Fraction(gross * ppm, MILLION)
    assert exact <= fee_of(gross, ppm) < exact + 1


@given(AMOUNTS, TAKER_PPM)
def test_a_fee_takes_no_more_than_all_and_a_rebate_is_never_above_the_fee_at_the_same_rate(gross, ppm):
    assert 0 <= fee_of(gross, ppm) <= gross
    assert 0 <= -fee_of(gross, -ppm) <= fee_of(gross, ppm)


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=8), PPM)
def test_splitting_a_trade_never_costs_the_house(parts, ppm):
    assert sum(fee_of(part, ppm) for part in parts) >= fee_of(sum(parts), ppm)


@pytest.mark.parametrize(
    ("gross", "ppm", "fee"),
    [
        (0, 1000, 0),
        (1, 1, 1),
        (1, -1, 0),
        (1_000_000, 1, 1),
        (1_000_001, 1, 2),
        (1_000_001, -1, -1),
        (1_999_999, -1, -1),
        (7, 1_000_000, 7),
        (7, -1_000_000, -7),
        (I64_MAX, 1_000_000, I64_MAX),
    ],
)
def test_fees_by_hand(gross, ppm, fee):
    assert fee_of(gross, ppm) == fee


@pytest.mark.parametrize(
    ("gross", "ppm", "name"),
    [(1, MILLION + 1, "INVALID_FEE"), (1, -MILLION - 1, "INVALID_FEE"), (-1, 5, "AMOUNT_NEGATIVE")],
)
def test_a_fee_that_makes_no_sense_has_a_name(gross, ppm, name):
    with pytest.raises(AmountError) as raised:
        fee_of(gross, ppm)
    assert raised.value.name == name


@given(SMALL, SMALL, SMALL, SMALL, PPM, TAKER_PPM)
def test_what_one_side_pays_is_what_the_other_and_the_house_get(price, quantity, tick, lot, maker, taker):
    units = {
        "price": price,
        "quantity": quantity,
        "quote_units_per_tick_lot": tick,
        "base_units_per_lot": lot,
    }
    buyer, seller = bought(**units, fee_ppm=maker), sold(**units, fee_ppm=taker)
    assert buyer.paid == seller.received + seller.fee == price * quantity * tick
    assert seller.paid == buyer.received + buyer.fee == quantity * lot
    assert min(buyer.received, seller.received) >= 0
    assert proceeds(Side.SIDE_BUY, **units, fee_ppm=maker) == buyer
    assert proceeds(Side.SIDE_SELL, **units, fee_ppm=taker) == seller


def test_a_side_is_one_of_two():
    with pytest.raises(IntegrityError, match="neither buys nor sells"):
        proceeds(
            Side.SIDE_UNSPECIFIED,
            price=1,
            quantity=1,
            quote_units_per_tick_lot=1,
            base_units_per_lot=1,
            fee_ppm=0,
        )


def test_a_trade_too_large_for_an_amount_is_refused():
    with pytest.raises(AmountError) as raised:
        sold(price=I64_MAX, quantity=2, quote_units_per_tick_lot=1, base_units_per_lot=1, fee_ppm=0)
    assert raised.value.name == "AMOUNT_OVERFLOW"


def test_a_buy_at_55_that_is_filled_at_30_leaves_nothing_held():
    """In one trade, and in parts."""
    assert hold_step(left=550, per_unit=55, remaining=0, paid=300) == HoldStep(300, 0, 250, 0)
    first = hold_step(left=550, per_unit=55, remaining=6, paid=120)
    assert first == HoldStep(from_hold=120, short=0, released=100, left=330)
    assert hold_step(left=first.left, per_unit=55, remaining=0, paid=180) == HoldStep(180, 0, 150, 0)


@given(st.integers(1, 1000), st.lists(st.tuples(st.integers(1, 50), st.integers(0, 1000)), max_size=20))
def test_a_hold_ends_with_its_order_and_holds_no_more_than_it_needs(limit, trades):
    """Trades at or below the limit (a fraction of it in thousandths) are always covered."""
    left, remaining = limit * sum(lots for lots, _ in trades), sum(lots for lots, _ in trades)
    spent = released = 0
    for lots, thousandths in trades:
        remaining -= lots
        paid = lots * (limit * thousandths // 1000)
        step = hold_step(left=left, per_unit=limit, remaining=remaining, paid=paid)
        assert (step.short, step.left) == (0, limit * remaining)
        assert left == step.from_hold + step.released + step.left
        spent, released, left = spent + paid, released + step.released, step.left
    assert left == 0
    assert spent + released == limit * sum(lots for lots, _ in trades)


def test_an_order_by_quote_keeps_what_its_budget_needs():
    """A buy holds its tick-lots; a sale, whose need is unknown, keeps all to its end."""
    assert hold_step(left=1000, per_unit=10, remaining=40, paid=600) == HoldStep(600, 0, 0, 400)
    assert hold_step(left=1000, per_unit=0, remaining=40, paid=600) == HoldStep(600, 0, 0, 400)
    assert hold_step(left=400, per_unit=0, remaining=0) == HoldStep(0, 0, 400, 0)


def test_lost_quantity_releases_its_part():
    assert hold_step(left=550, per_unit=55, remaining=4) == HoldStep(0, 0, 330, 220)
    assert hold_step(left=220, per_unit=55, remaining=4) == HoldStep(0, 0, 0, 220)


def test_a_hold_that_is_too_small_says_what_is_missing():
    assert hold_step(left=100, per_unit=55, remaining=1, paid=120) == HoldStep(100, 20, 0, 0)


@pytest.mark.parametrize("wrong", [{"left": -1}, {"per_unit": -1}, {"remaining": -1}, {"paid": -1}])
def test_nothing_about_a_hold_is_negative(wrong):
    with pytest.raises(IntegrityError, match="none may be negative"):
        hold_step(**{"left": 1, "per_unit": 1, "remaining": 1, "paid": 1} | wrong)
