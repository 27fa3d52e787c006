"""What the operator's benchmark decides by itself."""

from __future__ import annotations

import pytest
from outcry_operator.models.tradingpair import TradingPairSpec

from bench.churn import manifest
from bench.fake_engines import FakeEngine
from bench.memory import slope
from bench.operator import is_ready


def pair(*, observed: int, ready: str) -> dict[str, object]:
    conditions = [{"type": "Ready", "status": ready}]
    return {
        "metadata": {"generation": 2},
        "status": {"observedGeneration": observed, "conditions": conditions},
    }


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (pair(observed=2, ready="True"), True),
        (pair(observed=2, ready="False"), False),
        (pair(observed=1, ready="True"), False),
        ({"metadata": {"generation": 1}}, False),
    ],
)
def test_ready_counts_for_the_present_generation_alone(found, wanted):
    assert is_ready(found) is wanted


def test_growth_is_the_slope_of_the_samples():
    assert slope([(0.0, 100.0), (0.5, 101.0), (1.0, 102.0)]) == pytest.approx(2.0)
    assert slope([(0.0, 100.0)]) == 0.0


def test_pairs_are_distinct_and_make_sense():
    specs = [TradingPairSpec.model_validate(manifest(number)["spec"]) for number in range(50)]
    names = [manifest(number)["metadata"]["name"] for number in range(50)]
    assert [spec.symbol.lower() for spec in specs] == names
    assert len(set(names)) == 50


def test_a_stand_in_says_hot_while_it_has_an_epoch():
    engine = FakeEngine(pair="a-usdt", replica="engine-a-usdt-0", uid="u", address="10.0.0.1", image="x")
    assert engine.definition()["Tags"] == ["warm"]
    engine.epoch = 3
    assert engine.definition()["Tags"] == ["hot"]
    assert engine.definition()["Meta"]["epoch"] == "3"
