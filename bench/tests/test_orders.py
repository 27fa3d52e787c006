"""What the benchmark of orders decides by itself."""

from __future__ import annotations

import pytest

from bench.orders.arena import Step
from bench.orders.load import climb, cpu_figures, latency_figures
from bench.orders.scripts import Batches
from e2e.load.send import Load
from e2e.load.told import Placed, Told


def step(rate=10, *, accepted=None, behind=0, trades=None, **told):
    placed = [
        Placed(order_id=number, user_id=1, client_order_id=str(number), at=100.0 + number, took=0.01)
        for number in range(rate * 2 if accepted is None else accepted)
    ]
    cpu = {"order": 0.002, "position": 0.004, "risk": 0.0, "settlement": 0.002, "Kafka": 0.02, "client": 0.1}
    return Step(
        load=Load(rate=rate, seconds=2),
        told=Told(placed=placed, **told),
        trades=trades or {},
        behind=behind,
        cpu=cpu,
    )


@pytest.mark.parametrize(
    ("changes", "sustained"),
    [
        ({}, True),
        ({"behind": 10}, True),
        ({"behind": 11}, False),
        ({"accepted": 19}, False),
        ({"refused": {"BACK_PRESSURE": 1}}, False),
        ({"unknown": [(1, "a")]}, False),
    ],
)
def test_a_rate_is_sustained_when_all_was_taken_and_nothing_is_left_behind(changes, sustained):
    assert step(**changes).sustained is sustained


def test_the_climb_ends_at_the_first_rate_that_is_too_much():
    steps = iter([step(10), step(20), step(30, behind=31), step(40)])
    assert climb(steps) == 20
    assert next(steps).load.rate == 40


def test_a_machine_that_takes_nothing_has_no_figure():
    with pytest.raises(RuntimeError, match="not even"):
        climb(iter([step(behind=100)]))


def test_the_way_to_the_trade_counts_from_the_request():
    found = step(trades={0: 100.5, 3: 103.25, 777: 200.0})
    assert found.to_trade == [0.5, 0.25]
    figures = {figure.name: figure for figure in latency_figures(found, suffix="", command="c")}
    assert figures["orders.trade_p50"].value == 375.0
    assert figures["orders.trade_p99"].met is False
    assert figures["orders.traded_share"].value == 0.1


def test_cpu_is_shared_out_over_the_orders():
    services, rest, client = cpu_figures(step(), suffix="", command="c")
    assert services.value == pytest.approx(400)
    assert services.met is True
    assert services.peers["position"] == pytest.approx(200)
    assert rest.value == pytest.approx(1000)
    assert rest.peers == pytest.approx({"Kafka": 1000})
    assert client.value == pytest.approx(5000)


def test_every_kind_of_script_runs_once_an_order():
    first, second = (Batches(turn=turn, orders=2000).kinds for turn in range(2))
    assert {name: len(commands) for name, commands in first.items()} == {
        "DECRBY": 2000,
        "nothing": 2000,
        "pre_deduct": 2000,
        "settle": 2000,
        "drain": 2000,
    }
    assert not set(first["pre_deduct"]) & set(second["pre_deduct"])
