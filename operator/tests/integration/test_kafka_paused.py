"""A broker that stood still and goes on."""

from __future__ import annotations

import asyncio

import pytest
from outcry_operator.clients.kafka import Kafka
from outcry_operator.errors import KafkaUnavailableError

from e2e.backends import KafkaServer

pytestmark = pytest.mark.integration


async def test_a_broker_that_stood_still_is_asked_by_a_client_that_knows_nothing_of_it():
    with KafkaServer() as server:
        client = Kafka(server.bootstrap, timeout=2)
        await client.create("asked", partitions=1, replication=1, config={})
        before = await client.topics(["asked"])
        first = client._open()
        server.pause()
        for _ in range(2):
            # Two at once: the one that fails first must not take the other's client away.
            failed = await asyncio.gather(
                client.topics(["asked"]), client.topics(["asked"]), return_exceptions=True
            )
            assert [type(each) for each in failed] == [KafkaUnavailableError] * 2
        server.resume()
        async with asyncio.timeout(60):
            while (found := await answered(client)) is None:
                pass
        assert found == before
        assert client._open() is not first
        await client.close()


async def answered(client):
    """What Kafka says, or None when it doesn't."""
    try:
        return await client.topics(["asked"])
    except KafkaUnavailableError:
        return None
