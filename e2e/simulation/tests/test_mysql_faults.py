"""What the fake MySQL may do to a transaction: never half of it, and sometimes more than its caller knows."""

from __future__ import annotations

import asyncio

import pytest
from outcry_services.common.mysql_errors import MySqlLockError, MySqlLostError

from e2e.simulation.chance import Chance, Odds
from e2e.simulation.errors import UnfaithfulError
from e2e.simulation.loop import simulate
from e2e.simulation.mysql_client import FakeMySql
from e2e.simulation.mysql_dialect import translate
from e2e.simulation.mysql_server import FakeMySqlServer
from e2e.simulation.processes import Process


def served():
    server = FakeMySqlServer()
    server.execute("CREATE DATABASE d")
    server.execute("CREATE TABLE d.t (id BIGINT PRIMARY KEY)")
    return server


def ids(server):
    return [row[0] for row in server.execute("SELECT id FROM d.t ORDER BY id")]


async def insert_two(mysql):
    async with mysql.transaction() as session:
        await session.execute("INSERT INTO d.t VALUES (1)")
        await asyncio.sleep(0.01)
        await session.execute("INSERT INTO d.t VALUES (2)")


def test_a_killed_process_leaves_all_or_nothing_and_no_lock():
    outcomes = set()
    for seed in range(60):
        server, chance = served(), Chance(seed, Odds(quick_seconds=0.01))

        async def story(server=server, chance=chance):
            process = Process("p")
            process.start(insert_two(FakeMySql(server, chance)))
            await asyncio.sleep(chance.fraction() * 0.06)
            process.kill()
            await asyncio.sleep(1)
            found = ids(server)
            await asyncio.wait_for(FakeMySql(server).ping(), 1)
            return tuple(found)

        outcomes.add(simulate(story(), chance))
    assert outcomes == {(), (1, 2)}


def test_a_commit_that_broke_happened_or_not():
    outcomes = set()
    for seed in range(60):
        server, chance = served(), Chance(seed, Odds(refused=0.1, lost_answer=0.5))

        async def story(server=server, chance=chance):
            try:
                await insert_two(FakeMySql(server, chance))
            except MySqlLostError:
                return ("lost", *ids(server))
            except Exception as error:
                return (type(error).__name__, *ids(server))
            return ("done", *ids(server))

        outcomes.add(simulate(story(), chance))
    assert outcomes == {
        ("done", 1, 2),
        ("lost",),
        ("lost", 1, 2),
        ("MySqlDeadlockError",),
        ("MySqlBusyError",),
    }


def test_a_transaction_that_never_ends_is_waited_for_only_so_long():
    server = served()

    async def story():
        mysql = FakeMySql(server)
        async with mysql.transaction() as holder:
            await holder.execute("INSERT INTO d.t VALUES (1)")
            with pytest.raises(MySqlLockError):
                await insert_two(mysql)
        await mysql.ping()

    simulate(story(), Chance(1))
    assert ids(server) == [1]


def test_a_server_can_be_as_it_was():
    server = served()
    image = server.image()
    server.execute("INSERT INTO d.t VALUES (1)")
    server.restore(image)
    assert ids(server) == []
    server.execute("INSERT INTO d.t VALUES (2)")
    assert ids(server) == [2]


def test_a_commit_whose_client_gave_up_may_come_later_seen_by_nobody_before():
    late = 0
    for seed in range(20):
        server, chance = served(), Chance(seed, Odds(late=1.0))

        async def story(server=server, chance=chance):
            mysql = FakeMySql(server, chance)

            async def broken():
                async with mysql.transaction() as session:
                    await session.execute("INSERT INTO d.t VALUES (1)")
                    chance.odds = Odds(late=1.0, refused=1.0)

            with pytest.raises(MySqlLostError):
                await broken()
            chance.odds = Odds()
            async with mysql.session() as session:
                before = await session.query("SELECT id FROM d.t")
            async with mysql.transaction() as session:
                await session.execute("INSERT INTO d.t VALUES (2)")
                behind = await session.query("SELECT id FROM d.t")
            return before, behind

        before, behind = simulate(story(), chance)
        assert behind == [(1,), (2,)]
        late += before == []
    assert late == 20


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE d.t SET a = a + 1, b = a WHERE id = 1",
        "INSERT INTO d.t (a, b) VALUES (1, 2) ON DUPLICATE KEY UPDATE a = VALUES(a), b = b + a",
        "CREATE TABLE d.t (name VARCHAR(9) COLLATE utf8mb4_general_ci)",
        "CREATE TABLE d.t (at DATETIME(6))",
    ],
)
def test_what_sqlite_would_take_otherwise_is_said_loudly(statement):
    with pytest.raises(UnfaithfulError):
        translate(statement, ["d"])


def test_what_sqlite_does_not_understand_is_said_loudly():
    with pytest.raises(UnfaithfulError, match="FLUSH TABLES"):
        served().execute("FLUSH TABLES")
