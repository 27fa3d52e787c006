"""What the core and the services are told of a pair."""

from __future__ import annotations

import pytest
from outcry.v1 import types_pb2

from .log import commands
from .market import DiesOnceSent, decoded

pytestmark = pytest.mark.integration


async def test_the_log_gets_each_change_once_numbered_by_generation(market):
    await market.apply()
    await market.settle()
    await market.apply(tradingStatus="HALT")
    await market.settle()
    await market.apply(failover={"detectionTime": "700ms"})
    await market.settle()
    pair = await market.pair()
    assert pair.generation == 3
    found = commands(market)
    assert [(entry.source, entry.number) for entry in found] == [(1024, 1), (1024, 2)]
    assert {entry.incarnation for entry in found} == {pair.incarnation}
    assert [entry.pair_settings.trading_status for entry in found] == [
        types_pb2.TRADING_STATUS_TRADING,
        types_pb2.TRADING_STATUS_HALT,
    ]
    assert pair.status.settings.generation == 2
    (value,) = market.consul_keys("outcry/pairs/").values()
    assert decoded(value.split()[1])["failover"]["detectionTime"] == "700ms"


async def test_a_change_of_settings_alone_rolls_nothing(market):
    await market.apply()
    await market.live()
    template = (await market.get("StatefulSet"))["spec"]["template"]
    await market.apply(tradingStatus="CANCEL_ONLY", minNotional="10")
    await market.settle()
    assert (await market.get("StatefulSet"))["spec"]["template"] == template
    assert (await market.pair()).status.rollout == ""


async def test_a_change_sent_but_not_recorded_and_then_taken_back_is_undone(market):
    await market.apply()
    await market.settle()

    await market.apply(tradingStatus="HALT")
    with pytest.raises(KeyboardInterrupt):
        await market.run(world=market.with_world(kafka=DiesOnceSent(market.world.kafka)))
    await market.apply(tradingStatus="TRADING")
    await market.settle()
    assert [entry.pair_settings.trading_status for entry in commands(market)][-1] == (
        types_pb2.TRADING_STATUS_TRADING
    )
    assert [entry.number for entry in commands(market)] == [1, 2, 3]
