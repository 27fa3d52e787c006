"""Old events go by record, and the last one never."""

from __future__ import annotations

import time

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import OffsetSpec
from outcry_operator.pair.trim import trim

pytestmark = pytest.mark.integration

DAY_MS = 86_400_000
WEEK = {"replicationFactor": 1, "retention": "7d"}


async def write(market, *ages_in_days):
    """Records of these ages, as the broker stores them."""
    producer = Producer({"bootstrap.servers": market.kafka.bootstrap, "log_level": 0})
    for age in ages_in_days:
        now = int(time.time() * 1000)
        producer.produce(f"events.{market.symbol}", b"event", timestamp=now - age * DAY_MS)
        producer.flush(10)


async def first(market):
    return await market.world.kafka.offset(f"events.{market.symbol}", OffsetSpec.earliest())


async def test_events_beyond_the_retention_go(market):
    await market.apply(kafka=WEEK)
    await market.settle()
    await write(market, 9, 8, 3, 0)
    await trim(await market.pair(), market.world)
    assert await first(market) == 2


async def test_the_last_event_stays_for_ever(market):
    await market.apply(kafka=WEEK)
    await market.settle()
    await trim(await market.pair(), market.world)
    assert await first(market) == 0
    await write(market, 30, 20, 10)
    for _ in range(2):
        await trim(await market.pair(), market.world)
        assert await first(market) == 2


async def test_everything_is_kept_where_nothing_else_is_said(market):
    await market.apply()
    await market.settle()
    await write(market, 3000, 30, 0)
    await trim(await market.pair(), market.world)
    assert await first(market) == 0
