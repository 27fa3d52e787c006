"""Which pairs the sweep queues, and what a watch takes for news."""

from __future__ import annotations

import pytest
from outcry_operator.clients.kafka import Topic
from outcry_operator.metrics import counts
from outcry_operator.pair.market_settings import key_value
from outcry_operator.pair.names import Key
from outcry_operator.pair.query import desired
from outcry_operator.pair.topics import SHARED, desired_config
from outcry_operator.sweep import Outside, drifted
from outcry_operator.watch import essence, pairs_of

from .pair.making import make_condition, make_pair

NAMES = make_pair().topics
STATUS = {
    "observedGeneration": 1,
    "topics": [{"name": name, "id": f"id-{name}"} for name in NAMES],
    "conditions": [make_condition("Ready", "True").model_dump(by_alias=True)],
}


def outside(**changes):
    pair = make_pair()
    fields = {
        "topics": {name: Topic(name=name, id=f"id-{name}", partitions=1) for name in (*NAMES, *SHARED)},
        "configs": {name: desired_config(pair, name) for name in NAMES},
        "queries": [desired(pair.engine) | {"ID": "q"}],
        "keys": {pair.settings_key: key_value(pair.spec)},
    }
    return Outside(**(fields | changes))


def test_a_pair_in_order_is_left_alone():
    assert not drifted(make_pair(status=STATUS), outside())


@pytest.mark.parametrize(
    "changes",
    [
        {"topics": None},
        {"topics": {**outside().topics, NAMES[0]: None}},
        {"topics": {**outside().topics, NAMES[1]: Topic(name=NAMES[1], id="other", partitions=1)}},
        {"topics": {**outside().topics, SHARED[0]: None}},
        {"configs": {NAMES[0]: {"retention.ms": "5"}}},
        {"queries": None},
        {"queries": []},
        {"keys": {}},
        {"keys": {make_pair().settings_key: b"other"}},
    ],
)
def test_every_drift_is_found(changes):
    assert drifted(make_pair(status=STATUS), outside(**changes))
    assert not drifted(make_pair(status=STATUS, paused=True), outside(**changes))


def test_what_is_not_ready_or_not_answered_gets_a_run():
    assert drifted(make_pair(status=STATUS, generation=2), outside())
    unready = STATUS | {"conditions": [make_condition("Ready", "False").model_dump(by_alias=True)]}
    assert drifted(make_pair(status=unready), outside())
    assert drifted(make_pair(), outside())


def entry(**changes):
    service = {"ID": "a", "Address": "x", "Tags": ["hot"], "Meta": {"role": "hot"}, "ModifyIndex": 5}
    checks = [{"CheckID": "c", "Status": "passing", "Output": "hot"}]
    return {"Service": service | changes, "Checks": checks}


def test_indexes_and_outputs_are_no_news():
    assert essence([entry()]) == essence([entry(ModifyIndex=6)])
    assert essence([entry()]) != essence([entry(Meta={"role": "warm"})])
    assert essence([entry(), entry(ID="b")]) == essence([entry(ID="b"), entry()])
    assert essence(None) is None


def test_a_lock_names_its_pair():
    keys = [Key("n", "btc-usdt"), Key("n", "eth-usdt")]
    assert pairs_of("BTC-USDT", keys) == [keys[0]]


def test_every_answer_is_counted():
    assert counts({Key("n", "a"): "True"}) == {"True": 1, "False": 0, "Unknown": 0}
