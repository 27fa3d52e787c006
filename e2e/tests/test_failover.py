"""The short version of the fault campaign: three runs each of the first four, and planned changes."""

from __future__ import annotations

import time

import pytest

from e2e.backends import wait_until
from e2e.faults.catalog import FAULTS

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("name", ["kill", "delete", "freeze", "cut-consul"])
def test_nothing_is_lost_or_done_twice(campaign, name):
    fault = FAULTS[name]
    batch = campaign.run(fault, runs=3)
    assert batch.fine, batch
    assert not batch.skipped
    assert len(batch.samples) == 3
    assert max(batch.samples) < max(fault.target, 3.0)


def test_every_order_type_goes_through_a_failover(arena, campaign):
    """Stops wait, icebergs hide, legs and timers are bound to each other while the hot one is killed."""
    batch = campaign.run(FAULTS["kill"], runs=3, features="all")
    assert batch.fine, batch
    assert len(batch.samples) == 3
    assert batch.takeovers == 3
    # Thousands of stops would wait through all that comes, and be looked at by the judge at each trade.
    arena.kubectl("annotate", "pair", arena.pair, "--overwrite", f"outcry.trade/cancel-all={time.time_ns()}")
    wait_until(lambda: cancelled(arena) > 0, seconds=60, what="all orders cancelled")


def cancelled(arena):
    record = arena.get("pair", arena.pair)["status"].get("cancelAll", {})
    return record.get("orders", 0) if record.get("answer") == "Accepted" else 0


def test_a_planned_switchover_is_short_and_recorded(arena, campaign):
    batch = campaign.run(FAULTS["switchover"], runs=2)
    assert batch.fine, batch
    assert batch.takeovers == 2
    hot, _ = arena.wait_ready(seconds=60)

    def recorded():
        status = arena.get("pair", arena.pair)["status"]
        return status.get("hot") == hot and status.get("lastFailover", {}).get("reason") == "switchover"

    wait_until(recorded, seconds=30, what="the failover in status")


def test_a_rolling_change_goes_one_replica_at_a_time(arena, campaign):
    before = {arena.image(name) for name in arena.wait_ready(seconds=60)}
    batch = campaign.run(FAULTS["roll"], runs=1)
    assert batch.fine, batch
    after = {arena.image(name) for name in arena.wait_ready(seconds=60)}
    assert len(before) == len(after) == 1
    assert before != after
