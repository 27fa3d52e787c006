"""What is merged, what waits, and from where a restart reads again."""

from __future__ import annotations

import pytest
from outcry.v1.event_pb2 import Event, EventBatch
from outcry.v1.instruction_pb2 import Instruction, InstructionBatch
from outcry.v1.order_event_pb2 import OrderEvent, OrderEventBatch
from outcry_services.settlement.errors import ContradictionError
from outcry_services.settlement.intake import Intake
from outcry_services.settlement.steps import Answered, Cursor, Happened, Waiting, places_of, sources_of

from services.tests.settlement.feeding import batch

USER, SHARD = 7, 7
ORDERS, ANSWERS, EVENTS = ("orders", 7), ("order-events", 7), ("events.AAA-USD", 0)


def intake_at(number=0, seq=0, *, incarnation=1, **named):
    cursors = {}
    if number:
        cursors[f"i:{SHARD}"] = Cursor(incarnation, number)
    if seq:
        cursors["AAA-USD"] = Cursor(0, seq * 2 + 1)
    intake = Intake(cursors, **named)
    for place in (ORDERS, ANSWERS, EVENTS):
        intake.follow(place, None)
    return intake


def applied(intake, most):
    """Taken, and none of them given back."""
    steps = intake.take(most)
    intake.give_back([])
    return steps


def instructions(start, *numbers, incarnation=1):
    """One record each, from this offset on."""
    found = []
    for number in numbers:
        one = Instruction(incarnation=incarnation, number=number, user_id=USER)
        one.cancel_requested.order_id = 1
        found.append(InstructionBatch(version=1, shard=SHARD, count=1, instructions=[one]))
    return batch(ORDERS, start, found)


def answers(start, *numbers, incarnation=1):
    found = []
    for number in numbers:
        one = OrderEvent(incarnation=incarnation, number=number, user_id=USER)
        one.cancel_forwarded.order_id = 1
        found.append(OrderEventBatch(version=1, shard=SHARD, count=1, events=[one]))
    return batch(ANSWERS, start, found)


def cancelled(seq, number):
    event = Event(seq=seq)
    event.order_cancelled.order_id, event.order_cancelled.user_id = number << 10 | SHARD, USER
    return event


def events(start, *found):
    return batch(EVENTS, start, [EventBatch(symbol="AAA-USD", events=[one]) for one in found])


def names(steps):
    return [f"i{step.number}" if isinstance(step, Answered) else f"e{step.event.seq}" for step in steps]


def test_an_instruction_waits_for_its_answer_and_both_for_the_number_before():
    intake = intake_at()
    intake.offer_instructions(instructions(0, 1, 2))
    assert applied(intake, 9) == []
    intake.offer_answers(answers(0, 2))
    assert applied(intake, 9) == []
    assert intake.gaps() == ["i:7 misses 1"]
    intake.offer_answers(answers(1, 1))
    assert names(applied(intake, 9)) == ["i1", "i2"]
    assert intake.gaps() == []
    assert intake.cursors(["i:7"]) == {"i:7": Cursor(1, 2)}


def test_repeats_are_dropped_whether_they_were_applied_or_wait():
    intake = intake_at(number=2)
    for _ in range(2):
        intake.offer_instructions(instructions(0, 1, 2, 3))
        intake.offer_answers(answers(0, 1, 2, 3))
    assert names(applied(intake, 9)) == ["i3"]
    intake.offer_events(events(0, cancelled(1, 3), cancelled(1, 3), cancelled(2, 3)))
    intake.offer_events(events(3, cancelled(1, 3)))
    assert names(applied(intake, 9)) == ["e1", "e2"]


def test_the_stored_position_is_that_of_the_first_record_that_is_not_applied():
    intake = intake_at()
    intake.offer_instructions(instructions(0, 1, 2, 3))
    intake.offer_answers(answers(0, 1))
    assert intake.position(ORDERS) == 0
    applied(intake, 9)
    assert (intake.position(ORDERS), intake.position(ANSWERS)) == (1, 1)
    assert (intake.read_from(ORDERS), intake.read_from(ANSWERS), intake.read_from(EVENTS)) == (3, 1, None)
    assert intake.oldest_ms(ORDERS) == 1_700_000_000_001
    assert intake.oldest_ms(ANSWERS) is None


def test_an_event_that_is_ahead_waits_for_the_gap_to_close():
    intake = intake_at(number=3, seq=4)
    intake.offer_events(events(0, cancelled(6, 3)))
    assert applied(intake, 9) == []
    assert intake.gaps() == ["AAA-USD misses 5"]
    assert intake.position(EVENTS) == 0
    intake.offer_events(events(1, cancelled(5, 3)))
    assert names(applied(intake, 9)) == ["e5", "e6"]
    assert intake.position(EVENTS) == 2


def test_an_event_waits_for_the_funds_of_its_order():
    intake = intake_at()
    intake.offer_events(events(0, cancelled(1, 2)))
    assert applied(intake, 9) == []
    assert intake.waiting() == [Waiting("AAA-USD", 1, SHARD, 2)]
    intake.offer_instructions(instructions(0, 1, 2))
    intake.offer_answers(answers(0, 1, 2))
    steps = applied(intake, 9)
    assert names(steps) == ["i1", "i2", "e1"]
    assert intake.waiting() == []
    assert sources_of(steps) == {"i:7", "AAA-USD"}


def test_an_answer_that_is_not_in_its_log_is_not_waited_for_once_that_was_applied_to_its_end():
    intake = intake_at()
    intake.offer_events(events(0, cancelled(1, 9)))
    applied(intake, 9)
    (waiting,) = intake.waiting()
    assert not intake.known_end(waiting, ANSWERS, 1)
    intake.offer_instructions(instructions(0, 1))
    intake.offer_answers(answers(0, 1))
    assert names(applied(intake, 9)) == ["i1"]
    assert not intake.known_end(waiting, ANSWERS, 2)
    assert intake.known_end(waiting, ANSWERS, 1)
    (step,) = applied(intake, 9)
    assert isinstance(step, Happened)
    assert [leg.order_id >> 10 for leg in step.legs] == [9]


def test_orders_of_generators_are_waited_for_by_nobody_and_have_no_leg():
    intake = intake_at()
    event = Event(seq=1)
    event.order_cancelled.order_id, event.order_cancelled.user_id = 5, 5
    intake.offer_events(events(0, event))
    (step,) = applied(intake, 9)
    assert step.legs == ()


def test_an_instruction_that_is_given_back_holds_up_its_shard_and_what_follows_from_it():
    intake = intake_at()
    intake.offer_instructions(instructions(0, 1, 2))
    intake.offer_answers(answers(0, 1, 2))
    intake.offer_events(events(0, cancelled(1, 2)))
    steps = intake.take(9)
    assert names(steps) == ["i1", "i2", "e1"]
    intake.give_back(steps)
    assert intake.take(9) == []
    assert intake.short() == {SHARD: 1}
    assert (intake.position(ORDERS), intake.position(EVENTS)) == (0, 0)
    intake.offer_instructions(instructions(2, 3))
    assert intake.take(9) == []
    intake.wake_short()
    again = intake.take(9)
    assert names(again) == ["i1", "i2", "e1"]
    assert [step.may_cover for step in again[:2]] == [False, False]


def test_funds_are_given_up_once_every_log_of_events_was_applied_to_its_end():
    intake = intake_at()
    intake.offer_instructions(instructions(0, 1))
    intake.offer_answers(answers(0, 1))
    intake.give_back(intake.take(9))
    short = intake.short()
    assert not intake.known_ends(short, {EVENTS: 1})
    assert applied(intake, 9) == []
    intake.offer_events(events(0, Event(seq=1)))
    assert names(applied(intake, 9)) == ["e1"]
    assert intake.known_ends(short, {EVENTS: 1})
    steps = intake.take(9)
    assert [step.may_cover for step in steps] == [True]
    intake.give_back(steps)
    assert not intake.known_ends(intake.short(), {EVENTS: 1}), "whoever may be covered isn't helped by that"


def test_numbers_that_a_restore_left_out_are_no_gap_and_the_old_incarnation_counts_no_more():
    intake = intake_at(number=5)
    intake.offer_instructions(instructions(0, 9, 10, incarnation=2))
    intake.offer_answers(answers(0, 9, 10, incarnation=2))
    assert names(applied(intake, 9)) == ["i9", "i10"]
    intake.offer_instructions(instructions(2, 11, incarnation=1))
    intake.offer_answers(answers(2, 11, incarnation=1))
    assert applied(intake, 9) == []
    assert intake.cursors(["i:7"]) == {"i:7": Cursor(2, 10)}


def test_numbers_that_come_again_under_a_new_incarnation_are_a_contradiction():
    intake = intake_at(number=5)
    with pytest.raises(ContradictionError, match="number 4 came again under incarnation 2"):
        intake.offer_instructions(instructions(0, 4, incarnation=2))
    intake = intake_at()
    intake.offer_instructions(instructions(0, 1))
    intake.offer_answers(answers(0, 1, incarnation=2))
    with pytest.raises(ContradictionError, match="i:7:1 is of incarnation 1, its answer of 2"):
        applied(intake, 9)


def test_a_partition_that_is_full_refuses_and_is_read_again_from_there():
    intake = intake_at(most_pending=4)
    intake.offer_instructions(instructions(0, 1, 2, 3, 4))
    assert not intake.has_room(ORDERS)
    intake.offer_instructions(instructions(4, 5, 6))
    assert (intake.read_from(ORDERS), intake.to_read_again("orders")) == (4, None)
    intake.offer_answers(answers(0, 1, 2, 3))
    assert names(applied(intake, 9)) == ["i1", "i2", "i3"]
    assert intake.to_read_again("orders") == {ORDERS: 4}
    assert intake.to_read_again("orders") is None
    intake.offer_instructions(instructions(4, 5, 6))
    intake.offer_answers(answers(3, 4, 5, 6))
    assert names(applied(intake, 9)) == ["i4", "i5", "i6"]


def test_a_batch_is_no_longer_than_asked_for_and_goes_on_where_it_ended():
    intake = intake_at()
    intake.offer_instructions(instructions(0, *range(1, 8)))
    intake.offer_answers(answers(0, *range(1, 8)))
    assert [len(applied(intake, 3)) for _ in range(4)] == [3, 3, 1, 0]


def test_what_is_followed():
    assert places_of(["AAA-USD"], partitions=2) == [
        ("orders", 0),
        ("orders", 1),
        ("order-events", 0),
        ("order-events", 1),
        ("events.AAA-USD", 0),
    ]


def test_what_is_given_back_is_read_again_although_its_place_was_asked_for_meanwhile():
    intake = intake_at()
    intake.offer_instructions(instructions(0, 1, 2))
    intake.offer_answers(answers(0, 1, 2))
    steps = intake.take(9)
    assert (intake.pending(ORDERS), intake.position(ANSWERS)) == (2, 0)
    intake.give_back(steps[1:])
    assert (intake.position(ORDERS), intake.position(ANSWERS)) == (1, 1)
    assert (intake.pending(ORDERS), intake.pending(ANSWERS)) == (1, 1)
