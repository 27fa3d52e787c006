"""Logs for the checker's own tests, written with the generated protobuf code."""

from __future__ import annotations

import random
from typing import Any

from outcry.v1 import command_pb2, event_pb2

from e2e.checker.plain import PlainBook
from e2e.checker.records import Record
from e2e.checker.schema import COMMAND_SHAPES, COMMANDS, EVENT_SHAPES, EVENTS, Command, decode_commands

SYMBOL = "BTC-USDT"
SOURCE = 2048
SETTINGS = (1, 1, 90, 110, 5, -10, 20, 1, 1)


def random_commands(seed: int, count: int) -> list[Command]:
    """Settings, then orders and cancels around a tight price, a few of them nonsense."""
    rng = random.Random(seed)
    commands = [Command(1024, 7, 1, 5, "pair_settings", SETTINGS)]
    for number in range(1, count):
        if rng.random() < 0.3:
            kind = "cancel_order"
            body: tuple[int, ...] = (rng.randint(1, number), rng.randint(1, 3))
        else:
            side, order_type, tif = rng.randint(1, 2), rng.choice((1, 1, 1, 2, 3, 5)), rng.randint(0, 4)
            price = 0 if order_type == 2 else rng.randint(88, 112)
            kind = "new_order"
            body = (number, rng.randint(1, 3), side, order_type, tif, price, rng.randint(0, 9))
        commands.append(Command(SOURCE, 1, number, number * 10, kind, body))
    return commands


def encode_batch(commands: list[Command], **changes: Any) -> bytes:
    batch = command_pb2.CommandBatch(version=1, symbol=SYMBOL, count=len(commands))
    for command in commands:
        message = batch.commands.add(
            source=command.source,
            incarnation=command.incarnation,
            number=command.number,
            time_unix_nanos=command.time,
        )
        number = next(field for field, name in COMMANDS.items() if name == command.kind)
        assert len(COMMAND_SHAPES[number]) == len(command.body)
        _fill(getattr(message, command.kind), command.body)
    for name, value in changes.items():
        setattr(batch, name, value)
    return batch.SerializeToString()


def encode_event(seq: int, command: Command, kind: str, body: tuple[int, ...]) -> event_pb2.Event:
    event = event_pb2.Event(
        seq=seq,
        source=command.source,
        incarnation=command.incarnation,
        number=command.number,
        time_unix_nanos=command.time,
    )
    number = next(field for field, name in EVENTS.items() if name == kind)
    assert len(EVENT_SHAPES[number]) == len(body)
    _fill(getattr(event, kind), body)
    return event


def input_log(commands: list[Command], size: int = 3) -> list[Record]:
    batches = [commands[at : at + size] for at in range(0, len(commands), size)]
    return [Record(offset, 0, {}, encode_batch(batch)) for offset, batch in enumerate(batches)]


def true_events(log: list[Record]) -> list[event_pb2.Event]:
    """What a right engine publishes."""
    book = PlainBook()
    events: list[event_pb2.Event] = []
    for record in log:
        try:
            commands = decode_commands(record.value, SYMBOL)
        except ValueError:
            continue
        for command in commands:
            for kind, body in book.apply(command) or []:
                events.append(encode_event(len(events) + 1, command, kind, body))
    return events


def output_log(events: list[event_pb2.Event], *, epochs: list[int] | None = None) -> list[Record]:
    records = []
    for offset, event in enumerate(events):
        epoch = epochs[offset] if epochs else 1
        headers = {"epoch": str(epoch), "replica": "engine-0", "published-unix-nanos": "1"}
        value = event_pb2.EventBatch(symbol=SYMBOL, events=[event]).SerializeToString()
        records.append(Record(offset, 0, headers, value))
    return records


def _fill(message: Any, body: tuple[int, ...]) -> None:
    for field, value in zip(message.DESCRIPTOR.fields, body, strict=True):
        setattr(message, field.name, value)
