"""Users recomputed from the logs alone come to what an exchange with rules of its own says."""

from __future__ import annotations

import pytest
from outcry_services.reconciler.replay import Origin, Replay
from outcry_services.reconciler.state import Balance, Posting

from services.tests.settlement.exchange import Exchange


def replayed(exchange, *, repeats=1):
    replay = Replay(exchange.users)
    records = exchange.records(most=4)
    for kind in ("orders", "order-events", "events."):
        for (topic, partition), messages in records.items():
            if not topic.startswith(kind) or (kind == "orders" and topic != "orders"):
                continue
            for _ in range(repeats):
                for offset, message in enumerate(messages):
                    origin = Origin(topic, partition, offset)
                    if kind == "orders":
                        replay.instructions(message)
                    elif kind == "order-events":
                        replay.answers(message, origin)
                    else:
                        replay.events(message, origin)
    return replay


def end_of(exchange):
    return {"i": 10**9} | dict.fromkeys(exchange.symbols, 10**9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("repeats", [1, 2])
def test_a_replay_comes_to_the_same_balances_and_holds(seed, repeats):
    exchange = Exchange(seed, stp=seed == 2)
    exchange.trade(300)
    replay = replayed(exchange, repeats=repeats)
    end = end_of(exchange)
    found = {}
    holds = {}
    for user in exchange.users:
        view = replay.view(user, end)
        found |= {
            (user, asset): (one.available, one.held)
            for asset, one in view.balances.items()
            if one != Balance()
        }
        holds |= {number: left for number, (_, left) in replay.holds(user, end).items()}
    assert found == exchange.balances()
    assert holds == {key: hold["left"] for key, hold in exchange.holds.items()}


def test_what_redis_has_carried_out_is_added_until_the_log_tells_of_it():
    """Judged by logs without it, both sides would be wrong; added to logs that have it, it counts twice."""
    exchange = Exchange(1)
    user = exchange.users[0]
    exchange.deposit(user, "USD", 1000)
    untold = [Posting("i", number, "USD", 50, 0) for number in (1, 2, 3)]
    replay = replayed(exchange)
    assert replay.answered(user) == 1
    assert replay.unanswered(user, untold) == untold[1:]
    replay.assume(user, untold[1:2], 2)
    assert replay.unanswered(user, untold) == untold[2:]


def test_a_cut_shows_what_was_then():
    exchange = Exchange(1)
    user = exchange.users[0]
    exchange.deposit(user, "USD", 1000)
    exchange.deposit(user, "USD", 500)
    exchange.withdraw(user, "USD", 200)
    replay = replayed(exchange)
    assert replay.view(user, {"i": 1}).balances == {"USD": Balance(1000, 0)}
    assert replay.view(user, {"i": 2}).balances == {"USD": Balance(1500, 0)}
    assert replay.view(user, {"i": 3}).balances == {"USD": Balance(1300, 200)}
    assert replay.last(user, {"i": 2}) == {"i": 2}
    assert replay.covers(user, {"i": 3, "AAA-USD": 10**6})
    assert not replay.covers(user, {"i": 4})
    assert [told.position for told in replay.around(user, {"i": 1}, most=1)] == [1, 2]
    assert replay.newest(user) == {"i": 3}
