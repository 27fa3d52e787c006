"""Whatever order, repeats and restarts the logs come with, the ledger comes to the same."""

from __future__ import annotations

import random

import pytest

from services.tests.settlement.exchange import Exchange
from services.tests.settlement.feeding import Feeder
from services.tests.settlement.ledgers import fake_ledger


async def settle(ledger, exchange, seed, **named):
    feeder = Feeder(ledger.store, exchange.records(most=1 + seed % 5), random.Random(seed))
    await feeder.run(**named)
    return feeder


async def check(ledger, exchange):
    assert await ledger.balances() == exchange.balances()
    assert await ledger.holds() == {key: hold["left"] for key, hold in exchange.holds.items()}
    fees = await ledger.rows(
        "SELECT asset, SUM(balance) FROM ledger.house WHERE account = 'fees' GROUP BY asset"
    )
    assert {asset: int(amount) for asset, amount in fees if amount} == {
        asset: amount for asset, amount in exchange.fees_taken.items() if amount
    }
    assert await ledger.house("clearing") == {}
    assert await ledger.house("house") == {}
    assert (
        await ledger.rows(
            "SELECT source, position, asset FROM ledger.entries "
            "GROUP BY source, position, asset HAVING SUM(amount) <> 0"
        )
        == []
    )


@pytest.mark.parametrize("seed", range(6))
async def test_the_ledger_agrees_with_an_exchange_of_its_own_rules(seed):
    exchange = Exchange(seed, maker_ppm=(-250, 300)[seed % 2], stp=seed % 3 == 0)
    exchange.trade(400)
    async with fake_ledger() as ledger:
        await settle(ledger, exchange, seed, restarts=0.03)
        await check(ledger, exchange)
