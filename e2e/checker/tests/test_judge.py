"""A checker that can't fail proves nothing: each planted fault must be found."""

from __future__ import annotations

import copy
import functools
import random

import pytest

from e2e.checker import Judge
from e2e.checker.schema import decode_commands
from e2e.checker.tests.logs import (
    SOURCE,
    SYMBOL,
    changed,
    encode_event,
    input_log,
    output_log,
    random_commands,
    true_events,
)
from e2e.fuzz.stories import of_seed
from e2e.fuzz.wire import record
from e2e.oracle.commands import NewOrder
from e2e.oracle.events import KINDS


@functools.cache
def story(seed):
    return of_seed(seed, 120)


def judged(log, records, **finish):
    judge = Judge(symbol=SYMBOL, commands=log)
    judge.events(records)
    return judge.finish(**finish)


@pytest.fixture
def log():
    return input_log(random_commands(seed=1, count=400))


@pytest.fixture
def events(log):
    return true_events(log)


@pytest.mark.parametrize("seed", range(5))
def test_a_true_log_is_fine(seed):
    log = input_log(random_commands(seed=seed, count=300))
    report = judged(log, output_log(true_events(log)))
    assert report.fine
    assert report.trades >= 10
    assert report.events == len(true_events(log))
    assert report.raw_repeats == 0


@pytest.mark.parametrize("seed", range(8))
def test_a_true_log_of_every_order_type_is_fine(seed):
    told = story(seed)
    events = [event for made in told.events for event in made]
    report = judged(input_log(told.commands), output_log([encode_event(event) for event in events]))
    assert report.fine, report.differences
    assert report.events == len(events)


@pytest.mark.parametrize("kind", sorted(KINDS.values()))
def test_a_change_of_any_kind_of_event_is_different(kind):
    """One field of one event, in the first story that has such an event."""
    stories = (story(seed) for seed in range(100))
    log, events, at = next(found for told in stories if (found := first_of(kind, told)))
    body = events[at].body
    name = body._fields[-1]
    events[at] = events[at]._replace(body=body._replace(**{name: 1 - bool(getattr(body, name))}))
    assert judged(log, output_log([encode_event(event) for event in events])).different == 1


def first_of(kind, told):
    events = [event for made in told.events for event in made]
    places = (at for at, event in enumerate(events) if event.kind == kind)
    at = next(places, None)
    return None if at is None else (input_log(told.commands), events, at)


def test_repeats_of_the_same_bytes_are_counted_and_fine(log, events):
    report = judged(log, output_log(events[:100] + events[60:]))
    assert report.fine
    assert report.raw_repeats == 40


def test_a_takeover_is_named_with_its_first_new_event(log, events):
    repeated = events[:100] + events[90:]
    epochs = [1] * 100 + [9] * (len(repeated) - 100)
    report = judged(log, output_log(repeated, epochs=epochs))
    assert report.fine
    assert [(takeover.epoch, takeover.seq) for takeover in report.takeovers] == [(1, 1), (9, 101)]


def test_a_lost_tail_is_lost(log, events):
    assert judged(log, output_log(events[:-3])).lost == 3


def test_a_hole_is_different(log, events):
    report = judged(log, output_log(events[:50] + events[51:]))
    assert not report.fine
    assert "gap" in report.differences[0].what


def test_a_repeat_with_other_bytes_is_different(log, events):
    other = copy.deepcopy(events[10])
    other.time_unix_nanos += 1
    report = judged(log, output_log([*events[:50], other, *events[50:]]))
    assert report.different == 1
    assert "other bytes" in report.differences[0].what


def test_a_wrong_price_in_a_trade_is_different(log, events):
    trade = next(event for event in events if event.HasField("trade_executed"))
    trade.trade_executed.price += 1
    assert judged(log, output_log(events)).different == 1


def test_two_events_in_the_wrong_order_are_different(log, events):
    events[20], events[21] = events[21], events[20]
    events[20].seq, events[21].seq = 21, 22
    assert judged(log, output_log(events)).different == 2


def test_an_event_without_a_cause_is_different(log, events):
    invented = copy.deepcopy(events[-1])
    invented.seq += 1
    report = judged(log, output_log([*events, invented]))
    assert "without a command" in report.differences[0].what


def test_an_older_epoch_with_new_events_is_not_fine(log, events):
    epochs = [1] * 100 + [9] * 10 + [1] * (len(events) - 110)
    report = judged(log, output_log(events, epochs=epochs))
    assert report.stale_epochs > 0
    assert not report.fine


def test_an_acknowledged_command_that_is_not_in_the_log_is_missed(log, events):
    assert judged(log, output_log(events), acknowledged={(SOURCE, 1): 399}).fine
    report = judged(log, output_log(events), acknowledged={(SOURCE, 1): 401})
    assert report.unlogged == 2
    assert not report.fine


def test_a_command_applied_twice_is_different(log):
    twice = [*log[:40], log[39], *log[40:]]
    renumbered = input_log(random_commands(seed=1, count=400))
    assert judged(twice, output_log(true_events(renumbered))).fine
    commands = random_commands(seed=1, count=400)
    order = next(c for c in commands if isinstance(c.body, NewOrder) and c.body.quantity > 0)
    doubled = true_events(input_log([*commands, order._replace(number=1000)]))
    assert not judged(log, output_log(doubled)).fine


@pytest.mark.parametrize(
    "changes", [{"version": 2}, {"symbol": "ETH-USDT"}, {"count": 2}, {"count": 0}], ids=str
)
def test_poison_is_counted_and_skipped_whole(log, changes):
    poison = log[5]._replace(value=changed(record(SYMBOL, random_commands(seed=9, count=3)[1:2]), **changes))
    with_poison = [*log[:5], poison, *log[5:]]
    report = judged(with_poison, output_log(true_events(log)))
    assert report.fine
    assert report.poison_records == 1


def test_random_and_cut_bytes_are_poison_or_skipped(log, events):
    rng = random.Random(4)
    junk = [log[0]._replace(value=rng.randbytes(rng.randint(0, 60))) for _ in range(200)]
    whole = log[1].value
    junk += [log[0]._replace(value=whole[:cut]) for cut in range(len(whole))]
    report = judged([*junk, *log], output_log(events))
    assert report.fine
    assert report.poison_records == len(junk)


def test_unknown_fields_of_every_wire_type_are_skipped():
    known = record(SYMBOL, random_commands(seed=1, count=3))
    groups = b"\xa3\x01\x08\x01\x1b\x12\x02ab\x1c\xa4\x01"
    unknown = groups + b"\xa1\x01" + bytes(8) + b"\xa5\x01" + bytes(4)
    assert decode_commands(known + unknown, SYMBOL) == decode_commands(known, SYMBOL)


def test_what_others_sent_after_the_last_acknowledged_is_left_for_the_next_time(log, events):
    commands = [command for batch in log for command in decode_commands(batch.value, SYMBOL)]
    applied = max(command.number for command in commands if command.source == SOURCE)
    judge = Judge(symbol=SYMBOL, commands=log)
    judge.events(output_log(events[:200]))
    assert judge.finish(acknowledged={(SOURCE, 1): 0}).fine
    judge.commands(())
    judge.events(output_log(events))
    report = judge.finish(acknowledged={(SOURCE, 1): applied})
    assert report.fine, report
    assert report.events == len(events)
    assert report.raw_repeats == 200
