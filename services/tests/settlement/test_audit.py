"""An error of one unit, wherever it is planted, is found and named."""

from __future__ import annotations

import random
import re

import pytest
from outcry_services.settlement.audit import audit
from outcry_services.settlement.schema import naming

from services.tests.settlement.exchange import BUY, SELL, Exchange
from services.tests.settlement.feeding import Feeder

SYMBOL = "AAA-USD"


def small_exchange():
    """One trade, one open order of user 1 (number 3), one withdrawal."""
    exchange = Exchange(0, symbols=(SYMBOL,), users=2)
    first, second = exchange.users
    exchange.deposit(first, "USD", 1_000_000)
    exchange.deposit(second, "AAA", 50_000)
    exchange.order(first, SYMBOL, BUY, price=100, lots=10)
    exchange.order(second, SYMBOL, SELL, price=90, lots=4)
    exchange.order(first, SYMBOL, BUY, price=80, lots=5)
    exchange.withdraw(second, "AAA", 777)
    return exchange


async def faults_of(ledger):
    async with ledger.mysql.transaction() as session:
        return (await audit(session, naming(ledger.database))).faults


async def settled(ledger, exchange):
    await Feeder(ledger.store, exchange.records(), random.Random(0)).run()


async def test_books_that_balance_have_no_faults_and_say_where_they_stand(ledger):
    exchange = small_exchange()
    await settled(ledger, exchange)
    async with ledger.mysql.transaction() as session:
        trial = await audit(session, naming(ledger.database))
    assert trial.faults == []
    assert trial.balanced
    assert {asset: sum(accounts.values()) for asset, accounts in trial.sums.items()} == {
        "AAA": 0,
        "USD": 0,
    }
    assert trial.sums["USD"]["deposits"] == -1_000_000
    assert trial.sums["AAA"]["fees"] == exchange.fees_taken["AAA"]
    # Two deposits, three holds, a withdrawal, two legs.
    assert trial.transactions == 8
    assert ("events.AAA-USD", 0, len(exchange.records()["events.AAA-USD", 0])) in trial.positions


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            "UPDATE ledger.entries SET amount = amount + 1 WHERE source = 'AAA-USD' AND kind = 'fee'",
            r"transaction e:AAA-USD:\d+:1 sums to 2 USD, not 0",
        ),
        (
            "UPDATE ledger.balances SET available = available + 1 WHERE user_id = 1 AND asset = 'AAA'",
            r"user 1 AAA: the balance says 4002 available and 0 held, the entries 4001 and 0",
        ),
        (
            "UPDATE ledger.balances SET held = held - 1 WHERE user_id = 174",
            r"user 174 AAA: the balance says 45223 available and 776 held, the entries 45223 and 777",
        ),
        (
            "UPDATE ledger.balances SET available = -1 WHERE user_id = 174 AND asset = 'USD'",
            r"user 174 USD: -1 available and 0 held, and no balance may be negative",
        ),
        (
            "DELETE FROM ledger.balances WHERE user_id = 1 AND asset = 'USD'",
            r"user 1 USD: there is no balance, the entries say \d+ available and 7000 held",
        ),
        (
            "UPDATE ledger.holds SET left_amount = left_amount + 1 WHERE user_id = 174",
            r"user 174 AAA: 777 are held, and open orders and withdrawals hold 778",
        ),
        ("DELETE FROM ledger.holds WHERE user_id = 174", r"777 are held, and .* hold 0"),
        (
            "UPDATE ledger.house SET balance = balance + 1 WHERE account = 'fees' AND asset = 'USD'",
            r"the house's fees AAA-USD USD: the balance says \d+, the entries \d+",
        ),
        (
            "DELETE FROM ledger.house WHERE account = 'deposits' AND asset = 'USD'",
            r"the house's deposits USD: there is no balance, the entries say -1000000",
        ),
        (
            "UPDATE ledger.entries SET balance = balance + 1 WHERE source = 'i:1' AND kind = 'deposit'",
            r"entry 1 of i:1:1 shows user 1 1000001 USD available, the entries up to it sum to 1000000",
        ),
        (
            "DELETE FROM ledger.entries WHERE source = 'i:1' AND position = 1",
            r"transaction i:1:1 has no entries",
        ),
        (
            "DELETE FROM ledger.transactions WHERE source = 'i:1' AND position = 1",
            r"entry 0 of i:1:1 belongs to no transaction",
        ),
        (
            "DELETE FROM ledger.entries WHERE source = 'AAA-USD' AND user_id = 0 AND account = 'clearing'",
            r"transaction e:AAA-USD:\d+:0 sums to \d+ AAA, not 0",
        ),
        (
            "UPDATE ledger.cursors SET position = 0 WHERE source = 'i:1'",
            r"i:1:1 is beyond the cursor .*\(0\)",
        ),
        (
            "UPDATE ledger.outside SET amount = amount - 1 WHERE asset = 'USD'",
            r"chains must have 1000000 USD by the entries, 999999 by what is kept of each deposit and payout",
        ),
    ],
)
async def test_a_planted_error_is_found_and_named(ledger, statement, found):
    await settled(ledger, small_exchange())
    assert await ledger.change(statement) >= 1
    assert any(re.search(found, fault) for fault in await faults_of(ledger))


async def test_a_trade_with_an_order_that_nobody_paid_for_shows_in_clearing(ledger):
    exchange = small_exchange()
    trade = next(it for it in exchange.events[SYMBOL] if it.WhichOneof("body") == "trade_executed")
    trade.trade_executed.taker_order_id = 5
    await settled(ledger, exchange)
    assert sorted(await faults_of(ledger))[:2] == [
        "trades of AAA-USD leave -4000 AAA in clearing: a leg had no order with funds",
        "trades of AAA-USD leave 2800 USD in clearing: a leg had no order with funds",
    ]
