"""The whole service: gRPC in front; real Kafka, Consul and two MySQL servers with 1024 databases behind."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from outcry.v1 import order_api_pb2, order_api_pb2_grpc, risk_api_pb2, risk_api_pb2_grpc
from outcry.v1.event_pb2 import Event, EventBatch
from outcry.v1.order_event_pb2 import FundsHeld, OrderEvent, OrderEventBatch
from outcry.v1.pressure_pb2 import Pressure
from outcry_services.common.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    RefusedError,
    TooManyError,
    UnauthenticatedError,
)
from outcry_services.common.identity import Identity, Permission
from outcry_services.common.ids import OrderId
from outcry_services.common.kafka import Record
from outcry_services.common.pause import PAUSED
from outcry_services.common.rpc_client import RpcChannel
from outcry_services.common.rpc_server import RpcServer
from outcry_services.order.service import start
from outcry_services.order.settings import OrderSettings
from prometheus_client import CollectorRegistry

from services.tests.order.desk import PARTITIONS, SPEC, limit, publishing
from services.tests.order.orders_log import published

pytestmark = pytest.mark.integration

USER, OTHER, ADMIN = 7 * 1024 + 800, 7 * 1024 + 801, 3
ALL = frozenset({Permission.READ, Permission.TRADE, Permission.WITHDRAW})


class Risk(risk_api_pb2_grpc.RiskServicer):
    """Allows everything."""

    async def Check(self, request, context):  # noqa: N802 - gRPC's name
        return risk_api_pb2.CheckResponse(verdicts=[risk_api_pb2.Verdict()] * len(request.checks))


class Caller:
    """A signed-in user of the service."""

    def __init__(self, channel):
        self._orders = order_api_pb2_grpc.OrdersStub(channel)
        self._admin = order_api_pb2_grpc.OrderAdminStub(channel)

    async def call(self, method, request, *, user=USER, permissions=ALL):
        identity = Identity(user_id=user, permissions=frozenset(permissions))
        stub = self._admin if hasattr(self._admin, method) else self._orders
        return await getattr(stub, method)(request, metadata=identity.metadata())

    async def nobody(self):
        return await self._orders.CreateOrder(limit())


def make_topics(kafka, symbol):
    there = kafka.admin.list_topics(timeout=10).topics
    wanted = {"orders": PARTITIONS, "order-events": PARTITIONS, "pressure": 1, "dead-letter": 1}
    for name, partitions in {**wanted, f"events.{symbol}": 1}.items():
        if name not in there:
            kafka.create_topic(name, partitions=partitions)


@asynccontextmanager
async def listening_risk(environment):
    """Risk's port, in the environment."""
    risk = RpcServer(registry=CollectorRegistry())
    risk_api_pb2_grpc.add_RiskServicer_to_server(Risk(), risk.server)
    environment.setenv("OUTCRY_RISK", f"127.0.0.1:{await risk.start(0)}")
    try:
        yield
    finally:
        await risk.drain(seconds=1)


@asynccontextmanager
async def running(environment, kafka, consul, symbol):
    """The service with one pair, and a caller."""
    make_topics(kafka, symbol)
    put_pair(consul, symbol)
    async with listening_risk(environment), AsyncExitStack() as stack:
        lifecycle, port = await start(OrderSettings.load(), stack=stack)
        channel = await stack.enter_async_context(RpcChannel(f"127.0.0.1:{port}", deadline_seconds=10))
        try:
            yield Caller(channel.channel)
        finally:
            lifecycle.stop()
            await lifecycle.run()
            consul.delete(f"kv/outcry/pairs/{symbol}")


def put_pair(consul, symbol, **changes):
    base, _, quote = symbol.partition("-")
    assets = {"base": {"asset": base, "scale": 8}, "quote": {"asset": quote, "scale": 8}}
    consul.put(f"kv/outcry/pairs/{symbol}", json.dumps(SPEC | assets | changes).encode())


async def until(ask, good):
    """Ask until the answer is good; the test's own limit ends it."""
    while not good(found := await ask()):  # noqa: ASYNC110 - what is asked is another process
        await asyncio.sleep(0.02)
    return found


async def test_an_order_on_its_way(kafka, consul, migrated, symbol):
    async with running(migrated, kafka, consul, symbol) as caller, publishing(kafka, "world") as log:
        entered = await caller.call("CreateOrder", limit(symbol=symbol, client_order_id="mine"))
        assert (entered.status, entered.average_price) == (order_api_pb2.PENDING_NEW, "")
        assert (entered.price, entered.quantity) == ("20000.00000000", "0.50000000")
        order_id = OrderId.of(int(entered.order_id))
        await until(lambda: asyncio.to_thread(published, kafka, order_id.shard), lambda found: found)
        held = OrderEvent(
            incarnation=1, number=order_id.number, user_id=USER, funds_held=FundsHeld(id=int(order_id))
        )
        await log.publish(answers(order_id.shard, held))
        await log.publish(events(symbol, *filled(order_id)))
        by_name = order_api_pb2.GetOrderRequest(client_order_id="mine")
        found = await until(
            lambda: caller.call("GetOrder", by_name), lambda order: order.status == order_api_pb2.FILLED
        )
        assert (found.executed_qty, found.average_price) == ("0.50000000", "19000.00000000")
        assert found.executed_quote_qty == "9500.00000000"
        trades = await caller.call("ListTrades", order_api_pb2.ListTradesRequest(symbol=symbol))
        assert [(each.trade_id, each.maker, each.fee_asset) for each in trades.trades] == [
            ("1", False, symbol[:-5])
        ]
        assert not (await caller.call("ListOrders", order_api_pb2.ListOrdersRequest(symbol=symbol))).orders
        # Lost answers are looked up, and asked for again.
        again = await caller.call("CreateOrder", limit(symbol=symbol, client_order_id="mine"))
        assert again == entered
        with pytest.raises(ConflictError) as conflict:
            await caller.call("CreateOrder", limit(symbol=symbol, client_order_id="mine", price="20001"))
        assert conflict.value.name == "CLIENT_ORDER_ID_CONFLICT"
        with pytest.raises(ConflictError) as ended:
            await caller.call("CancelOrder", order_api_pb2.CancelOrderRequest(order_id=entered.order_id))
        assert ended.value.name == "ORDER_ENDED"


async def test_a_change_of_trading_status_is_followed(kafka, consul, migrated, symbol):
    async with running(migrated, kafka, consul, symbol) as caller:
        order = await caller.call("CreateOrder", limit(symbol=symbol))
        put_pair(consul, symbol, tradingStatus="HALT")
        refused = await until(lambda: refusal(caller, symbol), lambda name: name)
        assert refused == "MARKET_HALTED"
        # Cancels go on; what becomes of them is the engine's to say.
        await caller.call("CancelOrder", order_api_pb2.CancelOrderRequest(order_id=order.order_id))
        put_pair(consul, symbol)
        await until(lambda: refusal(caller, symbol), lambda name: not name)


async def refusal(caller, symbol):
    try:
        await caller.call("CreateOrder", limit(symbol=symbol))
    except (RefusedError, TooManyError) as error:
        return error.name
    return ""


async def test_a_pair_whose_engine_is_behind_takes_cancels_alone(kafka, consul, migrated, symbol):
    async with running(migrated, kafka, consul, symbol) as caller, publishing(kafka, "world") as log:
        order = await caller.call("CreateOrder", limit(symbol=symbol))

        async def behind(records):
            report = Pressure(
                stage="engine", symbol=symbol, lag_records=records, allowed_records=100, allowed_millis=1000
            )
            await log.publish(Record(topic="pressure", partition=0, value=report.SerializeToString()))
            return await refusal(caller, symbol)

        assert await until(lambda: behind(80), lambda name: name) == "BACK_PRESSURE"
        await behind(80)
        with pytest.raises(TooManyError) as refused:
            await caller.call("CreateOrder", limit(symbol=symbol))
        assert refused.value.retry_after == 1
        await caller.call("CancelOrder", order_api_pb2.CancelOrderRequest(order_id=order.order_id))
        # Not before it has come down some way.
        assert await behind(70) == "BACK_PRESSURE"
        await until(lambda: behind(59), lambda name: not name)


async def test_users_see_and_end_their_own_orders_alone(kafka, consul, migrated, symbol):
    async with running(migrated, kafka, consul, symbol) as caller:
        mine = await caller.call("CreateOrder", limit(symbol=symbol))
        neighbour = USER + 1024
        for user in (OTHER, neighbour):
            for method, kind in (
                ("GetOrder", order_api_pb2.GetOrderRequest),
                ("CancelOrder", order_api_pb2.CancelOrderRequest),
            ):
                with pytest.raises(NotFoundError) as hidden:
                    await caller.call(method, kind(order_id=mine.order_id), user=user)
                assert hidden.value.name == "ORDER_NOT_FOUND"
        assert not (await caller.call("ListOrders", order_api_pb2.ListOrdersRequest(), user=neighbour)).orders
        with pytest.raises(UnauthenticatedError):
            await caller.nobody()
        for method, request, permissions in (
            ("CreateOrder", limit(symbol=symbol), {Permission.READ}),
            ("GetOrder", order_api_pb2.GetOrderRequest(order_id=mine.order_id), {Permission.TRADE}),
            ("CreateWithdrawal", order_api_pb2.CreateWithdrawalRequest(), {Permission.TRADE}),
            ("Deposit", order_api_pb2.DepositRequest(), ALL),
            ("PauseWithdrawals", order_api_pb2.PauseWithdrawalsRequest(reason="no"), ALL),
        ):
            with pytest.raises(ForbiddenError) as missing:
                await caller.call(method, request, permissions=permissions)
            assert missing.value.name == "PERMISSION_MISSING"


async def test_pages_go_on_where_the_last_one_ended(kafka, consul, migrated, symbol):
    async with running(migrated, kafka, consul, symbol) as caller:
        entered = [await caller.call("CreateOrder", limit(symbol=symbol)) for _ in range(5)]
        found, token = [], ""
        while True:
            page = await caller.call(
                "ListOrders", order_api_pb2.ListOrdersRequest(symbol=symbol, page_size=2, page_token=token)
            )
            found += page.orders
            token = page.next_page_token
            if not token:
                break
        assert found == list(reversed(entered))


async def test_money_comes_in_once_and_goes_out_while_nobody_stopped_it(kafka, consul, migrated, symbol):
    asset, admin = symbol[:-5], {"user": ADMIN, "permissions": {Permission.ADMIN}}
    async with running(migrated, kafka, consul, symbol) as caller, publishing(kafka, "world") as log:
        consul.delete(f"kv/{PAUSED}")

        def deposit(user, amount="1.5"):
            request = order_api_pb2.DepositRequest(
                user_id=str(user), asset=asset, amount=amount, reference=f"tx-{symbol}"
            )
            return caller.call("Deposit", request, **admin)

        receipt = await deposit(USER)
        assert await deposit(USER) == receipt
        # The same transaction can't have paid somebody else, whose shard is another, or something else.
        for user, amount in ((OTHER, "1.5"), (USER, "1.6")):
            with pytest.raises(ConflictError) as conflict:
                await deposit(user, amount)
            assert conflict.value.name == "REFERENCE_CONFLICT"
        wanted = order_api_pb2.CreateWithdrawalRequest(
            asset=asset, amount="0.25", address="bc1q", client_withdrawal_id="out"
        )
        accepted = await caller.call("CreateWithdrawal", wanted)
        assert accepted.status == "PENDING"
        number = OrderId.of(int(accepted.withdrawal_id)).number
        held = FundsHeld(id=int(accepted.withdrawal_id), withdrawal=True)
        await log.publish(
            answers(USER % 1024, OrderEvent(incarnation=2, number=number, user_id=USER, funds_held=held))
        )
        await until(
            lambda: caller.call("CreateWithdrawal", wanted), lambda withdrawal: withdrawal.status == "HELD"
        )
        paused = await caller.call(
            "PauseWithdrawals", order_api_pb2.PauseWithdrawalsRequest(reason="audit"), **admin
        )
        assert (paused.paused, paused.reason, paused.by) == (True, "audit", f"user {ADMIN}")
        other = order_api_pb2.CreateWithdrawalRequest(asset=asset, amount="0.1", address="bc1q")
        with pytest.raises(RefusedError) as refused:
            await caller.call("CreateWithdrawal", other)
        assert refused.value.name == "WITHDRAWALS_PAUSED"
        # What was accepted before stays accepted.
        assert (await caller.call("CreateWithdrawal", wanted)).withdrawal_id == accepted.withdrawal_id
        resume = order_api_pb2.ResumeWithdrawalsRequest(reason="done")
        assert not (await caller.call("ResumeWithdrawals", resume, **admin)).paused
        assert (await caller.call("CreateWithdrawal", other)).amount == "0.10000000"
        adjustment = order_api_pb2.AdjustRequest(
            user_id=str(USER), asset=asset, amount="-0.5", reason="goodwill", reference=f"ticket-{symbol}"
        )
        assert (await caller.call("Adjust", adjustment, **admin)).shard == USER % 1024
    kinds = [each.WhichOneof("body") for each in published(kafka, USER % 1024)]
    assert kinds[-4:] == ["deposit_made", "withdrawal_requested", "withdrawal_requested", "adjustment_made"]


def answers(shard, *found):
    batch = OrderEventBatch(version=1, shard=shard, count=len(found), events=found)
    return Record(
        topic="order-events",
        partition=shard % PARTITIONS,
        key=str(shard).encode(),
        value=batch.SerializeToString(),
    )


def events(symbol, *found):
    value = EventBatch(symbol=symbol, events=found).SerializeToString()
    return Record(topic=f"events.{symbol}", partition=0, value=value)


def filled(order_id):
    """Accepted, and filled whole as a taker against somebody's order of another hand."""
    first = Event(seq=1, time_unix_nanos=1)
    first.order_accepted.order_id, first.order_accepted.user_id = int(order_id), USER
    second = Event(seq=2, time_unix_nanos=2)
    trade = second.trade_executed
    trade.trade_id, trade.price, trade.quantity, trade.taker_side = 1, 1_900_000, 50_000, 1
    trade.maker_order_id, trade.maker_user_id, trade.maker_remaining = 5, 5, 1
    trade.taker_order_id, trade.taker_user_id, trade.taker_remaining = int(order_id), USER, 0
    trade.taker_fee_ppm = 750
    return first, second
