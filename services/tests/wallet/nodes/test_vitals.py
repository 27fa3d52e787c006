"""Reads go where they cost least: latency, what is in hand, weight and errors all count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from outcry_services.wallet.nodes.policy import Policy
from outcry_services.wallet.nodes.vitals import LEAST_LATENCY, Vitals, by_cost, cost

POLICY = Policy()
seconds = st.floats(0, 60)
calls = st.lists(st.tuples(st.sampled_from(["answered", "failed", "abandoned"]), seconds), max_size=30)


def after(history):
    vitals = Vitals()
    for what, took in history:
        vitals = getattr(vitals, what)(took, POLICY)
    return vitals


@given(calls)
def test_averages_stay_in_their_bounds(history):
    vitals = after(history)
    assert 0 <= vitals.error_rate <= 1
    assert 0 <= vitals.latency <= max([took for _, took in history], default=0)
    failures = 0
    for what, _ in history:
        failures = failures + 1 if what == "failed" else 0 if what == "answered" else failures
    assert vitals.failures == failures


@given(calls, seconds)
def test_a_slow_answer_is_felt_at_once_and_nothing_but_an_answer_lowers_latency(history, took):
    before = after(history)
    for what in ("answered", "failed", "abandoned"):
        assert getattr(before, what)(took, POLICY).latency >= min(took, before.latency)
        assert getattr(before, what)(60.0, POLICY).latency == max(60.0, before.latency)
    assert before.failed(took, POLICY).latency >= before.latency
    assert before.abandoned(took, POLICY).latency >= before.latency


@given(calls)
def test_enough_failures_in_a_row_make_a_node_ail_and_answers_heal_it(history):
    vitals = after(history)
    for _ in range(POLICY.eject_failures):
        vitals = vitals.failed(0.1, POLICY)
    assert vitals.ailing(POLICY)
    for _ in range(20):
        vitals = vitals.answered(0.1, POLICY)
    assert not vitals.ailing(POLICY)


@given(calls, st.floats(0.1, 10), st.integers(0, 50))
def test_more_in_hand_costs_more_and_more_weight_costs_less(history, weight, in_flight):
    vitals = after(history)
    here = cost(vitals, weight=weight, in_flight=in_flight)
    assert here > 0
    assert cost(vitals, weight=weight, in_flight=in_flight + 1) > here
    assert cost(vitals, weight=weight * 2, in_flight=in_flight) < here
    assert cost(vitals.failed(vitals.latency, POLICY), weight=weight, in_flight=in_flight) >= here


def test_weight_buys_latency_and_decides_alone_where_all_are_quick():
    quick, slow = Vitals(latency=0.010), Vitals(latency=0.019)
    costs = {"a": cost(quick, weight=1, in_flight=0), "b": cost(slow, weight=2, in_flight=0)}
    assert by_cost(costs, among=costs) == ["b", "a"]
    instant, near = Vitals(latency=0.0), Vitals(latency=LEAST_LATENCY)
    costs = {"a": cost(instant, weight=1, in_flight=0), "b": cost(near, weight=2, in_flight=0)}
    assert by_cost(costs, among=costs) == ["b", "a"]


def test_equal_costs_are_ordered_by_name():
    assert by_cost({"b": 1.0, "a": 1.0, "c": 0.5}, among=["b", "a"]) == ["a", "b"]


@given(st.integers(1, 10_000))
def test_back_off_doubles_up_to_its_most(strikes):
    wait = POLICY.backoff(strikes)
    assert POLICY.backoff_first <= wait <= POLICY.backoff_most
    assert POLICY.backoff(strikes + 1) == min(POLICY.backoff_most, wait * 2)
