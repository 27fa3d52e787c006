"""Who is hot: status, labels, Events."""

from __future__ import annotations

import pytest
from outcry_operator.pair.names import ROLE_LABEL

from .market import NAMESPACE

pytestmark = pytest.mark.integration


async def labels(market):
    selector = f"outcry.trade/pair={market.key.name}"
    pods = await market.world.kube.list("Pod", namespace=NAMESPACE, labels=selector)
    return [pod["metadata"]["labels"].get(ROLE_LABEL, "") for pod in pods]


async def test_a_failover_is_told(market):
    await market.apply()
    await market.live()
    assert await labels(market) == ["hot", "warm"]
    market.lead(1, epoch=2, reason="takeover")
    await market.settle()
    status = (await market.pair()).status
    assert (status.hot, status.warm, status.epoch, status.failovers) == (
        f"{market.engine}-1",
        f"{market.engine}-0",
        2,
        1,
    )
    last = status.last_failover
    assert (last.reason, last.from_, last.to) == ("takeover", f"{market.engine}-0", f"{market.engine}-1")
    assert await labels(market) == ["warm", "hot"]
    (event,) = [event for event in await market.events() if event["reason"] == "Failover"]
    assert event["type"] == "Warning"
    assert f"{market.engine}-1 is hot under epoch 2" in event["message"]


async def test_each_failover_counts_once(market):
    await market.apply()
    await market.live()
    for epoch in (2, 3, 4):
        market.lead(epoch % 2, epoch=epoch, reason="switchover")
        await market.settle()
    assert (await market.pair()).status.failovers == 3
    assert (await market.reasons()).count("Switchover") == 3


async def test_a_pair_without_hot_or_warm_says_why(market):
    await market.apply()
    await market.live()
    market.deregister(1)
    await market.settle()
    found = await market.conditions()
    assert found["WarmReady"] == ("False", "NoWarm")
    assert found["Ready"] == ("False", "NoWarm")
    assert f"{market.engine}-1 isn't registered" in await market.message("WarmReady")
    market.register(0, role="failed", caught_up=False, reason="topic events is gone")
    await market.settle()
    assert (await market.conditions())["HotReady"] == ("False", "TakingOver")
    assert (await market.pair()).status.hot == ""


async def test_catching_up_and_loose_cpus_are_told(market):
    await market.apply()
    await market.live()
    market.register(1, role="warm", caught_up=False, pinned="false", pinned_reason="no static CPU manager")
    await market.settle()
    found = await market.conditions()
    assert found["CaughtUp"] == ("False", "CatchingUp")
    assert found["Pinned"] == ("False", "NotPinned")
    assert found["Ready"] == ("False", "CatchingUp")
    assert "no static CPU manager" in await market.message("Pinned")


async def test_a_critical_check_is_an_absence(market):
    await market.apply()
    await market.live()
    market.consul.put(f"agent/check/fail/{market.engine}-1-alive")
    await market.settle()
    assert (await market.pair()).status.warm == ""
    assert (await market.conditions())["WarmReady"] == ("False", "NoWarm")
