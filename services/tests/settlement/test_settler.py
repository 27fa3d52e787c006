"""Whatever order, repeats and restarts the logs come with, the ledger comes to the same."""

from __future__ import annotations

import asyncio
import random

import pytest
from outcry_services.common.mysql_errors import MySqlLostError
from outcry_services.settlement.errors import NegativeBalanceError, SupersededError
from outcry_services.settlement.reading_store import ReadingStore

from e2e.backends import wait_until
from services.tests.settlement.exchange import BUY, SELL, Exchange
from services.tests.settlement.feeding import Feeder
from services.tests.settlement.ledgers import fake_ledger, real_ledger


async def settle(ledger, exchange, seed, *, stride=10, **named):
    feeder = Feeder(ledger.store, exchange.records(most=1 + seed % 5), random.Random(seed), stride=stride)
    await feeder.run(**named)
    return feeder


async def check(ledger, exchange):
    """As the exchange's own rules have it, and nothing left between two legs or paid by the house."""
    assert await ledger.balances() == exchange.balances()
    assert await ledger.holds() == {key: hold["left"] for key, hold in exchange.holds.items()}
    fees = await ledger.rows(
        "SELECT asset, SUM(balance) FROM ledger.house WHERE account = 'fees' GROUP BY asset"
    )
    taken = {asset: amount for asset, amount in exchange.fees_taken.items() if amount}
    assert {asset: int(amount) for asset, amount in fees if amount} == taken
    assert await ledger.house("clearing") == {}
    assert await ledger.house("house") == {}


@pytest.mark.parametrize("seed", range(6))
async def test_the_ledger_agrees_with_an_exchange_of_other_rules(seed):
    exchange = Exchange(seed, maker_ppm=(-250, 300)[seed % 2], stp=seed % 3 == 0)
    exchange.trade(400)
    async with fake_ledger() as ledger:
        await settle(ledger, exchange, seed, restarts=0.03)
        await check(ledger, exchange)


@pytest.mark.integration
@pytest.mark.parametrize("maker_ppm", [-250, 300])
async def test_after_thousands_of_trades_every_sum_is_zero_and_after_all_orders_every_hold(
    mariadb, maker_ppm
):
    exchange = Exchange(7, maker_ppm=maker_ppm, symbols=("AAA-USD", "BBB-USD", "BBB-AAA"), users=30)
    exchange.trade(6000)
    exchange.end_all()
    trades = [it for events in exchange.events.values() for it in events if it.HasField("trade_executed")]
    assert len(trades) > 2000
    async with real_ledger(mariadb) as ledger:
        await settle(ledger, exchange, 7, restarts=0.03, stride=100)
        await check(ledger, exchange)
        trial = await ReadingStore(ledger.mysql, database=ledger.database).trial()
        assert trial.faults == []
        assert trial.transactions > 2 * len(trades)
        # Withdrawals alone are held now.
        held = {asset: sums["held"] for asset, sums in trial.sums.items()}
        assert sum(held.values()) == sum(hold["left"] for hold in exchange.holds.values())
        assert all("symbol" not in hold for hold in exchange.holds.values())


async def test_repeating_everything_changes_nothing(ledger):
    exchange = Exchange(3)
    exchange.trade(150)
    feeder = await settle(ledger, exchange, 3)
    before = [await ledger.rows(f"SELECT * FROM ledger.{it}") for it in ("entries", "balances", "cursors")]
    feeder.read = dict.fromkeys(feeder.read, 0)
    while feeder.feed():
        await feeder.drain()
    after = [await ledger.rows(f"SELECT * FROM ledger.{it}") for it in ("entries", "balances", "cursors")]
    assert after == before


async def test_a_process_that_was_superseded_writes_nothing(ledger):
    exchange = Exchange(4)
    exchange.trade(50)
    old = Feeder(ledger.store, exchange.records(), random.Random(4))
    await old.restart()
    new = Feeder(ledger.store, exchange.records(), random.Random(5))
    await new.restart()
    while old.feed():
        pass
    with pytest.raises(SupersededError, match=r"epoch 2, not 1"):
        await old.settler.step()
    assert await ledger.rows("SELECT COUNT(*) FROM ledger.entries") == [(0,)]
    await new.run()
    await check(ledger, exchange)


@pytest.mark.integration
async def test_a_batch_that_is_killed_in_its_middle_is_not_there_at_all(mariadb):
    """Its entries are written and its cursors wait for a lock when the connection dies."""
    exchange = Exchange(5)
    exchange.trade(60)
    async with real_ledger(mariadb) as ledger:
        feeder = Feeder(ledger.store, exchange.records(), random.Random(5))
        await feeder.restart()
        while feeder.feed():
            pass
        async with ledger.mysql.transaction() as holder:
            await holder.execute(
                f"INSERT INTO {ledger.database}.cursors (source, incarnation, position) VALUES ('i:1', 1, 0)"
            )
            step = asyncio.create_task(feeder.settler.step())
            waiting = (
                "SELECT id FROM information_schema.processlist "
                f"WHERE info LIKE 'INSERT INTO {ledger.database}.cursors%' AND id <> CONNECTION_ID()"
            )
            await asyncio.to_thread(
                wait_until, lambda: mariadb.execute(waiting), seconds=30, what="a batch at its cursors"
            )
            modified = mariadb.execute("SELECT trx_rows_modified FROM information_schema.innodb_trx")
            assert max(rows for (rows,) in modified) > 50
            ((connection,),) = mariadb.execute(waiting)
            mariadb.execute(f"KILL CONNECTION {connection}")
            with pytest.raises(MySqlLostError):
                await step
            await holder.execute(f"DELETE FROM {ledger.database}.cursors")
        assert await ledger.rows("SELECT COUNT(*) FROM ledger.entries") == [(0,)]
        await feeder.run()
        await check(ledger, exchange)


async def test_a_row_that_was_changed_by_hand_stops_the_books_before_anything_is_negative(ledger):
    exchange = Exchange(0, symbols=("AAA-USD",), users=2)
    buyer, seller = exchange.users
    exchange.deposit(buyer, "USD", 1_000_000)
    exchange.deposit(seller, "AAA", 50_000)
    exchange.order(buyer, "AAA-USD", BUY, price=100, lots=10)
    await settle(ledger, exchange, 0)
    exchange.order(seller, "AAA-USD", SELL, price=90, lots=10)
    await ledger.change("UPDATE ledger.balances SET held = held - 1 WHERE user_id = %s", [buyer])
    feeder = Feeder(ledger.store, exchange.records(most=1), random.Random(0))
    with pytest.raises(NegativeBalanceError, match=r"would leave user 1 -1 USD held"):
        await feeder.run()
    await ledger.change("UPDATE ledger.balances SET held = held + 1 WHERE user_id = %s", [buyer])
    await feeder.run()
    await check(ledger, exchange)
