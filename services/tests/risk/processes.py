"""The risk service as a process on a broker and a Consul of its tests' own, and those who write its logs."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from contextlib import asynccontextmanager
from pathlib import Path

import yaml
from outcry.v1.risk_api_pb2 import CheckRequest
from outcry.v1.risk_api_pb2_grpc import RiskAdminStub, RiskStub
from outcry_services.common.identity import Identity, Permission
from outcry_services.common.kafka import Publisher, Record
from outcry_services.common.order_log import ORDER_EVENTS, ORDERS, events_topic, partition_of
from outcry_services.common.rpc_client import RpcChannel
from prometheus_client import CollectorRegistry

from e2e.backends.ports import free_port
from e2e.backends.process import wait_until
from e2e.backends.server import Server

PARTITIONS = 4
ADMIN = Identity(user_id=1, permissions=frozenset({Permission.ADMIN}), key="ops")


class RiskServer(Server):
    """`python -m outcry_services.risk`."""

    def __init__(self, *, kafka, consul, **env):
        super().__init__(name="risk")
        self.port, self.http_port = free_port(), free_port()
        self._env = {
            "OUTCRY_KAFKA": kafka.bootstrap,
            "OUTCRY_CONSUL": consul.url,
            "OUTCRY_GRPC_PORT": str(self.port),
            "OUTCRY_HTTP_PORT": str(self.http_port),
            **env,
        }

    def start(self):
        """Start it; `wait_until_ready` waits for more."""
        self.launch()
        self.process.wait_ready(lambda: self.page("healthz")[0] == 200, seconds=60)

    def launch(self):
        """Start it, whatever becomes of it."""
        self.process.start([sys.executable, "-m", "outcry_services.risk"], env=self._env)

    def wait_until_ready(self):
        self.process.wait_ready(lambda: self.page("readyz")[0] == 200, seconds=120)

    def page(self, path):
        """Status and text; (0, "") while nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name):
        """One value of a metric without labels."""
        lines = self.page("metrics")[1].splitlines()
        return next((float(line.split()[-1]) for line in lines if line.split(" ")[0] == name), None)

    def until(self, probe, what):
        wait_until(probe, seconds=60, what=what)


class World:
    """Clients of the service, and a publisher in the place of all who write its logs."""

    def __init__(self, kafka, consul, server):
        self.kafka = kafka
        self.consul = consul
        self.server = server
        self.publisher = Publisher(
            bootstrap=kafka.bootstrap, client_id="test", registry=CollectorRegistry(), delivery_seconds=5
        )
        self.channel = RpcChannel(f"127.0.0.1:{server.port}", deadline_seconds=20)
        self.risk = RiskStub(self.channel.channel)
        self.admin = RiskAdminStub(self.channel.channel)

    async def names(self, *checks, time=0):
        answer = await self.risk.Check(CheckRequest(checks=checks, time_unix_nanos=time))
        return [verdict.name for verdict in answer.verdicts]

    async def write(self, topic, partition, message):
        await self.publisher.publish(
            Record(topic=topic, partition=partition, value=message.SerializeToString())
        )

    async def orders(self, shard, *instructions):
        await self.write(ORDERS, partition_of(shard.shard, PARTITIONS), shard.batch(*instructions))

    async def answers(self, shard, *events):
        await self.write(ORDER_EVENTS, partition_of(shard.shard, PARTITIONS), shard.answers(*events))

    async def events(self, market, *events):
        await self.write(events_topic(market.symbol), 0, market.batch(*events))

    def make_pair(self, symbol, *, topic=True):
        """What the operator does for a new pair."""
        if topic:
            self.kafka.create_topic(events_topic(symbol))
        spec = next(
            found["spec"]
            for found in yaml.safe_load_all(Path("examples/btc-usdt.yaml").read_text(encoding="utf-8"))
            if found["kind"] == "TradingPair"
        )
        base, _, quote = symbol.partition("-")
        spec |= {"base": {"asset": base, "scale": 8}, "quote": {"asset": quote, "scale": 8}}
        self.consul.put(f"kv/outcry/pairs/{symbol}", json.dumps(spec).encode())


@asynccontextmanager
async def world_of(kafka, consul, server):
    world = World(kafka, consul, server)
    try:
        yield world
    finally:
        await world.channel.close()
        await world.publisher.close()
