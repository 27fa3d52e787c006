"""A request in JSON becomes a call of a service, and its answer JSON again."""

from __future__ import annotations

import json

import pytest
from outcry.v1 import order_api_pb2

pytestmark = pytest.mark.integration

ORDER = {
    "symbol": "BTC-USDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "price": "55",
    "quantity": "1.5",
}


@pytest.fixture(autouse=True)
def takes_orders(upstreams):
    async def create(request, _):
        return order_api_pb2.Order(order_id="2047", symbol=request.symbol, status=order_api_pb2.PENDING_NEW)

    upstreams.answers["CreateOrder"] = create


def test_a_signed_order_is_created(client, keys, upstreams):
    answer = client.signed(keys["trader"], "POST", "/orders", body=json.dumps(ORDER).encode())
    assert answer.status == 201, answer.body
    assert answer.json["orderId"] == "2047"
    assert answer.json["status"] == "PENDING_NEW"
    (seen,) = upstreams.seen
    assert seen.request.time_in_force == "GTC"
    assert seen.metadata["x-outcry-user"] == ["7"]
    assert seen.metadata["x-outcry-permissions"] == ["read,trade"]
    assert seen.metadata["x-outcry-key"] == ["trader"]
    assert seen.trace == answer.headers["x-trace-id"]


def test_an_order_of_a_session_is_created(client, front, upstreams):
    answer = client.session(front.sessions.token(7), "POST", "/orders", body=json.dumps(ORDER).encode())
    assert answer.status == 201, answer.body
    (seen,) = upstreams.seen
    assert seen.metadata["x-outcry-user"] == ["7"]
    assert "x-outcry-key" not in seen.metadata
