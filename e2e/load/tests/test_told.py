"""What the script logs is read as what it means."""

from __future__ import annotations

import json

import pytest

from e2e.load.scenarios import SCENARIOS, options
from e2e.load.told import read_told


def line(**changed):
    said = {"at": 1000, "took": 20.5, "user": "7", "client": "a", "order": "", "status": 201, "name": ""}
    return json.dumps(said | changed)


def test_an_acknowledged_order_is_told_with_its_time():
    (placed,) = read_told([line(order="1031")]).placed
    assert (placed.order_id, placed.user_id, placed.at, placed.took) == (1031, 7, 1.0, 0.0205)


@pytest.mark.parametrize("status", [0, 500, 503, 504])
def test_what_nobody_answered_is_unknown(status):
    told = read_told([line(status=status)])
    assert told.unknown == [(7, "a")]
    assert not told.placed
    assert not told.refused


def test_refusals_are_counted_by_name():
    lines = [line(status=429, name="BACK_PRESSURE")] * 2 + [line(status=422, name="PRICE_FILTER")]
    told = read_told(lines)
    assert told.refused == {"BACK_PRESSURE": 2, "PRICE_FILTER": 1}
    assert told.refused_orders == [(7, "a")] * 3


def test_cancels_and_lines_of_others_are_no_orders():
    told = read_told([json.dumps({"cancel": "5", "status": 200}), "", "default ✓ [ 100% ]"])
    assert told.cancels == 1
    assert not told.placed


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_shape_is_as_long_and_as_steep_as_asked(scenario):
    parts = options(scenario, rate=200, seconds=50, connections=10)["scenarios"].values()
    stages = [stage for part in parts for stage in part.get("stages", [part])]
    assert max(stage.get("target", stage.get("rate", 0)) for stage in stages) == 200
    assert 50 <= sum(int(stage["duration"].rstrip("s")) for stage in stages) <= 52
    assert {part["maxVUs"] for part in parts} == {10}


def test_a_storm_of_cancels_follows_the_orders():
    parts = options("storm", rate=200, seconds=40, connections=10)["scenarios"]
    assert [(part["exec"], part.get("startTime", "0s"), part["duration"]) for part in parts.values()] == [
        ("order", "0s", "30s"),
        ("cancelAll", "30s", "10s"),
    ]
