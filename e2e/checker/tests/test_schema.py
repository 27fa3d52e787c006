"""The checker's own reader against Google's encoder, for every body there is."""

from __future__ import annotations

import pytest
from outcry.v1 import command_pb2, event_pb2, types_pb2

from e2e.checker.schema import PoisonError, decode_commands, decode_event
from e2e.checker.shapes import COMMANDS, EVENTS
from e2e.checker.tests.logs import SYMBOL, encode_event
from e2e.fuzz.stories import of_seed
from e2e.fuzz.wire import record
from e2e.oracle.commands import CancelReplace, Command, Filters, NewOrder, PairSettings
from e2e.oracle.events import KINDS

STORIES = [of_seed(seed, 300) for seed in range(10)]


def schema_of(message):
    bodies = message.DESCRIPTOR.oneofs_by_name["body"].fields
    return {field.number: field.message_type.fields for field in bodies}


@pytest.mark.parametrize(
    ("shapes", "message"), [(COMMANDS, command_pb2.Command), (EVENTS, event_pb2.Event)], ids=str
)
def test_every_body_has_the_fields_of_the_schema(shapes, message):
    schema = schema_of(message)
    assert shapes.keys() == schema.keys()
    for number, fields in schema.items():
        assert [field.name for field in fields] == list(shapes[number].make._fields)
        assert [field.number for field in fields] == list(range(1, len(fields) + 1))


def test_every_command_reads_as_it_was_written():
    read = [command for told in STORIES for command in told.commands]
    assert {type(command.body) for command in read} == {shape.make for shape in COMMANDS.values()}
    for told in STORIES:
        assert decode_commands(record(SYMBOL, told.commands), SYMBOL) == told.commands


def test_every_event_reads_as_it_was_written():
    events = [event for told in STORIES for made in told.events for event in made]
    assert {event.kind for event in events} == set(KINDS.values())
    for event in events:
        assert decode_event(encode_event(event).SerializeToString())[:-1] == event


@pytest.mark.parametrize("value", [-1, -(1 << 31), (1 << 31) - 1])
def test_numbers_at_the_ends_of_a_field_keep_their_sign(value):
    order = NewOrder(side=value, trailing_delta=value, price=value << 32, trade_group=(1 << 64) - 1)
    sent = [Command(1, 1, 1, -1, order), Command((1 << 32) - 1, 1, 2, 0, PairSettings(maker_fee_ppm=value))]
    assert decode_commands(record(SYMBOL, sent), SYMBOL) == sent


def test_a_body_that_comes_in_two_parts_is_one():
    sent = Command(1, 1, 1, 0, CancelReplace(5, 1, NewOrder(order_id=7, price=3)))
    parts = [
        command_pb2.CancelReplace(cancel_order_id=5, order=command_pb2.NewOrder(order_id=6, price=3)),
        command_pb2.CancelReplace(
            mode=types_pb2.CANCEL_REPLACE_MODE_STOP_ON_FAILURE, order=command_pb2.NewOrder(order_id=7)
        ),
    ]
    head = command_pb2.Command(source=1, incarnation=1, number=1).SerializeToString()
    bodies = [command_pb2.Command(cancel_replace=part).SerializeToString() for part in parts]
    assert decode_commands(batch(head + b"".join(bodies)), SYMBOL) == [sent]


def test_another_body_replaces_the_first_and_what_was_in_it():
    settings = command_pb2.PairSettings(filters=command_pb2.Filters(max_open_orders=4))
    tick = command_pb2.Command(tick=command_pb2.Tick(time_unix_nanos=9)).SerializeToString()
    first = command_pb2.Command(pair_settings=settings).SerializeToString()
    again = command_pb2.Command(pair_settings=command_pb2.PairSettings(rules_version=2)).SerializeToString()
    (read,) = decode_commands(batch(first + tick + again), SYMBOL)
    assert read.body == PairSettings(rules_version=2, filters=Filters())


def test_a_nested_message_that_is_cut_is_poison():
    settings = command_pb2.PairSettings(filters=command_pb2.Filters(max_price=1 << 40))
    body = settings.SerializeToString()[:-1]
    with pytest.raises(PoisonError):
        decode_commands(batch(b"\x3a" + bytes([len(body)]) + body), SYMBOL)


def batch(command):
    head = command_pb2.CommandBatch(version=1, symbol=SYMBOL, count=1).SerializeToString()
    return head + b"\x22" + bytes([len(command)]) + command
