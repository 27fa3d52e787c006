"""What the engine's benchmark decides by itself."""

from __future__ import annotations

import pytest

from bench.engine.programs import Round
from bench.engine.throughput import DisagreementError, Turns, agreed, speed

GAVE_UP = Round(finished=False, commands=0, seconds=0.0, outcome={})


def finished(seconds=1.0, trades=1):
    return Round(finished=True, commands=100, seconds=seconds, outcome={"trades": trades})


def test_warm_rounds_do_not_count():
    assert speed([finished(50.0), finished(2.0), finished(1.0), finished(4.0)], 1) == 50


def test_an_engine_that_gave_up_has_no_speed():
    assert speed([finished(), GAVE_UP], 0) is None


def test_a_ratio_is_of_one_turn():
    turns = Turns({"outcry": [10.0, 2.0, 30.0], "peer": [5.0, 1.0, 10.0]})
    assert turns.ratio("outcry", "peer") == 2.0


def test_engines_that_agree():
    results = {"one": [finished(), finished()], "two": [finished()], "slow": [GAVE_UP]}
    assert agreed(results) == {"trades": 1}


def test_engines_that_disagree_are_told():
    with pytest.raises(DisagreementError, match=r"two: \{'trades': 2\}"):
        agreed({"one": [finished()], "two": [finished(trades=2)]})
