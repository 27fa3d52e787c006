"""The fake binary log and a real MariaDB's tell of the same rows, in the same order, from the same places."""

from __future__ import annotations

import uuid

import pytest
from outcry_services.common.mysql import MySql, MySqlAddress
from outcry_services.reconciler.binlog import Binlog, Kind
from outcry_services.reconciler.errors import BinlogLostError
from outcry_services.reconciler.server_log import ServerLog

from e2e.simulation.mysql_client import FakeMySql
from e2e.simulation.mysql_rows import FakeBinlog
from e2e.simulation.mysql_server import FakeMySqlServer

TABLE = """CREATE TABLE {0}.balances (user_id BIGINT NOT NULL, asset VARCHAR(8) CHARACTER SET ascii
    COLLATE ascii_bin NOT NULL, available BIGINT NOT NULL, PRIMARY KEY (user_id, asset)) ENGINE=InnoDB"""
OTHER = "CREATE TABLE {0}.other (id BIGINT NOT NULL PRIMARY KEY) ENGINE=InnoDB"


class Ledger:
    """A table whose rows are logged, and one whose aren't."""

    def __init__(self, mysql, schema, follow):
        self.mysql = mysql
        self.schema = schema
        self.follow = follow

    async def run(self, *statements, rolled_back=False):
        async with self.mysql.transaction() as session:
            for statement in statements:
                await session.execute(statement.format(self.schema))
            if rolled_back:
                await session.rollback()

    async def end(self):
        return (await ServerLog(self.mysql).end()).position

    async def changes(self, position, count):
        """The next rows, and the positions behind them."""
        rows, positions = [], []
        chunks = self.follow(position)
        async for chunk in chunks:
            rows += chunk.changes
            positions.append(chunk.position)
            if len(rows) >= count:
                break
        await chunks.aclose()
        assert {row.table for row in rows} == {f"{self.schema}.balances"}
        return [(row.kind, *map(values, (row.before, row.after))) for row in rows], positions


def values(row):
    return row and tuple(row.values())


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.integration)])
async def ledger(request):
    schema = f"l{uuid.uuid4().hex[:8]}"
    if request.param == "fake":
        server = FakeMySqlServer(logged=[f"{schema}.balances"])
        mysql: FakeMySql | MySql = FakeMySql(server)
        binlog: FakeBinlog | Binlog = FakeBinlog(server.rows)
    else:
        address = MySqlAddress.parse(request.getfixturevalue("mariadb").url)
        mysql = MySql(address)
        binlog = Binlog(address, server_id=90_001, schema=schema, tables=frozenset({"balances"}))
    await mysql.open()
    async with mysql.session() as session:
        await session.execute(f"CREATE DATABASE IF NOT EXISTS {schema}")
        await session.execute(TABLE.format(schema))
        await session.execute(OTHER.format(schema))
    yield Ledger(mysql, schema, binlog.follow)
    await mysql.close()


INSERT = "INSERT INTO {0}.balances VALUES (1, 'BTC', 5), (2, 'BTC', 6)"


async def test_committed_rows_come_in_the_order_of_their_commits(ledger):
    begin = await ledger.end()
    await ledger.run(INSERT)
    await ledger.run("UPDATE {0}.balances SET available = 9", rolled_back=True)
    await ledger.run("INSERT INTO {0}.other VALUES (1)", "UPDATE {0}.balances SET available = available + 1")
    await ledger.run("DELETE FROM {0}.balances WHERE user_id = 1")
    changes, positions = await ledger.changes(begin, 5)
    assert changes == [
        (Kind.INSERT, None, (1, "BTC", 5)),
        (Kind.INSERT, None, (2, "BTC", 6)),
        (Kind.UPDATE, (1, "BTC", 5), (1, "BTC", 6)),
        (Kind.UPDATE, (2, "BTC", 6), (2, "BTC", 7)),
        (Kind.DELETE, (1, "BTC", 6), None),
    ]
    assert positions[-1] == await ledger.end()


async def test_rows_that_stay_as_they_were_are_not_told(ledger):
    await ledger.run(INSERT)
    begin = await ledger.end()
    await ledger.run("UPDATE {0}.balances SET available = 5")
    upsert = "INSERT INTO {0}.balances VALUES (1, 'BTC', 5), (2, 'BTC', 7) "
    await ledger.run(upsert + "ON DUPLICATE KEY UPDATE available = VALUES(available)")
    changes, _ = await ledger.changes(begin, 2)
    assert changes == [
        (Kind.UPDATE, (2, "BTC", 6), (2, "BTC", 5)),
        (Kind.UPDATE, (2, "BTC", 5), (2, "BTC", 7)),
    ]


async def test_a_position_goes_on_behind_its_transaction(ledger):
    await ledger.run(INSERT)
    begin = await ledger.end()
    await ledger.run("DELETE FROM {0}.balances WHERE user_id = 1")
    _, positions = await ledger.changes(begin, 1)
    await ledger.run("DELETE FROM {0}.balances")
    changes, _ = await ledger.changes(positions[-1], 1)
    assert changes == [(Kind.DELETE, (2, "BTC", 6), None)]


async def test_a_position_beyond_the_end_is_lost(ledger):
    end = await ledger.end()
    beyond = type(end)(end.file, end.offset + 1_000_000)
    with pytest.raises(BinlogLostError):
        await ledger.changes(beyond, 1)
