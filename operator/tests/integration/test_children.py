"""Drift in what a pair owns."""

from __future__ import annotations

import pytest

from .market import CHILDREN, NAMESPACE

pytestmark = pytest.mark.integration

DRIFTS = {
    "Service": {"spec": {"publishNotReadyAddresses": False}},
    "ServiceAccount": {"automountServiceAccountToken": True},
    "PodDisruptionBudget": {"spec": {"maxUnavailable": 2}},
    "NetworkPolicy": {"spec": {"ingress": [{}]}},
    "StatefulSet": {"spec": {"replicas": 1}},
}


@pytest.fixture
async def settled(market):
    await market.apply()
    await market.settle()
    return market


@pytest.mark.parametrize("kind", CHILDREN)
async def test_a_changed_child_is_put_back(settled, kind):
    before = await settled.get(kind)
    await settled.world.kube.merge(kind, settled.engine, namespace=NAMESPACE, body=DRIFTS[kind])
    await settled.settle()
    after = await settled.get(kind)
    assert [after.get("spec"), after.get("automountServiceAccountToken")] == [
        before.get("spec"),
        before.get("automountServiceAccountToken"),
    ]


@pytest.mark.parametrize("kind", CHILDREN)
async def test_a_deleted_child_is_made_again(settled, kind):
    before = await settled.get(kind)
    await settled.world.kube.delete(kind, settled.engine, namespace=NAMESPACE)
    await settled.settle()
    after = await settled.get(kind)
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["metadata"]["annotations"] == before["metadata"]["annotations"]


async def test_what_others_add_is_left_alone(settled):
    body = {"metadata": {"annotations": {"example.com/team": "markets"}}}
    await settled.world.kube.merge("StatefulSet", settled.engine, namespace=NAMESPACE, body=body)
    version = (await settled.get("StatefulSet"))["metadata"]["resourceVersion"]
    await settled.settle()
    assert (await settled.get("StatefulSet"))["metadata"]["resourceVersion"] == version


async def test_the_pair_owns_its_objects(settled):
    uid = (await settled.pair()).uid
    for kind in CHILDREN:
        (owner,) = (await settled.get(kind))["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"], owner["controller"]) == ("TradingPair", uid, True)


async def test_consul_entries_deleted_by_hand_are_put_back(settled):
    keys, (query,) = settled.consul_keys("outcry/pairs/"), settled.queries()
    settled.consul.delete(f"kv/outcry/pairs/{settled.symbol}")
    settled.consul.delete(f"query/{query['ID']}")
    await settled.settle()
    assert [value.split()[1] for value in settled.consul_keys("outcry/pairs/").values()] == [
        value.split()[1] for value in keys.values()
    ]
    assert len(settled.queries()) == 1


async def test_a_query_changed_by_hand_is_put_back(settled):
    (query,) = settled.queries()
    service = {"Service": settled.engine, "OnlyPassing": False, "Tags": []}
    await settled.world.consul.update_query(query["ID"], {"Name": settled.engine, "Service": service})
    await settled.settle()
    (after,) = settled.queries()
    assert (after["ID"], after["Service"]["Tags"], after["Service"]["OnlyPassing"]) == (
        query["ID"],
        ["hot"],
        True,
    )


async def test_a_paused_pair_is_left_alone_and_told_of(market):
    await market.apply()
    await market.live()
    await market.apply(paused=True)
    await market.world.kube.merge(
        "StatefulSet", market.engine, namespace=NAMESPACE, body=DRIFTS["StatefulSet"]
    )
    market.lead(1, epoch=2, reason="takeover")
    await market.settle()
    assert (await market.get("StatefulSet"))["spec"]["replicas"] == 1
    assert (await market.pair()).status.hot == f"{market.engine}-1"
    assert "paused" in await market.message("Ready")
    await market.apply(paused=False)
    await market.settle()
    assert (await market.get("StatefulSet"))["spec"]["replicas"] == 2
