"""The operator's commands and the core's answers to them."""

from __future__ import annotations

from outcry.v1 import command_pb2, event_pb2, types_pb2
from outcry_operator.pair.commands import ACCEPTED, Answer, answer_to, place_of, record_value

from .making import make_pair


def batch(*events):
    return event_pb2.EventBatch(symbol="BTC-USDT", events=events).SerializeToString()


def event(number, *, source=1024, incarnation=None, **body):
    incarnation = make_pair().incarnation if incarnation is None else incarnation
    return event_pb2.Event(source=source, incarnation=incarnation, number=number, **body)


REJECTED = event_pb2.SettingsRejected(reason=types_pb2.REJECT_REASON_INVALID_SETTINGS)


def test_the_record_is_numbered_by_creation():
    pair = make_pair(generation=4)
    settings = command_pb2.PairSettings(rules_version=2)
    value = record_value(pair, 4, now_unix_nanos=1_000, pair_settings=settings)
    found = command_pb2.CommandBatch.FromString(value)
    (command,) = found.commands
    assert (found.version, found.symbol, found.count) == (1, "BTC-USDT", 1)
    assert (command.source, command.incarnation, command.number) == (1024, 1_767_323_045, 4)
    assert command.pair_settings == settings


def test_a_command_whose_end_is_unknown_keeps_its_number_while_it_is_the_last():
    first = {"generation": 3, "digest": "d", "number": 3, "answerOffset": 70}
    pair = make_pair(generation=3, status={"settings": first})
    assert place_of(pair, pair.status.settings) == (3, 70)
    assert place_of(pair, None) == (4, -1)
    pair = make_pair(generation=3, status={"settings": first, "cancelAll": {"number": 4, "answerOffset": 80}})
    assert place_of(pair, pair.status.settings) == (5, -1), "the core has forgotten about 3"
    assert place_of(pair, pair.status.cancel_all) == (4, 80)


def test_numbers_rise_with_generations_that_sent_nothing():
    pair = make_pair(generation=9, status={"settings": {"generation": 3, "digest": "d", "number": 3}})
    assert place_of(pair, None) == (9, -1)


def test_an_answer_is_found_among_the_events_of_others():
    changed = event_pb2.SettingsChanged(rules_version=1)
    expired = event_pb2.OrderExpired(order_id=1)
    others = [
        event(7, source=5, settings_rejected=REJECTED),
        event(7, incarnation=1, settings_rejected=REJECTED),
        event(6, settings_rejected=REJECTED),
        event(7, order_expired=expired),
    ]
    assert answer_to(make_pair(), 7, [batch(*others)]) is None
    assert answer_to(make_pair(), 7, [batch(*others), batch(event(7, settings_changed=changed))]) == Answer(
        word=ACCEPTED
    )


def test_a_rejection_is_told_in_the_cores_word():
    assert answer_to(make_pair(), 7, [batch(event(7, settings_rejected=REJECTED))]) == Answer(
        word="INVALID_SETTINGS"
    )
    halted = event_pb2.MassCancelRejected(reason=types_pb2.REJECT_REASON_MARKET_HALTED)
    assert answer_to(make_pair(), 7, [batch(event(7, mass_cancel_rejected=halted))]) == Answer(
        word="MARKET_HALTED"
    )


def test_the_end_of_a_mass_cancel_counts_its_orders():
    cancelled = [event(7, order_cancelled=event_pb2.OrderCancelled(order_id=id_)) for id_ in (1, 2)]
    end = event(7, mass_cancelled=event_pb2.MassCancelled(orders=2))
    assert answer_to(make_pair(), 7, [batch(*cancelled, end)]) == Answer(word=ACCEPTED, orders=2)
