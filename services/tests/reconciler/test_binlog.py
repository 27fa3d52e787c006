"""The binary log of a real MariaDB, change by change, from any position between two transactions."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager

import pytest
from outcry_services.common.mysql import MySqlAddress
from outcry_services.reconciler.binlog import Binlog, BinlogPosition, Kind
from outcry_services.reconciler.errors import BinlogAwayError, BinlogLostError

from e2e.backends import MariaDbServer, wait_until

pytestmark = pytest.mark.integration

BALANCES = """
CREATE TABLE {schema}.balances (
  user_id BIGINT UNSIGNED NOT NULL, asset VARCHAR(16) CHARACTER SET ascii NOT NULL,
  available BIGINT NOT NULL, held BIGINT NOT NULL, PRIMARY KEY (user_id, asset))
"""


class Ledger:
    """A schema of the test's own."""

    def __init__(self, server):
        self.server = server
        self.schema = f"l{uuid.uuid4().hex[:8]}"
        server.execute(f"CREATE DATABASE {self.schema}")
        server.execute(BALANCES.format(schema=self.schema))

    def run(self, statement, arguments=()):
        return self.server.execute(statement.replace("ledger.", f"{self.schema}."), arguments)

    def insert(self, user, available, asset="BTC"):
        self.run("INSERT INTO ledger.balances VALUES (%s, %s, %s, 0)", (user, asset, available))

    def end(self):
        ((file, offset, *_),) = self.server.execute("SHOW MASTER STATUS")
        return BinlogPosition(file, offset)

    def binlog(self, **named):
        address = MySqlAddress.parse(self.server.url)
        named = {"server_id": 90_000, "schema": self.schema, "tables": frozenset({"balances"})} | named
        return Binlog(address, **named)


@asynccontextmanager
async def following(binlog, position):
    chunks = binlog.follow(position)
    try:
        yield chunks
    finally:
        await chunks.aclose()


async def take(chunks, rows):
    """The first `rows` changes, and the position behind them."""
    found, position = [], None
    async for chunk in chunks:
        found += chunk.changes
        position = chunk.position
        if len(found) >= rows:
            break
    return found, position


def seen(changes):
    return [
        (one.kind, *(row and (row["user_id"], row["available"]) for row in (one.before, one.after)))
        for one in changes
    ]


async def test_every_change_comes_whole_and_in_order(mariadb):
    ledger = Ledger(mariadb)
    begin = ledger.end()
    ledger.insert(2**64 - 1, -(2**63))
    ledger.run("UPDATE ledger.balances SET available = %s", (2**63 - 1,))
    ledger.run("DELETE FROM ledger.balances")
    async with following(ledger.binlog(), begin) as chunks:
        changes, _ = await take(chunks, 3)
    user = 2**64 - 1
    assert seen(changes) == [
        (Kind.INSERT, None, (user, -(2**63))),
        (Kind.UPDATE, (user, -(2**63)), (user, 2**63 - 1)),
        (Kind.DELETE, (user, 2**63 - 1), None),
    ]
    assert changes[0].after == {"user_id": user, "asset": "BTC", "available": -(2**63), "held": 0}
    assert {one.table for one in changes} == {f"{ledger.schema}.balances"}


async def test_what_comes_later_is_seen_and_other_tables_are_not(mariadb):
    ledger = Ledger(mariadb)
    ledger.run("CREATE TABLE ledger.other (id INT PRIMARY KEY)")
    async with following(ledger.binlog(), ledger.end()) as chunks:
        first = asyncio.ensure_future(take(chunks, 1))
        ledger.run("INSERT INTO ledger.other VALUES (1)")
        Ledger(mariadb).insert(1, 1)
        ledger.run("ALTER TABLE ledger.balances ADD COLUMN note VARCHAR(8) NULL")
        ledger.run("INSERT INTO ledger.balances VALUES (7, 'BTC', 5, 0, 'x')")
        changes, _ = await first
    assert [one.after for one in changes] == [
        {"user_id": 7, "asset": "BTC", "available": 5, "held": 0, "note": "x"}
    ]


async def test_a_position_resumes_behind_its_transaction(mariadb):
    ledger = Ledger(mariadb)
    begin = ledger.end()
    for user in range(1, 6):
        ledger.insert(user, user)
    users = []
    position = begin
    while len(users) < 5:
        async with following(ledger.binlog(most_chunks=1), position) as chunks:
            changes, position = await take(chunks, 1)
        users += [one.row["user_id"] for one in changes]
    assert users == [1, 2, 3, 4, 5]


async def test_a_large_transaction_comes_in_parts_and_moves_the_position_at_its_end(mariadb):
    ledger = Ledger(mariadb)
    ledger.insert(0, 0)
    begin = ledger.end()
    ledger.run("INSERT INTO ledger.balances SELECT seq, 'BTC', seq, 0 FROM ledger.seq_1_to_5000")
    ledger.insert(6000, 1)
    async with following(ledger.binlog(chunk_rows=500, most_chunks=2), begin) as chunks:
        positions, users = [], []
        async for chunk in chunks:
            users += [one.row["user_id"] for one in chunk.changes]
            positions.append(chunk.position)
            if len(users) == 5001:
                break
    assert users == [*range(1, 5001), 6000]
    assert len(positions) > 5
    # A reader that stops inside it reads it again whole.
    assert set(positions[:-2]) == {begin}
    assert positions[-2].offset > begin.offset


async def test_a_reader_that_waits_holds_little(mariadb):
    """The thread stops at a full hand-over; once the reader goes on, nothing is missing."""
    ledger = Ledger(mariadb)
    begin = ledger.end()
    for base in range(0, 3000, 100):
        ledger.run(
            f"INSERT INTO ledger.balances SELECT seq, 'BTC', 1, 0 FROM ledger.seq_{base + 1}_to_{base + 100}"
        )
    async with following(ledger.binlog(chunk_rows=10, most_chunks=2), begin) as chunks:
        first = await anext(chunks)
        ledger.run("SELECT SLEEP(0.5)")
        rest, _ = await take(chunks, 3000 - len(first.changes))
    assert [one.row["user_id"] for one in (*first.changes, *rest)] == list(range(1, 3001))


async def test_the_next_file_is_followed(mariadb):
    ledger = Ledger(mariadb)
    begin = ledger.end()
    ledger.insert(1, 1)
    ledger.run("FLUSH BINARY LOGS")
    ledger.insert(2, 2)
    async with following(ledger.binlog(), begin) as chunks:
        changes, position = await take(chunks, 2)
    assert seen(changes) == [(Kind.INSERT, None, (1, 1)), (Kind.INSERT, None, (2, 2))]
    # Behind the last transaction the server may have noted something of its own.
    assert begin.file < position.file == ledger.end().file
    assert position.offset <= ledger.end().offset


async def test_a_killed_server_ends_the_stream_and_loses_nothing():
    with MariaDbServer() as server:
        ledger = Ledger(server)
        ledger.insert(1, 1)
        async with following(ledger.binlog(), ledger.end()) as chunks:
            ledger.insert(2, 2)
            _, position = await take(chunks, 1)
            ledger.insert(3, 3)
            server.kill()
            with pytest.raises(BinlogAwayError):
                await take(chunks, 10)
        server.start()
        ledger.insert(4, 4)
        async with following(ledger.binlog(), position) as chunks:
            changes, _ = await take(chunks, 2)
        assert [one.row["user_id"] for one in changes] == [3, 4]


async def test_a_position_that_is_gone_is_named():
    with MariaDbServer() as server:
        ledger = Ledger(server)
        begin = ledger.end()
        ledger.insert(1, 1)
        ledger.run("FLUSH BINARY LOGS")

        def purged():
            # A file stays until the engine has written down what is in it.
            server.execute(f"PURGE BINARY LOGS TO '{ledger.end().file}'")
            return server.execute("SHOW BINARY LOGS")[0][0] != begin.file

        wait_until(purged, seconds=30, what="the first file's end")
        async with following(ledger.binlog(), begin) as chunks:
            with pytest.raises(BinlogLostError, match=begin.file):
                await take(chunks, 1)


async def test_a_second_reader_of_the_same_id_ends_the_first(mariadb):
    ledger = Ledger(mariadb)
    begin = ledger.end()
    async with (
        following(ledger.binlog(server_id=90_001), begin) as old,
        following(ledger.binlog(server_id=90_001), begin) as new,
    ):
        ledger.insert(1, 1)
        await take(old, 1)
        await take(new, 1)
        ledger.insert(2, 2)
        with pytest.raises(BinlogAwayError):
            await take(old, 2)
        changes, _ = await take(new, 1)
        assert [one.row["user_id"] for one in changes] == [2]
