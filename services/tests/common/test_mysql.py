"""Transactions end one way or the other, and what went wrong has a name."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager

import pytest
from outcry_services.common.errors import ConfigError, InternalError
from outcry_services.common.mysql import MySql, MySqlAddress
from outcry_services.common.mysql_errors import (
    DuplicateKeyError,
    MySqlBusyError,
    MySqlChangedError,
    MySqlDeadlockError,
    MySqlLockError,
    MySqlLostError,
    MySqlMissingError,
    MySqlTimeoutError,
)
from pydantic import SecretStr

from e2e.backends import MariaDbServer


@asynccontextmanager
async def opened(server, **named):
    mysql = MySql(MySqlAddress.parse(server.url), **named)
    await mysql.open()
    try:
        yield mysql
    finally:
        await mysql.close()


@pytest.fixture
def table(mariadb):
    """A table of the test's own with the rows 1 and 2."""
    database = f"t_{uuid.uuid4().hex[:8]}"
    mariadb.execute(f"CREATE DATABASE {database}")
    name = f"{database}.numbers"
    mariadb.execute(f"CREATE TABLE {name} (id BIGINT PRIMARY KEY, amount BIGINT NOT NULL) ENGINE=InnoDB")
    mariadb.execute(f"INSERT INTO {name} VALUES (1, 10), (2, 20)")
    return name


@pytest.mark.integration
async def test_what_a_transaction_wrote_is_there_and_exact(mariadb, table):
    async with opened(mariadb) as mysql:
        async with mysql.transaction() as session:
            rows = [(3, 2**63 - 1), (4, -(2**63))]
            assert await session.execute_many(f"INSERT INTO {table} VALUES (%s, %s)", rows) == 2
            assert await session.execute(f"UPDATE {table} SET amount = amount + %s WHERE id < 3", [5]) == 2
        async with mysql.session() as session:
            found = await session.query(f"SELECT id, amount FROM {table} ORDER BY id")
            assert await session.execute_many(f"INSERT INTO {table} VALUES (%s, %s)", []) == 0
    assert found == [(1, 15), (2, 25), (3, 2**63 - 1), (4, -(2**63))]


@pytest.mark.integration
async def test_a_cancel_ends_a_task_whenever_it_comes(mariadb):
    """Also in the moment in which its connection is there; the pool has it back then, and closes."""

    async def work(mysql):
        for _ in range(100):
            async with mysql.session() as session:
                await session.query("SELECT 1")

    for moment in range(30):
        async with opened(mariadb) as mysql:
            task = asyncio.create_task(work(mysql))
            for _ in range(moment):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


@pytest.mark.integration
async def test_an_exception_and_a_cancel_roll_back(mariadb, table):
    async with opened(mariadb, most_connections=1) as mysql:

        async def fail():
            async with mysql.transaction() as session:
                await session.execute(f"DELETE FROM {table}")
                raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await fail()
        deleted = asyncio.Event()

        async def work():
            async with mysql.transaction() as session:
                await session.execute(f"DELETE FROM {table}")
                deleted.set()
                await session.query("SELECT SLEEP(10)")

        task = asyncio.create_task(work())
        await deleted.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with mysql.session() as session:
            assert await session.query(f"SELECT COUNT(*) FROM {table}") == [(2,)]


@pytest.mark.integration
async def test_one_pool_serves_every_database_with_few_connections(mariadb):
    names = [f"s_{uuid.uuid4().hex[:8]}" for _ in range(5)]
    for name in names:
        mariadb.execute(f"CREATE DATABASE {name}")
        mariadb.execute(f"CREATE TABLE {name}.orders (id BIGINT PRIMARY KEY) ENGINE=InnoDB")
    async with opened(mariadb, most_connections=3, wait_seconds=30) as mysql:
        connections = set()

        async def insert(number):
            async with mysql.transaction() as session:
                connections.update(await session.query("SELECT CONNECTION_ID()"))
                await session.execute(f"INSERT INTO {names[number % 5]}.orders VALUES (%s)", [number])

        await asyncio.gather(*map(insert, range(50)))
        assert len(connections) <= 3
        async with mysql.session() as session:
            counts = [(await session.query(f"SELECT COUNT(*) FROM {name}.orders"))[0][0] for name in names]
    assert counts == [10] * 5


@pytest.mark.integration
async def test_values_that_do_not_fit_are_errors_and_say_nothing_of_the_statement(mariadb, table):
    async with opened(mariadb) as mysql, mysql.session() as session:
        with pytest.raises(InternalError) as raised:
            await session.execute(f"INSERT INTO {table} VALUES (5, %s)", [2**63])
        assert (raised.value.name, "INSERT" in raised.value.message) == ("MYSQL_REFUSED", False)
        assert await session.query(f"SELECT COUNT(*) FROM {table}") == [(2,)]


@pytest.mark.integration
async def test_a_key_that_is_there_has_its_error(mariadb, table):
    async with opened(mariadb) as mysql:
        with pytest.raises(DuplicateKeyError):
            async with mysql.transaction() as session:
                await session.execute(f"INSERT INTO {table} VALUES (7, 0), (1, 0)")
        async with mysql.session() as session:
            assert await session.query(f"SELECT COUNT(*) FROM {table}") == [(2,)]


@pytest.mark.integration
async def test_a_table_that_a_migration_altered_meanwhile_is_to_be_read_anew(mariadb, table):
    async with opened(mariadb) as mysql, mysql.session() as session:
        await session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await session.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        mariadb.execute(f"ALTER TABLE {table} ADD COLUMN more BIGINT NOT NULL DEFAULT 0, ALGORITHM=COPY")
        with pytest.raises(MySqlChangedError):
            await session.query(f"SELECT id FROM {table}")
        await session.execute("ROLLBACK")
        assert await session.query(f"SELECT COUNT(*) FROM {table}") == [(2,)]


@pytest.mark.integration
async def test_of_two_in_a_deadlock_one_is_rolled_back_whole(mariadb, table):
    async with opened(mariadb) as mysql:
        both = asyncio.Barrier(2)

        async def work(first, second):
            async with mysql.transaction() as session:
                await session.execute(f"UPDATE {table} SET amount = amount + 100 WHERE id = %s", [first])
                await both.wait()
                await session.execute(f"UPDATE {table} SET amount = amount + 100 WHERE id = %s", [second])

        results = await asyncio.gather(work(1, 2), work(2, 1), return_exceptions=True)
        assert [type(result) for result in results if result] == [MySqlDeadlockError]
        async with mysql.session() as session:
            assert await session.query(f"SELECT amount FROM {table} ORDER BY id") == [(110,), (120,)]


@pytest.mark.integration
async def test_a_lock_that_is_not_given_has_its_error(mariadb, table):
    async with opened(mariadb, lock_seconds=1) as mysql, mysql.transaction() as holder:
        await holder.execute(f"UPDATE {table} SET amount = 0 WHERE id = 1")
        with pytest.raises(MySqlLockError):
            async with mysql.transaction() as session:
                await session.execute(f"UPDATE {table} SET amount = 1 WHERE id = 1")


@pytest.mark.integration
async def test_a_slow_statement_ends_and_its_answer_goes_to_nobody(mariadb, table):
    async with opened(mariadb, statement_seconds=0.3, most_connections=1) as mysql:

        async def work():
            async with mysql.transaction() as session:
                await session.execute(f"DELETE FROM {table}")
                await session.query("SELECT SLEEP(30)")

        with pytest.raises(MySqlTimeoutError):
            await work()
        async with mysql.session() as session:
            assert await session.query("SELECT 1") == [(1,)]
    assert mariadb.execute(f"SELECT COUNT(*) FROM {table}") == [(2,)]


@pytest.mark.integration
async def test_a_full_pool_is_waited_for_only_so_long(mariadb):
    async with opened(mariadb, most_connections=1, wait_seconds=0.1) as mysql:
        async with mysql.session():
            with pytest.raises(MySqlBusyError, match="all 1 are in use"):
                await mysql.ping()
        await mysql.ping()


@pytest.mark.integration
async def test_a_killed_server_is_said_and_found_again():
    with MariaDbServer() as server:
        server.execute("CREATE DATABASE kept")
        server.execute("CREATE TABLE kept.t (id BIGINT PRIMARY KEY) ENGINE=InnoDB")
        async with opened(server, wait_seconds=10) as mysql:
            async with mysql.transaction() as session:
                await session.execute("INSERT INTO kept.t VALUES (1)")

            async def work():
                async with mysql.transaction() as session:
                    await session.execute("INSERT INTO kept.t VALUES (2)")
                    server.kill()
                    await session.query("SELECT 1")

            with pytest.raises(MySqlLostError, match=r"127\.0\.0\.1"):
                await work()
            with pytest.raises(MySqlLostError):
                await mysql.ping()
            await asyncio.to_thread(server.start)
            async with mysql.session() as session:
                assert await session.query("SELECT id FROM kept.t") == [(1,)]


def test_an_address_hides_its_password_and_takes_none_in_its_url():
    address = MySqlAddress.parse("mysql://app@db:3307", password=SecretStr("hunter2"))
    assert (address.host, address.port, address.user, str(address)) == ("db", 3307, "app", "db:3307")
    assert "hunter2" not in repr(address)
    with pytest.raises(ConfigError) as raised:
        MySqlAddress.parse("mysql://app:hunter2@db")
    assert "hunter2" not in raised.value.message
    for url in ("db:3306", "postgres://app@db", "mysql://db"):
        with pytest.raises(ConfigError, match="is not like mysql"):
            MySqlAddress.parse(url)


@pytest.mark.integration
async def test_many_statements_travel_as_one_message_and_end_at_the_first_that_fails(mariadb, table):
    async with opened(mariadb, most_connections=1) as mysql:
        async with mysql.transaction() as session:
            found = await session.run_all(
                [
                    (f"UPDATE {table} SET amount = amount + %s WHERE id = 1", [1]),
                    (f"UPDATE {table} SET amount = 0 WHERE id = 99", []),
                    (f"SELECT id, amount FROM {table} ORDER BY id", []),
                    (f"INSERT INTO {table} VALUES (%s, %s)", [3, 30]),
                ]
            )
            assert await session.run_all([]) == []
        assert found == [(1, []), (0, []), (2, [(1, 11), (2, 20)]), (1, [])]

        async def repeat_a_key():
            async with mysql.transaction() as session:
                await session.run_all(
                    [
                        (f"DELETE FROM {table} WHERE id = 1", []),
                        (f"INSERT INTO {table} VALUES (2, 0)", []),
                        (f"DELETE FROM {table} WHERE id = 3", []),
                    ]
                )

        with pytest.raises(DuplicateKeyError):
            await repeat_a_key()
        async with mysql.session() as session:
            assert await session.query(f"SELECT id FROM {table} ORDER BY id") == [(1,), (2,), (3,)]


@pytest.mark.integration
async def test_a_table_that_is_not_there_has_a_name(mariadb, table):
    async with opened(mariadb) as mysql, mysql.session() as session:
        for missing in (f"{table}_other", "no_such_database.numbers"):
            with pytest.raises(MySqlMissingError, match="moved"):
                await session.query(f"SELECT * FROM {missing}")
