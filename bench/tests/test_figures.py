"""Figures, their report, and the engine's histogram."""

from __future__ import annotations

import pytest

from bench import metrics
from bench.figures import Figure, read_figures, rounded, write_figures
from bench.load import market_load, resting_load
from bench.report import render
from e2e.checker.schema import decode_commands
from e2e.oracle import Oracle


def figure(name="pod.speed", value=5.0, **changes):
    return Figure(name, value, "commands/s", "higher", command="python -m bench.pod", **changes)


@pytest.mark.parametrize(("value", "goal", "met"), [(5, None, None), (5, 5, True), (4, 5, False)])
def test_a_goal_is_met_or_not(value, goal, met):
    assert figure(value=value, goal=goal).met is met


def test_figures_replace_those_of_their_name(tmp_path):
    path = tmp_path / "pod.json"
    write_figures(path, [figure(), figure("pod.other")])
    write_figures(path, [figure(value=7.0)])
    assert {found.name: found.value for found in read_figures(path)} == {"pod.speed": 7.0, "pod.other": 5.0}
    assert read_figures(path)[0].machine


def test_the_report_names_what_was_missed_and_the_command(tmp_path):
    write_figures(tmp_path / "pod.json", [figure(goal=9, peers={"bare copy": 6})])
    page = render(tmp_path)
    assert "**missed**" in page
    assert "bare copy 6" in page
    assert "`python -m bench.pod`" in page


def test_what_is_to_be_said_of_the_figures_stands_below_them(tmp_path):
    write_figures(tmp_path / "pod.json", [figure(goal=9)])
    (tmp_path / "pod.md").write_text("It copies twice.\n")
    page = render(tmp_path, tmp_path)
    assert page.index("**missed**") < page.index("It copies twice.")


METRICS = """# TYPE latency histogram
latency_bucket{le="1e-07"} 10
latency_bucket{le="1e-06"} 90
latency_bucket{le="+Inf"} 100
latency_count 100
latency_sum 1
"""


def test_quantiles_are_upper_bounds_of_buckets():
    counted = metrics.buckets(METRICS, "latency")
    assert metrics.quantile(counted, 0.1) == 1e-7
    assert metrics.quantile(counted, 0.5) == 1e-6
    assert metrics.quantile(counted, 0.99) == float("inf")


@pytest.mark.parametrize("load", [market_load("A-B", 500, batch=50), resting_load("A-B", 500, batch=50)])
def test_loads_are_orders_that_a_book_accepts(load):
    book = Oracle()
    commands = [command for record in load.records for command in decode_commands(record, "A-B")]
    kinds = [event.kind for command in commands for event in book.apply(command)]
    assert load.commands == 500
    assert "order_rejected" not in kinds


def test_the_resting_load_rests():
    book = Oracle()
    for record in resting_load("A-B", 500, batch=50).records:
        for command in decode_commands(record, "A-B"):
            book.apply(command)
    assert book.totals().resting == 500


def test_a_rounded_figure_and_its_peers_keep_five_digits():
    found = rounded(
        "pod.speed", 123456.7, "commands/s", "higher", command="python -m x", peers={"copy": 1.234567}
    )
    assert (found.value, found.peers, found.command) == (123460.0, {"copy": 1.2346}, "python -m x")
