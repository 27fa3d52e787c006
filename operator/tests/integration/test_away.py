"""Kafka or Consul being away: said, tried again, nothing half-made, and status goes on where it can."""

from __future__ import annotations

import pytest

from e2e.backends import ConsulServer, KafkaServer

from .market import CHILDREN, Market

pytestmark = pytest.mark.integration


@pytest.fixture
def servers():
    with KafkaServer() as kafka, ConsulServer() as consul:
        yield kafka, consul


@pytest.fixture
async def alone(servers, symbol, make_world, pairs_api):
    """A pair with a Kafka and a Consul that may be stopped."""
    kafka, consul = servers
    world = make_world(kafka=kafka.bootstrap, consul=consul.url)
    market = Market(symbol=symbol, world=world, api=pairs_api, kafka=kafka, consul=consul)
    yield market
    await market.remove()
    await world.close()


async def test_nothing_is_made_until_kafka_and_consul_answer(alone):
    alone.kafka.stop()
    await alone.apply()
    outcome = await alone.run()
    assert outcome.back_off
    assert (await alone.conditions())["TopicsReady"] == ("Unknown", "KafkaUnavailable")
    assert (await alone.conditions())["Ready"][0] != "True"
    assert [kind for kind in CHILDREN if await alone.get(kind)] == []
    assert not alone.queries()
    alone.kafka.start()
    alone.consul.stop()
    assert (await alone.run()).back_off
    assert (await alone.conditions())["TopicsReady"] == ("Unknown", "ConsulUnavailable")
    assert await alone.topic_ids() == {}
    alone.consul.start()
    await alone.settle()
    assert (await alone.conditions())["TopicsReady"] == ("True", "TopicsReady")


async def test_a_market_outlives_kafkas_and_consuls_absence(alone):
    await alone.apply()
    await alone.live()
    alone.kafka.stop()
    alone.lead(1, epoch=2, reason="takeover")
    outcome = await alone.run()
    assert outcome.back_off
    pair = await alone.pair()
    assert pair.status.hot == f"{alone.engine}-1", "who is hot is told without Kafka"
    assert (await alone.conditions())["TopicsReady"] == ("Unknown", "KafkaUnavailable")
    assert (await alone.get("StatefulSet"))["spec"]["replicas"] == 2
    alone.kafka.start()
    alone.consul.stop()
    assert (await alone.run()).back_off
    found = await alone.conditions()
    assert found["TopicsReady"] == ("True", "TopicsReady")
    assert found["HotReady"] == ("Unknown", "ConsulUnavailable")
    assert (await alone.pair()).status.hot == f"{alone.engine}-1", "the last that is known"
    alone.consul.start()
    await alone.settle()
    assert (await alone.conditions())["FailoverRegistered"][1] != "ConsulUnavailable"
    assert (await alone.get("StatefulSet"))["spec"]["replicas"] == 2
