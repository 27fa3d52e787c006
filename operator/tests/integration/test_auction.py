"""From the pair's spec to the book and back, under rules version 2: two real engines, real Kafka."""

from __future__ import annotations

import pytest
from outcry.v1 import command_pb2, types_pb2

from .log import events, send
from .market import NAMESPACE
from .test_process import until
from .test_real_engines import applied, ready

pytestmark = pytest.mark.integration

OPENING = {
    "rulesVersion": 2,
    "tradingStatus": "AUCTION",
    "referencePrice": "60000",
    "selfTradePrevention": "EXPIRE_TAKER",
    "filters": {"price": {"min": "50000", "max": "70000"}, "maxOpenOrders": 3},
}


def limit(order_id, user_id, side, price, quantity):
    return {
        "new_order": command_pb2.NewOrder(
            order_id=order_id,
            user_id=user_id,
            side=side,
            type=types_pb2.ORDER_TYPE_LIMIT,
            time_in_force=types_pb2.TIME_IN_FORCE_GTC,
            price=price,
            quantity=quantity,
        )
    }


async def told(market, body, count=1):
    return sum(event.WhichOneof("body") == body for event in await events(market)) >= count


async def bodies(market, kind):
    return [getattr(event, kind) for event in await events(market) if event.WhichOneof("body") == kind]


async def opened(market):
    await until(lambda: ready(market), what="Ready")
    await until(lambda: applied(market), what="rules version 2")


@pytest.mark.parametrize("engines", [OPENING], indirect=True)
async def test_a_call_stays_open_over_a_takeover(market, engines):
    await opened(market)
    send(market, limit(1, 10, types_pb2.SIDE_BUY, 6_001_000, 500))
    await until(lambda: told(market, "order_accepted"), what="the first order")
    hot, warm = engines.wait_ready()
    hot.process.kill()
    send(market, limit(2, 20, types_pb2.SIDE_SELL, 5_999_000, 300), first=2)
    await until(lambda: told(market, "order_accepted", 2), what="the second order")

    # With one replica lost: a version in force waits for nobody.
    await market.apply(tradingStatus="TRADING")
    await until(lambda: applied(market), what="the opening")
    await until(lambda: told(market, "trade_executed"), what="the uncross")
    assert (await market.pair()).status.hot == warm.name
    (trade,) = await bodies(market, "trade_executed")
    assert (trade.price, trade.quantity, trade.maker_order_id) == (6_000_000, 300, 2)


@pytest.mark.parametrize("engines", [OPENING], indirect=True)
async def test_a_call_auction_and_its_end(market, engines):
    await opened(market)
    assert (await bodies(market, "settings_changed"))[-1].rules_version == 2
    assert (await bodies(market, "filters_changed"))[-1].max_open_orders == 3

    send(
        market,
        limit(1, 10, types_pb2.SIDE_BUY, 6_001_000, 500),
        limit(2, 20, types_pb2.SIDE_SELL, 5_999_000, 300),
        limit(3, 20, types_pb2.SIDE_SELL, 7_000_001, 300),
    )
    await until(lambda: told(market, "order_accepted", 2), what="both orders")
    await until(lambda: told(market, "order_rejected"), what="the third one's rejection")
    (rejected,) = await bodies(market, "order_rejected")
    assert rejected.reason == types_pb2.REJECT_REASON_PRICE_FILTER
    assert await bodies(market, "trade_executed") == [], "they rest crossed"

    await market.apply(tradingStatus="TRADING")
    await until(lambda: applied(market), what="the opening")
    await until(lambda: told(market, "trade_executed"), what="the uncross")
    (uncrossed,) = await bodies(market, "auction_uncrossed")
    assert (uncrossed.price, uncrossed.volume) == (6_000_000, 300)
    assert (uncrossed.surplus_side, uncrossed.surplus) == (types_pb2.SIDE_BUY, 200)
    (trade,) = await bodies(market, "trade_executed")
    assert (trade.price, trade.quantity) == (6_000_000, 300)

    await market.annotate(**{"cancel-all": "closing time"})

    async def cancelled():
        await market.run()
        record = (await market.pair()).status.cancel_all
        return record is not None and record.answer == "Accepted" and record.orders == 1

    await until(cancelled, what="all cancelled")
    (gone,) = await bodies(market, "order_cancelled")
    assert (gone.order_id, gone.remaining) == (1, 200)

    await forget_the_rules(market)
    await market.apply(rulesVersion=1, selfTradePrevention="NONE", referencePrice="0", filters={})

    async def refused():
        await market.run()
        return (await market.conditions())["SettingsApplied"] == ("False", "SettingsRejected")

    await until(refused, what="the core's rejection")
    assert "INVALID_SETTINGS" in await market.message("SettingsApplied")
    assert (await market.conditions())["Ready"] == ("False", "SettingsRejected")


async def forget_the_rules(market):
    """A person's edit of the status, which takes the API server's guard away; the core has its own."""
    body = {"status": {"settings": None}}
    await market.world.kube.merge(
        "TradingPair", market.key.name, namespace=NAMESPACE, body=body, subresource="status"
    )
