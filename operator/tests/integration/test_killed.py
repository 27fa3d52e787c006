"""Killed after every single call that leaves the operator: the next run comes to the same result."""

from __future__ import annotations

import inspect
import json
import uuid

import pytest
from outcry_operator.custom_object import FINALIZER

from .market import CHILDREN, Market
from .test_deletion import end, until_gone
from .test_settings import commands

pytestmark = pytest.mark.integration


class Killed(BaseException):
    """No handler of errors may catch it, as none catches SIGKILL."""


class Death:
    """Counts the calls of a world's clients, and strikes after the `last` of them."""

    def __init__(self, last):
        self.last = last
        self.calls = 0

    def shadow(self, client):
        return Mortal(client, self)

    def world(self, market):
        world = market.world
        return market.with_world(
            **{name: self.shadow(getattr(world, name)) for name in ("kube", "kafka", "consul")}
        )


class Mortal:
    """A client whose every call may be the last thing that the operator does."""

    def __init__(self, client, death):
        self._client, self._death = client, death

    def __getattr__(self, name):
        method = getattr(self._client, name)
        if not inspect.iscoroutinefunction(method):
            return method

        async def call(*args, **kwargs):
            answer = await method(*args, **kwargs)
            self._death.calls += 1
            if self._death.calls >= self._death.last:
                raise Killed
            return answer

        return call


@pytest.fixture
def new_market(world, pairs_api, kafka, consul):
    """Markets as many as wanted, each under a name of its own."""

    def make():
        symbol = f"K{uuid.uuid4().hex[:8].upper()}-USDT"
        return Market(symbol=symbol, world=world, api=pairs_api, kafka=kafka, consul=consul)

    return make


async def picture(market):
    """All that a run is to bring about, without what differs from pair to pair."""
    pair = await market.pair()
    topics = await market.topic_ids()
    objects = {kind: await market.get(kind) for kind in CHILDREN}
    sent = {
        (entry.source, entry.incarnation, entry.number): entry.pair_settings for entry in commands(market)
    }
    found = {
        "finalizer": FINALIZER in pair.finalizers,
        "topics": sorted(topics),
        "remembered": {record.name: record.id for record in pair.status.topics} == topics,
        "specs": {kind: body and body.get("spec") for kind, body in objects.items()},
        "annotations": {kind: sorted(body["metadata"]["annotations"]) for kind, body in objects.items()},
        "queries": [query["Service"] for query in market.queries()],
        "settings": [value.split()[1] for value in market.consul_keys("outcry/pairs/").values()],
        "sent": [settings.SerializeToString().hex() for settings in sent.values()],
        "recorded": pair.status.settings.offset >= 0,
        "conditions": await market.conditions(),
        "events": sorted(await market.reasons()),
    }
    # Addresses in the cluster and what is made from names are each pair's own.
    found["specs"]["Service"] = {**found["specs"]["Service"], "selector": None}
    plain = json.dumps(found, default=str, sort_keys=True)
    for name in (market.symbol, market.key.name):
        plain = plain.replace(name, "PAIR")
    picture = json.loads(plain)
    picture["settings"] = len(picture["settings"])
    del picture["specs"]["StatefulSet"]["template"]["metadata"]["annotations"]
    return picture


async def killed_after(market, last):
    """Run as the queue would until death strikes; False when it never does."""
    world = Death(last).world(market)
    try:
        await market.settle(world=world)
    except Killed:
        return True
    return False


async def test_the_first_runs_survive_every_death(new_market):
    undisturbed = new_market()
    await undisturbed.apply()
    await undisturbed.settle()
    wanted = await picture(undisturbed)
    await undisturbed.remove()
    for last in range(1, 200):
        market = new_market()
        await market.apply()
        died = await killed_after(market, last)
        await market.settle()
        assert await picture(market) == wanted, f"killed after call {last}"
        await market.remove()
        if not died:
            break
    assert not died
    assert last > 30


async def test_a_deletion_survives_every_death(new_market):
    for last in range(1, 100):
        market = new_market()
        await market.apply(deletionPolicy="Delete")
        await market.live()
        await market.delete()
        await market.run()
        await end(market)
        world = Death(last).world(market)
        died = False
        try:
            while not (await market.run(world=world)).gone:
                pass
        except Killed:
            died = True
        await until_gone(market)
        assert await market.topic_ids() == {}, f"killed after call {last}"
        assert not market.queries()
        assert not market.consul_keys("outcry/")
        assert [kind for kind in CHILDREN if await market.get(kind)] == []
        if not died:
            break
    assert not died
    assert last > 10


async def test_a_rolling_change_survives_every_death(new_market):
    for last in range(1, 100):
        market = new_market()
        await market.apply()
        await market.live()
        await market.apply(engine={**market.body["spec"]["engine"], "memory": "2Gi"})
        await market.run()
        await market.observe()
        died = False
        try:
            await market.run(world=Death(last).world(market))
        except Killed:
            died = True
        await market.run()
        assert list(await market.pods()) == [f"{market.engine}-0"], f"killed after call {last}"
        await market.remove()
        if not died:
            break
    assert not died
    assert last > 10
