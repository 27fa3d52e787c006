"""The service without its sockets to users, over real databases and a real log."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from outcry.v1 import order_api_pb2
from outcry_services.common.kafka import Publisher
from outcry_services.common.mysql import MySql, MySqlAddress
from outcry_services.common.pairs import UnknownSymbolError, read_pair
from outcry_services.order.committer import Committer
from outcry_services.order.dispatch import Dispatcher
from outcry_services.order.intake import Intake, World
from outcry_services.order.metrics import CommitMetrics, DispatchMetrics, IntakeMetrics
from outcry_services.order.routing import Server, Shards
from outcry_services.order.shard_map import ShardMap
from outcry_services.order.shard_store import ShardStore
from outcry_services.order.upkeep import Upkeep
from prometheus_client import CollectorRegistry

PARTITIONS = 8
SPEC = {
    "tickSize": "0.01",
    "lotSize": "0.00001",
    "minNotional": "5",
    "priceBand": {"lower": "1000", "upper": "500000"},
    "rulesVersion": 2,
}


def make_pair(symbol="BTC-USDT", **changes):
    """A pair as the operator publishes it, with changes of its spec."""
    base, _, quote = symbol.partition("-")
    assets = {"base": {"asset": base, "scale": 8}, "quote": {"asset": quote, "scale": 8}}
    return read_pair(symbol, json.dumps(SPEC | assets | changes).encode())


def limit(**changes):
    """A request for a limit order, with changes."""
    fields = {
        "symbol": "BTC-USDT",
        "side": "BUY",
        "type": "LIMIT",
        "time_in_force": "GTC",
        "price": "20000",
        "quantity": "0.5",
    }
    return order_api_pb2.CreateOrderRequest(**(fields | changes))


@asynccontextmanager
async def opened(server):
    """A pool."""
    mysql = MySql(MySqlAddress.parse(server.url))
    await mysql.open()
    try:
        yield mysql
    finally:
        await mysql.close()


class StillClock:
    """Stands where the test puts it."""

    def __init__(self, now=1_000_000_000_000_000_000):
        self.time = now

    def now(self):
        return self.time


_names = itertools.count()


class CountingChance:
    """Names in a row, whoever asks."""

    def name(self):
        return f"{next(_names):032x}"


@dataclass
class Pairs:
    """The pairs, as the test wants them."""

    found: dict = field(default_factory=lambda: {"BTC-USDT": make_pair()})

    def get(self, symbol, *, field="symbol"):
        if symbol not in self.found:
            raise UnknownSymbolError(f"there is no pair {symbol}", field=field)
        return self.found[symbol]

    def pairs(self):
        return self.found


class Risk:
    """Refuses what the test wants, and keeps all checks."""

    def __init__(self):
        self.error = None
        self.checks = []

    async def require(self, check):
        self.checks.append(check)
        if self.error is not None:
            raise self.error


@dataclass
class Desk:
    """One replica."""

    intake: Intake
    world: World
    shards: Shards
    dispatcher: Dispatcher | None
    upkeep: Upkeep | None
    pairs: Pairs
    risk: Risk
    clock: StillClock
    registry: CollectorRegistry


def url_of(server):
    """As a shard map has it: without a user."""
    return f"mysql://{server.host}:{server.port}"


def whole_map(servers, *, owner="a", version=1):
    """All shards on one server of some."""
    urls = {name: url_of(server) for name, server in servers.items()}
    return ShardMap(version=version, servers=urls, owners=(owner,) * 1024)


@asynccontextmanager
async def desk(shard_map, *, log=None):
    """Intake over real databases; `log`: the publisher behind it, none for tests without Kafka."""
    registry, clock, tasks = CollectorRegistry(), StillClock(), []
    dispatcher = upkeep = None

    async def outbox(shard, after, most):
        return await shards.on(shard, lambda store: store.outbox(shard, after=after, most=most))

    if log is not None:
        metrics = DispatchMetrics(registry)
        dispatcher = Dispatcher(log, partitions=PARTITIONS, outbox=outbox, metrics=metrics)
        tasks.append(asyncio.create_task(dispatcher.run()))
    commit_metrics = CommitMetrics(registry)

    async def open_server(_, url):
        mysql = MySql(MySqlAddress.parse(url.replace("mysql://", "mysql://root@")))
        await mysql.open()
        store = ShardStore(mysql, clock=clock)
        committer = Committer(
            store,
            metrics=commit_metrics,
            committed=dispatcher.committed if dispatcher else lambda *_: None,
            unknown=dispatcher.sweep if dispatcher else lambda *_: None,
        )
        task = asyncio.create_task(committer.run())

        async def close():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await mysql.close()

        return Server(store=store, committer=committer, close=close)

    shards = Shards(open_server=open_server, moving_seconds=30)
    await shards.use(shard_map)
    pairs, risk = Pairs(), Risk()
    world = World(
        pairs=pairs,
        shards=shards,
        risk=risk,
        clock=clock,
        chance=CountingChance(),
        metrics=IntakeMetrics(registry),
        last_price=lambda _: 0,
        require_room=lambda _: None,
    )
    if dispatcher is not None:
        upkeep = Upkeep(shards, dispatcher=dispatcher, metrics=metrics, every_seconds=1)
    try:
        yield Desk(Intake(world), world, shards, dispatcher, upkeep, pairs, risk, clock, registry)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await shards.close()


@asynccontextmanager
async def publishing(kafka, name):
    """A gapless publisher."""
    publisher = Publisher(bootstrap=kafka.bootstrap, client_id=name, registry=CollectorRegistry())
    try:
        yield publisher
    finally:
        await publisher.close()
