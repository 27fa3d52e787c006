"""The fake MySQL and a real MariaDB give the same answers to such statements as the services send."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from outcry_services.common.errors import InternalError
from outcry_services.common.mysql import MySql, MySqlAddress
from outcry_services.common.mysql_errors import DuplicateKeyError

from e2e.simulation.mysql_client import FakeMySql
from e2e.simulation.mysql_server import FakeMySqlServer


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.integration)])
async def mysql(request):
    if request.param == "fake":
        yield FakeMySql(FakeMySqlServer())
        return
    real = MySql(MySqlAddress.parse(request.getfixturevalue("mariadb").url))
    await real.open()
    yield real
    await real.close()


@pytest.fixture
async def table(mysql):
    """The rows (1, 10, 'a', x'61') and (2, 20, 'b', x'62')."""
    database = f"t_{uuid.uuid4().hex[:8]}"
    async with mysql.session() as session:
        await session.execute(f"CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET utf8mb4")
        await session.execute(
            f"""
            CREATE TABLE IF NOT EXISTS {database}.numbers (
                id BIGINT UNSIGNED NOT NULL,
                amount BIGINT NOT NULL,
                name VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
                payload VARBINARY(16) NULL,
                small TINYINT UNSIGNED NOT NULL DEFAULT 0,
                PRIMARY KEY (id),
                UNIQUE KEY by_name (name, small),
                KEY by_amount (amount),
                CHECK (amount >= -1000)
            ) ENGINE=InnoDB
            """
        )
        rows = [(1, 10, "a", b"a"), (2, 20, "b", b"b")]
        await session.execute_many(
            f"INSERT INTO {database}.numbers (id, amount, name, payload) VALUES (%s, %s, %s, %s)", rows
        )
    return f"{database}.numbers"


async def execute(mysql, statement, arguments=()):
    async with mysql.session() as session:
        return await session.execute(statement, arguments)


async def query(mysql, statement, arguments=()):
    async with mysql.session() as session:
        return await session.query(statement, arguments)


async def amounts(mysql, table):
    return dict(await query(mysql, f"SELECT id, amount FROM {table}"))


async def test_values_come_back_as_they_went_in(mysql, table):
    rows = [(3, 2**63 - 1, "c", b"\x00\xff"), (4, -1000, "d", None)]
    async with mysql.session() as session:
        statement = f"INSERT INTO {table} (id, amount, name, payload) VALUES (%s, %s, %s, %s)"
        assert await session.execute_many(statement, rows) == 2
        assert await session.execute_many(statement, []) == 0
    found = await query(
        mysql, f"SELECT id, amount, name, payload, small FROM {table} ORDER BY id DESC LIMIT 2"
    )
    assert found == [(4, -1000, "d", None, 0), (3, 2**63 - 1, "c", b"\x00\xff", 0)]


async def test_rows_changed_are_those_that_are_other_than_before(mysql, table):
    assert await execute(mysql, f"UPDATE {table} SET amount = amount + %s WHERE id < 3", [5]) == 2
    assert await execute(mysql, f"UPDATE {table} SET amount = %s WHERE id <= 2", [25]) == 1
    assert await execute(mysql, f"UPDATE {table} SET amount = 25 WHERE id = 2") == 0
    assert await execute(mysql, f"UPDATE {table} SET amount = 1 WHERE id = 9") == 0
    assert await execute(mysql, f"DELETE FROM {table} WHERE id IN (1, 9)") == 1


async def test_upserts(mysql, table):
    upsert = (
        f"INSERT INTO {table} (id, amount, name) VALUES (%s, %s, %s) "
        "ON DUPLICATE KEY UPDATE amount = amount + VALUES(amount)"
    )
    assert await execute(mysql, upsert, [1, 5, "a"]) == 2
    assert await execute(mysql, upsert, [1, 0, "a"]) == 0
    assert await execute(mysql, upsert, [3, 7, "c"]) == 1
    async with mysql.session() as session:
        assert await session.execute_many(upsert, [(3, 1, "c"), (4, 1, "d")]) == 3
    assert await amounts(mysql, table) == {1: 15, 2: 20, 3: 8, 4: 1}


async def test_upserts_with_greatest(mysql, table):
    statement = (
        f"INSERT INTO {table} (id, amount, name) VALUES (%s, %s, %s) "
        "ON DUPLICATE KEY UPDATE amount = GREATEST(amount, VALUES(amount)), "
        "small = IF(VALUES(amount) > 10, 1, 0)"
    )
    for amount in (5, 50, 30):
        await execute(mysql, statement, [1, amount, "a"])
    assert await query(mysql, f"SELECT amount, small FROM {table} WHERE id = 1") == [(50, 1)]


async def test_inserts_that_may_be_there(mysql, table):
    statement = f"INSERT IGNORE INTO {table} (id, amount, name) VALUES (%s, %s, %s)"
    assert await execute(mysql, statement, [1, 99, "x"]) == 0
    assert await execute(mysql, statement, [7, 99, "a"]) == 0, "by the other unique key"
    assert await execute(mysql, statement, [7, 99, "g"]) == 1
    assert await amounts(mysql, table) == {1: 10, 2: 20, 7: 99}


async def test_a_key_that_is_there_has_its_error_and_the_statement_did_nothing(mysql, table):
    statement = f"INSERT INTO {table} (id, amount, name) VALUES (%s, %s, %s)"
    async with mysql.transaction() as session:
        with pytest.raises(DuplicateKeyError):
            await session.execute_many(statement, [(8, 1, "h"), (1, 1, "i")])
        with pytest.raises(DuplicateKeyError):
            await session.execute(statement, [9, 1, "b"])
        await session.execute(statement, [5, 1, "B"])
    assert await amounts(mysql, table) == {1: 10, 2: 20, 5: 1}


@pytest.mark.parametrize(
    ("amount", "name", "small"),
    [(2**63, "x", 0), (-1001, "x", 0), (0, "123456789", 0), (0, "x", 256), (0, "x", -1), (None, "x", 0)],
)
async def test_values_that_do_not_fit_are_refused(mysql, table, amount, name, small):
    with pytest.raises(InternalError) as raised:
        await execute(
            mysql,
            f"INSERT INTO {table} (id, amount, name, small) VALUES (%s, %s, %s, %s)",
            [5, amount, name, small],
        )
    assert raised.value.name == "MYSQL_REFUSED"
    assert await amounts(mysql, table) == {1: 10, 2: 20}


async def test_arithmetic_that_overflows_is_refused(mysql, table):
    await execute(mysql, f"UPDATE {table} SET amount = %s WHERE id = 1", [2**63 - 1])
    with pytest.raises(InternalError):
        await execute(mysql, f"UPDATE {table} SET amount = amount + 1 WHERE id = 1")
    assert (await amounts(mysql, table))[1] == 2**63 - 1


async def test_an_exception_rolls_back_and_an_end_commits(mysql, table):
    async def fail():
        async with mysql.transaction() as session:
            await session.execute(f"DELETE FROM {table}")
            assert await session.query(f"SELECT COUNT(*) FROM {table}") == [(0,)]
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await fail()
    assert await amounts(mysql, table) == {1: 10, 2: 20}
    async with mysql.transaction() as session:
        await session.execute(f"DELETE FROM {table} WHERE id = 1")
    assert await amounts(mysql, table) == {2: 20}


async def test_a_cancel_rolls_back(mysql, table):
    deleted = asyncio.Event()

    async def work():
        async with mysql.transaction() as session:
            await session.execute(f"DELETE FROM {table}")
            deleted.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await deleted.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await amounts(mysql, table) == {1: 10, 2: 20}


async def test_who_asks_for_a_locked_row_waits_and_sees_the_end(mysql, table):
    locked = asyncio.Event()

    async def first():
        async with mysql.transaction() as session:
            await session.query(f"SELECT amount FROM {table} WHERE id = 1 FOR UPDATE")
            locked.set()
            await asyncio.sleep(0)
            await session.execute(f"UPDATE {table} SET amount = amount + 1 WHERE id = 1")

    async def second():
        await locked.wait()
        async with mysql.transaction() as session:
            ((amount,),) = await session.query(f"SELECT amount FROM {table} WHERE id = 1 FOR UPDATE")
            await session.execute(f"UPDATE {table} SET amount = %s WHERE id = 1", [amount * 2])

    await asyncio.gather(first(), second())
    assert (await amounts(mysql, table))[1] == 22


async def test_rows_are_found_by_lists_of_keys(mysql, table):
    found = await query(
        mysql,
        f"SELECT id FROM {table} WHERE (id, amount) IN ((%s, %s), (%s, %s)) ORDER BY id",
        [1, 10, 2, 21],
    )
    assert found == [(1,)]
    assert await query(
        mysql, f"SELECT COUNT(*), MAX(id), SUM(amount) FROM {table} WHERE name = %s", ["A"]
    ) == [(0, None, None)]
    ((total,),) = await query(mysql, f"SELECT COALESCE(SUM(amount), 0) FROM {table}")
    assert int(total) == 30


async def test_a_table_may_be_made_with_its_first_row(mysql, table):
    other = table.replace("numbers", "others")
    columns = "id TINYINT NOT NULL PRIMARY KEY, last BIGINT NOT NULL"
    await execute(mysql, f"CREATE TABLE {other} ({columns}) ENGINE=InnoDB SELECT 1 AS id, 7 AS last")
    assert await query(mysql, f"SELECT id, last FROM {other}") == [(1, 7)]
    statement = f"INSERT INTO {other} VALUES (1, 9) ON DUPLICATE KEY UPDATE id = id"
    assert await execute(mysql, statement) == 0
    assert await query(mysql, f"SELECT id, last FROM {other}") == [(1, 7)]


async def test_a_session_may_hold_a_snapshot_of_its_own(mysql, table):
    async with mysql.session() as session:
        await session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await session.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        assert await session.query(f"SELECT COUNT(*) FROM {table}") == [(2,)]
        await session.rollback()
    assert await execute(mysql, f"DELETE FROM {table} WHERE id = 1") == 1


async def test_a_session_may_be_in_a_database(mysql, table):
    schema, name = table.split(".")
    async with mysql.session() as session:
        await session.execute(f"USE {schema}")
        assert await session.query(f"SELECT id FROM {name} WHERE amount = %s", [20]) == [(2,)]
        assert await session.query(f"SELECT id FROM {table} WHERE amount = %s", [20]) == [(2,)]


async def test_which_tables_there_are(mysql, table):
    schema, name = table.split(".")
    statement = "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = %s"
    assert await query(mysql, statement, [schema, name]) == [(1,)]
    assert await query(mysql, statement, [schema, "others"]) == []


async def test_names_before_columns_are_names_of_tables(mysql, table):
    found = await query(
        mysql,
        f"SELECT a.id, b.id FROM {table} AS a JOIN {table} AS b "
        "ON b.amount = a.amount * 2 WHERE a.name = 'a'",
    )
    assert found == [(1, 2)]


async def test_lists_are_written_out(mysql, table):
    found = await query(mysql, f"SELECT id FROM {table} WHERE id IN %s AND amount < %s", [(1, 2, 3), 20])
    assert found == [(1,)]
    pairs = ((1, 10), (2, 21))
    found = await query(mysql, f"SELECT id FROM {table} WHERE (id, amount) IN %s", [pairs])
    assert found == [(1,)]


async def test_who_reads_outside_sees_nothing_of_an_open_transaction_and_does_not_wait(mysql, table):
    async with mysql.transaction() as session:
        await session.execute(f"UPDATE {table} SET amount = 11 WHERE id = 1")
        await session.execute(f"DELETE FROM {table} WHERE id = 2")
        assert await amounts(mysql, table) == {1: 10, 2: 20}
        assert await session.query(f"SELECT id, amount FROM {table}") == [(1, 11)]
        await session.execute(f"UPDATE {table} SET amount = amount + 1")
    assert await amounts(mysql, table) == {1: 12}


async def test_a_transaction_is_begun_anew_as_a_snapshot(mysql, table):
    async with mysql.transaction() as session:
        await session.execute(f"UPDATE {table} SET amount = 11 WHERE id = 1")
        await session.execute("ROLLBACK")
        await session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await session.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        assert await session.query(f"SELECT amount FROM {table} ORDER BY id") == [(10,), (20,)]
    assert await amounts(mysql, table) == {1: 10, 2: 20}


async def test_numbers_are_given_and_told(mysql, table):
    database = table.partition(".")[0]
    await execute(
        mysql, f"CREATE TABLE {database}.given (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, name TEXT)"
    )
    for expected in (1, 2):
        async with mysql.transaction() as session:
            await session.execute(f"INSERT INTO {database}.given (name) VALUES (%s)", ["a"])
            assert await session.query("SELECT LAST_INSERT_ID()") == [(expected,)]


async def test_patterns_tell_upper_case_from_lower(mysql, table):
    assert await query(mysql, f"SELECT id FROM {table} WHERE name LIKE 'a%%' AND id < %s", [9]) == [(1,)]
    assert await query(mysql, f"SELECT id FROM {table} WHERE name LIKE 'A%%' AND id < %s", [9]) == []
