"""Each way in which a promise can be broken is found, and nothing is found where none is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from e2e.load.books import Row
from e2e.load.judge import Outcome, judge
from e2e.load.log import Log
from e2e.load.told import Placed, Told

BUY, SELL, REFUSED = 2055, 3079, 4103
ROWS = (
    Row(BUY, 7, "a", "FILLED", 5, 3),
    Row(SELL, 7, "b", "CANCELED", 5, 4),
    Row(REFUSED, 7, "c", "REJECTED", 0, 0),
)
AMOUNTS = {(7, "BTC"): (5, 0), (7, "USDT"): (10, 0)}


def told(*clients, unknown=(), refused=()):
    ids = {"a": BUY, "b": SELL, "c": REFUSED}
    placed = [Placed(ids[client], 7, client, 0, 0.1) for client in clients]
    return Told(placed=placed, unknown=list(unknown), refused_orders=list(refused))


def log(**changed):
    said: dict[str, Any] = {
        "events": 4,
        "entered": Counter([BUY, SELL]),
        "executed": Counter({BUY: 5, SELL: 5}),
        "legs": Counter([(1, BUY), (1, SELL)]),
        "trades": 1,
    }
    return Log(**said | changed)


RIGHT = Outcome(
    rows=ROWS,
    redis=AMOUNTS,
    ledger=AMOUNTS | {(9, "BTC"): (1, 0)},
    booked=Counter([(1, BUY), (1, SELL)]),
    log=log(),
    faults=(),
)


def broken(**changed):
    """The names of what is wrong in an outcome, with how many."""
    found = judge(told("a", "b", "c"), replace(RIGHT, **changed))
    kinds = ("lost", "doubled", "unasked", "held", "different", "faults")
    return {kind: len(getattr(found, kind)) for kind in kinds if getattr(found, kind)}


def test_nothing_is_wrong_where_all_books_say_what_clients_were_told():
    found = judge(told("a", "b", "c"), RIGHT)
    assert found.right
    assert (found.orders, found.filled, found.trades) == (3, 2, 1)


@pytest.mark.parametrize("rows", [ROWS[1:], (replace(ROWS[0], client_order_id="z"), *ROWS[1:])])
def test_an_acknowledged_order_that_is_not_there_or_is_another_is_lost(rows):
    assert broken(rows=rows) == {"lost": 1}


def test_an_order_that_no_event_names_is_lost_unless_position_refused_it():
    assert broken(log=log(entered=Counter([BUY]))) == {"lost": 1}


def test_two_orders_under_one_clients_id_are_one_too_many():
    assert broken(rows=(*ROWS, replace(ROWS[2], order_id=5127))) == {"doubled": 1}


def test_an_order_that_entered_its_pair_twice_is_doubled():
    assert broken(log=log(entered=Counter([BUY, BUY, SELL]))) == {"doubled": 1}


def test_a_trade_is_booked_once_for_each_side():
    assert broken(booked=Counter([(1, BUY)])) == {"lost": 1}
    assert broken(booked=Counter([(1, BUY), (1, SELL), (1, SELL)])) == {"doubled": 1}
    assert broken(booked=RIGHT.booked + Counter([(2, BUY)])) == {"doubled": 1}


def test_funds_that_are_held_for_nobody_are_found():
    amounts = {(7, "BTC"): (5, 1), (7, "USDT"): (10, 0)}
    assert broken(redis=amounts, ledger=amounts) == {"held": 1}


def test_redis_and_ledger_are_compared_and_rows_with_events():
    assert broken(ledger={(7, "BTC"): (5, 0)}) == {"different": 1}
    assert broken(log=log(executed=Counter({BUY: 5, SELL: 4}))) == {"different": 1}


def test_faults_of_the_trial_balance_and_of_numbers_count():
    assert broken(faults=["BTC is off by 1"], log=log(faults=["event 2 is followed by 4"])) == {"faults": 2}


def test_what_was_refused_is_not_there():
    found = judge(told("a", refused=[(7, "b"), (7, "z")]), RIGHT)
    assert found.unasked == ["b of user 7"]
    assert not found.right


def test_an_order_without_an_answer_may_be_there_or_not():
    found = judge(told("a", unknown=[(7, "b"), (7, "z")]), RIGHT)
    assert found.found == 1
    assert found.right
