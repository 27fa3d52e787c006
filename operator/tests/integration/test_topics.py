"""Topics that are wrong, gone, changed, or were there before."""

from __future__ import annotations

import pytest
from outcry_operator.pair.topics import RUNBOOK

pytestmark = pytest.mark.integration


async def test_a_topic_with_more_partitions_is_named_and_left_alone(market, kafka):
    kafka.create_topic(f"matching.{market.symbol}", partitions=3)
    await market.apply()
    await market.settle()
    assert (await market.conditions())["TopicsReady"] == ("False", "WrongPartitionCount")
    assert (await market.conditions())["Ready"] == ("False", "WrongPartitionCount")
    assert f"matching.{market.symbol} has 3 partitions" in await market.message("TopicsReady")
    assert await market.get("StatefulSet") is None
    assert list(await market.topic_ids()) == [f"matching.{market.symbol}"]
    assert "WrongPartitionCount" in await market.reasons()


async def test_the_right_topic_ends_the_complaint(market, kafka):
    kafka.create_topic(f"matching.{market.symbol}", partitions=3)
    await market.apply()
    await market.settle()
    kafka.delete_topic(f"matching.{market.symbol}")
    await market.settle()
    assert (await market.conditions())["TopicsReady"] == ("True", "TopicsReady")
    assert await market.get("StatefulSet") is not None


@pytest.mark.parametrize("kind", ["matching", "events", "book"])
async def test_a_lost_topic_is_never_made_again(market, kafka, kind):
    await market.apply()
    await market.live()
    lost = f"{kind}.{market.symbol}"
    kafka.delete_topic(lost)
    await market.run()
    assert (await market.conditions())["TopicsReady"] == ("Unknown", "TopicMissing")
    assert (await market.get("StatefulSet"))["spec"]["replicas"] == 2
    await market.settle()
    assert (await market.conditions())["TopicsReady"] == ("False", "TopicLost")
    assert (await market.conditions())["Ready"] == ("False", "TopicLost")
    assert RUNBOOK in await market.message("TopicsReady")
    assert lost not in await market.topic_ids()
    assert (await market.get("StatefulSet"))["spec"]["replicas"] == 0
    assert "TopicLost" in await market.reasons()


async def test_a_topic_made_again_by_somebody_is_lost_too(market, kafka):
    await market.apply()
    await market.live()
    lost = f"matching.{market.symbol}"
    kafka.delete_topic(lost)
    kafka.create_topic(lost)
    await market.settle()
    assert (await market.conditions())["TopicsReady"] == ("False", "TopicLost")
    assert (await market.get("StatefulSet"))["spec"]["replicas"] == 0
    assert market.end_of_input() == 0, "nothing is sent into a log that isn't the pair's"


async def test_changed_configuration_is_put_back(market, world):
    await market.apply()
    await market.settle()
    name = f"matching.{market.symbol}"
    await world.kafka.configure(name, {"retention.ms": "60000", "max.message.bytes": "2000000"})
    await market.settle()
    config = (await world.kafka.config([name]))[name]
    assert config["retention.ms"] == "-1"
    assert config["max.message.bytes"] == "2000000", "what the operator doesn't set is left alone"


async def test_topic_configuration_follows_the_spec(market, world):
    await market.apply()
    await market.settle()
    await market.apply(kafka={"replicationFactor": 1, "config": {"segment.bytes": "16777216"}})
    await market.settle()
    name = f"events.{market.symbol}"
    assert (await world.kafka.config([name]))[name]["segment.bytes"] == "16777216"


async def test_a_configuration_that_kafka_refuses_is_named(market):
    await market.apply()
    await market.settle()
    await market.apply(kafka={"replicationFactor": 1, "config": {"segment.bytes": "many"}})
    outcome = await market.settle()
    assert not outcome.back_off, "only a person can mend it"
    assert (await market.conditions())["TopicsReady"] == ("False", "TopicConfigRefused")
    assert "segment.bytes" in await market.message("TopicsReady")


async def test_more_copies_than_brokers_are_named(market):
    await market.apply(kafka={"replicationFactor": 3})
    await market.settle()
    assert (await market.conditions())["TopicsReady"] == ("False", "TopicRefused")
    assert not await market.topic_ids()
    assert await market.get("StatefulSet") is None


async def test_topics_that_were_there_before_are_taken_up(market, kafka):
    kafka.create_topic(f"events.{market.symbol}")
    before = await market.topic_ids()
    await market.apply()
    await market.settle()
    assert (await market.topic_ids()).items() >= before.items()
    assert (await market.conditions())["TopicsReady"][0] == "True"
