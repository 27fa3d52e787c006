"""Two users trade over HTTPS on the whole exchange, signed; what is not theirs, or not right, has a name."""

from __future__ import annotations

import json
from functools import partial

import pytest

from e2e.backends import wait_until
from e2e.exchange import Exchange
from e2e.gateway.client import Client
from e2e.gateway.front import Front
from e2e.gateway.secrets import TestKey

pytestmark = pytest.mark.integration

SYMBOL = "BTC-USDT"
ALICE, BOB = TestKey("alice", user=3001), TestKey("bob", user=3002, algorithm="hmac-sha256")
ADMIN = TestKey("admin", user=1, permissions="admin,read")
SAVER = TestKey("saver", user=3001, permissions="withdraw")
TWO_TO_63, BEYOND = str(1 << 63), "92233720368.54775808"
"""One more than 64 bits hold: as a whole number, and in the ledger's units of the assets here."""


@pytest.fixture(scope="module")
def client():
    with Exchange(without=("reconciler",)) as exchange:
        ports = {name: service.ports.grpc for name, service in exchange.services.items()}
        with Front(upstreams=ports, keys=(ALICE, BOB, ADMIN, SAVER)) as front:
            yield Client(front)


def post(client, key, path, **fields):
    return client.signed(key, "POST", path, body=json.dumps(fields).encode())


def order(client, key, **fields):
    given = {"symbol": SYMBOL, "type": "LIMIT", "timeInForce": "GTC", **fields}
    return post(client, key, "/orders", **given)


def position(client, key, ccy):
    user = key.entry["userId"]
    found = client.signed(key, "GET", f"/positions/{user}/{ccy}").json
    return found["available"], found["held"]


def status(client, key, number):
    return client.signed(key, "GET", f"/orders/{number}").json["status"]


def has_status(client, key, number, wanted):
    return status(client, key, number) == wanted


@pytest.fixture(scope="module")
def funded(client):
    for key, asset, amount in ((ALICE, "USDT", "100000"), (BOB, "BTC", "2")):
        answer = post(
            client,
            ADMIN,
            "/admin/deposits",
            userId=key.entry["userId"],
            asset=asset,
            amount=amount,
            reference=f"first-{asset}",
        )
        assert answer.status == 200, answer.body
    wait_until(
        lambda: position(client, ALICE, "USDT")[0].startswith("100000"), seconds=60, what="Alice's deposit"
    )
    wait_until(lambda: position(client, BOB, "BTC")[0].startswith("2"), seconds=60, what="Bob's deposit")
    return client


def test_two_users_trade_and_the_books_balance(funded):
    client = funded
    bid = order(client, ALICE, side="BUY", quantity="0.5", price="60000", clientOrderId="first")
    assert bid.status == 201, bid.body
    number = bid.json["orderId"]
    again = order(client, ALICE, side="BUY", quantity="0.5", price="60000", clientOrderId="first")
    assert (again.status, again.json) == (201, bid.json)
    other = order(client, ALICE, side="BUY", quantity="0.4", price="60000", clientOrderId="first")
    assert other.error[:2] == (409, "CLIENT_ORDER_ID_CONFLICT")
    wait_until(lambda: status(client, ALICE, number) == "NEW", seconds=60, what="the bid is in the market")
    offer = order(client, BOB, side="SELL", quantity="0.5", price="59990")
    assert offer.status == 201, offer.body
    for key, which in ((ALICE, number), (BOB, offer.json["orderId"])):
        wait_until(partial(has_status, client, key, which, "FILLED"), seconds=60, what="it fills")
    wait_until(
        lambda: position(client, ALICE, "USDT")[1].strip("0.") == "", seconds=60, what="nothing is held"
    )
    assert float(position(client, ALICE, "BTC")[0]) > 0.49
    trades = client.signed(BOB, "GET", "/trades").json["trades"]
    assert [(trade["price"], trade["quantity"]) for trade in trades] != []
    hidden = client.signed(BOB, "GET", f"/orders/{number}")
    assert hidden.error[:2] == (404, "ORDER_NOT_FOUND")
    cancel = client.signed(BOB, "DELETE", f"/orders/{number}")
    assert cancel.error[:2] == (404, "ORDER_NOT_FOUND")

    def balanced():
        found = client.signed(ADMIN, "GET", "/admin/ledger/check")
        return found.status == 200 and found.json["balanced"] and len(found.json["assets"]) >= 2

    wait_until(balanced, seconds=60, what="the trial balance", every=1)


@pytest.mark.parametrize(
    ("changed", "status", "name"),
    [
        ({"symbol": "ВTC-USDT"}, 400, "SYMBOL_CHARACTERS"),  # noqa: RUF001 - a Cyrillic letter
        ({"symbol": "BTC-USDT'; DROP TABLE orders; --"}, 400, "INVALID_SYMBOL"),
        ({"symbol": "NO-SUCH"}, 404, "UNKNOWN_SYMBOL"),
        ({"quantity": "1e3"}, 400, "AMOUNT_EXPONENT"),
        ({"quantity": "-1"}, 400, "AMOUNT_SIGN"),
        ({"quantity": "９"}, 400, "AMOUNT_DIGITS"),  # noqa: RUF001
        ({"quantity": "0.123456789123"}, 400, "AMOUNT_TOO_PRECISE"),
        ({"quantity": "0.000001"}, 400, "QUANTITY_OFF_LOT"),
        ({"quantity": "99999999999999999999"}, 400, "AMOUNT_OVERFLOW"),
        ({"quantity": BEYOND}, 400, "AMOUNT_OVERFLOW"),
        ({"quantity": "92233720368.5477"}, 422, "OVERFLOW"),
        ({"price": "NaN"}, 400, "AMOUNT_NOT_A_NUMBER"),
        ({"price": "-0"}, 400, "AMOUNT_SIGN"),
        ({"price": "6e4"}, 400, "AMOUNT_EXPONENT"),
        ({"price": "60000.001"}, 400, "PRICE_OFF_TICK"),
        ({"price": "0"}, 400, "INVALID_PRICE"),
        ({"stopPrice": "-1"}, 400, "AMOUNT_SIGN"),
        ({"icebergQty": "Infinity"}, 400, "AMOUNT_NOT_A_NUMBER"),
        ({"quoteOrderQty": "1e9"}, 400, "AMOUNT_EXPONENT"),
        ({"quoteOrderQty": BEYOND}, 400, "AMOUNT_OVERFLOW"),
        ({"trailingDelta": TWO_TO_63}, 400, "INVALID_TRAILING_DELTA"),
        ({"timeInForce": "GTD", "expireTime": "9999-12-31T23:59:59Z"}, 400, "INVALID_EXPIRE_TIME"),
        ({"timeInForce": "GTD", "expireTime": "0001-01-01T00:00:00Z"}, 400, "INVALID_EXPIRE_TIME"),
        ({"timeInForce": "gtc"}, 400, "INVALID_TIME_IN_FORCE"),
        ({"side": "buy"}, 400, "INVALID_SIDE"),
        ({"type": "FANCY"}, 400, "INVALID_ORDER_TYPE"),
        ({"selfTradePrevention": "1 OR 1=1"}, 400, "INVALID_STP_MODE"),
        ({"clientOrderId": "a\r\nx-outcry-user: 1"}, 400, "INVALID_CLIENT_ID"),
        ({"clientOrderId": "a'; DROP TABLE orders; --"}, 400, "INVALID_CLIENT_ID"),
    ],
    ids=str,
)
def test_a_wrong_order_is_refused_by_name(changed, status, name, funded):
    fields = {"side": "BUY", "quantity": "0.5", "price": "60000", **changed}
    answer = order(funded, ALICE, **fields)
    assert answer.error[:2] == (status, name), answer.body


@pytest.mark.parametrize(
    ("changed", "status", "name"),
    [
        ({"amount": "-1"}, 400, "AMOUNT_SIGN"),
        ({"amount": "1e3"}, 400, "AMOUNT_EXPONENT"),
        ({"amount": "0"}, 400, "AMOUNT_ZERO"),
        ({"amount": "0.000000001"}, 400, "AMOUNT_TOO_PRECISE"),
        ({"amount": BEYOND}, 400, "AMOUNT_OVERFLOW"),
        ({"asset": "ВTC"}, 404, "UNKNOWN_ASSET"),  # noqa: RUF001 - a Cyrillic letter
        ({"asset": "BTC' OR '1'='1"}, 404, "UNKNOWN_ASSET"),
        ({"userId": "0"}, 400, "INVALID_USER_ID"),
        ({"userId": "-7"}, 400, "INVALID_USER_ID"),
        ({"userId": TWO_TO_63}, 400, "INVALID_USER_ID"),
        ({"userId": "３００１"}, 400, "INVALID_USER_ID"),  # noqa: RUF001
        ({"reference": "a'; DROP TABLE claims; --"}, 400, "INVALID_REFERENCE"),
        ({"reference": "a" * 129}, 400, "INVALID_REFERENCE"),
    ],
    ids=str,
)
def test_a_wrong_deposit_is_refused_by_name(changed, status, name, funded):
    fields = {"userId": "3001", "asset": "BTC", "amount": "1", "reference": "wrong", **changed}
    answer = post(funded, ADMIN, "/admin/deposits", **fields)
    assert answer.error[:2] == (status, name), answer.body


@pytest.mark.parametrize(
    ("changed", "status", "name"),
    [
        ({"amount": "-1"}, 400, "AMOUNT_SIGN"),
        ({"amount": "1E3"}, 400, "AMOUNT_EXPONENT"),
        ({"amount": BEYOND}, 400, "AMOUNT_OVERFLOW"),
        ({"asset": "USDT "}, 404, "UNKNOWN_ASSET"),
        ({"address": "bc1\r\nx-outcry-user: 1"}, 400, "INVALID_ADDRESS"),
        ({"address": "'; DROP TABLE instructions; --"}, 400, "INVALID_ADDRESS"),
        ({"clientWithdrawalId": "../../1"}, 400, "INVALID_CLIENT_ID"),
    ],
    ids=str,
)
def test_a_wrong_withdrawal_is_refused_by_name(changed, status, name, funded):
    before = position(funded, ALICE, "USDT")
    answer = post(
        funded, SAVER, "/withdrawals", **{"asset": "USDT", "amount": "1", "address": "bc1", **changed}
    )
    assert answer.error[:2] == (status, name), answer.body
    assert position(funded, ALICE, "USDT") == before


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", f"/orders/{TWO_TO_63}", "INVALID_ORDER_ID"),
        ("GET", "/orders/-1", "INVALID_ORDER_ID"),
        ("DELETE", "/orders/1%27%20OR%20%271%27=%271", "INVALID_ORDER_ID"),
        ("GET", "/orders/by-client-id/a%27%20OR%201=1", "INVALID_CLIENT_ID"),
        ("GET", "/orders?state=open%27--", "INVALID_STATE"),
        ("GET", "/orders?symbol=BTC-USDT%27--", "INVALID_SYMBOL"),
        ("GET", f"/orders?pageToken={TWO_TO_63}0", "INVALID_PAGE_TOKEN"),
        ("GET", "/orders?pageSize=2147483647", "INVALID_PAGE_SIZE"),
        ("GET", f"/orders?pageSize={TWO_TO_63}", "MALFORMED_REQUEST"),
        ("GET", "/trades?orderId=0x10", "INVALID_ORDER_ID"),
        ("GET", "/ledger?asset=BTC%27--", "INVALID_ASSET"),
        ("GET", "/ledger?pageToken=-1", "INVALID_PAGE_TOKEN"),
        ("GET", "/ledger?pageSize=-1", "INVALID_PAGE_SIZE"),
    ],
)
def test_a_wrong_question_is_refused_by_name(method, path, name, funded):
    answer = funded.signed(ALICE, method, path)
    assert answer.error[:2] == (400, name), answer.body


def test_nobody_reaches_into_another_account(funded):
    user = BOB.entry["userId"]
    assert funded.signed(ALICE, "GET", f"/positions/{user}/BTC").error == (403, "OTHER_USER", "userId")
    assert funded.signed(ALICE, "GET", f"/positions/{user}").error == (403, "OTHER_USER", "userId")
    answer = post(funded, ALICE, "/admin/deposits", userId="3001", asset="BTC", amount="1", reference="mine")
    assert answer.error == (403, "PERMISSION_MISSING", "")
    assert funded.signed(ADMIN, "GET", f"/positions/{user}/BTC").status == 200
