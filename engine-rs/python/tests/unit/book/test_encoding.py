"""Rust's bytes are Python protobuf's, for every command and event of the schema."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st
from outcry.v1 import command_pb2, event_pb2
from outcry_engine import Book, decode_event
from outcry_engine.cli.dump import DumpReader

COMMANDS = [field.name for field in command_pb2.Command.DESCRIPTOR.oneofs_by_name["body"].fields]
EVENTS = [field.name for field in event_pb2.Event.DESCRIPTOR.oneofs_by_name["body"].fields]
# Words that an event may leave out; every other one is there.
MAY_BE_NONE = {
    ("OrderAccepted", "self_trade_prevention"),
    ("MassCancelled", "side"),
    ("AuctionPrice", "surplus_side"),
}

INTEGERS = {
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SINT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
}


def fill(draw: st.DrawFn, message: Any, *, any_word: bool) -> None:
    for field in message.DESCRIPTOR.fields:
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            fill_message(draw, message, field, any_word=any_word)
            continue
        if field.type != FieldDescriptor.TYPE_ENUM:
            value = draw(st.just(0) | INTEGERS[field.type] | INTEGERS[field.type])
        elif any_word:
            value = draw(st.integers(-(2**31), 2**31 - 1) | st.integers(0, 10))
        else:
            none = (message.DESCRIPTOR.name, field.name) in MAY_BE_NONE
            value = draw(st.sampled_from([word.number for word in field.enum_type.values[not none :]]))
        setattr(message, field.name, value)


def fill_message(draw: st.DrawFn, message: Any, field: Any, *, any_word: bool) -> None:
    inner = getattr(message, field.name)
    if field.name == "filters" and draw(st.booleans()):
        return
    inner.SetInParent()
    fill(draw, inner, any_word=any_word)
    if field.name == "filters" and inner.ByteSize() == 0:
        # Filters that are all off are left out.
        message.ClearField(field.name)


def frame(draw: st.DrawFn, message: Any) -> None:
    message.source = draw(INTEGERS[FieldDescriptor.TYPE_UINT32])
    message.incarnation = draw(INTEGERS[FieldDescriptor.TYPE_UINT64])
    message.number = draw(INTEGERS[FieldDescriptor.TYPE_UINT64])
    message.time_unix_nanos = draw(INTEGERS[FieldDescriptor.TYPE_INT64])


@st.composite
def messages(draw: st.DrawFn, made: type[Any], kind: str, *, any_word: bool) -> Any:
    message = made()
    frame(draw, message)
    body = getattr(message, kind)
    body.SetInParent()
    fill(draw, body, any_word=any_word)
    return message


@pytest.mark.parametrize("kind", EVENTS)
def test_events_are_encoded_alike(kind: str) -> None:
    @settings(max_examples=40, deadline=None, database=None)
    @given(messages(event_pb2.Event, kind, any_word=False), st.integers(1, 2**64 - 1))
    def alike(message: event_pb2.Event, seq: int) -> None:
        message.seq = seq
        ours = decode_event(message.SerializeToString())
        assert ours.encode() == message.SerializeToString()
        assert (ours.seq, ours.source, ours.number) == (message.seq, message.source, message.number)
        body = getattr(message, kind)
        for name in type(ours).__match_args__:  # type: ignore[attr-defined]
            assert int(getattr(ours, name) or 0) == getattr(body, name)

    alike()


@pytest.mark.parametrize("kind", COMMANDS)
def test_commands_are_encoded_alike(kind: str) -> None:
    @settings(max_examples=25, deadline=None, database=None)
    @given(st.lists(messages(command_pb2.Command, kind, any_word=True), min_size=1, max_size=5))
    def alike(given_commands: list[command_pb2.Command]) -> None:
        batch = command_pb2.CommandBatch(version=1, symbol="BTC-USDT", commands=given_commands)
        batch.count = len(batch.commands)
        theirs = batch.SerializeToString()
        with TemporaryDirectory() as folder:
            dump = Path(folder) / "input.dump"
            with Book.empty(symbol="BTC-USDT", record=dump) as book:
                book.apply_record(theirs)
            with DumpReader(dump) as reader:
                (entry,) = reader
        assert entry.value == theirs

    alike()
