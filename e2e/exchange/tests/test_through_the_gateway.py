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


@pytest.fixture(scope="module")
def client():
    with Exchange(without=("reconciler",)) as exchange:
        ports = {name: service.ports.grpc for name, service in exchange.services.items()}
        with Front(upstreams=ports, keys=(ALICE, BOB, ADMIN)) as front:
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
    ("changed", "names"),
    [
        ({"symbol": "ВTC-USDT"}, {"SYMBOL_CHARACTERS"}),  # noqa: RUF001 - a Cyrillic letter
        ({"symbol": "BTC-USDT'; DROP TABLE orders; --"}, {"INVALID_SYMBOL"}),
        ({"symbol": "NO-SUCH"}, {"UNKNOWN_SYMBOL"}),
        ({"quantity": "1e3"}, {"AMOUNT_EXPONENT"}),
        ({"quantity": "-1"}, {"AMOUNT_SIGN"}),
        ({"quantity": "９"}, {"AMOUNT_DIGITS"}),  # noqa: RUF001
        ({"quantity": "0.123456789123"}, {"AMOUNT_TOO_PRECISE", "QUANTITY_OFF_LOT"}),
        ({"quantity": "99999999999999999999"}, {"AMOUNT_OVERFLOW"}),
        ({"price": "NaN"}, {"AMOUNT_NOT_A_NUMBER"}),
        ({"side": "buy"}, {"INVALID_SIDE"}),
        ({"type": "FANCY"}, {"INVALID_ORDER_TYPE"}),
        ({"clientOrderId": "a\r\nx-outcry-user: 1"}, {"INVALID_CLIENT_ID"}),
    ],
    ids=str,
)
def test_a_wrong_order_is_refused_by_name(changed, names, funded):
    fields = {"side": "BUY", "quantity": "0.5", "price": "60000", **changed}
    answer = order(funded, ALICE, **fields)
    assert answer.error[0] in (400, 404), answer.body
    assert answer.error[1] in names


def test_nobody_reaches_into_another_account(funded):
    user = BOB.entry["userId"]
    assert funded.signed(ALICE, "GET", f"/positions/{user}/BTC").error == (403, "OTHER_USER", "userId")
    assert funded.signed(ALICE, "GET", f"/positions/{user}").error == (403, "OTHER_USER", "userId")
    answer = post(funded, ALICE, "/admin/deposits", userId="3001", asset="BTC", amount="1", reference="mine")
    assert answer.error == (403, "PERMISSION_MISSING", "")
    assert funded.signed(ADMIN, "GET", f"/positions/{user}/BTC").status == 200
