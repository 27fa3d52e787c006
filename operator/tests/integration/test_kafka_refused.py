"""Writing to a topic that is gone is an error with a name, the first time and every time after it."""

from __future__ import annotations

import asyncio

import pytest
from outcry_operator.clients.kafka import Kafka
from outcry_operator.errors import OperatorError

pytestmark = pytest.mark.integration


async def test_a_topic_that_is_gone_is_named(kafka, symbol):
    topic = f"matching.{symbol}"
    client = Kafka(kafka.bootstrap, timeout=5)
    try:
        await client.create(topic, partitions=1, replication=1, config={})
        await client.produce(topic, key=b"", value=b"")
        await client.delete([topic])
        for _ in range(3):
            # The producer hears that the topic is gone, as it does by itself in time.
            await asyncio.to_thread(client._open_producer().list_topics, topic, 5)
            with pytest.raises(OperatorError, match=symbol):
                await client.produce(topic, key=b"", value=b"")
    finally:
        await client.close()
