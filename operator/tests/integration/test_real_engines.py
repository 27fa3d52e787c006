"""Two real engine processes under the operator's hands; only nodes and pods are a test's."""

from __future__ import annotations

import asyncio

import pytest

from .test_process import until

pytestmark = pytest.mark.integration


async def ready(market):
    await market.run()
    return (await market.conditions())["Ready"][0] == "True"


async def applied(market):
    await market.run()
    return (await market.conditions())["SettingsApplied"] == ("True", "SettingsApplied")


async def test_a_pair_with_real_engines_is_ready_and_follows_a_failover(market, engines):
    await until(lambda: ready(market), what="Ready")
    await until(lambda: applied(market), what="the core's answer")
    hot, warm = engines.wait_ready()
    assert (await market.pair()).status.hot == hot.name
    hot.process.kill()

    async def taken_over():
        await market.run()
        return (await market.pair()).status.hot == warm.name

    await until(taken_over, what="the other one hot")
    status = (await market.pair()).status
    assert (status.failovers, status.last_failover.reason, status.last_failover.from_) == (
        1,
        "takeover",
        hot.name,
    )


async def test_a_rolling_change_with_real_engines(market, engines):
    """As Kubernetes would, the test ends the process of each pod that is gone and starts the next."""
    await until(lambda: ready(market), what="Ready")
    hot, warm = engines.wait_ready()
    await market.apply(engine={**market.body["spec"]["engine"], "memory": "2Gi"})
    await market.run()
    await market.observe()
    replaced = []

    async def rolled():
        await market.run()
        present = await market.pods()
        for ordinal, replica in enumerate(engines.replicas):
            if replica.name not in present:
                replaced.append(replica.name)
                await asyncio.to_thread(replica.process.stop)
                engines.start_replica(replica)
                await market.start_pod(ordinal)
        return await ready(market) and len(set(present.values())) == 1 and len(replaced) == 2

    await until(rolled, seconds=60, what="both replaced")
    assert replaced == [warm.name, hot.name]
    status = (await market.pair()).status
    assert status.rollout == ""
    assert status.last_failover.reason == "switchover"
    assert (status.failovers, status.hot) == (1, warm.name)
