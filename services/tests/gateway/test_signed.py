"""Whoever signs is let in as themselves and once; everything else is turned away by name."""

from __future__ import annotations

from base64 import b64encode

import pytest
from outcry.v1 import order_api_pb2, position_api_pb2
from outcry_services.common.signing import HmacKey, message, signed_headers

from e2e.gateway.secrets import TestKey

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def answers(upstreams):
    async def orders(_, __):
        return order_api_pb2.ListOrdersResponse()

    async def create(_, __):
        return order_api_pb2.Order(order_id="2047")

    async def position(request, _):
        return position_api_pb2.Position(user_id=request.user_id, ccy=request.ccy)

    upstreams.answers |= {"ListOrders": orders, "CreateOrder": create, "GetPosition": position}


@pytest.mark.parametrize("name", ["trader", "hmac"])
def test_both_algorithms_cover_query_and_body(name, client, keys, upstreams):
    assert client.signed(keys[name], "GET", "/orders?state=all&symbol=BTC-USDT").status == 200
    assert client.signed(keys[name], "POST", "/orders", body=b'{"symbol":"BTC-USDT"}').status == 201
    assert [call.request.symbol for call in upstreams.seen] == ["BTC-USDT", "BTC-USDT"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/orders", b'{"symbol":"BTC-USDT"}'),
        ("POST", "/withdrawals", b'{"symbol":"BTC-USDT"}'),
        ("POST", "/orders?x=1", b'{"symbol":"BTC-USDT"}'),
        ("POST", "/orders", b'{"symbol":"BTC-USDU"}'),
        ("POST", "/orders", b'{"symbol":"BTC-USDT"} '),
        ("POST", "/orders", b""),
    ],
)
@pytest.mark.parametrize("name", ["trader", "hmac"])
def test_a_signature_is_of_one_request(name, method, path, body, client, keys, upstreams):
    headers = client.headers(keys[name], "POST", "/orders", body=b'{"symbol":"BTC-USDT"}')
    answer = client.send(method, path, headers=headers, body=body)
    assert answer.error == (401, "SIGNATURE_INVALID", "outcry-signature")
    assert not upstreams.seen


def test_a_signature_is_of_one_time_and_window(client, keys):
    headers = client.headers(keys["trader"], "GET", "/orders")
    for name, step in (("outcry-timestamp", 1), ("outcry-window", 1)):
        changed = headers | {name: str(int(headers[name]) + step)}
        assert client.send("GET", "/orders", headers=changed).error[1] == "SIGNATURE_INVALID"


@pytest.mark.parametrize("name", ["trader", "hmac"])
def test_a_signature_is_good_once(name, client, keys, upstreams):
    headers = client.headers(keys[name], "POST", "/orders", body=b"{}")
    assert client.send("POST", "/orders", headers=headers, body=b"{}").status == 201
    for _ in range(2):
        again = client.send("POST", "/orders", headers=headers, body=b"{}")
        assert again.error == (401, "SIGNATURE_REPLAYED", "outcry-signature")
    assert len(upstreams.seen) == 1


def test_another_writing_of_a_signature_is_the_same_request(client, keys):
    """The last character of base64 text has bits that no byte takes."""
    headers = client.headers(keys["hmac"], "GET", "/orders")
    assert client.send("GET", "/orders", headers=headers).status == 200
    text = headers["outcry-signature"]
    other = text[:-2] + chr(ord(text[-2]) + 1) + "="
    answer = client.send("GET", "/orders", headers=headers | {"outcry-signature": other})
    assert answer.error[1] in ("SIGNATURE_REPLAYED", "CREDENTIALS_MALFORMED", "SIGNATURE_INVALID")


def test_a_signature_expires_and_may_not_come_from_the_future(client, keys):
    late = client.signed(keys["trader"], "GET", "/orders", age=6000)
    assert late.error == (401, "SIGNATURE_EXPIRED", "outcry-timestamp")
    assert client.signed(keys["trader"], "GET", "/orders", age=-5000).error == (
        401,
        "TIMESTAMP_AHEAD",
        "outcry-timestamp",
    )
    long = client.signed(keys["trader"], "GET", "/orders", window=60001)
    assert long.error == (401, "CREDENTIALS_MALFORMED", "outcry-window")


def test_a_public_key_is_no_secret(client, keys):
    """Algorithm confusion: an HMAC under the bytes of the public key, which everybody may know."""
    key = keys["trader"]
    for secret in (key.public, b64encode(key.public)):
        headers = signed_headers(
            HmacKey(secret),
            key=key.name,
            timestamp=_now(client, key),
            window=5000,
            method="GET",
            path="/orders",
            body=b"",
        )
        answer = client.send("GET", "/orders", headers=headers)
        assert answer.error == (401, "SIGNATURE_INVALID", "outcry-signature")


def test_a_key_signs_for_itself_alone(client, keys):
    headers = client.headers(keys["reader"], "GET", "/orders") | {"outcry-key": "trader"}
    assert client.send("GET", "/orders", headers=headers).error[1] == "SIGNATURE_INVALID"


def test_unknown_keys_and_half_credentials_have_names(client, keys):
    stranger = TestKey("stranger", user=7)
    assert client.signed(stranger, "GET", "/orders").error == (401, "KEY_UNKNOWN", "outcry-key")
    assert client.send("GET", "/orders").error == (401, "CREDENTIALS_MISSING", "")
    headers = client.headers(keys["trader"], "GET", "/orders")
    for left_out, name, field in (
        ("outcry-key", "CREDENTIALS_MALFORMED", "outcry-key"),
        ("outcry-timestamp", "CREDENTIALS_MALFORMED", "outcry-timestamp"),
        ("outcry-signature", "CREDENTIALS_MALFORMED", "outcry-signature"),
    ):
        rest = {header: value for header, value in headers.items() if header != left_out}
        assert client.send("GET", "/orders", headers=rest).error == (401, name, field)


def test_addresses_are_an_allow_list(client, keys):
    assert client.signed(keys["home"], "GET", "/orders").status == 200
    answer = client.signed(keys["elsewhere"], "GET", "/orders")
    assert answer.error == (403, "ADDRESS_NOT_ALLOWED", "")
    spoofed = {"x-forwarded-for": "203.0.113.5", "x-real-ip": "203.0.113.5", "forwarded": "for=203.0.113.5"}
    assert client.signed(keys["elsewhere"], "GET", "/orders", changed=spoofed).error == answer.error


@pytest.mark.parametrize(
    ("name", "method", "path", "right"),
    [
        ("reader", "GET", "/orders", True),
        ("reader", "POST", "/orders", False),
        ("reader", "DELETE", "/orders/2047", False),
        ("trader", "POST", "/orders", True),
        ("trader", "POST", "/withdrawals", False),
        ("trader", "POST", "/admin/deposits", False),
        ("trader", "GET", "/admin/limits", False),
        ("payer", "GET", "/orders", False),
        ("payer", "POST", "/orders", False),
        ("admin", "POST", "/orders", False),
        ("admin", "POST", "/withdrawals", False),
        ("nothing", "GET", "/orders", False),
    ],
)
def test_a_key_does_what_it_may(name, method, path, right, client, keys, upstreams):
    answer = client.signed(keys[name], method, path, body=b"{}" if method == "POST" else b"")
    if right:
        assert answer.status in (200, 201)
    else:
        assert answer.error == (403, "PERMISSION_MISSING", "")
        assert not upstreams.seen


def _now(client, key):
    return int(client.headers(key, "GET", "/")["outcry-timestamp"])


def test_the_signed_text_has_one_form():
    text = message(timestamp=1, window=2, method="POST", path="/orders?a=b", body=b"{}")
    assert text == b"OUTCRY1\n1\n2\nPOST\n/orders?a=b\n{}"
