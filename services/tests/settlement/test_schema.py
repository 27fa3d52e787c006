"""Tables are made where they are missing, and wrong settings are named."""

from __future__ import annotations

import random

import pytest
from outcry_services.common.errors import ConfigError, UnavailableError
from outcry_services.settlement.schema import migrate, naming
from outcry_services.settlement.settings import SettlementSettings

from services.tests.settlement.exchange import Exchange
from services.tests.settlement.feeding import Feeder
from services.tests.settlement.ledgers import real_ledger


async def test_a_migration_that_was_cut_short_is_made_whole_by_the_next(ledger):
    await ledger.change("DELETE FROM ledger.writer")
    with pytest.raises(UnavailableError) as raised:
        await ledger.store.open()
    assert raised.value.name == "LEDGER_NOT_MIGRATED"
    await ledger.rows("DROP TABLE ledger.holds")
    await migrate(ledger.mysql, database=ledger.database)
    assert (await ledger.store.open()).epoch == 1
    assert await ledger.holds() == {}
    await migrate(ledger.mysql, database=ledger.database)
    assert (await ledger.store.open()).epoch == 2


@pytest.mark.integration
async def test_what_the_house_owes_to_all_users_together_may_leave_64_bits(mariadb):
    async with real_ledger(mariadb) as ledger:
        await ledger.change("ALTER TABLE ledger.house MODIFY balance BIGINT NOT NULL")
        await ledger.change("INSERT INTO ledger.house VALUES ('deposits', '', 'USD', %s)", [-(1 << 63)])
        await migrate(ledger.mysql, database=ledger.database)
        exchange = Exchange(1)
        exchange.trade(100)
        await Feeder(ledger.store, exchange.records(most=5), random.Random(1), stride=10).run()
        assert (await ledger.house("deposits"))["", "USD"] < -(1 << 63)
        assert await ledger.balances() == exchange.balances()


@pytest.mark.parametrize("name", ["", "Ledger", "a-b", "a b", "a.b", "a`b", "1a", "x" * 64])
def test_what_is_no_name_of_a_database_gets_into_no_statement(name):
    with pytest.raises(ConfigError, match="is no name of a database"):
        naming(name)


def settings(**change):
    given = {"kafka": "kafka:9092", "ledger": "mysql://mysql:3307", "mysql_user": "settlement"} | change
    return SettlementSettings.model_validate(given)


def test_the_ledgers_address_has_no_user_and_no_password_in_it():
    address = settings().address()
    assert (address.host, address.port, address.user) == ("mysql", 3307, "settlement")
    assert settings(ledger="mysql://mysql").address().port == 3306
    for wrong in ("mysql:3306", "mysql://root@mysql", "mysql://root:hunter2@mysql", "postgres://mysql"):
        with pytest.raises(ConfigError, match="OUTCRY_LEDGER is not like") as raised:
            settings(ledger=wrong).address()
        assert "hunter2" not in raised.value.message
