"""Limits hold for what users really send: order asks, risk answers, and each sees what the other means."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import grpc
import pytest
from outcry.v1.order_api_pb2 import OrderStatus
from outcry.v1.risk_api_pb2 import LimitValues, RestoreUserRequest, SetLimitsRequest, SuspendUserRequest
from outcry.v1.risk_api_pb2_grpc import RiskAdminStub

from e2e.backends import wait_until
from e2e.exchange import Exchange

pytestmark = pytest.mark.integration

SYMBOL = "BTC-USDT"
ALICE, BOB, CAROL = 3001, 3002, 3003
ADMIN = (("x-outcry-user", "1"), ("x-outcry-permissions", "admin"))
ENDED = {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED}


def has(client, asset):
    return float(client.position(asset)[0]) > 0


@pytest.fixture(scope="module")
def exchange():
    with Exchange(without=("reconciler", "settlement")) as running:
        admin = running.admin()
        for user in (ALICE, BOB, CAROL):
            admin.deposit(user, "USDT", "1000000", reference=f"usdt-{user}")
            admin.deposit(user, "BTC", "100", reference=f"btc-{user}")
            client = running.client(user)
            for asset in ("USDT", "BTC"):
                wait_until(partial(has, client, asset), seconds=60, what="the deposits are there")
        yield running


@pytest.fixture(scope="module")
def admin(exchange):
    with grpc.insecure_channel(exchange.services["risk"].address) as channel:
        yield RiskAdminStub(channel)


def refusal(client, **order):
    """Under which name an order was refused; None: it was taken."""
    try:
        client.order(symbol=SYMBOL, **order)
    except grpc.RpcError as error:
        trailers = {each.key: each.value for each in error.trailing_metadata() or ()}
        return trailers.get("outcry-error-name", error.details())
    return None


def metric(exchange, name):
    lines = exchange.services["risk"].metrics().splitlines()
    return next(float(line.split()[-1]) for line in lines if line.split(" ")[0] == name)


def test_a_burst_of_orders_gets_as_many_in_as_the_limit_says(exchange, admin):
    alice = exchange.client(ALICE)
    limits = LimitValues(max_open_orders=7)
    admin.SetLimits(SetLimitsRequest(user_id=ALICE, limits=limits, reason="test"), metadata=ADMIN, timeout=10)
    with ThreadPoolExecutor(20) as pool:
        asked = [
            pool.submit(refusal, alice, side="BUY", price=f"{1000 + number}.00", quantity="0.01")
            for number in range(100)
        ]
    names = [one.result() for one in asked]
    assert (names.count(None), names.count("OPEN_ORDERS_LIMIT")) == (7, 93)
    alice.cancel_all(SYMBOL)
    wait_until(
        lambda: refusal(alice, side="BUY", price="1000.00", quantity="0.01") is None,
        seconds=60,
        what="there is room again",
    )
    alice.cancel_all(SYMBOL)


def test_what_a_check_reserves_ends_with_its_instruction_whatever_the_order(exchange):
    bob = exchange.client(BOB)
    orders = [
        {"side": "BUY", "price": "20000.00", "quantity": "0.1"},
        {"side": "SELL", "price": "21000.00", "quantity": "0.1"},
        {"side": "BUY", "price": "20000.00", "quantity": "0.1", "type": "LIMIT_MAKER", "time_in_force": ""},
        {"side": "BUY", "quantity": "0.1"},
        {"side": "SELL", "quantity": "0.1"},
        {"side": "BUY", "quantity": "", "quote_order_qty": "50"},
        {"side": "SELL", "quantity": "", "quote_order_qty": "50"},
        {
            "side": "SELL",
            "price": "19000.00",
            "quantity": "0.1",
            "type": "STOP_LOSS_LIMIT",
            "stop_price": "19500.00",
        },
        {"side": "SELL", "quantity": "0.1", "type": "STOP_LOSS", "stop_price": "19500.00"},
    ]
    before = metric(exchange, "outcry_risk_checks_total" + '{verdict="ALLOWED"}')
    for order in orders:
        assert refusal(bob, **order) is None, order
    assert metric(exchange, "outcry_risk_checks_total" + '{verdict="ALLOWED"}') == before + len(orders)
    wait_until(lambda: metric(exchange, "outcry_risk_reservations") == 0, seconds=60, what="none is left")
    assert metric(exchange, "outcry_risk_reservations_expired_total") == 0
    bob.cancel_all(SYMBOL)
    wait_until(lambda: metric(exchange, "outcry_risk_open_orders") == 0, seconds=60, what="all have ended")
    assert metric(exchange, "outcry_risk_early_orders") == 0


def test_a_suspended_user_may_cancel_alone(exchange, admin):
    carol = exchange.client(CAROL)
    resting = carol.order(symbol=SYMBOL, side="BUY", price="1000.00", quantity="0.01")
    suspend = SuspendUserRequest(user_id=CAROL, mode="SUSPENDED", reason="test")
    admin.SuspendUser(suspend, metadata=ADMIN, timeout=10)
    assert refusal(carol, side="BUY", price="1000.00", quantity="0.01") == "USER_SUSPENDED"
    carol.cancel(resting.order_id)
    wait_until(lambda: carol.get(resting.order_id).status in ENDED, seconds=60, what="it is cancelled")
    admin.RestoreUser(RestoreUserRequest(user_id=CAROL, reason="test"), metadata=ADMIN, timeout=10)
    assert refusal(carol, side="BUY", price="1000.00", quantity="0.01") is None
    carol.cancel_all(SYMBOL)
