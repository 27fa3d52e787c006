"""The call's price against a search through every price of the band."""

from __future__ import annotations

import random
from typing import Any

import pytest

from e2e.oracle import Oracle, auction, words
from e2e.oracle.commands import Command, Filters, NewOrder, PairSettings


def call(seed: int) -> Oracle:
    choose = random.Random(seed)
    oracle = Oracle()
    settings = PairSettings(
        trading_status=words.AUCTION,
        rules_version=2,
        price_band_lower=90,
        price_band_upper=110,
        quote_units_per_tick_lot=1,
        base_units_per_lot=1,
        filters=Filters(reference_price=choose.choice((0, 88, 95, 100, 104, 120))),
    )
    oracle.apply(Command(words.OPERATOR, 1, 1, 0, settings))
    for number in range(1, choose.randint(2, 14)):
        order = NewOrder(
            order_id=number,
            user_id=number,
            side=choose.choice((words.BUY, words.SELL)),
            type=words.LIMIT,
            time_in_force=words.GTC,
            price=choose.randint(90, 110),
            quantity=choose.randint(1, 9),
        )
        oracle.apply(Command(2048, 1, number, 0, order))
    return oracle


@pytest.mark.parametrize("seed", range(200))
def test_the_candidates_hold_the_best_of_all_prices(seed):
    market = call(seed).market
    assert market.settings is not None
    few = auction.choose(market, auction.candidates(market, market.settings))
    assert few == auction.choose(market, list(range(90, 111)))


@pytest.mark.parametrize("seed", range(50))
def test_an_uncross_trades_its_whole_volume_and_leaves_nothing_crossed(seed):
    oracle = call(seed)
    assert oracle.market.settings is not None
    settings = oracle.market.settings._replace(trading_status=words.TRADING)
    events: list[Any] = [event.body for event in oracle.apply(Command(words.OPERATOR, 1, 2, 0, settings))]
    uncrossed = events[2]
    assert sum(trade.quantity for trade in events[3:]) == uncrossed.volume
    assert {trade.price for trade in events[3:]} <= {uncrossed.price}
    bids, asks = oracle.depth()
    assert not bids or not asks or bids[0].price < asks[0].price
