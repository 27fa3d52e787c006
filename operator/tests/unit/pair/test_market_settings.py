"""When settings are sent, and what the condition says of them."""

from __future__ import annotations

import json

import pytest
from outcry.v1 import types_pb2
from outcry_operator.pair.market_settings import key_value, plan, verdict

from .making import HOT, WARM, healthy, make_engines, make_pair, make_replica


def modern():
    """Both engines carry out rules version 2."""
    return make_engines(
        make_replica(HOT, "hot", max_rules_version=2), make_replica(WARM, "warm", max_rules_version=2)
    )


def sent(pair, engines=None):
    todo = plan(pair, engines)
    assert todo.waiting is None
    assert todo.send is not None
    return todo.send


def recorded(pair, engines=None, **changes):
    """The status of a pair whose settings were sent and accepted."""
    record = sent(pair, engines).record.model_dump(by_alias=True)
    return {"settings": record | {"offset": 5, "answerOffset": 9, "answer": "Accepted"} | changes}


def test_what_no_integer_holds_is_refused():
    pair = make_pair(minNotional="99999999999999999", tickSize="0.000000001", lotSize="0.000000001")
    todo = plan(pair, healthy())
    assert todo.send is None
    assert todo.waiting is not None
    assert todo.waiting.reason == "SettingsOutOfRange"
    assert "minNotional is" in todo.waiting.message
    assert not todo.waiting.transient


def test_settings_are_sent_until_their_offset_is_known():
    pair = make_pair()
    record = sent(pair).record.model_dump(by_alias=True)
    assert record["offset"] == -1
    assert plan(make_pair(status={"settings": record}), None).send is not None
    assert plan(make_pair(status={"settings": {**record, "offset": 0}}), None).send is None


def test_settings_sent_again_keep_their_number_and_where_their_answer_is_looked_for():
    record = sent(make_pair()).record.model_dump(by_alias=True) | {"answerOffset": 7}
    again = sent(make_pair(status={"settings": record})).record
    assert (again.number, again.answer_offset) == (1, 7)


def test_only_what_the_core_knows_of_counts():
    status = recorded(make_pair())
    other = make_pair(status=status, generation=2, failover={"detectionTime": "2s"}, deletionPolicy="Delete")
    assert plan(other, None).send is None
    halted = make_pair(status=status, generation=3, tradingStatus="HALT")
    assert (sent(halted).record.generation, sent(halted).record.number) == (3, 3)


def test_a_record_from_before_numbers_has_its_generation():
    old = {"settings": {"generation": 4, "digest": "d", "offset": 2}}
    assert sent(make_pair(status=old, generation=5)).record.number == 5
    assert sent(make_pair(status=old, generation=4)).record.number == 5


def test_a_new_pair_of_rules_2_opens_when_both_engines_carry_them_out():
    pair = make_pair(rulesVersion=2, tradingStatus="AUCTION")
    for engines, words in (
        (None, "Consul doesn't say what they carry out"),
        (make_engines(), f"{HOT} isn't registered; {WARM} isn't registered"),
        (healthy(), f"{HOT} carries out version 1 at most; {WARM} carries out version 1 at most"),
        (
            make_engines(make_replica(HOT, "hot", max_rules_version=2), make_replica(WARM, "warm")),
            f"the market opens then: {WARM} carries out version 1 at most",
        ),
    ):
        todo = plan(pair, engines)
        assert todo.send is None
        assert todo.waiting is not None
        assert todo.waiting.reason == "RulesNotSupported"
        assert todo.waiting.message.endswith(words)
    assert sent(pair, modern()).settings.rules_version == 2


def test_while_rules_2_wait_a_halt_does_not():
    status = recorded(make_pair())
    spec = {"rulesVersion": 2, "filters": {"maxOpenOrders": 5}}
    todo = plan(make_pair(status=status, generation=2, tradingStatus="HALT", **spec), healthy())
    assert todo.waiting is not None
    assert "rules version 1 until then" in todo.waiting.message
    assert todo.send is not None
    assert todo.send.settings.trading_status == types_pb2.TRADING_STATUS_HALT
    assert (todo.send.settings.rules_version, todo.send.record.number) == (1, 2)

    halted = {"settings": todo.send.record.model_dump(by_alias=True) | {"offset": 6}}
    ready = sent(make_pair(status=halted, generation=2, tradingStatus="HALT", **spec), modern())
    assert ready.settings.filters.max_open_orders == 5
    assert ready.record.number == 3, "the second command of a generation has the next number"
    status = {"settings": ready.record.model_dump(by_alias=True) | {"offset": 8}}
    later = sent(make_pair(status=status, generation=3, rulesVersion=2), None)
    assert later.record.number == 4, "later ones stay ahead"


def test_a_word_of_rules_2_waits_under_rules_1():
    pair = make_pair(status=recorded(make_pair()), generation=2, rulesVersion=2, tradingStatus="POST_ONLY")
    todo = plan(pair, healthy())
    assert todo.send is None
    assert todo.waiting is not None


def test_rules_in_force_wait_for_no_engine():
    status = recorded(make_pair(rulesVersion=2), modern())
    halted = make_pair(status=status, generation=2, rulesVersion=2, tradingStatus="HALT")
    for engines in (None, make_engines(held=False), healthy()):
        assert sent(halted, engines).settings.trading_status == types_pb2.TRADING_STATUS_HALT


def test_rules_never_go_back():
    status = recorded(make_pair(rulesVersion=2), modern())
    todo = plan(make_pair(status=status, generation=2), modern())
    assert todo.send is None
    assert todo.waiting is not None
    assert todo.waiting.reason == "RulesGoBack"
    assert "set spec.rulesVersion to 2" in todo.waiting.message


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"answer": ""}, ("Unknown", "AwaitingAnswer")),
        ({}, ("True", "SettingsApplied")),
        ({"answer": "INVALID_SETTINGS"}, ("False", "SettingsRejected")),
    ],
)
def test_the_condition_says_what_the_core_answered(changes, expected):
    found = verdict(make_pair(status=recorded(make_pair(), **changes)), None)
    assert found is not None
    assert (found.status, found.reason) == expected
    assert "offset 5 of matching.BTC-USDT" in found.message


def test_nothing_is_said_of_settings_whose_answer_nobody_kept():
    old = {"settings": {"generation": 1, "digest": "d", "offset": 0}}
    assert verdict(make_pair(status=old), None) is None
    assert verdict(make_pair(), None) is None


def test_what_waits_is_said_before_what_is_in_force():
    pair = make_pair(status=recorded(make_pair()), generation=2, rulesVersion=2)
    found = verdict(pair, plan(pair, healthy()).waiting)
    assert found is not None
    assert (found.status, found.reason) == ("False", "RulesNotSupported")


def test_services_get_the_whole_spec():
    value = json.loads(key_value(make_pair(rulesVersion=2, filters={"quantity": {"max": "9"}}).spec))
    assert value["tickSize"] == "0.01"
    assert value["kafka"]["config"] == {}
    assert (value["rulesVersion"], value["selfTradePrevention"], value["referencePrice"]) == (2, "NONE", "0")
    assert value["filters"] == {
        "price": {"min": "0", "max": "0"},
        "quantity": {"min": "0", "max": "9"},
        "notional": {"max": "0", "appliesToMarket": False},
        "percentPriceBySide": {
            "bidMultiplierUp": "0",
            "bidMultiplierDown": "0",
            "askMultiplierUp": "0",
            "askMultiplierDown": "0",
        },
        "maxOpenOrders": 0,
    }
