"""A ledger for tests: in the fake MySQL, or in a database of its own of a real one."""

from __future__ import annotations

import uuid
from contextlib import asynccontextmanager

from outcry_services.common.mysql import MySql, MySqlAddress
from outcry_services.settlement.ledger_store import LedgerStore
from outcry_services.settlement.schema import migrate

from e2e.simulation.mysql_client import FakeMySql
from e2e.simulation.mysql_server import FakeMySqlServer


class Ledger:
    """A migrated database."""

    def __init__(self, mysql, database):
        self.mysql, self.database = mysql, database
        self.store = LedgerStore(mysql, database=database)

    async def rows(self, statement, arguments=()):
        async with self.mysql.session() as session:
            return await session.query(statement.replace("ledger.", f"{self.database}."), arguments)

    async def change(self, statement, arguments=()):
        """By hand, as nobody should."""
        async with self.mysql.transaction() as session:
            return await session.execute(statement.replace("ledger.", f"{self.database}."), arguments)

    async def balances(self):
        rows = await self.rows("SELECT user_id, asset, available, held FROM ledger.balances")
        return {(user, asset): (free, held) for user, asset, free, held in rows if free or held}

    async def holds(self):
        rows = await self.rows("SELECT id, left_amount FROM ledger.holds")
        return dict(rows)

    async def house(self, account):
        rows = await self.rows("SELECT scope, asset, balance FROM ledger.house WHERE account = %s", [account])
        return {(scope, asset): balance for scope, asset, balance in rows if balance}


@asynccontextmanager
async def fake_ledger():
    ledger = Ledger(FakeMySql(FakeMySqlServer()), "ledger")
    await migrate(ledger.mysql, database=ledger.database)
    yield ledger


@asynccontextmanager
async def real_ledger(mariadb):
    mysql = MySql(MySqlAddress.parse(mariadb.url))
    await mysql.open()
    ledger = Ledger(mysql, f"ledger_{uuid.uuid4().hex[:8]}")
    await migrate(mysql, database=ledger.database)
    try:
        yield ledger
    finally:
        await mysql.close()
