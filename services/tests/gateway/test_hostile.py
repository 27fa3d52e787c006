"""What somebody would try who means harm, and the name by which each is turned away."""

from __future__ import annotations

import json
import socket
import ssl

import pytest
from outcry.v1 import order_api_pb2, position_api_pb2
from outcry_services.common.identity import identity_of

from e2e.backends import wait_until

pytestmark = pytest.mark.integration

SPOOFED = {
    "x-outcry-user": "1",
    "X-Outcry-Permissions": "admin,read,trade,withdraw",
    "x-outcry-key": "admin",
    "x-outcry-trace": "0" * 32,
    "traceparent": "00-11111111111111111111111111111111-2222222222222222-01",
}


@pytest.fixture(autouse=True)
def answers(upstreams):
    async def orders(_, __):
        return order_api_pb2.ListOrdersResponse()

    async def create(request, _):
        return order_api_pb2.Order(order_id="2047", symbol=request.symbol)

    async def position(request, context):
        user = identity_of(context).user_named(request.user_id)
        return position_api_pb2.Position(user_id=str(user), ccy=request.ccy, available="1")

    async def positions(request, context):
        identity_of(context).user_named(request.user_id)
        return position_api_pb2.ListPositionsResponse()

    upstreams.answers |= {
        "ListOrders": orders,
        "CreateOrder": create,
        "GetPosition": position,
        "ListPositions": positions,
    }


def raw(front, request):
    """What comes back for bytes as they are; connections end with the answer or by the server."""
    context = ssl.create_default_context(cafile=str(front.certificate))
    with (
        socket.create_connection((front.host, front.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=front.host) as connection,
    ):
        connection.sendall(request)
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["name"]


def test_nobody_says_from_outside_who_they_are(client, keys, front, upstreams):
    assert client.send("GET", "/orders", headers=SPOOFED).error == (401, "CREDENTIALS_MISSING", "")
    assert client.signed(keys["trader"], "GET", "/orders", changed=SPOOFED).status == 200
    token = f"Bearer {front.sessions.token(7, 'read')}"
    assert client.send("GET", "/orders", headers={**SPOOFED, "authorization": token}).status == 200
    signed, session = upstreams.seen
    for call in (signed, session):
        assert call.metadata["x-outcry-user"] == ["7"]
        assert call.trace != "1" * 32
        assert not {"outcry-signature", "outcry-key", "authorization", "cookie"} & set(call.metadata)
    assert signed.metadata["x-outcry-permissions"] == ["read,trade"]
    assert session.metadata["x-outcry-permissions"] == ["read"]
    assert "x-outcry-key" not in session.metadata


def test_no_other_spelling_of_a_header_passes(client, keys, upstreams):
    answer = client.signed(keys["trader"], "GET", "/orders", changed={"x_outcry_user": "1"})
    assert answer.error == (400, "MALFORMED_REQUEST", "")
    for connection in ("close, x-outcry-user", "x-outcry-user", "close, X-Outcry-Permissions"):
        answer = client.signed(keys["trader"], "GET", "/orders", changed={"connection": connection})
        if answer.status == 200:
            assert upstreams.seen.pop().metadata["x-outcry-user"] == ["7"]
        else:
            assert answer.error[:2] in ((400, "MALFORMED_REQUEST"), (403, "PERMISSION_MISSING"))
    assert not upstreams.seen


@pytest.mark.parametrize("path", ["/positions/8/BTC", "/positions/8", "/positions/007/BTC"])
def test_another_users_position_is_not_shown(path, client, keys, front):
    for answer in (
        client.signed(keys["trader"], "GET", path),
        client.session(front.sessions.token(7), "GET", path),
    ):
        assert answer.error in ((403, "OTHER_USER", "userId"), (400, "INVALID_USER_ID", "userId"))
    assert client.signed(keys["trader"], "GET", "/positions/7/BTC").json["userId"] == "7"
    assert client.signed(keys["admin"], "GET", "/positions/8/BTC").json["userId"] == "8"


@pytest.mark.parametrize(
    "path",
    [
        "/positions/7/../8",
        "/positions/7/%2e%2e/8",
        "/orders/../positions/8",
        "//positions/8",
        "/positions//8",
        "/positions/7%2f..%2f8",
        "/positions/7%5c..%5c8",
        "/positions/8;7",
        "/positions/8%00",
    ],
)
def test_no_detour_leads_to_another_user(path, client, keys, front, upstreams):
    for answer in (
        client.signed(keys["trader"], "GET", path),
        client.session(front.sessions.token(7), "GET", path),
    ):
        assert answer.status in (400, 401, 403, 404), answer.body
        assert answer.error[1] in (
            *("MALFORMED_REQUEST", "SIGNATURE_INVALID", "OTHER_USER", "INVALID_USER_ID", "NO_SUCH_PATH"),
        )


@pytest.mark.parametrize(
    "symbol",
    [
        "ВTC-USDT",  # noqa: RUF001 - a Cyrillic letter
        "BTC‐USDT",  # noqa: RUF001 - another hyphen
        "BTC-USDT\u200b",
        "\u202eTDSU-CTB",
        "BTC-USDT'; DROP TABLE orders; --",
        "BTC-USDT\r\nx-outcry-user: 1",
        "BTC-USDT\x00",
        "９",  # noqa: RUF001
        "🍕",
    ],
)
def test_odd_text_reaches_the_service_unchanged_and_does_nothing_on_the_way(symbol, client, keys, upstreams):
    body = json.dumps({"symbol": symbol, "price": "1e999", "quantity": "-9223372036854775809"}).encode()
    answer = client.signed(keys["trader"], "POST", "/orders", body=body)
    assert answer.status == 201, answer.body
    assert answer.json["symbol"] == symbol
    (seen,) = upstreams.seen
    assert (seen.request.symbol, seen.request.price) == (symbol, "1e999")
    assert seen.request.quantity == "-9223372036854775809"
    assert seen.metadata["x-outcry-user"] == ["7"]


def test_numbers_where_text_belongs_never_lose_a_digit(client, keys, upstreams):
    """A JSON number may have been a double on its way: 0.1 + 0.2. It is text or it is nothing."""
    for number in ("9007199254740993", "0.30000000000000004", "1e2", "-1", "NaN", "true", "null"):
        upstreams.seen.clear()
        body = b'{"symbol": "BTC-USDT", "price": %s}' % number.encode()
        answer = client.signed(keys["trader"], "POST", "/orders", body=body)
        if answer.status == 201:
            assert upstreams.seen[0].request.price in ("", number), number
        else:
            assert answer.error == (400, "MALFORMED_REQUEST", ""), number


@pytest.mark.parametrize(
    "request_text",
    [
        b"POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
        b"POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{} ",
        b"POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"POST /orders HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n",
        b"GET /orders HTTP/1.1\r\nhost: a\r\nx-a: b\x00c\r\n\r\n",
        b"GET /orders HTTP/1.1\r\nhost: a\r\nx-a : b\r\n\r\n",
        b"GET /orders HTTP/1.1\r\n\r\n",
        b"GET /orders\x01 HTTP/1.1\r\nhost: a\r\n\r\n",
    ],
    ids=range(8),
)
def test_a_request_that_two_readers_would_read_differently_is_refused(request_text, front, upstreams):
    status, name = raw(front, request_text)
    assert (status, name) in ((400, "MALFORMED_REQUEST"), (501, "NOT_SUPPORTED"))
    assert not upstreams.seen


@pytest.mark.parametrize(
    "content_type", ["application/grpc", "application/grpc-web", "application/grpc+json"]
)
def test_no_call_goes_around_the_transcoder(content_type, client, keys, upstreams):
    frame = b"\x00\x00\x00\x00\x00"
    for path in ("/orders", "/outcry.v1.Orders/CreateOrder", "/outcry.v1.OrderAdmin/Deposit"):
        answer = client.signed(
            keys["trader"], "POST", path, body=frame, changed={"content-type": content_type, "te": "trailers"}
        )
        assert answer.status >= 400 or answer.headers.get("grpc-status", "0") != "0", answer
    assert not upstreams.seen


def test_of_two_tokens_none_counts(client, front, upstreams):
    lines = "".join(f"authorization: Bearer {token}\r\n" for token in (front.sessions.token(7), "a.b.c"))
    status, name = raw(front, f"GET /orders HTTP/1.1\r\nhost: a\r\n{lines}\r\n".encode())
    assert (status, name) == (401, "TOKEN_INVALID")
    assert not upstreams.seen


def test_an_old_protocol_is_refused(front):
    assert raw(front, b"GET /orders HTTP/1.0\r\nhost: a\r\n\r\n") == (426, "HTTP_TOO_OLD")


def test_repeated_credentials_are_no_credentials(front, client, keys):
    headers = client.headers(keys["trader"], "GET", "/orders")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    for twice in ("outcry-key: admin", "outcry-signature: AAAA", "outcry-timestamp: 1"):
        text = f"GET /orders HTTP/1.1\r\nhost: a\r\n{lines}{twice}\r\n\r\n"
        status, name = raw(front, text.encode())
        assert status == 401
        assert name in ("KEY_UNKNOWN", "CREDENTIALS_MALFORMED")


def test_the_log_has_the_trace_and_no_secret(front, client, keys, upstreams):
    token = front.sessions.token(7)
    headers = client.headers(keys["trader"], "GET", "/orders?symbol=LOGGED")
    signed = client.send("GET", "/orders?symbol=LOGGED", headers=headers)
    session = client.session(token, "GET", "/orders?symbol=LOGGED")
    traces = {signed.headers["x-trace-id"], session.headers["x-trace-id"]}
    wait_until(
        lambda: traces <= {line["trace_id"] for line in front.accesses()},
        seconds=30,
        what="both lines logged",
    )
    lines = {line["trace_id"]: line for line in front.accesses() if line["trace_id"] in traces}
    first = lines[signed.headers["x-trace-id"]]
    assert (first["user"], first["key"], first["status"], first["method"]) == ("7", "trader", 200, "GET")
    text = front.access_log.read_text() + front.authorization.tail(1000)
    assert headers["outcry-signature"] not in text
    assert token not in text
    assert {call.trace for call in upstreams.seen} == traces
