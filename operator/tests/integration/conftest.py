"""Real Kafka, Consul and Kubernetes API; nodes and engines are what a test puts there by hand."""

from __future__ import annotations

import asyncio
import uuid

import kopf
import pytest
from outcry_operator.clients.consul import Consul
from outcry_operator.clients.engine import Engines
from outcry_operator.clients.kafka import Kafka
from outcry_operator.clients.kube import Kube
from outcry_operator.settings import Settings
from outcry_operator.world import World

from e2e.backends import EnginePair
from e2e.backends.kube_api import ADMIN_TOKEN

from .market import NAMESPACE, ROOT, Market
from .quorum import Quorum


@pytest.fixture(scope="module")
def pairs_api(kube_api):
    """The API server with the definitions and a namespace."""
    for plural in ("tradingpairs", "wallets"):
        kube_api.define((ROOT / "crds" / f"{plural}.yaml").read_text())
    kube_api.apply(f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {NAMESPACE}}}}}")
    return kube_api


@pytest.fixture
def make_world(pairs_api):
    """The operator's clients, for servers of a test's choice."""

    def make(*, kafka: str, consul: str) -> World:
        info = kopf.ConnectionInfo(server=pairs_api.url, token=ADMIN_TOKEN, insecure=True)
        return World(
            kube=Kube(lambda: info),
            kafka=Kafka(kafka, timeout=3.0),
            consul=Consul(consul, timeout=2.0),
            engines=Engines(timeout=3.0),
            settings=Settings(kafka=kafka, consul=consul),
        )

    return make


@pytest.fixture
async def world(make_world, kafka, consul):
    world = make_world(kafka=kafka.bootstrap, consul=consul.url)
    yield world
    await world.close()


@pytest.fixture
async def market(symbol, world, pairs_api, kafka, consul):
    """A pair of this test alone, not applied yet."""
    market = Market(symbol=symbol, world=world, api=pairs_api, kafka=kafka, consul=consul)
    yield market
    await market.remove()


@pytest.fixture
async def engines(request, market, kafka, consul):
    """The engines of an applied pair, running, with a pod each; a parameter changes fields of its spec."""
    market.address = lambda _: "127.0.0.1"
    await market.apply(**getattr(request, "param", {}))
    await market.settle()
    await market.observe()
    with EnginePair(symbol=market.symbol, kafka=kafka, consul=consul) as pair:
        for ordinal in range(2):
            await market.start_pod(ordinal)
        await asyncio.to_thread(pair.wait_ready)
        yield pair


@pytest.fixture
def make_quorum(world, pairs_api, consul):
    """Wallets as many as wanted, each under a name of its own."""

    def make(*, chain="bitcoin"):
        return Quorum(name=f"w{uuid.uuid4().hex[:8]}", world=world, consul=consul, chain=chain)

    return make


@pytest.fixture
async def quorum(make_quorum):
    """A wallet of this test alone, not applied yet."""
    quorum = make_quorum()
    yield quorum
    await quorum.remove()
