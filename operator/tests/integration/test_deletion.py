"""Taking pairs down, for a while and for good."""

from __future__ import annotations

import asyncio

import pytest

from e2e.backends import ConsulServer, KafkaServer

from .market import CHILDREN, NAMESPACE, Market
from .test_settings import commands

pytestmark = pytest.mark.integration


async def claim(market, ordinal):
    """A volume claim as the StatefulSet's controller makes it."""
    body = (await market.get("StatefulSet"))["spec"]["volumeClaimTemplates"][0]
    body["metadata"] |= {"name": f"data-{market.engine}-{ordinal}", "namespace": NAMESPACE}
    body.pop("status")
    body.update(apiVersion="v1", kind="PersistentVolumeClaim")
    await market.world.kube.create(body)


async def claims(market):
    found = await market.world.kube.list("PersistentVolumeClaim", namespace=NAMESPACE)
    return [
        body["metadata"]["name"]
        for body in found
        if market.engine in body["metadata"]["name"] and "deletionTimestamp" not in body["metadata"]
    ]


async def until_gone(market, *, seconds=60):
    """Runs as the queue would make them."""
    async with asyncio.timeout(seconds):
        while not (outcome := await market.run()).gone:  # noqa: ASYNC110 - paced as the queue would
            await asyncio.sleep(min(outcome.again_seconds or 0.1, 0.2))
    assert await market.get() is None


@pytest.fixture
async def living(market):
    await market.apply()
    await market.live()
    for ordinal in range(2):
        await claim(market, ordinal)
    return market


async def end(market):
    """The engines end, as Kubernetes makes them."""
    for name in await market.pods():
        await market.end_pod(name)


async def test_retain_keeps_topics_and_volumes(living):
    topics = await living.topic_ids()
    await living.delete()
    await living.run()
    await end(living)
    await until_gone(living)
    assert await living.topic_ids() == topics
    assert len(await claims(living)) == 2
    assert not living.queries()
    assert not living.consul_keys("outcry/pairs/")
    assert not living.consul_keys("outcry/engines/")
    assert await living.world.consul.instances(living.engine) == []
    assert [kind for kind in CHILDREN if await living.get(kind)] == []
    assert "Deleted" in await living.reasons()


async def test_delete_takes_topics_and_volumes_too(living):
    await living.apply(deletionPolicy="Delete")
    await living.delete()
    await living.run()
    await end(living)
    await until_gone(living)
    assert await living.topic_ids() == {}
    assert await claims(living) == []
    assert not living.consul_keys("outcry/retained/")


async def test_nothing_is_taken_from_engines_that_still_run(living):
    await living.apply(deletionPolicy="Delete")
    await living.delete()
    for _ in range(3):
        outcome = await living.run()
        assert outcome.again_seconds
        assert not outcome.gone
    assert not living.queries()
    assert len(await living.topic_ids()) == 3
    assert living.consul_keys("outcry/engines/")
    assert "waiting until" in await living.message("Ready")


async def test_a_pair_applied_again_goes_on(living):
    topics = await living.topic_ids()
    first = (await living.pair()).incarnation
    await living.delete()
    await living.run()
    await end(living)
    await until_gone(living)
    await living.apply()
    await living.live()
    assert await living.topic_ids() == topics
    assert (await living.conditions())["Ready"][0] == "True"
    again = commands(living)[-1]
    assert again.incarnation > first
    assert again.number == 1


async def test_a_topic_lost_while_the_pair_was_away_is_lost(living, kafka):
    await living.delete()
    await living.run()
    await end(living)
    await until_gone(living)
    kafka.delete_topic(f"events.{living.symbol}")
    await living.apply()
    await living.settle()
    assert (await living.conditions())["TopicsReady"] == ("False", "TopicLost")
    assert f"events.{living.symbol}" not in await living.topic_ids()


async def test_delete_and_apply_again_ends_a_loss(living, kafka):
    kafka.delete_topic(f"events.{living.symbol}")
    await living.settle()
    await living.apply(deletionPolicy="Delete")
    await living.delete()
    await living.run()
    await end(living)
    await until_gone(living)
    await living.apply()
    await living.settle()
    assert (await living.conditions())["TopicsReady"] == ("True", "TopicsReady")


async def test_a_pair_that_never_came_to_life_goes_as_well(market, kafka):
    kafka.create_topic(f"matching.{market.symbol}", partitions=2)
    await market.apply()
    await market.settle()
    await market.delete()
    await until_gone(market)


async def test_kafka_and_consul_away_delay_a_deletion(symbol, make_world, pairs_api):
    with KafkaServer() as kafka, ConsulServer() as consul:
        world = make_world(kafka=kafka.bootstrap, consul=consul.url)
        market = Market(symbol=symbol, world=world, api=pairs_api, kafka=kafka, consul=consul)
        await market.apply(deletionPolicy="Delete")
        await market.settle()
        consul.stop()
        await market.delete()
        outcome = await market.run()
        assert outcome.back_off
        assert (await market.conditions())["Ready"] == ("False", "ConsulUnavailable")
        assert "ConsulUnavailable" in await market.reasons()
        consul.start()
        kafka.stop()
        outcome = await market.run()
        assert outcome.back_off
        assert (await market.conditions())["Ready"] == ("False", "KafkaUnavailable")
        kafka.start()
        await until_gone(market)
        assert await market.topic_ids() == {}
        await world.close()
