"""Every error has one shape and an HTTP status that fits, whoever says it: a service, or Envoy itself."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from outcry.v1 import ledger_api_pb2, order_api_pb2
from outcry_services.common import errors

from e2e.gateway.client import Client

pytestmark = pytest.mark.integration

KINDS = [
    kind
    for name in errors.__all__
    if isinstance(kind := getattr(errors, name), type) and kind is not errors.ServiceError
]


def raising(error):
    async def answer(_, __):
        raise error

    return answer


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_a_service_reaches_the_client_whole(kind, client, keys, upstreams):
    message = 'no "50 %" of 5 €: \\ try\tagain'
    upstreams.answers["CreateOrder"] = raising(
        kind(message, name="SOME_NAME", field="price", retry_after=1.2)
    )
    answer = client.signed(keys["trader"], "POST", "/orders", body=b"{}")
    assert answer.error == (kind.http_status, "SOME_NAME", "price")
    assert answer.json == {
        "code": kind.code,
        "name": "SOME_NAME",
        "message": message,
        "field": "price",
        "traceId": upstreams.seen[0].trace,
    }
    inside = ("grpc-status", "grpc-message", "outcry-error-name", "outcry-error-field", "retry-after-ms")
    assert not set(inside) & set(answer.headers)
    assert answer.headers.get("retry-after") == ("2" if kind.http_status == 429 else None)


def test_a_fault_of_a_service_says_nothing_but_the_trace(client, keys, upstreams):
    upstreams.answers["CreateOrder"] = raising(ValueError("SELECT * FROM secrets"))
    answer = client.signed(keys["trader"], "POST", "/orders", body=b"{}")
    assert answer.error == (500, "INTERNAL", "")
    assert answer.json["message"] == f"internal error; quote trace {answer.json['traceId']} to support"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("PUT", "/orders"),
        ("GET", "/orders/"),
        ("GET", "/outcry.v1.Orders/ListOrders"),
        ("POST", "/outcry.v1.Orders/CreateOrder"),
        ("POST", "/envoy.service.auth.v3.Authorization/Check"),
        ("GET", "/ready"),
        ("GET", "/stats/prometheus"),
        ("TRACE", "/orders"),
        ("GET", "/orders/1/2/3"),
    ],
)
def test_there_is_nothing_at_other_paths(method, path, client, keys, upstreams):
    answer = client.signed(keys["trader"], method, path)
    assert answer.error == (404, "NO_SUCH_PATH", "")
    assert not upstreams.seen


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (b"{", ""),
        (b"[]", ""),
        (b"null", ""),
        (b'"BTC"', ""),
        (b'{"symbol": "BTC-USDT", "leverage": "9"}', "leverage"),
        (b'{"symbol": "A-B", "symbol": "C-D"}', "twice: symbol"),
        (b'{"symbol": "A-B", "stop\\"Price": "9"}', "stop"),
        (b'{"symbol": {"a": 1}}', ""),
        (b'{"symbol": ["BTC-USDT"]}', ""),
        (b'{"symbol": "\xff"}', ""),
        (b'{"symbol": "BTC-USDT"} {}', ""),
        (b'{"symbol": ' + b"[" * 5000 + b"]" * 5000 + b"}", ""),
        (b'{"a":' * 2000 + b"1" + b"}" * 2000, ""),
    ],
    ids=range(13),
)
def test_json_that_is_no_order_is_malformed(body, hint, client, keys, upstreams):
    answer = client.signed(keys["trader"], "POST", "/orders", body=body)
    assert answer.error == (400, "MALFORMED_REQUEST", "")
    assert hint in answer.json["message"]
    assert not upstreams.seen


def test_an_unknown_query_parameter_is_malformed(client, keys, upstreams):
    answer = client.signed(keys["trader"], "GET", "/orders?state=open&userId=8")
    assert answer.error == (400, "MALFORMED_REQUEST", "")
    assert not upstreams.seen


@pytest.mark.parametrize("size", [16385, 1 << 20])
def test_a_body_beyond_the_limit_is_too_large(size, client, keys, upstreams, front):
    body = b'{"symbol": "' + b"A" * (size - 14) + b'"}'
    for answer in (
        client.signed(keys["trader"], "POST", "/orders", body=body),
        client.session(front.sessions.token(7), "POST", "/orders", body=body),
    ):
        assert answer.error == (413, "BODY_TOO_LARGE", "")
    assert not upstreams.seen


def test_a_body_at_the_limit_passes(client, keys, upstreams):
    async def create(_, __):
        return order_api_pb2.Order(order_id="2047")

    upstreams.answers["CreateOrder"] = create
    body = b'{"symbol": "' + b"A" * (16384 - 14) + b'"}'
    assert client.signed(keys["trader"], "POST", "/orders", body=body).status == 201


@pytest.mark.parametrize("headers", [{"x-a": "b" * 20000}, {f"x-{i}": "b" for i in range(80)}])
def test_headers_beyond_the_limits_are_too_large(headers, client, upstreams):
    answer = client.send("GET", "/orders", headers=headers)
    assert answer.error == (431, "HEADERS_TOO_LARGE", "")


def test_a_service_that_is_away_is_unavailable_and_found_again(client, keys, upstreams):
    async def lists(_, __):
        return order_api_pb2.ListTradesResponse()

    upstreams.answers["ListTrades"] = lists
    upstreams.stop("order")
    try:
        answer = client.signed(keys["trader"], "GET", "/trades")
    finally:
        upstreams.start("order")
    assert answer.error == (503, "UNAVAILABLE", "")
    assert "refused" not in answer.json["message"]
    assert client.signed(keys["trader"], "GET", "/trades").json == {"trades": [], "nextPageToken": ""}


def test_a_service_that_is_silent_runs_out_of_time(client, keys, upstreams):
    async def never(_, __):
        await asyncio.Event().wait()

    upstreams.answers["ListTrades"] = never
    answer = client.signed(keys["trader"], "GET", "/trades")
    assert answer.error == (504, "DEADLINE", "")


def test_the_trial_balance_may_take_longer_than_anything_else(client, front, keys, upstreams):
    checking, waited = threading.Event(), threading.Event()

    async def check(_, __):
        checking.set()
        await asyncio.to_thread(waited.wait, 30)
        return ledger_api_pb2.TrialBalance(balanced=True)

    async def never(_, __):
        await asyncio.Event().wait()

    upstreams.answers |= {"CheckLedger": check, "ListTrades": never}
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(client.signed, keys["admin"], "GET", "/admin/ledger/check")
        assert checking.wait(30)
        assert Client(front).signed(keys["trader"], "GET", "/trades").status == 504
        waited.set()
        assert answer.result(30).json["balanced"] is True


def test_what_a_service_was_at_when_it_ended_is_open(client, keys, upstreams):
    begun = threading.Event()

    async def never(_, __):
        begun.set()
        await asyncio.Event().wait()

    upstreams.answers["CreateOrder"] = never
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(client.signed, keys["trader"], "POST", "/orders", body=b"{}")
        assert begun.wait(30)
        upstreams.stop("order")
        try:
            assert answer.result(30).error == (503, "UNAVAILABLE", "")
        finally:
            upstreams.start("order")


def test_a_request_that_never_arrives_ends_with_a_name(front):
    context = ssl.create_default_context(cafile=str(front.certificate))
    with (
        socket.create_connection((front.host, front.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname=front.host) as connection,
    ):
        connection.sendall(b"GET /orders HTTP/1.1\r\nhost: a\r\nx-slow: ")
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["name"] == "REQUEST_TIMEOUT"


def test_what_is_no_http_gets_an_error_of_the_same_shape(front):
    context = ssl.create_default_context(cafile=str(front.certificate))
    with (
        socket.create_connection((front.host, front.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=front.host) as connection,
    ):
        connection.sendall(b"GET /orders HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n")
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["name"] == "MALFORMED_REQUEST"
