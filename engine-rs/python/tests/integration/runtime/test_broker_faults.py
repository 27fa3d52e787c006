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
    wait_until(lambda: (market.b.status().kafka_read_age or 0) > 1.5, seconds=60, what="reads unanswered")
    assert (market.b.status().kafka_write_age or 0) > 1
    market.kafka.resume()
    wait_until(lambda: (market.b.status().kafka_write_age or 9) < 1, seconds=60, what="writes answered")
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


def test_a_broker_that_stands_still_again_and_again_is_read_to_the_end(market: Market) -> None:
    """While it stands still its controller gives it up; when it is back, nothing has a leader for a moment.

    A client of Kafka that asks in that moment may hear nothing more of the partition, ever.
    """
    engines = (market.a, market.b)
    market.hot(market.a, 1)
    for unheard in (1, 4, 2, 1, 3, 4, 1, 2):
        market.send(100)
        market.kafka.pause()
        wait_until(
            lambda: all((engine.status().kafka_read_age or 0) > unheard for engine in engines),  # noqa: B023
            seconds=60,
            what="Kafka unheard",
        )
        market.kafka.resume()
        market.send(100)
        wait_until(
            lambda: all(engine.status().seq == market.input.seq for engine in engines),
            seconds=60,
            what="all read",
        )
        if not any(engine.status().role == "hot" for engine in engines):
            market.hot(market.b, max(engine.status().epoch for engine in engines) + 1)
    hot = next(engine for engine in engines if engine.status().role == "hot")
    market.published(hot)
    market.judge()
