"""Asking Kafka again and again keeps nothing."""

from __future__ import annotations

import gc
import uuid

import pytest
from outcry_operator.clients.kafka import Kafka

pytestmark = pytest.mark.integration


def topic_ids() -> int:
    """confluent-kafka's topic ids that are alive."""
    gc.collect()
    return sum(type(each).__name__ == "Uuid" for each in gc.get_objects())


async def test_no_topic_id_outlives_the_question(kafka):
    client, topic = Kafka(kafka.bootstrap), f"asked-{uuid.uuid4()}"
    await client.create(topic, partitions=1, replication=1, config={})
    before = topic_ids()
    found = [await client.topics([topic]) for _ in range(50)]
    assert len({answer[topic].id for answer in found}) == 1
    assert topic_ids() == before
