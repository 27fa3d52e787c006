"""A spec in the core's units."""

from __future__ import annotations

import pytest
from outcry.v1 import command_pb2, types_pb2
from outcry_operator.pair.units import UnitsError, filters_of, settings_of

from .making import make_pair


def settings(**spec):
    pair = make_pair(**spec)
    return settings_of(pair.spec, rules=pair.spec.rules_version)


def filters(**spec):
    return filters_of(make_pair(rulesVersion=2, **spec).spec)


def test_the_examples_units():
    found = settings()
    assert found.trading_status == types_pb2.TRADING_STATUS_TRADING
    assert (found.price_band_lower, found.price_band_upper) == (100_000, 50_000_000)
    assert found.min_notional == 50_000_000, "5 USDT in tick-lots of 0.01 x 0.00001"
    assert (found.maker_fee_ppm, found.taker_fee_ppm) == (-50, 750)
    assert found.quote_units_per_tick_lot == 10, "0.0000001 USDT at scale 8"
    assert found.base_units_per_lot == 1000
    assert found.rules_version == 1


def test_rules_version_1_says_what_it_said_before_there_was_another():
    """A pair that lives gets no new settings from a new operator: the command's bytes are the same."""
    assert not settings().HasField("filters")
    before = "0801100118a08d062080e1eb172880e1eb17306338dc0b400a48e807"
    assert settings().SerializeToString(deterministic=True).hex() == before


def test_rules_version_2_always_says_its_filters():
    found = settings(rulesVersion=2)
    assert found.rules_version == 2
    assert found.HasField("filters")
    assert found.filters == command_pb2.Filters(self_trade_prevention=types_pb2.SELF_TRADE_PREVENTION_NONE)


@pytest.mark.parametrize("word", ["TRADING", "HALT", "CANCEL_ONLY", "POST_ONLY", "LIMIT_ONLY", "AUCTION"])
def test_every_status_has_its_word(word):
    found = settings(tradingStatus=word, rulesVersion=2)
    assert types_pb2.TradingStatus.Name(found.trading_status) == f"TRADING_STATUS_{word}"


@pytest.mark.parametrize("word", ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"])
def test_every_self_trade_prevention_has_its_word(word):
    found = filters(selfTradePrevention=word)
    name = types_pb2.SelfTradePrevention.Name(found.self_trade_prevention)
    assert name == f"SELF_TRADE_PREVENTION_{word}"


def test_every_filter_in_the_cores_units():
    found = filters(
        referencePrice="60000.01",
        filters={
            "price": {"min": "0.01", "max": "1000000"},
            "quantity": {"min": "0.0001", "max": "9000"},
            "notional": {"max": "9000000", "appliesToMarket": True},
            "percentPriceBySide": {
                "bidMultiplierUp": "1.2",
                "bidMultiplierDown": "0.2",
                "askMultiplierUp": "5.0001",
                "askMultiplierDown": "0.8",
            },
            "maxOpenOrders": 200,
        },
    )
    assert found == command_pb2.Filters(
        self_trade_prevention=types_pb2.SELF_TRADE_PREVENTION_NONE,
        reference_price=6_000_001,
        min_price=1,
        max_price=100_000_000,
        min_quantity=10,
        max_quantity=900_000_000,
        max_notional=90_000_000_000_000,
        notional_applies_to_market=True,
        bid_multiplier_up_bps=12_000,
        bid_multiplier_down_bps=2_000,
        ask_multiplier_up_bps=50_001,
        ask_multiplier_down_bps=8_000,
        max_open_orders=200,
    )


def test_no_digit_is_lost_where_a_float_would_lose_it():
    found = filters(
        tickSize="0.000000001",
        filters={"price": {"min": "99999999.123456789", "max": "0"}},
    )
    assert found.min_price == 99_999_999_123_456_789


ODD = {"tickSize": "0.3", "lotSize": "1", "priceBand": {"lower": "3", "upper": "30"}}


def test_the_least_notional_is_rounded_up():
    assert settings(**ODD, minNotional="1").min_notional == 4


def test_the_largest_notional_is_rounded_down():
    """An order of 4 tick-lots is worth 1.2, which is above 1."""
    assert filters(**ODD, filters={"notional": {"max": "1"}}).max_notional == 3


def test_a_largest_notional_is_never_rounded_to_off():
    with pytest.raises(UnitsError, match=r"^filters.notional.max is less than one tick on one lot"):
        filters(**ODD, filters={"notional": {"max": "0.2"}})


@pytest.mark.parametrize(
    ("field", "spec"),
    [
        ("priceBand.upper", {"priceBand": {"lower": "1", "upper": "1.001"}}),
        ("filters.price.max", {"filters": {"price": {"max": "1.001"}}}),
        ("filters.quantity.min", {"filters": {"quantity": {"min": "0.000001"}}}),
        ("referencePrice", {"referencePrice": "1.001"}),
    ],
)
def test_what_is_between_two_of_the_cores_numbers_is_named(field, spec):
    with pytest.raises(UnitsError, match=rf"^{field} is .* which is no whole number"):
        settings(rulesVersion=2, **spec)


FINE = {
    "tickSize": "0.000000001",
    "lotSize": "0.000000001",
    "minNotional": "0",
    "quote": {"asset": "USDT", "scale": 18},
    "base": {"asset": "BTC", "scale": 18},
}


@pytest.mark.parametrize(
    ("field", "spec"),
    [
        ("minNotional", {"minNotional": "99999999999999999"}),
        ("filters.notional.max", {"filters": {"notional": {"max": "10"}}}),
        ("filters.quantity.max", {"filters": {"quantity": {"max": "9999999999"}}}),
        ("referencePrice", {"referencePrice": "9999999999"}),
    ],
)
def test_what_64_bits_do_not_hold_is_named(field, spec):
    with pytest.raises(UnitsError, match=rf"^{field} is \d+ of the core's units, which 64 bits don't hold"):
        settings(rulesVersion=2, **(FINE | spec))
