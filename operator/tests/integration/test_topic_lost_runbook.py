"""What docs/operations/topic-lost.md tells people to do, done."""

from __future__ import annotations

import asyncio

import pytest

pytestmark = pytest.mark.integration


async def lose(market, kind):
    """A topic of a living market is deleted; the ids that all had."""
    await market.apply()
    await market.live()
    before = await market.topic_ids()
    market.kafka.delete_topic(f"{kind}.{market.symbol}")
    await market.settle()
    assert (await market.conditions())["TopicsReady"] == ("False", "TopicLost")
    for name in await market.pods():
        await market.end_pod(name)
    for ordinal in range(2):
        market.deregister(ordinal)
    await market.apply(paused=True)
    return before


async def delete(market, policy):
    """`kubectl patch` and `kubectl delete`, until the object is gone."""
    await market.apply(deletionPolicy=policy, paused=False)
    await market.delete()
    for _ in range(100):
        outcome = await market.run()
        if outcome.gone:
            return
        await asyncio.sleep(min(outcome.again_seconds or 0.1, 0.2))
    raise AssertionError(f"not gone: {outcome}")


async def accept_new_ids(market):
    """`curl -X DELETE …/v1/kv/outcry/retained/SYMBOL`."""
    await market.world.consul.delete_key(f"outcry/retained/{market.symbol}")


async def test_nothing_happens_while_it_is_paused(market):
    before = await lose(market, "book")
    await market.run()
    assert set(await market.topic_ids()) == set(before) - {f"book.{market.symbol}"}
    assert (await market.get("StatefulSet"))["spec"]["replicas"] == 0


async def test_a_market_goes_on_without_its_old_snapshots(market):
    before = await lose(market, "book")
    await delete(market, "Retain")
    await accept_new_ids(market)
    await market.apply()
    await market.settle()
    assert (await market.conditions())["TopicsReady"] == ("True", "TopicsReady")
    after = await market.topic_ids()
    book = f"book.{market.symbol}"
    assert after.pop(book) != before.pop(book)
    assert after == before, "input and events are those that the checkpoints belong to"
    assert (await market.get("StatefulSet"))["spec"]["replicas"] == 2


async def test_without_the_acceptance_it_stays_lost(market):
    await lose(market, "matching")
    await delete(market, "Retain")
    await market.apply()
    await market.settle()
    assert (await market.conditions())["TopicsReady"] == ("False", "TopicLost")
    assert await market.get("StatefulSet") is None


async def test_a_restored_topic_is_taken_up(market):
    before = await lose(market, "matching")
    market.kafka.create_topic(f"matching.{market.symbol}")
    await delete(market, "Retain")
    await accept_new_ids(market)
    await market.apply()
    await market.settle()
    assert (await market.conditions())["TopicsReady"] == ("True", "TopicsReady")
    after = await market.topic_ids()
    assert {name for name in after if after[name] != before[name]} == {f"matching.{market.symbol}"}


async def test_a_market_that_ended_begins_anew(market):
    before = await lose(market, "matching")
    await delete(market, "Delete")
    assert await market.topic_ids() == {}
    await market.apply()
    await market.settle()
    after = await market.topic_ids()
    assert set(after) == set(before)
    assert not set(after.values()) & set(before.values())
    assert market.end_of_input() == 1, "the settings of the new market"


async def test_a_topic_of_somebody_else_outlives_the_pair(market):
    await lose(market, "matching")
    market.kafka.create_topic(f"matching.{market.symbol}")
    await delete(market, "Delete")
    assert set(await market.topic_ids()) == {f"matching.{market.symbol}"}
