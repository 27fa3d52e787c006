"""Real Canal and our client on one binary log: the same row changes, values and order."""

from __future__ import annotations

import json
import random
import subprocess
import uuid
from pathlib import Path

import pytest
from outcry_services.common.mysql import MySqlAddress
from outcry_services.reconciler.binlog import Binlog, BinlogPosition

from e2e.backends import MariaDbServer
from e2e.backends.jars import canal_libs

pytestmark = pytest.mark.integration

SOURCE = Path(__file__).parent / "canal" / "RowChanges.java"
TABLES = {
    "balances": (
        "user_id BIGINT UNSIGNED NOT NULL, asset VARCHAR(16) CHARACTER SET ascii NOT NULL, "
        "available BIGINT NOT NULL, held BIGINT NOT NULL, PRIMARY KEY (user_id, asset)"
    ),
    "holds": (
        "id BIGINT UNSIGNED PRIMARY KEY, user_id BIGINT UNSIGNED NOT NULL, note VARCHAR(40) NULL, "
        "flag BOOL NOT NULL"
    ),
}


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """The small main around Canal, compiled."""
    out = tmp_path_factory.mktemp("canal")
    command = ["javac", "-cp", f"{canal_libs()}/*", "-d", str(out), str(SOURCE)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return out


def canal_changes(server, schema, begin, *, classes, user, password):
    """What Canal makes of the log, from `begin` to the table `end`."""
    place = [server.host, str(server.port), user, password, schema, begin.file, str(begin.offset), "91234"]
    command = [
        "java",
        "-Xmx256m",
        "-XX:+UseSerialGC",
        "-cp",
        f"{classes}:{canal_libs()}/*",
        "RowChanges",
        *place,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"table"')]
    return [tuple(json.loads(line)[name] for name in ("table", "kind", "before", "after")) for line in lines]


async def own_changes(server, schema, begin):
    """The same of our client."""
    binlog = Binlog(
        MySqlAddress.parse(server.url), server_id=91_235, schema=schema, tables=frozenset({*TABLES, "end"})
    )
    found = []
    chunks = binlog.follow(begin)
    async for chunk in chunks:
        found += [one for one in chunk.changes if one.table != f"{schema}.end"]
        if any(one.table == f"{schema}.end" for one in chunk.changes):
            break
    await chunks.aclose()
    return [(one.table, one.kind.value, text_of(one.before), text_of(one.after)) for one in found]


def text_of(row):
    """Canal gives every value as text."""
    return (
        None if row is None else {name: None if value is None else str(value) for name, value in row.items()}
    )


def write(server, schema, seed):
    """Transactions of every kind that settlement makes, and some that it doesn't."""
    chance = random.Random(seed)
    for number in range(1, 120):
        user, amount = (
            chance.choice([1, 7, 2**64 - 1]),
            chance.choice([0, 1, -(2**63), 2**63 - 1, 10**17 + number]),
        )
        kind = chance.randrange(6)
        if kind == 0:
            server.execute(
                f"INSERT INTO {schema}.balances VALUES (%s, %s, %s, 0) "
                "ON DUPLICATE KEY UPDATE available = %s",
                (user, chance.choice(["BTC", "USDT"]), amount, amount),
            )
        elif kind == 1:
            server.execute(
                f"INSERT INTO {schema}.holds VALUES (%s, %s, %s, %s)", (number, user, None, number % 2)
            )
        elif kind == 2:
            server.execute(f"UPDATE {schema}.balances SET held = %s WHERE user_id = %s", (amount, user))
        elif kind == 3:
            server.execute(
                f"UPDATE {schema}.holds SET note = %s ORDER BY id LIMIT 3", (f"n{number} é 'quoted'",)
            )
        elif kind == 4:
            server.execute(f"DELETE FROM {schema}.holds ORDER BY id LIMIT 1")
        else:
            server.execute(f"REPLACE INTO {schema}.holds VALUES (%s, %s, 'again', 1)", (number - 1, user))
        if number == 60:
            server.execute("FLUSH BINARY LOGS")


async def test_canal_sees_what_we_see(classes):
    with MariaDbServer() as server:
        schema = f"l{uuid.uuid4().hex[:8]}"
        server.execute(f"CREATE DATABASE {schema}")
        for table, columns in TABLES.items():
            server.execute(f"CREATE TABLE {schema}.{table} ({columns})")
        server.execute(f"CREATE TABLE {schema}.end (id INT PRIMARY KEY)")
        # Canal speaks the old password protocol, and wants a password.
        server.execute("CREATE USER canal@'127.0.0.1' IDENTIFIED BY 'only-a-test'")
        server.execute("GRANT SELECT, REPLICATION SLAVE, BINLOG MONITOR, RELOAD ON *.* TO canal@'127.0.0.1'")
        ((file, offset, *_),) = server.execute("SHOW MASTER STATUS")
        begin = BinlogPosition(file, offset)
        write(server, schema, seed=5)
        server.execute(f"INSERT INTO {schema}.end VALUES (1)")
        ours = await own_changes(server, schema, begin)
        theirs = canal_changes(server, schema, begin, classes=classes, user="canal", password="only-a-test")
    assert len(ours) > 100
    assert {kind for _, kind, _, _ in ours} == {"INSERT", "UPDATE", "DELETE"}
    assert theirs == ours
