"""An engine that stands still under load closes its pair, loses nothing, and opens it again.

Both replicas are stopped, so that nobody takes over. Orders go on until the pair answers `BACK_PRESSURE`;
then refusing costs nothing that grows, cancels still pass, and once the engine runs again the queue drains
by itself, every order that was acknowledged is in the market, and no unit of money is unaccounted for.
"""

from __future__ import annotations

import signal
from decimal import Decimal
from functools import partial
from pathlib import Path

import grpc
import pytest
from outcry.v1.order_api_pb2 import OrderStatus

from e2e.backends import wait_until
from e2e.exchange import Client, Exchange

pytestmark = pytest.mark.integration

SYMBOL = "BTC-USDT"
USERS = range(2001, 2009)
RECORDS = 200
"""What may wait for the engine: the pair closes at 160."""
REFUSED = 2000
GROWTH = 16 << 20
"""Bytes that a process may gain while it refuses: caches and arenas, and far less than what it refused."""

OPEN = {OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED}


@pytest.fixture(scope="module")
def exchange():
    made = Exchange(without=("reconciler",))
    made.spec["backPressure"] = {"maxRecords": RECORDS, "maxDelay": "10m"}
    with made as running:
        admin = running.admin()
        for user in USERS:
            admin.deposit(user, "USDT", "1000000", reference=f"deposit-{user}")
        for user in USERS:
            client = running.client(user)
            wait_until(partial(has, client, 1_000_000), seconds=60, what="the deposits are there")
        yield running


def has(client, amount):
    """Whether the user has so many USDT, none of them held."""
    return [Decimal(text) for text in client.position("USDT")] == [amount, 0]


def is_one_of(client, order_id, wanted):
    """Whether an order has one of these statuses."""
    return client.get(order_id).status in wanted


def resident(service):
    """Bytes of memory that a service uses."""
    pages = Path(f"/proc/{service.process.pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096


def bid(client):
    """A small order; its id, or the name under which it was refused, with the time to wait."""
    try:
        return client.order(symbol=SYMBOL, side="BUY", price="1000.00", quantity="0.01").order_id, None, None
    except grpc.RpcError as error:
        trailers = {each.key: str(each.value) for each in error.trailing_metadata() or ()}
        return None, (error.code(), trailers.get("outcry-error-name")), trailers


def test_a_stopped_engine_closes_its_pair_and_loses_nothing(exchange):
    clients = [exchange.client(user) for user in USERS]
    for replica in exchange.pair.replicas:
        replica.process.send(signal.SIGSTOP)
    acknowledged = take_until_closed(clients)
    # What is on its way when the word comes is taken, too; more would be a queue without an end.
    assert RECORDS * 8 // 10 <= len(acknowledged) <= 4 * RECORDS

    closed = f'outcry_pressure_closed{{stage="engine",symbol="{SYMBOL}"}} 1.0'
    assert closed in exchange.services["order"].metrics().splitlines()
    services = [exchange.services[name] for name in ("order", "position", "risk", "settlement")]
    refuse(clients, 200)
    before = [resident(service) for service in services]
    refuse(clients, REFUSED)
    growth = {service.name: resident(service) - was for service, was in zip(services, before, strict=True)}
    assert all(grown < GROWTH for grown in growth.values()), growth

    first = next(iter(acknowledged))
    acknowledged[first].cancel(first)

    for replica in exchange.pair.replicas:
        replica.process.send(signal.SIGCONT)
    exchange.pair.wait_ready(seconds=120)
    wait_until(lambda: reopened(clients[0], acknowledged), seconds=120, what="the pair takes orders again")
    for order_id, client in acknowledged.items():
        wanted = {OrderStatus.CANCELED} if order_id == first else OPEN
        wait_until(
            partial(is_one_of, client, order_id, wanted),
            seconds=120,
            what=f"order {order_id} is in the market, the cancelled one out of it",
        )
    nothing_is_missing(exchange, clients)


def take_until_closed(clients):
    """Orders one after the other until the pair is closed; who was told of which."""
    acknowledged: dict[str, Client] = {}
    for number in range(10 * RECORDS):
        client = clients[number % len(clients)]
        order_id, refusal, trailers = bid(client)
        if order_id is None:
            assert refusal == (grpc.StatusCode.RESOURCE_EXHAUSTED, "BACK_PRESSURE")
            assert trailers["retry-after-ms"] == "1000"
            return acknowledged
        acknowledged[order_id] = client
    raise AssertionError(f"the pair took {len(acknowledged)} orders that nobody matches")


def refuse(clients, times):
    """Every one of so many orders is refused by name."""
    for number in range(times):
        _, refusal, _ = bid(clients[number % len(clients)])
        assert refusal == (grpc.StatusCode.RESOURCE_EXHAUSTED, "BACK_PRESSURE")


def reopened(client, acknowledged):
    """Whether a new order is taken; it counts with the others."""
    order_id, _, _ = bid(client)
    if order_id is not None:
        acknowledged[order_id] = client
    return order_id is not None


def nothing_is_missing(exchange, clients):
    """After the last order's end nothing is held, everybody has what they had, and the books are at zero."""
    for client in clients:
        client.cancel_all(SYMBOL)
        wait_until(partial(has, client, 1_000_000), seconds=120, what="nothing is held")
    admin = exchange.admin()
    wait_until(lambda: admin.check_ledger().balanced, seconds=60, what="the books at zero")
