"""A record of the saga's logs is used whole or not at all."""

from __future__ import annotations

import pytest
from outcry.v1.event_pb2 import Event, EventBatch
from outcry.v1.instruction_pb2 import Instruction, InstructionBatch
from outcry.v1.order_event_pb2 import OrderEvent, OrderEventBatch
from outcry_services.common.kafka.errors import PoisonError
from outcry_services.common.kafka.records import RawRecord
from outcry_services.common.order_log import (
    events_topic,
    partition_of,
    read_answers,
    read_events,
    read_instructions,
)


def record(message, topic="orders"):
    value = message if isinstance(message, bytes) else message.SerializeToString()
    return RawRecord(topic=topic, partition=0, offset=0, timestamp_ms=0, key=b"", value=value, headers={})


def instruction(**fields):
    one = Instruction(incarnation=1, number=5, user_id=7, **fields)
    one.cancel_requested.order_id = 3
    return one


def instructions(**fields):
    return InstructionBatch(
        **{"version": 1, "shard": 7, "count": 1, "instructions": [instruction()]} | fields
    )


def answers(**fields):
    one = OrderEvent(incarnation=1, number=5, user_id=7)
    one.cancel_forwarded.order_id = 3
    return OrderEventBatch(**{"version": 1, "shard": 7, "count": 1, "events": [one]} | fields)


def test_whole_records_are_read():
    assert read_instructions(record(instructions())) == instructions()
    assert read_answers(record(answers())) == answers()
    events = EventBatch(symbol="BTC-USDT", events=[Event(seq=1)])
    assert read_events(record(events, events_topic("BTC-USDT"))) == events
    assert not read_events(record(b"", events_topic("BTC-USDT"))).events
    assert [partition_of(shard, 8) for shard in (0, 7, 8, 1023)] == [0, 7, 0, 7]


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"version": 2}, "UNKNOWN_VERSION"),
        ({"version": 0}, "UNKNOWN_VERSION"),
        ({"shard": 8}, "WRONG_SHARD"),
        ({"shard": 1024}, "WRONG_SHARD"),
        ({"count": 2}, "WRONG_COUNT"),
        ({"count": 0}, "WRONG_COUNT"),
    ],
)
@pytest.mark.parametrize(("make", "read"), [(instructions, read_instructions), (answers, read_answers)])
def test_a_record_that_lies_about_itself_is_poison(make, read, wrong, name):
    with pytest.raises(PoisonError) as raised:
        read(record(make(**wrong)))
    assert raised.value.name == name


def test_messages_without_a_body_or_a_number_are_poison():
    for empty in (Instruction(incarnation=1, number=5, user_id=7), instruction()):
        if empty.WhichOneof("body"):
            empty.number = 0
        with pytest.raises(PoisonError) as raised:
            read_instructions(record(instructions(instructions=[empty])))
        assert raised.value.name in {"UNKNOWN_BODY", "NO_NUMBER"}
    with pytest.raises(PoisonError) as raised:
        read_answers(record(answers(events=[OrderEvent(incarnation=1, number=5, user_id=7)])))
    assert raised.value.name == "UNKNOWN_BODY"


def test_what_is_no_message_and_events_of_another_pair_are_poison():
    for read in (read_instructions, read_answers, read_events):
        with pytest.raises(PoisonError, match="not an"):
            read(record(b"\xff\xff", "events.BTC-USDT"))
    with pytest.raises(PoisonError) as raised:
        read_events(record(EventBatch(symbol="ETH-USDT", events=[Event(seq=1)]), "events.BTC-USDT"))
    assert raised.value.name == "WRONG_SYMBOL"
