"""Decimal text and integers are one another's exact inverse, and nothing else gets in."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcry_services.common.errors import AmountError
from outcry_services.common.money import (
    I64_MAX,
    I128_MAX,
    Units,
    add,
    checked,
    format_amount,
    parse,
    parse_up,
    product,
    subtract,
)

AMOUNTS = st.integers(0, I64_MAX)
SCALES = st.integers(0, 18)
BTC_USDT = Units(base_scale=8, quote_scale=6, tick=10_000, lot=10_000)


def name_of(call, *arguments, **named):
    with pytest.raises(AmountError) as raised:
        call(*arguments, **named)
    return raised.value.name


@given(AMOUNTS, SCALES)
def test_formatting_and_parsing_are_inverse(units, scale):
    text = format_amount(units, scale=scale)
    assert parse(text, scale=scale) == units
    assert Decimal(text) == Decimal(units).scaleb(-scale)


@given(st.text(max_size=40) | st.from_regex(r"[0-9]{0,20}\.?[0-9]{0,12}", fullmatch=True), SCALES)
def test_any_text_is_an_exact_amount_or_a_named_error(text, scale):
    plain = text.isascii() and text.replace(".", "", 1).isdigit() and "." not in (text[0], text[-1])
    if plain and 0 <= Decimal(text).scaleb(scale) <= I64_MAX and len(text.partition(".")[2]) <= scale:
        assert Decimal(text) == Decimal(parse(text, scale=scale)).scaleb(-scale)
    else:
        assert name_of(parse, text, scale=scale).startswith("AMOUNT_")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "AMOUNT_EMPTY"),
        ("1" * 41, "AMOUNT_TOO_LONG"),
        ("-1", "AMOUNT_SIGN"),
        ("+1", "AMOUNT_SIGN"),
        ("1e3", "AMOUNT_EXPONENT"),
        ("1.5E-3", "AMOUNT_EXPONENT"),
        ("NaN", "AMOUNT_NOT_A_NUMBER"),
        ("-Infinity", "AMOUNT_NOT_A_NUMBER"),
        ("١٢", "AMOUNT_DIGITS"),
        ("1２", "AMOUNT_DIGITS"),  # noqa: RUF001
        ("½", "AMOUNT_DIGITS"),
        (".5", "AMOUNT_MALFORMED"),
        ("5.", "AMOUNT_MALFORMED"),
        ("1.2.3", "AMOUNT_MALFORMED"),
        (" 1", "AMOUNT_MALFORMED"),
        ("1\n", "AMOUNT_MALFORMED"),
        ("1_000", "AMOUNT_MALFORMED"),
        ("1,000", "AMOUNT_MALFORMED"),
        ("0x10", "AMOUNT_MALFORMED"),
        ("1.000000001", "AMOUNT_TOO_PRECISE"),
        ("92233720368.54775808", "AMOUNT_OVERFLOW"),
    ],
)
def test_each_fault_of_text_has_its_name(text, name):
    assert name_of(parse, text, scale=8, field="quantity") == name


def test_an_error_names_its_field_and_what_to_do():
    with pytest.raises(AmountError, match=r"write it like 12\.5") as raised:
        parse("x", scale=8, field="quantity")
    assert (raised.value.field, raised.value.http_status) == ("quantity", 400)


def test_the_largest_amount_passes_and_one_more_does_not():
    assert parse("92233720368.54775807", scale=8) == I64_MAX
    assert checked(-I64_MAX - 1) == -(2**63)
    assert name_of(checked, I64_MAX + 1) == "AMOUNT_OVERFLOW"
    assert name_of(checked, -I64_MAX - 2) == "AMOUNT_OVERFLOW"
    assert name_of(add, I64_MAX, 1) == "AMOUNT_OVERFLOW"
    assert name_of(subtract, -I64_MAX, 2) == "AMOUNT_OVERFLOW"
    assert add(I64_MAX, 1, -1) == I64_MAX


def test_products_are_128_bits_wide():
    assert product(I64_MAX, I64_MAX) == I64_MAX**2
    assert product(I128_MAX, 1) == I128_MAX
    assert name_of(product, I64_MAX, I64_MAX, 3) == "AMOUNT_OVERFLOW"


def test_amounts_of_a_ledger_may_be_negative_in_print_alone():
    assert format_amount(-5, scale=2) == "-0.05"
    assert format_amount(-5, scale=0) == "-5"
    assert name_of(format_amount, 1, scale=19) == "SCALE_OUT_OF_RANGE"


def test_prices_and_quantities_are_counts_of_ticks_and_lots():
    assert BTC_USDT.parse_price("60000.01") == 6_000_001
    assert BTC_USDT.format_price(6_000_001) == "60000.010000"
    assert BTC_USDT.parse_quantity("0.0003") == 3
    assert BTC_USDT.format_quantity(3) == "0.00030000"
    assert BTC_USDT.base_amount(3) == 30_000
    assert name_of(BTC_USDT.parse_price, "60000.015") == "PRICE_OFF_TICK"
    assert name_of(BTC_USDT.parse_quantity, "0.00035") == "QUANTITY_OFF_LOT"


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_trade_is_paid_exactly(ticks, lots):
    paid = Decimal(BTC_USDT.format_price(ticks)) * Decimal(BTC_USDT.format_quantity(lots))
    assert Decimal(format_amount(BTC_USDT.quote_amount(ticks=ticks, lots=lots), scale=6)) == paid


def test_a_trade_too_large_for_an_amount_is_refused():
    assert name_of(BTC_USDT.quote_amount, ticks=I64_MAX, lots=1000) == "AMOUNT_OVERFLOW"


def test_units_in_which_a_trade_would_round_are_refused():
    assert name_of(Units, base_scale=8, quote_scale=2, tick=1, lot=1) == "INVALID_UNITS"
    assert name_of(Units, base_scale=8, quote_scale=2, tick=0, lot=1) == "INVALID_UNITS"


@given(st.integers(0, 10**12), SCALES, SCALES)
def test_what_is_below_a_unit_counts_as_one(units, exact, scale):
    text = format_amount(units, scale=exact)
    whole = Decimal(units).scaleb(scale - exact)
    expected = int(whole.to_integral_value(rounding=ROUND_CEILING))
    if expected <= I64_MAX:
        assert parse_up(text, scale=scale) == expected


@pytest.mark.parametrize("text", ["", "-1", "1.2.3", "1e3", "1.123456789x", "0." + "1" * 40])
def test_a_more_exact_amount_is_one_all_the_same(text):
    assert name_of(parse_up, text, scale=8).startswith("AMOUNT_")
