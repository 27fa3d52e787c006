"""Stories end well, the same seed tells the same story, and every planted bug is found and found again."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from e2e.simulation.story import Stage
from e2e.simulation.tests.find_plants import MOST_SEEDS
from e2e.simulation.tests.found_by import FOUND_BY, ONCE_FAILED, PLANTS, TRADES

SEEDS = 25


@pytest.fixture(scope="module")
def stage():
    return Stage()


def test_stories_end_well(stage):
    outcomes = [stage.play(seed) for seed in range(SEEDS)]
    assert {outcome.seed: outcome.faults for outcome in outcomes if outcome.faults} == {}
    deaths = sum(lives - 1 for outcome in outcomes for lives in outcome.lives.values())
    assert deaths > SEEDS / 2, "a simulation in which nobody dies proves nothing"


def test_a_seed_tells_the_same_story_whatever_was_played_before(stage):
    first = {seed: stage.play(seed, traced=True) for seed in (3, 4, 5)}
    again = {seed: Stage().play(seed, traced=True) for seed in (5, 4, 3)}
    for seed, outcome in first.items():
        assert outcome.trace == again[seed].trace
        assert outcome.steps == again[seed].steps
    assert len({tuple(outcome.trace) for outcome in first.values()}) == 3


def test_a_trace_does_not_change_the_story(stage):
    assert stage.play(7, traced=True).steps == stage.play(7).steps


def test_a_seed_tells_the_same_story_in_every_process():
    """Whatever order its sets of names have."""
    command = [sys.executable, "-W", "ignore", "-m", "e2e.simulation", "replay", "0"]
    told = [
        subprocess.run(
            command, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONHASHSEED": order}
        ).stdout
        for order in ("1", "7")
    ]
    assert told[0] == told[1]
    assert told[0].splitlines()[-1].startswith("seed 0: all is as it must be after")


@pytest.mark.parametrize(("seed", "trades"), ONCE_FAILED)
def test_a_seed_that_failed_once_ends_well(stage, seed, trades):
    assert stage.play(seed, trades=trades).faults == []


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found_and_its_seed_finds_it_again(stage, plant):
    """By the seed that is written down, or, where stories have changed since, by the first that does."""
    trades = TRADES.get(plant.__name__, 0)
    with plant():
        played = (stage.play(seed, trades=trades) for seed in (FOUND_BY[plant.__name__], *range(MOST_SEEDS)))
        found = next((outcome for outcome in played if outcome.faults), None)
        assert found is not None, plant.__doc__
        assert Stage().play(found.seed, trades=trades).faults == found.faults
    assert stage.play(found.seed, trades=trades).faults == [], "without the bug the same seed ends well"
