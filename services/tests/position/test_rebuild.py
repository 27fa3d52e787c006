"""Positions that Redis lost come back from the ledger, are read back, and only then count."""

from __future__ import annotations

import uuid

import pytest
from outcry_services.common.errors import IntegrityError
from outcry_services.common.mysql import MySql, MySqlAddress
from outcry_services.common.redis import Redis
from outcry_services.common.redis_servers import Master
from outcry_services.position import keys, ledger_store
from outcry_services.position.ledger_store import LedgerStore
from outcry_services.position.marks import Marks
from outcry_services.position.metrics import Metrics
from outcry_services.position.rebuild import Rebuild
from outcry_services.position.slots import lives_on, slot_of, tag_on
from outcry_services.settlement.schema import migrate
from prometheus_client import CollectorRegistry

from e2e.backends import RedisServer
from services.tests.position.making import MemoryLog

pytestmark = pytest.mark.integration

ALL = Master("one", "redis://one", None)


@pytest.fixture
def empty_redis():
    with RedisServer() as server:
        yield server


@pytest.fixture
async def store(empty_redis):
    redis = Redis(empty_redis.url)
    yield redis
    await redis.close()


@pytest.fixture
async def mysql(mariadb):
    mysql = MySql(MySqlAddress.parse(mariadb.url))
    await mysql.open()
    yield mysql
    await mysql.close()


@pytest.fixture
async def books(mysql):
    """A ledger's database of the test's own, empty."""
    name = f"ledger_{uuid.uuid4().hex[:8]}"
    await migrate(mysql, database=name)
    return name


async def fill(mysql, books, *, balances, holds=(), offsets=(("orders", 7, 4), ("order-events", 7, 3))):
    async with mysql.transaction() as session:
        await session.execute_many(
            f"INSERT INTO {books}.balances (user_id, asset, available, held, source, position) "
            "VALUES (%s, %s, %s, %s, 'i:7', 1)",
            balances,
        )
        await session.execute_many(
            f"INSERT INTO {books}.holds VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", holds
        )
        await session.execute_many(
            f"INSERT INTO {books}.cursors VALUES (%s, %s, %s)", [("i:7", 2, 9), ("BTC-USDT", 0, 41)]
        )
        await session.execute_many(
            f"INSERT INTO {books}.offsets VALUES (%s, %s, %s)", [*offsets, ("events.BTC-USDT", 0, 17)]
        )


def rebuild_of(store, mysql, books, log):
    return Rebuild(
        store=store,
        publishing=log,
        ledger=LedgerStore(mysql, database=books),
        metrics=Metrics(CollectorRegistry()),
        partitions=8,
        clock=lambda: 1_800_000_000.5,
    )


async def marks(store, tag="0"):
    found = await store.command("HGETALL", keys.mark(tag))
    return {name.decode(): value.decode() for name, value in found.items()}


async def test_everybody_comes_back_with_the_ledgers_own_positions(store, mysql, books):
    order = (9223, 7, "order", "USDT", 60, 20, 1, "BTC-USDT", "BTC", "USDT", 1, 10)
    payout = (10247, 7, "withdrawal", "BTC", 5, 0, 0, "", "", "", 0, 0)
    largest = 2**63 - 1
    await fill(
        mysql,
        books,
        balances=[(7, "USDT", 40, 60), (7, "BTC", 0, 5), (1031, "USDT", largest, 0)],
        holds=[order, payout],
    )
    await store.command("SET", keys.available(7, "USDT"), "1")
    log = MemoryLog()
    await rebuild_of(store, mysql, books, log).make_good([ALL], [{}])
    assert await store.command("GET", keys.available(7, "USDT")) == b"40"
    assert await store.command("GET", keys.held(7, "USDT")) == b"60"
    assert await store.command("GET", keys.available(1031, "USDT")) == b"%d" % largest
    assert await store.command("HGETALL", keys.holds(7)) == {
        b"9223": b"60 USDT 20 1 BTC-USDT BTC USDT 1 10",
        b"10247": b"5 BTC",
    }
    assert await store.command("HGETALL", keys.cursor(7)) == {
        b"n": b"2",
        b"i": b"9",
        b"j": b"1800000000500000",
        b"BTC-USDT": b"41",
    }
    found = Marks([await marks(store)])
    instructions = found.instructions(7, partitions=8)
    # Read again from the beginning, for commands that were perhaps not sent; nothing else is done twice.
    assert (instructions.offset, instructions.answers, instructions.resend) == (0, 0, 4)
    assert instructions.numbers == {7: (2, 9)}
    assert (found.events("BTC-USDT").offset, found.events("BTC-USDT").seq) == (17, 20)
    assert [(entry.user_id, len(entry.changes)) for entry in log.journal] == [(7, 2), (1031, 1)]


async def test_holds_that_are_not_what_is_held_stop_it_before_anything_counts(store, mysql, books):
    await fill(mysql, books, balances=[(7, "USDT", 40, 60)])
    with pytest.raises(IntegrityError, match="holds of user 7"):
        await rebuild_of(store, mysql, books, MemoryLog()).make_good([ALL], [{}])
    assert await marks(store) == {}


async def test_a_ledger_that_has_seen_nothing_leaves_all_to_the_logs(store, mysql, books):
    log = MemoryLog()
    await rebuild_of(store, mysql, books, log).make_good([ALL], [{}])
    await rebuild_of(store, mysql, "no_such_database", log).make_good([ALL], [{}])
    assert await marks(store) == {}
    assert log.journal == []


async def test_only_who_lives_on_a_lost_master_is_made_again(store, mysql, books):
    first, second = (Master(name, name, slots) for name, slots in (("a", half(0)), ("b", half(1))))
    users = range(1, 41)
    await fill(mysql, books, balances=[(user, "BTC", user, 0) for user in users])
    await rebuild_of(store, mysql, books, MemoryLog()).make_good([first, second], [{"born": "1"}, {}])
    for user in users:
        value = await store.command("GET", keys.available(user, "BTC"))
        assert value == (b"%d" % user if lives_on(second, user) else None)
    assert await marks(store, tag_on(first)) == {}
    assert (await marks(store, tag_on(second)))["born"] == "1"


async def test_pages_lose_nobody_at_their_edges(store, mysql, books, monkeypatch):
    monkeypatch.setattr(ledger_store, "PAGE_ROWS", 4)
    balances = [(user, f"C{asset}", user, 0) for user in range(1, 9) for asset in range(user)]
    await fill(mysql, books, balances=balances)
    await rebuild_of(store, mysql, books, MemoryLog()).make_good([ALL], [{}])
    for user, asset, amount, _ in balances:
        assert await store.command("GET", keys.available(user, asset)) == b"%d" % amount


def half(which):
    return frozenset(slot for slot in range(16384) if slot * 2 // 16384 == which)


def test_slots_are_those_of_the_specification():
    assert slot_of("123456789") == 0x31C3 % 16384


async def test_the_ledger_says_what_a_user_had_at_an_earlier_cut(mysql, books):
    await fill(mysql, books, balances=[(7, "USDT", 40, 60), (7, "BTC", 3, 0)])
    entries = [
        ("i:7", 8, "available", "USDT", 100),
        ("i:7", 9, "available", "USDT", -60),
        ("i:7", 9, "held", "USDT", 60),
        ("BTC-USDT", 41, "available", "BTC", 3),
    ]
    async with mysql.transaction() as session:
        await session.execute_many(
            f"INSERT INTO {books}.entries (source, position, line, user_id, account, asset, amount, kind) "
            "VALUES (%s, %s, 0, 7, %s, %s, %s, 'hold')",
            entries,
        )
    ledger = LedgerStore(mysql, database=books)
    assert await ledger.at({7: {"i": 9, "BTC-USDT": 41}}) == {7: {"USDT": (40, 60), "BTC": (3, 0)}}
    assert await ledger.at({7: {"i": 8}}) == {7: {"USDT": (100, 0), "BTC": (0, 0)}}
    # Nobody has come so far yet, and nobody is asked of a ledger that is not there.
    assert await ledger.at({7: {"i": 10}}) is None
    assert await ledger.at({7: {"i": 9, "BTC-USDT": 43}}) is None
    assert await LedgerStore(mysql, database="no_such_ledger").at({7: {"i": 0}}) == {}
