"""Who asks too much is told when to come again: users, keys, addresses apart, cancels apart from orders."""

from __future__ import annotations

import http.client
import ssl

import pytest
from outcry.v1 import order_api_pb2

from e2e.gateway.client import Client
from e2e.gateway.front import Front
from e2e.gateway.secrets import TestKey

pytestmark = pytest.mark.integration

ONE, TWO, OTHER = TestKey("one", user=7), TestKey("two", user=7), TestKey("other", user=8)


def bucket(burst, *, per_second=1):
    return {"perSecond": per_second, "burst": burst}


@pytest.fixture(scope="module")
def limited(shared_upstreams):
    rates = {
        "user": {"orders": bucket(6, per_second=2), "cancels": bucket(50), "others": bucket(50)},
        "key": {"orders": bucket(4), "cancels": bucket(50), "others": bucket(3)},
    }
    with Front(upstreams=shared_upstreams.ports, keys=(ONE, TWO, OTHER), values={"rates": rates}) as front:
        yield front


@pytest.fixture(autouse=True)
def answers(upstreams):
    async def create(_, __):
        return order_api_pb2.Order(order_id="2047")

    async def cancel(_, __):
        return order_api_pb2.CancelOrderResponse()

    async def trades(_, __):
        return order_api_pb2.ListTradesResponse()

    upstreams.answers |= {"CreateOrder": create, "CancelOrder": cancel, "ListTrades": trades}


def until_refused(ask, *, most=40):
    """How many were let in, and the answer to the first that was not."""
    for count in range(most):
        answer = ask()
        if answer.status == 429:
            return count, answer
        assert answer.status in (200, 201), answer.body
    raise AssertionError(f"{most} requests and no limit")


def test_keys_and_users_have_limits_for_orders_and_can_still_cancel(limited):
    client = Client(limited)

    def order(key):
        return client.signed(key, "POST", "/orders", body=b"{}")

    first = order(ONE)
    assert (first.headers["x-ratelimit-limit"], first.headers["x-ratelimit-remaining"]) == ("4", "3")
    count, refused = until_refused(lambda: order(ONE))
    assert count >= 3
    assert refused.error == (429, "RATE_LIMITED", "")
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["x-ratelimit-remaining"] == "0"
    # The user has orders left, by another key, though not as many as that key alone would.
    count, refused = until_refused(lambda: order(TWO))
    assert count >= 1
    assert refused.error == (429, "RATE_LIMITED", "")
    assert client.signed(ONE, "DELETE", "/orders/2047").status == 200
    assert client.signed(ONE, "GET", "/trades").status == 200
    assert order(OTHER).status == 201


def test_sessions_share_their_users_limits(limited):
    client = Client(limited)
    token = limited.sessions.token(11)
    count, refused = until_refused(lambda: client.session(token, "POST", "/orders", body=b"{}"))
    assert count >= 6
    assert refused.error == (429, "RATE_LIMITED", "")
    other = limited.sessions.token(12)
    assert client.session(other, "POST", "/orders", body=b"{}").status == 201


def test_reading_has_a_limit_of_its_own(limited):
    client = Client(limited)
    count, _ = until_refused(lambda: client.signed(OTHER, "GET", "/trades"))
    assert count >= 3


def test_addresses_have_a_limit_before_anybody_is_asked_who_they_are(shared_upstreams):
    rates = {"address": bucket(5)}
    with Front(upstreams=shared_upstreams.ports, keys=(ONE,), values={"rates": rates}) as front:
        client = Client(front)
        statuses = [client.send("GET", "/trades").status for _ in range(30)]
        assert set(statuses) == {401, 429}
        assert statuses[:5] == [401] * 5
        refused = client.send("GET", "/trades")
        while refused.status != 429:
            refused = client.send("GET", "/trades")
        assert refused.error == (429, "RATE_LIMITED", "")
        assert refused.headers["retry-after"] == "1"
        context = ssl.create_default_context(cafile=str(front.certificate))
        elsewhere = http.client.HTTPSConnection(
            front.host, front.port, context=context, source_address=("127.0.0.2", 0)
        )
        elsewhere.request("GET", "/trades")
        assert elsewhere.getresponse().status == 401
        elsewhere.close()
