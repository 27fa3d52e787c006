"""Two pairs of one symbol in two namespaces."""

from __future__ import annotations

import json

import pytest
from outcry_operator.pair.names import Key
from outcry_operator.pair.reconcile import reconcile

pytestmark = pytest.mark.integration

ELSEWHERE = "elsewhere"


@pytest.fixture
async def second(market, pairs_api):
    """The younger pair; the older one is `market`."""
    await market.apply()
    await market.settle()
    pairs_api.apply(f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {ELSEWHERE}}}}}")
    body = json.loads(json.dumps(market.body))
    body["metadata"]["namespace"] = ELSEWHERE
    # Creation times are whole seconds; of equal ones the uid decides.
    while True:
        pairs_api.apply(json.dumps(body))
        key = Key(ELSEWHERE, market.key.name)
        found = await market.world.kube.get("TradingPair", key.name, namespace=ELSEWHERE)
        if found["metadata"]["creationTimestamp"] > (await market.get())["metadata"]["creationTimestamp"]:
            break
        await market.world.kube.delete("TradingPair", key.name, namespace=ELSEWHERE)
    yield key
    await market.world.kube.delete("TradingPair", key.name, namespace=ELSEWHERE)


async def test_the_younger_one_is_refused_and_nothing_is_made_for_it(market, second):
    await reconcile(second, market.world)
    found = await market.world.kube.get("TradingPair", second.name, namespace=ELSEWHERE)
    conditions = {entry["type"]: entry for entry in found["status"]["conditions"]}
    assert (conditions["Ready"]["status"], conditions["Ready"]["reason"]) == ("False", "SymbolTaken")
    assert f"namespace {market.key.namespace}" in conditions["Ready"]["message"]
    assert "finalizers" not in found["metadata"]
    assert await market.world.kube.get("StatefulSet", market.engine, namespace=ELSEWHERE) is None
    before = await market.versions()
    await market.settle()
    assert await market.versions() == before
