"""Two engines in this process, and a broker that is frozen, killed and brought back under them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.backends import wait_until

if TYPE_CHECKING:
    from conftest import Market

pytestmark = pytest.mark.integration


def test_a_killed_broker_costs_nothing(market: Market) -> None:
    market.hot(market.a, 1)
    market.send(2_000)
    market.kafka.kill()
    market.kafka.start()
    market.send(2_000)
    if market.a.status().role != "hot":
        market.hot(market.b, 2)
    market.published(market.a if market.a.status().role == "hot" else market.b)
    market.judge()
    for engine in (market.a, market.b):
        assert engine.status().role in ("hot", "warm"), engine.status().reason


def test_a_broker_that_answers_nobody_silences_the_hot_replica(market: Market) -> None:
    market.hot(market.a, 1)
    market.send(1_000)
    market.published(market.a)
    market.send(1_000)
    market.kafka.pause()
    # Whatever was on its way when the broker froze is unacknowledged; without any, reads tell.
    wait_until(lambda: (market.b.status().kafka_read_age or 0) > 1.5, seconds=20, what="reads unanswered")
    assert (market.b.status().kafka_write_age or 0) > 1
    market.kafka.resume()
    wait_until(lambda: (market.b.status().kafka_write_age or 9) < 1, seconds=20, what="writes answered")
    market.a.demote("test")
    market.hot(market.b, 2)
    market.send(1_000)
    market.published(market.b)
    market.judge()


def test_both_replicas_at_once_harm_nothing(market: Market) -> None:
    market.hot(market.a, 5)
    market.hot(market.b, 5)
    market.send(5_000)
    wait_until(
        lambda: {market.a.status().role, market.b.status().role} != {"hot"},
        seconds=30,
        what="one falls silent",
    )
    market.send(1_000)
    for engine, epoch in ((market.a, 8), (market.b, 9)):
        if engine.status().role != "hot":
            market.hot(engine, epoch)
    market.send(1_000)
    wait_until(
        lambda: max(e.status().published_seq for e in (market.a, market.b)) == market.input.seq,
        seconds=60,
        what="all published",
    )
    market.judge()
