"""The reconciler on real servers, while orders flow and somebody breaks things."""

from __future__ import annotations

import pytest
from outcry_services.common.consul import ConsulKv

from e2e.backends import ConsulServer, KafkaServer, MariaDbServer, RedisServer
from services.tests.reconciler.world import make_topics, put_pairs, reconciling, world_of

pytestmark = pytest.mark.integration


@pytest.fixture
def servers():
    """Of the test's own: topics, databases and keys have fixed names."""
    with KafkaServer() as kafka, MariaDbServer() as mariadb, RedisServer() as redis, ConsulServer() as consul:
        make_topics(kafka)
        yield kafka, mariadb, redis, consul


async def test_both_views_agree_while_orders_flow(servers):
    kafka, mariadb, redis, consul = servers
    async with world_of(kafka, mariadb, redis) as world:
        kv = ConsulKv(consul.url)
        await put_pairs(kv)
        await kv.close()
        async with reconciling(*servers) as reconciler:
            for _ in range(30):
                await world.step(20)
            assert await world.wrong() == []
            await reconciler.sweeper.sweep()
            assert await world.rows("SELECT * FROM reconciler.findings") == []
            assert reconciler.metrics.compared._value.get() > 20
