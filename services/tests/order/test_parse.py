"""What a client writes becomes exact integers, or an error with a name and a field."""

from __future__ import annotations

import pytest
from outcry.v1.types_pb2 import OrderType, Side, TimeInForce
from outcry_services.common.errors import InvalidError, NotFoundError
from outcry_services.order.model import MoneyKind
from outcry_services.order.money_requests import asset_of, money_request
from outcry_services.order.parse import check_client_id, digest_of, parse_expiry, terms_of

from services.tests.order.desk import limit, make_pair

PAIR = make_pair()


def test_text_becomes_ticks_lots_and_tick_lots():
    terms = terms_of(limit(iceberg_qty="0.1", self_trade_prevention="EXPIRE_BOTH"), PAIR.units)
    assert (terms.side, terms.type, terms.time_in_force) == (
        Side.SIDE_BUY,
        OrderType.ORDER_TYPE_LIMIT,
        TimeInForce.TIME_IN_FORCE_GTC,
    )
    assert (terms.price, terms.quantity, terms.display_quantity) == (2_000_000, 50_000, 10_000)
    by_quote = limit(type="MARKET", time_in_force="", price="", quantity="", quote_order_qty="100")
    assert terms_of(by_quote, PAIR.units).quote_quantity == 10**9
    stop = limit(type="STOP_LOSS_LIMIT", stop_price="19000.01", trailing_delta="50")
    assert (terms_of(stop, PAIR.units).stop_price, terms_of(stop, PAIR.units).trailing_delta) == (
        1_900_001,
        50,
    )


@pytest.mark.parametrize(
    ("changes", "name", "field"),
    [
        ({"side": ""}, "INVALID_SIDE", "side"),
        ({"side": "buy"}, "INVALID_SIDE", "side"),
        ({"side": "UNSPECIFIED"}, "INVALID_SIDE", "side"),
        ({"type": "SIDE_BUY"}, "INVALID_ORDER_TYPE", "type"),
        ({"time_in_force": "DAY"}, "INVALID_TIME_IN_FORCE", "timeInForce"),
        ({"self_trade_prevention": "MAYBE"}, "INVALID_STP_MODE", "selfTradePrevention"),
        ({"price": "-1"}, "AMOUNT_SIGN", "price"),
        ({"price": "1e5"}, "AMOUNT_EXPONENT", "price"),
        ({"price": "NaN"}, "AMOUNT_NOT_A_NUMBER", "price"),
        ({"price": "٣"}, "AMOUNT_DIGITS", "price"),
        ({"price": "20000.005"}, "PRICE_OFF_TICK", "price"),
        ({"quantity": "0.000001"}, "QUANTITY_OFF_LOT", "quantity"),
        ({"quantity": "0.000000001"}, "AMOUNT_TOO_PRECISE", "quantity"),
        ({"quantity": "99999999999999999999"}, "AMOUNT_OVERFLOW", "quantity"),
        ({"quote_order_qty": "0.00000001"}, "QUOTE_QUANTITY_OFF_STEP", "quoteOrderQty"),
        ({"trailing_delta": "-1"}, "INVALID_TRAILING_DELTA", "trailingDelta"),
        ({"trailing_delta": "1.5"}, "INVALID_TRAILING_DELTA", "trailingDelta"),
        ({"expire_time": "tomorrow"}, "INVALID_EXPIRE_TIME", "expireTime"),
        ({"expire_time": "2030-01-31T12:00:00"}, "INVALID_EXPIRE_TIME", "expireTime"),
    ],
)
def test_what_makes_no_sense_has_a_name_and_a_field(changes, name, field):
    with pytest.raises(InvalidError) as error:
        terms_of(limit(**changes), PAIR.units)
    assert (error.value.name, error.value.field) == (name, field)


def test_times_are_exact():
    assert parse_expiry("1970-01-01T00:00:01.000001Z") == 1_000_001_000
    assert parse_expiry("2030-01-31T13:00:00+01:00") == parse_expiry("2030-01-31T12:00:00Z")


def test_the_same_content_has_the_same_digest():
    digest = digest_of(limit())
    assert digest == digest_of(limit(price="020000.000", client_order_id="other"))
    assert (
        len({digest_of(limit(price=price)) for price in ("1", "10", "0.1", "01.10", "1.01", "-1", "")}) == 7
    )
    assert digest_of(limit(price="", quantity="20000")) != digest_of(limit(price="20000", quantity=""))


@pytest.mark.parametrize("text", ["", "a" * 37, "a b", "ä", "a\n", "'; DROP TABLE orders", "а"])  # noqa: RUF001
def test_a_client_id_is_short_and_plain(text):
    with pytest.raises(InvalidError) as error:
        check_client_id(text)
    assert error.value.name == "INVALID_CLIENT_ID"


def test_money_has_a_reference_an_asset_and_an_amount():
    asset = asset_of("USDT", [PAIR, make_pair("ETH-USDT")])
    with pytest.raises(NotFoundError, match="no asset"):
        asset_of("DOGE", [PAIR])

    def make(kind=MoneyKind.DEPOSIT, **changes):
        fields = {"user_id": 7, "reference": "tx", "asset": asset, "amount": "1.5"} | changes
        return money_request(kind, **fields)

    assert make().amount == 150_000_000
    assert make(MoneyKind.ADJUSTMENT, amount="-1.5", detail="goodwill").amount == -150_000_000
    for kind, changes, name in (
        (MoneyKind.DEPOSIT, {"amount": "-1.5"}, "AMOUNT_SIGN"),
        (MoneyKind.DEPOSIT, {"amount": "0"}, "AMOUNT_ZERO"),
        (MoneyKind.DEPOSIT, {"reference": ""}, "INVALID_REFERENCE"),
        (MoneyKind.DEPOSIT, {"reference": "a b"}, "INVALID_REFERENCE"),
        (MoneyKind.ADJUSTMENT, {"detail": " "}, "INVALID_REASON"),
        (MoneyKind.ADJUSTMENT, {"detail": "x", "amount": "--1"}, "AMOUNT_SIGN"),
        (MoneyKind.WITHDRAWAL, {"detail": ""}, "INVALID_ADDRESS"),
        (MoneyKind.WITHDRAWAL, {"detail": "bc1\n"}, "INVALID_ADDRESS"),
    ):
        with pytest.raises(InvalidError) as error:
            make(kind, **changes)
        assert error.value.name == name
