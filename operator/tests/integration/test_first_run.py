"""From nothing to a market, and then nothing more."""

from __future__ import annotations

import pytest

from .market import CHILDREN, decoded

pytestmark = pytest.mark.integration


async def test_the_first_runs_make_everything(market):
    await market.apply()
    await market.settle()
    assert set(await market.topic_ids()) == {
        f"{kind}.{market.symbol}" for kind in ("matching", "events", "book")
    }
    for kind in CHILDREN:
        assert await market.get(kind) is not None, kind
    assert [query["Service"]["Tags"] for query in market.queries()] == [["hot"]]
    (value,) = market.consul_keys("outcry/pairs/").values()
    assert decoded(value.partition(" ")[2])["tickSize"] == "0.01"
    assert market.end_of_input() == 1
    status = (await market.pair()).status
    assert {record.name: record.id for record in status.topics} == await market.topic_ids()
    assert status.settings.offset == 0
    found = await market.conditions()
    assert found["TopicsReady"] == ("True", "TopicsReady")
    assert found["HotReady"] == ("False", "NoHot")
    assert found["Ready"][0] == "False"


async def test_a_pair_with_engines_is_ready(market):
    await market.apply()
    await market.live()
    found = await market.conditions()
    assert {name: status for name, (status, _) in found.items()} == dict.fromkeys(found, "True")
    status = (await market.pair()).status
    assert (status.hot, status.warm, status.epoch) == (f"{market.engine}-0", f"{market.engine}-1", 1)
    assert status.observed_generation == (await market.pair()).generation
    assert {"Hot", "Warm", "Ready"} <= set(await market.reasons())


async def test_a_run_over_a_settled_pair_writes_nothing(market):
    await market.apply()
    await market.live()
    before = await market.versions()
    outcome = await market.run()
    assert outcome.result == "done"
    assert await market.versions() == before
