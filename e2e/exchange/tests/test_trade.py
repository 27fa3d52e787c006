"""Two users trade through the services alone: what each has before and after, and the books at zero."""

from __future__ import annotations

from decimal import Decimal

import pytest

from e2e.backends import wait_until
from e2e.exchange import Exchange

pytestmark = pytest.mark.integration

ALICE, BOB = 1001, 1002
SYMBOL = "BTC-USDT"


@pytest.fixture(scope="module")
def exchange():
    with Exchange() as running:
        admin = running.admin()
        admin.deposit(ALICE, "USDT", "10000", reference="deposit-of-alice")
        admin.deposit(BOB, "BTC", "1", reference="deposit-of-bob")
        alice, bob = running.client(ALICE), running.client(BOB)
        wait_until(lambda: alice.position("USDT")[0] == "10000.00000000", seconds=30, what="alice's deposit")
        wait_until(lambda: bob.position("BTC")[0] == "1.00000000", seconds=30, what="bob's deposit")
        yield running


def ended(client, order):
    return lambda: client.get(order.order_id).status not in (1, 2, 3)


def balances(client):
    return {asset: tuple(Decimal(amount) for amount in client.position(asset)) for asset in ("BTC", "USDT")}


def test_a_trade_moves_what_it_says_and_holds_nothing(exchange):
    alice, bob = exchange.client(ALICE), exchange.client(BOB)
    sale = bob.order(symbol=SYMBOL, side="SELL", price="30000.00", quantity="0.1")
    wait_until(lambda: bob.get(sale.order_id).status == 2, seconds=30, what="the sale at rest")
    purchase = alice.order(symbol=SYMBOL, side="BUY", price="55000.00", quantity="0.1")
    wait_until(ended(alice, purchase), seconds=30, what="the purchase filled")
    wait_until(ended(bob, sale), seconds=30, what="the sale filled")

    # Taker 7.5 basis points in BTC, maker -0.5 in USDT, and nothing held of the 5,500 that the limit took.
    wanted = {"BTC": (Decimal("0.099925"), 0), "USDT": (Decimal(7000), 0)}
    wait_until(lambda: balances(alice) == wanted, seconds=30, what=f"alice has {wanted}")
    wanted = {"BTC": (Decimal("0.9"), 0), "USDT": (Decimal("3000.15"), 0)}
    wait_until(lambda: balances(bob) == wanted, seconds=30, what=f"bob has {wanted}")
    admin = exchange.admin()
    wait_until(lambda: admin.check_ledger().balanced, seconds=30, what="the books at zero")


def test_what_is_not_there_cannot_be_sold(exchange):
    alice = exchange.client(ALICE)
    before = balances(alice)
    order = alice.order(symbol=SYMBOL, side="SELL", price="60000.00", quantity="5")
    wait_until(ended(alice, order), seconds=30, what="the order refused")
    found = alice.get(order.order_id)
    assert (found.status, found.reason) == (6, "INSUFFICIENT_FUNDS")
    assert balances(alice) == before


@pytest.mark.parametrize("name", ["order", "position", "settlement", "risk", "reconciler"])
def test_a_service_that_was_killed_goes_on_where_it_was(exchange, name):
    alice = exchange.client(ALICE)
    before = balances(alice)
    order = alice.order(symbol=SYMBOL, side="BUY", price="20000.00", quantity="0.1")
    exchange.services[name].restart()
    exchange.services[name].wait_ready()
    wait_until(lambda: alice.get(order.order_id).status == 2, seconds=30, what="the order at rest")
    alice.cancel(order.order_id)
    wait_until(ended(alice, order), seconds=30, what="the order cancelled")
    wait_until(lambda: balances(alice) == before, seconds=30, what="nothing is held")
