"""The step of a rolling change that is due, for every state it may be found in."""

from __future__ import annotations

import pytest
from outcry_operator.pair.rollout import Done, Replace, SwitchOver, Wait, plan

from .making import HOT, WARM, healthy, make_engines, make_pod, make_replica

OLD = "old"


def step(pods, engines=None, *, observed=True):
    return plan(template="new", observed=observed, pods=pods, engines=engines or healthy())


def test_nothing_is_due_when_all_pods_are_new():
    assert step([make_pod(HOT), make_pod(WARM)]) == Done()
    assert step([make_pod(HOT)]) == Done(), "a missing pod is the StatefulSet's affair"


def test_the_template_must_have_been_seen():
    assert isinstance(step([make_pod(HOT, OLD), make_pod(WARM, OLD)], observed=False), Wait)


def test_warm_goes_first():
    found = step([make_pod(HOT, OLD), make_pod(WARM, OLD)])
    assert isinstance(found, Replace)
    assert found.pod.name == WARM


def test_nothing_more_while_a_pod_ends_or_is_missing():
    assert isinstance(step([make_pod(HOT, OLD), make_pod(WARM, OLD, deleting=True)]), Wait)
    assert isinstance(step([make_pod(HOT, OLD)]), Wait)


@pytest.mark.parametrize(
    ("follower", "pod"),
    [
        (make_replica(WARM, ""), {}),
        (make_replica(WARM, "starting", caught_up=False), {}),
        (make_replica(WARM, "warm", caught_up=False), {}),
        (make_replica(WARM, "warm"), {"ready": False}),
        (make_replica(WARM, "warm", address="10.9.9.9"), {}),
        (make_replica(WARM, "failed", caught_up=False, reason="topic lost"), {}),
    ],
)
def test_the_new_one_must_be_able_to_take_over(follower, pod):
    engines = make_engines(make_replica(HOT, "hot"), follower)
    found = step([make_pod(HOT, OLD), make_pod(WARM, **pod)], engines)
    assert isinstance(found, Wait)
    assert WARM in found.words


def test_then_it_takes_over():
    found = step([make_pod(HOT, OLD), make_pod(WARM)])
    assert isinstance(found, SwitchOver)
    assert (found.replica.name, found.replica.address) == (HOT, "10.0.0.0")


def test_the_old_one_goes_once_it_follows():
    engines = make_engines(make_replica(HOT, "warm"), make_replica(WARM, "hot"), replica=WARM)
    found = step([make_pod(HOT, OLD), make_pod(WARM)], engines)
    assert isinstance(found, Replace)
    assert found.pod.name == HOT


@pytest.mark.parametrize("role", ["warm", "taking_over"])
def test_nobody_is_replaced_in_the_middle_of_a_failover(role):
    engines = make_engines(make_replica(WARM, role), held=False)
    assert isinstance(step([make_pod(HOT, OLD), make_pod(WARM, OLD)], engines), Wait)


def test_what_never_worked_is_replaced():
    engines = make_engines(make_replica(HOT, "failed", caught_up=False), held=False)
    found = step([make_pod(HOT, OLD), make_pod(WARM, OLD, ready=False)], engines)
    assert isinstance(found, Replace)


def test_a_broken_new_follower_may_be_replaced_by_a_mended_one():
    engines = make_engines(make_replica(HOT, "hot"))
    found = step([make_pod(HOT, OLD), make_pod(WARM, "broken", ready=False)], engines)
    assert isinstance(found, Replace)
    assert found.pod.name == WARM
