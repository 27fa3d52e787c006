"""From findings to status and Events."""

from __future__ import annotations

import pytest
from outcry_operator.conditions import Problem, Verdict, merge
from outcry_operator.errors import ConsulUnavailableError, RefusedError
from outcry_operator.pair.conditions import TYPES
from outcry_operator.pair.report import Findings, notes_of, status_of

from .making import HOT, WARM, healthy, make_condition, make_engines, make_pair, make_pod, make_replica

NOW = "2026-05-06T07:08:09Z"
GOOD = Verdict(status="True", reason="TopicsReady")
APPLIED = Verdict(status="True", reason="SettingsApplied")


def told(found, pair=None):
    status = status_of(pair or make_pair(), found, now=NOW)
    return status, {entry.type: (entry.status, entry.reason) for entry in status.conditions}


def test_a_healthy_market():
    status, conditions = told(Findings(engines=healthy(), topics=GOOD, settings=APPLIED))
    assert [entry.type for entry in status.conditions] == list(TYPES)
    assert {answer for answer, _ in conditions.values()} == {"True"}
    assert (status.hot, status.warm, status.epoch, status.symbol) == (HOT, WARM, 3, "BTC-USDT")
    assert status.observed_generation == 1
    assert status.last_failover is None


def test_a_takeover_is_counted_once():
    engines = make_engines(
        make_replica(HOT, "warm"),
        make_replica(WARM, "hot"),
        replica=WARM,
        epoch=4,
        reason="takeover",
        previous=HOT,
    )
    first, _ = told(Findings(engines=engines, topics=GOOD))
    assert first.failovers == 1
    assert first.last_failover is not None
    assert (first.last_failover.from_, first.last_failover.to) == (HOT, WARM)
    again = make_pair(status=first.model_dump(by_alias=True, exclude_none=True))
    second, _ = told(Findings(engines=engines, topics=GOOD), again)
    assert second.failovers == 1
    assert notes_of(first, second) == []


def test_who_holds_the_lock_without_saying_so_is_not_hot_yet():
    status, conditions = told(Findings(engines=make_engines(make_replica(HOT, "taking_over"))))
    assert status.hot == ""
    assert conditions["HotReady"] == ("False", "TakingOver")


def test_pods_say_why_an_engine_is_missing():
    pods = [make_pod(HOT, trouble="ImagePullBackOff: not found"), make_pod(WARM, deleting=True)]
    status, _ = told(Findings(engines=make_engines(held=False), pods=pods, topics=GOOD))
    messages = {entry.type: entry.message for entry in status.conditions}
    assert f"{HOT} isn't registered (ImagePullBackOff: not found)" in messages["HotReady"]
    assert f"{WARM} is ending" in messages["WarmReady"]


def test_a_silent_consul_leaves_the_last_that_is_known():
    known, _ = told(Findings(engines=healthy(), topics=GOOD))
    pair = make_pair(status=known.model_dump(by_alias=True, exclude_none=True))
    problem = Problem.of(ConsulUnavailableError("Consul doesn't answer"))
    status, conditions = told(Findings(engines=None, looked=problem, topics=GOOD), pair)
    assert status.hot == HOT
    assert conditions["HotReady"] == conditions["Ready"] == ("Unknown", "ConsulUnavailable")
    assert conditions["Pinned"][0] == "True"


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"topics": Verdict(status="False", reason="TopicLost")}, "TopicLost"),
        ({"settings": Verdict(status="False", reason="SettingsRejected")}, "SettingsRejected"),
        ({"registered": Problem(reason="ConsulRefused", message="")}, "ConsulRefused"),
        ({"blocking": Problem(reason="SettingsOutOfRange", message="")}, "SettingsOutOfRange"),
    ],
)
def test_ready_says_the_first_reason(found, reason):
    _, conditions = told(Findings(engines=healthy(), **{"topics": GOOD, **found}))
    assert conditions["Ready"] == ("False", reason)


def test_pinning_is_told_but_not_needed():
    engines = make_engines(
        make_replica(HOT, "hot", pinned=False, pinned_reason="no static CPU manager"),
        make_replica(WARM, "warm"),
    )
    status, conditions = told(Findings(engines=engines, topics=GOOD))
    assert conditions["Pinned"] == ("False", "NotPinned")
    assert conditions["Ready"][0] == "True"
    assert any("no static CPU manager" in entry.message for entry in status.conditions)


def test_shared_cpus_are_no_fault():
    pair = make_pair(engine={"cpuPolicy": "Shared", "cpus": "250m"})
    _, conditions = told(Findings(engines=healthy(), topics=GOOD), pair)
    assert conditions["Pinned"] == ("False", "SharedCPU")
    assert conditions["Ready"][0] == "True"


def test_an_unfinished_run_answers_no_generation():
    status, _ = told(Findings(engines=healthy(), complete=False), make_pair(generation=2))
    assert status.observed_generation == 0


def test_a_condition_keeps_its_time_while_its_status_stays():
    old = [make_condition("Ready", "True"), make_condition("HotReady", "False")]
    verdicts = {
        "Ready": Verdict(status="True", reason="Other"),
        "HotReady": Verdict(status="True", reason="Hot"),
    }
    found = {entry.type: entry for entry in merge(old, verdicts, types=TYPES, generation=2, now=NOW)}
    assert found["Ready"].last_transition_time == old[0].last_transition_time
    assert found["Ready"].reason == "Other"
    assert found["HotReady"].last_transition_time == NOW


def test_events_tell_of_turns_with_stable_causes():
    before, _ = told(Findings(engines=healthy(), topics=GOOD))
    pair = make_pair(status=before.model_dump(by_alias=True, exclude_none=True))
    lost = Verdict(status="False", reason="TopicLost", message="events.BTC-USDT is gone")
    after, _ = told(Findings(engines=healthy(), topics=lost), pair)
    notes = notes_of(before, after)
    assert {(note.reason, note.kind) for note in notes} == {("TopicLost", "Warning")}
    assert [note.cause for note in notes] == [note.cause for note in notes_of(before, after)]


def test_settings_on_their_way_are_nobodys_news():
    waiting = Verdict(status="Unknown", reason="AwaitingAnswer")
    before, _ = told(Findings(engines=healthy(), topics=GOOD, settings=APPLIED))
    pair = make_pair(status=before.model_dump(by_alias=True, exclude_none=True))
    after, conditions = told(Findings(engines=healthy(), topics=GOOD, settings=waiting), pair)
    assert conditions["SettingsApplied"] == ("Unknown", "AwaitingAnswer")
    assert conditions["Ready"][0] == "True"
    assert notes_of(before, after) == []
    assert [note.reason for note in notes_of(after, before)] == ["SettingsApplied"]


def test_what_a_person_must_decide_is_not_tried_again():
    assert not Problem.of(RefusedError("no")).transient
    assert Problem.of(ConsulUnavailableError("no")).transient
