"""What Consul and Kubernetes say, as decisions read it."""

from __future__ import annotations

import json

import pytest
from outcry_operator.clients.consul import Instance, KeyValue
from outcry_operator.pair.claim import rival_of
from outcry_operator.pair.query import QueryPlan, desired, plan
from outcry_operator.pair.retained import decode, encode
from outcry_operator.pair.trim import cut
from outcry_operator.pair.view import LockValue, read_pod, read_replica, trouble

from .making import HOT, WARM, healthy, make_engines, make_pair, make_replica


def key(value, session="s-1"):
    return KeyValue(key="k", value=value, session=session)


def test_a_lock_is_read():
    value = {
        "replica": HOT,
        "epoch": 4,
        "since": "t",
        "reason": "takeover",
        "previous": WARM,
        "successor": None,
    }
    found = LockValue.read(key(json.dumps(value).encode()))
    assert (found.replica, found.epoch, found.previous, found.held) == (HOT, 4, WARM, True)
    assert not LockValue.read(key(json.dumps(value).encode(), session="")).held


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b"null", b"\xff", b'{"replica": "x", "epoch": "y"}'])
def test_a_lock_written_by_hand_is_nobodys(value):
    assert LockValue.read(key(value)).replica == ""
    assert LockValue.read(None) == LockValue()


def test_a_replica_that_does_not_pass_has_no_role():
    instance = Instance(id=HOT, address="10.0.0.1", port=7070, meta={"role": "hot", "caught_up": "true"})
    assert read_replica(instance).role == ""
    passing = Instance(id=HOT, address="10.0.0.1", port=7070, meta=instance.meta, passing=True)
    assert read_replica(passing).role == "hot"


@pytest.mark.parametrize(
    ("said", "version"), [({}, 1), ({"max_rules_version": "2"}, 2), ({"max_rules_version": "x"}, 1)]
)
def test_an_engine_that_does_not_say_carries_out_the_first_rules(said, version):
    instance = Instance(id=HOT, address="10.0.0.1", port=7070, meta={"role": "hot"} | said, passing=True)
    assert read_replica(instance).max_rules_version == version


def test_hot_needs_the_lock_and_the_word():
    assert healthy().hot is not None
    assert make_engines(make_replica(HOT, "hot"), held=False).hot is None
    assert make_engines(make_replica(WARM, "hot")).hot is None


def test_the_warm_one_is_the_one_that_is_nearest():
    engines = make_engines(make_replica(HOT, "warm", caught_up=False), make_replica(WARM, "warm"), held=False)
    assert engines.warm is not None
    assert engines.warm.name == WARM


def test_a_pod_is_read():
    body = {
        "metadata": {"name": HOT, "uid": "u", "annotations": {"outcry.trade/template": "abc"}},
        "status": {"podIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]},
    }
    found = read_pod(body)
    assert (found.template, found.address, found.ready, found.deleting) == ("abc", "10.0.0.1", True, False)


def waiting(reason, message="", last=""):
    state = {"waiting": {"reason": reason, "message": message}}
    return {"containerStatuses": [{"state": state, "lastState": {"terminated": {"message": last}}}]}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({}, ""),
        (waiting("ContainerCreating"), ""),
        (waiting("ImagePullBackOff", "no such image"), "ImagePullBackOff: no such image"),
        (waiting("CrashLoopBackOff", "back-off", "one\nlast words\n"), "CrashLoopBackOff: last words"),
    ],
)
def test_why_a_pod_does_not_run(status, words):
    assert trouble(status, {}) == words


def test_an_unscheduled_pod_says_so():
    scheduled = {"status": "False", "reason": "Unschedulable", "message": "0/2 nodes"}
    assert trouble({}, {"PodScheduled": scheduled}) == "Unschedulable: 0/2 nodes"


def test_a_query_is_made_mended_or_left():
    good = desired("engine-btc-usdt") | {"ID": "q-1", "Template": {"Type": ""}}
    assert plan("engine-btc-usdt", []) == QueryPlan(create=True)
    assert plan("engine-btc-usdt", [good]) == QueryPlan()
    for wrong in (
        {"Service": {**good["Service"], "Tags": []}},
        {"Service": {**good["Service"], "OnlyPassing": False}},
        {"DNS": {"TTL": "30s"}},
        {"Template": {"Type": "name_prefix_match"}},
    ):
        assert plan("engine-btc-usdt", [good | wrong]) == QueryPlan(replace_id="q-1")


@pytest.mark.parametrize(
    ("earliest", "first_young", "latest", "where"),
    [
        (0, 5, 10, 5),
        (0, 0, 10, None),
        (5, 5, 10, None),
        (0, -1, 10, 9),
        (9, -1, 10, None),
        (0, -1, 0, None),
        (0, 10, 10, 9),
    ],
)
def test_where_events_are_cut(earliest, first_young, latest, where):
    assert cut(earliest=earliest, first_young=first_young, latest=latest) == where


def test_what_is_left_behind_is_found_again():
    records = [{"name": "matching.BTC-USDT", "id": "x"}]
    pair = make_pair(status={"topics": records})
    assert [record.model_dump() for record in decode(encode(pair))] == records


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b'{"topics": [{}]}', b'{"topics": 3}'])
def test_a_record_written_by_hand_is_none(value):
    assert decode(value) == []


def test_the_older_pair_has_the_symbol():
    pair = make_pair()
    assert rival_of(pair, [pair]) is None
