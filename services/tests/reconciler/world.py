"""Everything that the reconciler looks at, moving.

An exchange whose logs are in a real Kafka, its positions in a real Redis by position's own workers, its books
in a real MariaDB by settlement's own settler.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from contextlib import asynccontextmanager

from outcry_services.common.errors import IntegrityError, InternalError
from outcry_services.common.health import Health
from outcry_services.common.kafka import Publisher, Record
from outcry_services.common.lifecycle import Lifecycle
from outcry_services.common.mysql import MySql, MySqlAddress
from outcry_services.common.order_log import ORDER_EVENTS, ORDERS
from outcry_services.common.redis import Redis
from outcry_services.position.topics import JOURNAL
from outcry_services.reconciler.redis_view import UserKeys
from outcry_services.reconciler.service import Reconciler
from outcry_services.reconciler.settings import Settings
from outcry_services.settlement.follower import Settler
from outcry_services.settlement.intake import Intake
from outcry_services.settlement.ledger_store import LedgerStore
from outcry_services.settlement.schema import migrate
from prometheus_client import CollectorRegistry

from services.tests.reconciler.position_side import PositionSide
from services.tests.settlement.exchange import Exchange
from services.tests.settlement.feeding import batch, offer

PARTITIONS = 8
SYMBOLS = ("BTC-USD", "ETH-USD")
EVENTS = tuple(f"events.{symbol}" for symbol in SYMBOLS)
SPEC = {
    "quote": {"asset": "USD", "scale": 8},
    # With these, a tick-lot is 7 and a lot 1000 ledger units, as the exchange of the tests has them.
    "tickSize": "0.007",
    "lotSize": "0.00001",
    "minNotional": "0",
    "priceBand": {"lower": "0.14", "upper": "1.4"},
    "fees": {"makerBps": "-2.5", "takerBps": "10"},
    "tradingStatus": "TRADING",
    "rulesVersion": 2,
}


class World:
    """`step` lets the exchange trade, and carries all of it into both views."""

    def __init__(self, *, kafka, mysql, redis, publisher, seed):
        self.kafka, self.mysql, self.redis, self.publisher = kafka, mysql, redis, publisher
        self.exchange = Exchange(seed, symbols=SYMBOLS, users=20)
        self.broken: Counter[int] = Counter()
        self.written = defaultdict(int)
        self.told = defaultdict(int)
        self.logs = []
        self.position = PositionSide(redis=redis, publisher=publisher, symbols=SYMBOLS, partitions=PARTITIONS)

    async def begin(self):
        await self._open_ledger()
        for user in self.exchange.users:
            for asset in ("BTC", "ETH", "USD"):
                self.exchange.deposit(user, asset, 3_000_000)
        await self.step(0)

    async def step(self, trades):
        """Random orders, then both views brought up to them, each by itself: one may wait for a repair."""
        news = await self.trade(trades)
        await asyncio.gather(self.position.carry_out(news), self.settle(news))

    async def trade(self, trades):
        """Random orders in the logs; what is new there, in an order in which one thing caused the next."""
        news = []
        for _ in range(max(trades, 1)):
            self.exchange.trade(min(trades, 1))
            news.append(self._fresh())
        futures = [
            self.publisher.enqueue(Record(topic=place[0], partition=place[1], value=one.SerializeToString()))
            for found in news
            for place, (_, messages) in found.items()
            for one in messages
        ]
        await asyncio.gather(*futures)
        return news

    async def settle(self, news):
        """Carry these into the ledger; what makes no sense there is tried again once it is repaired."""
        for found in news:
            for place, (start, messages) in found.items():
                self.logs.append(batch(place, start, messages))
                offer(self.settler.intake, self.logs[-1])
        while True:
            try:
                while await self.settler.step():
                    pass
            except IntegrityError:
                await asyncio.sleep(0.1)
                await self._open_ledger()
            else:
                if not self.settler.intake.short():
                    return
                # A row was lowered by hand: as the follower does, look again.
                await asyncio.sleep(0.1)
                self.settler.intake.wake_short()

    async def _open_ledger(self):
        """As a new process: from what the ledger says."""
        store = LedgerStore(self.mysql)
        opened = await store.open()
        intake = Intake(opened.cursors)
        for topic in (ORDERS, ORDER_EVENTS):
            for number in range(PARTITIONS):
                intake.follow((topic, number), None)
        for topic in EVENTS:
            intake.follow((topic, 0), None)
        for found in self.logs:
            offer(intake, found)
        self.settler = Settler(store, opened, intake)

    def _fresh(self):
        """The records that are new: place → (first offset, messages)."""
        news = {}
        for place, messages in self._records().items():
            if messages:
                news[place] = (self.written[place], messages)
                self.written[place] += len(messages)
        return news

    def _records(self):
        fresh = Exchange.__new__(Exchange)
        fresh.instructions = self._new("instructions", self.exchange.instructions)
        fresh.answers = self._new("answers", self.exchange.answers)
        fresh.events = {symbol: self._new(symbol, events) for symbol, events in self.exchange.events.items()}
        return fresh.records(partitions=PARTITIONS, most=20)

    def _new(self, name, messages):
        seen, self.told[name] = self.told[name], len(messages)
        return messages[seen:]

    # What is there, and by hand.

    async def positions(self):
        """(user, asset) → (available, held) in Redis."""
        found = {}
        for user in self.exchange.users:
            for asset in ("BTC", "ETH", "USD"):
                keys = UserKeys(user)
                pair = [await self.redis.command("GET", key(asset)) for key in (keys.available, keys.held)]
                found[user, asset] = tuple(int(value or 0) for value in pair)
        return {key: value for key, value in found.items() if any(value)}

    async def held(self):
        """Order → what is left, in Redis."""
        found = {}
        for user in self.exchange.users:
            fields = await self.redis.command("HGETALL", UserKeys(user).holds)
            found |= {int(name): int(text.split(b" ")[0]) for name, text in fields.items()}
        return found

    async def rows(self, statement, arguments=()):
        async with self.mysql.session() as session:
            return await session.query(statement, arguments)

    async def change(self, statement, arguments=()):
        """By hand, between two batches of settlement: one that has read a row writes it whole again."""
        async with self.mysql.transaction() as session:
            await session.query("SELECT epoch FROM ledger.writer WHERE id = 1 FOR UPDATE")
            return await session.execute(statement, arguments)

    async def balances(self):
        rows = await self.rows("SELECT user_id, asset, available, held FROM ledger.balances")
        return {(user, asset): (free, held) for user, asset, free, held in rows if free or held}

    async def ledger_holds(self):
        return dict(await self.rows("SELECT id, left_amount FROM ledger.holds"))

    def right(self):
        """What both must come to."""
        holds = {key: hold["left"] for key, hold in self.exchange.holds.items()}
        return self.exchange.balances(), holds

    async def wrong(self):
        """The views that aren't right."""
        balances, holds = self.right()
        found = []
        try:
            redis = await self.positions(), await self.held()
        except (InternalError, ValueError):
            # A key of another type, or text that is no number.
            redis = None
        if redis != (balances, holds):
            found.append("redis")
        if (await self.balances(), await self.ledger_holds()) != (balances, holds):
            found.append("ledger")
        return found

    async def until_right(self, *, seconds=60):
        async with asyncio.timeout(seconds):
            while await self.wrong():  # noqa: ASYNC110 - stores don't tell
                await asyncio.sleep(0.05)

    async def until(self, statement, arguments=(), *, seconds=60):
        """Rows of a query, once there are some."""
        async with asyncio.timeout(seconds):
            while not (rows := await self.rows(statement, arguments)):  # noqa: ASYNC110 - stores don't tell
                await asyncio.sleep(0.05)
        return rows


@asynccontextmanager
async def world_of(kafka, mariadb, redis_server, *, seed=1):
    """A world of servers that are empty, or were left by one that ended."""
    mysql = MySql(MySqlAddress.parse(mariadb.url))
    await mysql.open()
    redis = Redis(redis_server.url)
    publisher = Publisher(bootstrap=kafka.bootstrap, client_id="world", registry=CollectorRegistry())
    try:
        await migrate(mysql)
        world = World(kafka=kafka, mysql=mysql, redis=redis, publisher=publisher, seed=seed)
        await world.begin()
        yield world
    finally:
        await publisher.close()
        await redis.close()
        await mysql.close()


def empty(kafka, mariadb, redis_server):
    """Nothing is left of a world that was there before."""
    for topic in kafka.admin.list_topics(timeout=10).topics:
        kafka.delete_topic(topic)
    for database in ("ledger", "reconciler"):
        mariadb.execute(f"DROP DATABASE IF EXISTS {database}")
    with redis_server.client() as client:
        client.flushall()
    make_topics(kafka)


def make_topics(kafka):
    for topic in (ORDERS, ORDER_EVENTS, JOURNAL):
        kafka.create_topic(topic, partitions=PARTITIONS)
    for symbol in SYMBOLS:
        kafka.create_topic(f"events.{symbol}")


async def put_pairs(consul):
    """The pairs as the operator writes them."""
    for symbol in SYMBOLS:
        spec = {**SPEC, "base": {"asset": symbol.split("-")[0], "scale": 8}}
        await consul.put(f"outcry/pairs/{symbol}", json.dumps(spec).encode())


@asynccontextmanager
async def reconciling(kafka, mariadb, redis_server, consul, **named):
    """A reconciler that runs."""
    settings = Settings(
        kafka=kafka.bootstrap,
        consul=consul.url,
        ledger=f"mysql://{mariadb.host}:{mariadb.port}",
        mysql_user=mariadb.user,
        redis=redis_server.url,
        http_port=0,
        **{"sweep_seconds": 1.0, "ahead_seconds": 1.0, "pause_above_btc": "1000"} | named,
    )
    health = Health()
    lifecycle = Lifecycle(health=health, drain_seconds=20)
    reconciler = Reconciler(settings, health)
    await reconciler.begin(lifecycle)
    running = asyncio.create_task(lifecycle.run())
    try:
        yield reconciler
    finally:
        lifecycle.stop()
        await running
