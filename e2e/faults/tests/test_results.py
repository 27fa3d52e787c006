"""Figures and the tap that samples come from."""

from __future__ import annotations

import json

import pytest

from e2e.checker.tests.logs import SYMBOL, input_log, output_log, random_commands, true_events
from e2e.faults.campaign import Batch
from e2e.faults.results import percentile, render_table, update_page, write_results
from e2e.faults.tap import EventTap


def batch(fault="kill", samples=(0.2, 0.4), **changes):
    return Batch(
        fault=fault,
        title="Title",
        measured="what",
        target=1.0,
        samples=list(samples),
        arena="processes",
        **changes,
    )


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_percentiles_are_samples(share, value):
    assert percentile(list(range(1, 101)), share) == value


def test_a_percentile_of_few_runs_is_not_shown(tmp_path):
    path = tmp_path / "failover.json"
    write_results(path, [batch()], "command")
    names = {figure["name"]: figure for figure in json.loads(path.read_text())}
    assert "failover.kill.p99" not in names
    assert names["failover.kill.max"]["goal"] == 1.0
    assert names["failover.kill.median"]["samples"] == [0.2, 0.4]


def test_the_target_of_many_runs_is_their_p99(tmp_path):
    path = tmp_path / "failover.json"
    write_results(path, [batch(samples=[0.1] * 99 + [5.0])], "command")
    names = {figure["name"]: figure for figure in json.loads(path.read_text())}
    assert names["failover.kill.p99"]["value"] == 0.1
    assert names["failover.kill.p99"]["goal"] == 1.0
    assert names["failover.kill.max"]["goal"] is None


def test_a_new_run_replaces_its_own_figures_alone(tmp_path):
    path = tmp_path / "failover.json"
    write_results(path, [batch(), batch(fault="freeze")], "command")
    write_results(path, [batch(samples=[0.9])], "command")
    values = {figure["name"]: figure["value"] for figure in json.loads(path.read_text())}
    assert values["failover.kill.max"] == 0.9
    assert values["failover.freeze.max"] == 0.4


def test_the_table_goes_between_the_markers(tmp_path):
    path, page = tmp_path / "failover.json", tmp_path / "page.md"
    write_results(path, [batch(lost=3)], "command")
    page.write_text("before\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nafter\n")
    update_page(page, render_table(path))
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| Title | what | 2 | 0.200 s | - | 0.400 s | 1 s | 3 | 0 | 0 |" in text


@pytest.fixture
def records():
    events = true_events(input_log(random_commands(seed=1, count=60)))
    return output_log(events, epochs=[1] * 20 + [2] * (len(events) - 20))


def test_a_sample_ends_with_the_first_new_event_of_the_new_epoch(records):
    tap = EventTap(SYMBOL)
    tap.take(records[:20], 10.0)
    repeat = records[19]._replace(headers={**records[19].headers, "epoch": "2"})
    tap.take([repeat], 10.5)
    tap.take(records[20:21], 11.0)
    tap.take(records[21:22], 12.0)
    arrival = tap.wait(lambda found: found.epoch > 1, since=10.2, seconds=0)
    assert arrival is not None
    assert (arrival.at, arrival.first_new_seq) == (11.0, 21)


def test_silence_and_takeovers_are_counted_from_arrivals(records):
    tap = EventTap(SYMBOL)
    for at, record in enumerate(records[:30]):
        tap.take([record], float(at))
    assert tap.longest_silence(since=5.0, until=31.5) == 2.5
    assert tap.takeovers(since=0.0) == 1
    assert tap.takeovers(since=20.0) == 1
    assert tap.takeovers(since=25.0) == 0
