"""The process itself, with Kafka, MariaDB and Consul: killed inside a batch, and asked for its books."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import urllib.request
import uuid
from contextlib import asynccontextmanager
from pathlib import Path

import asyncmy
import pytest
import yaml
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from outcry.v1.ledger_api_pb2 import CheckLedgerRequest, GetStatementRequest
from outcry.v1.ledger_api_pb2_grpc import LedgerStub
from outcry.v1.pressure_pb2 import Pressure
from outcry_services.common.errors import ForbiddenError, InvalidError, UnauthenticatedError
from outcry_services.common.identity import Identity, Permission
from outcry_services.common.kafka import Publisher, Record
from outcry_services.common.money import parse
from outcry_services.common.rpc_client import RpcChannel
from outcry_services.topics.ensure import ensure_topics
from prometheus_client import CollectorRegistry

from e2e.backends import KafkaServer, wait_until
from e2e.backends.ports import free_port
from e2e.backends.process import ServerProcess
from services.tests.settlement.exchange import Exchange

pytestmark = pytest.mark.integration

ADMIN = Identity(user_id=1, permissions=frozenset({Permission.ADMIN})).metadata()
SCALES = {"AAA": 8, "BBB": 8, "USD": 8}


def reader_of(user):
    return Identity(user_id=user, permissions=frozenset({Permission.READ})).metadata()


@pytest.fixture
def own_kafka():
    """The topics have fixed names."""
    with KafkaServer() as server:
        yield server


class Settlement:
    """The service as a process, and the logs that it reads."""

    def __init__(self, kafka, mariadb, consul, directory):
        self.kafka, self.mariadb = kafka, mariadb
        self.database = f"ledger_{uuid.uuid4().hex[:8]}"
        self.port, self.http = free_port(), free_port()
        self.process = ServerProcess(name="settlement", log=directory / "settlement.log")
        self.environment = {
            "OUTCRY_KAFKA": kafka.bootstrap,
            "OUTCRY_CONSUL": consul.url,
            "OUTCRY_LEDGER": f"mysql://{mariadb.host}:{mariadb.port}",
            "OUTCRY_MYSQL_USER": mariadb.user,
            "OUTCRY_LEDGER_DATABASE": self.database,
            "OUTCRY_GRPC_PORT": str(self.port),
            "OUTCRY_HTTP_PORT": str(self.http),
            "OUTCRY_BATCH_STEPS": "40",
        }

    def start(self):
        self.process.start([sys.executable, "-m", "outcry_services.settlement"], env=self.environment)

    @asynccontextmanager
    async def ledger(self, *, seconds=60.0):
        async with RpcChannel(f"127.0.0.1:{self.port}", deadline_seconds=seconds) as channel:
            yield LedgerStub(channel.channel)

    async def check(self):
        """The trial balance."""
        async with self.ledger() as ledger:
            return await ledger.CheckLedger(CheckLedgerRequest(), metadata=ADMIN)

    async def until_ready(self):
        """It has begun to follow."""

        def ready():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/readyz") as answer:
                    return answer.status == 200
            except OSError:
                return False

        await asyncio.to_thread(self.process.wait_ready, ready, seconds=120)

    async def until_applied(self, ends):
        """The trial balance at the end of all logs."""

        def applied():
            rows = self.execute("SELECT topic, part, position FROM ledger.offsets")
            return {(topic, part): position for topic, part, position in rows} == ends

        await asyncio.to_thread(self.process.wait_ready, applied, seconds=60)
        trial = await self.check()
        assert {(it.topic, it.partition): it.offset for it in trial.positions} == ends
        return trial

    def execute(self, statement):
        return self.mariadb.execute(statement.replace("ledger.", f"{self.database}."))


class Writer:
    """Writes an exchange's logs as its services would, now and then twice."""

    def __init__(self, kafka, exchange):
        self.exchange = exchange
        self.publisher = Publisher(bootstrap=kafka.bootstrap, client_id="test", registry=CollectorRegistry())
        self.dice = random.Random(1)
        self.written = {}
        self.ends = {}

    async def write(self):
        pending = []
        for place, messages in self.exchange.records(most=1).items():
            for message in messages[self.written.get(place, 0) :]:
                for _ in range(1 + (self.dice.random() < 0.05)):
                    record = Record(topic=place[0], partition=place[1], value=message.SerializeToString())
                    pending.append(self.publisher.enqueue(record))
                    self.ends[place] = self.ends.get(place, 0) + 1
            self.written[place] = len(messages)
        await asyncio.gather(*pending)


def list_pair(consul, symbol):
    base, quote = symbol.split("-")
    spec = next(
        it["spec"]
        for it in yaml.safe_load_all(Path("examples/btc-usdt.yaml").read_text(encoding="utf-8"))
        if it["kind"] == "TradingPair"
    )
    spec |= {
        "base": {"asset": base, "scale": SCALES[base]},
        "quote": {"asset": quote, "scale": SCALES[quote]},
    }
    consul.put(f"kv/outcry/pairs/{symbol}", json.dumps(spec).encode())


@pytest.fixture
def settlement(own_kafka, mariadb, consul, tmp_path):
    service = Settlement(own_kafka, mariadb, consul, tmp_path)
    try:
        yield service
    finally:
        service.process.stop()


async def test_a_killed_process_goes_on_and_comes_to_books_that_balance(settlement, own_kafka, consul):
    exchange = Exchange(21)
    exchange.trade(500)
    assert len(list(ensure_topics(own_kafka.bootstrap, partitions=8, replication=1))) >= 6
    for symbol in exchange.symbols:
        own_kafka.create_topic(f"events.{symbol}")
        list_pair(consul, symbol)
    settlement.start()
    writer = Writer(own_kafka, exchange)
    try:
        await kill_in_the_middle_of_a_batch(settlement, writer)
        exchange.trade(500)
        await writer.write()
        settlement.start()
        await settlement.until_ready()
        trial = await settlement.until_applied(writer.ends)
        assert (trial.balanced, list(trial.faults)) == (True, [])
        balances = settlement.execute("SELECT user_id, asset, available, held FROM ledger.balances")
        assert {(u, a): (f, h) for u, a, f, h in balances if f or h} == exchange.balances()
        usd = next(it for it in trial.assets if it.asset == "USD")
        assert parse(usd.deposits.removeprefix("-"), scale=8) == exchange.brought["USD"]
        assert (usd.sum, usd.clearing) == ("0.00000000", "0.00000000")
        await statements_are_exact(settlement, exchange)
        await strangers_see_nothing(settlement)
        await a_planted_unit_is_named(settlement)
        reports = [Pressure.FromString(value) for value in read_all(own_kafka, "pressure")]
        assert {(it.stage, it.symbol) for it in reports} >= {
            ("settlement", symbol) for symbol in ("", *exchange.symbols)
        }
        settlement.process.terminate()
        assert settlement.process.wait(seconds=30) == 0
    finally:
        await writer.publisher.close()
        for symbol in exchange.symbols:
            consul.delete(f"kv/outcry/pairs/{symbol}")


async def kill_in_the_middle_of_a_batch(settlement, writer):
    """Its entries are written, its cursors wait for a lock that this test holds."""
    await settlement.until_ready()
    lock = f"INSERT INTO {settlement.database}.cursors (source, incarnation, position) VALUES ('i:1', 1, 0)"
    waiting = (
        "SELECT id FROM information_schema.processlist "
        f"WHERE info LIKE 'INSERT INTO {settlement.database}.cursors%' AND id <> CONNECTION_ID()"
    )
    settlement.process.kill()
    # Nobody reads while this is written: no log may be seen ahead of what caused its records.
    await writer.write()
    async with holding(settlement.mariadb, lock):
        settlement.start()
        await asyncio.to_thread(
            wait_until, lambda: settlement.mariadb.execute(waiting), seconds=60, what="a batch at its cursors"
        )
        settlement.process.send(signal.SIGKILL)
        assert settlement.process.wait(seconds=10) == -signal.SIGKILL
    # Of that batch nothing is there: what is there has its cursor, and the killed one had i:1 in it.
    ahead = (
        "SELECT t.source, t.position FROM ledger.transactions t LEFT JOIN ledger.cursors c "
        "ON c.source = t.source WHERE c.source IS NULL OR t.position > c.position"
    )
    assert settlement.execute(ahead) == []
    assert settlement.execute("SELECT COUNT(*) FROM ledger.entries WHERE source = 'i:1'") == [(0,)]


@asynccontextmanager
async def holding(mariadb, statement):
    """A transaction that is open while inside, and never was."""
    connection = await asyncmy.connect(
        host=mariadb.host, port=mariadb.port, user=mariadb.user, autocommit=False
    )
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(statement)
        yield
        await connection.rollback()
    finally:
        await connection.ensure_closed()


async def statements_are_exact(settlement, exchange):
    """Every page, newest first; their sums are the balances, and each line shows what was there then."""
    user = exchange.users[0]
    lines, token = [], ""
    async with settlement.ledger() as ledger:
        while True:
            request = GetStatementRequest(page_size=37, page_token=token)
            page = await ledger.GetStatement(request, metadata=reader_of(user))
            lines += page.lines
            token = page.next_page_token
            if not token:
                break
        only = await ledger.GetStatement(
            GetStatementRequest(asset="USD", page_size=500), metadata=reader_of(user)
        )
    assert [it for it in lines if it.asset == "USD"][: len(only.lines)] == list(only.lines)
    sums, shown = {}, {}
    for line in reversed(lines):
        key = (line.asset, line.account)
        sums[key] = sums.get(key, 0) + units(line.amount, line.asset)
        shown[key] = units(line.balance, line.asset)
        assert sums[key] == shown[key] >= 0
    for (owner, asset), (available, held) in exchange.balances().items():
        if owner == user:
            assert (sums.get((asset, "available"), 0), sums.get((asset, "held"), 0)) == (available, held)
    assert {it.kind for it in lines} >= {"deposit", "hold", "release", "trade", "fee"}
    assert all(it.time.startswith("2001-09-09T01:46:40") for it in lines if it.kind == "deposit")


def units(text, asset):
    sign = -1 if text.startswith("-") else 1
    return sign * parse(text.removeprefix("-"), scale=SCALES[asset])


async def strangers_see_nothing(settlement):
    async with settlement.ledger() as ledger:
        with pytest.raises(UnauthenticatedError):
            await ledger.GetStatement(GetStatementRequest())
        trader = Identity(user_id=1, permissions=frozenset({Permission.TRADE})).metadata()
        with pytest.raises(ForbiddenError):
            await ledger.GetStatement(GetStatementRequest(), metadata=trader)
        with pytest.raises(ForbiddenError):
            await ledger.CheckLedger(CheckLedgerRequest(), metadata=reader_of(1))
        nobody = await ledger.GetStatement(GetStatementRequest(), metadata=reader_of(999_999))
        assert not nobody.lines
        for wrong, name in (
            ({"asset": "USD' OR '1'='1"}, "INVALID_ASSET"),
            ({"asset": "ВТС"}, "INVALID_ASSET"),  # noqa: RUF001 - Cyrillic, as an attacker writes it
            ({"page_size": 501}, "INVALID_PAGE_SIZE"),
            ({"page_size": -1}, "INVALID_PAGE_SIZE"),
            ({"page_token": "1 OR 1=1"}, "INVALID_PAGE_TOKEN"),
            ({"page_token": "9" * 19}, "INVALID_PAGE_TOKEN"),
        ):
            with pytest.raises(InvalidError) as raised:
                await ledger.GetStatement(GetStatementRequest(**wrong), metadata=reader_of(1))
            assert raised.value.name == name


async def a_planted_unit_is_named(settlement):
    (user, asset, available), *_ = settlement.execute(
        "SELECT user_id, asset, available FROM ledger.balances ORDER BY user_id, asset LIMIT 1"
    )
    where = f"WHERE user_id = {user} AND asset = '{asset}'"
    change = f"UPDATE ledger.balances SET available = available {{}} 1 {where}"
    settlement.execute(change.format("+"))
    trial = await settlement.check()
    assert not trial.balanced
    (fault,) = trial.faults
    assert fault.startswith(f"user {user} {asset}: the balance says {available + 1} available")
    settlement.execute(change.format("-"))
    assert (await settlement.check()).balanced


def read_all(kafka, topic):
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "test"})
    try:
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        return [message.value() for message in consumer.consume(200, 10)]
    finally:
        consumer.close()
