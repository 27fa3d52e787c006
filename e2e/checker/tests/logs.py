"""Logs for the checker's own tests, written with the generated protobuf code."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from outcry.v1 import command_pb2, event_pb2

from e2e.checker.records import Record
from e2e.checker.schema import decode_commands
from e2e.fuzz.wire import record
from e2e.oracle import Oracle
from e2e.oracle.commands import CancelOrder, Command, NewOrder, PairSettings

if TYPE_CHECKING:
    from e2e.oracle.commands import Body
    from e2e.oracle.events import Event

SYMBOL = "BTC-USDT"
SOURCE = 2048
SETTINGS = PairSettings(1, 2, 90, 110, 5, -10, 20, 1, 1)


def random_commands(seed: int, count: int) -> list[Command]:
    """Settings, then orders and cancels around a tight price, a few of them nonsense."""
    rng = random.Random(seed)
    commands = [Command(1024, 7, 1, 5, SETTINGS)]
    for number in range(1, count):
        body: Body
        if rng.random() < 0.3:
            body = CancelOrder(rng.randint(1, number), rng.randint(1, 3))
        else:
            side, order_type, tif = rng.randint(1, 2), rng.choice((1, 1, 1, 2, 3, 5)), rng.randint(0, 4)
            price = 0 if order_type == 2 else rng.randint(88, 112)
            body = NewOrder(number, rng.randint(1, 3), side, order_type, tif, price, rng.randint(0, 9))
        commands.append(Command(SOURCE, 1, number, number * 10, body))
    return commands


def changed(value: bytes, **changes: Any) -> bytes:
    """A record with other fields of the batch."""
    batch = command_pb2.CommandBatch.FromString(value)
    for name, other in changes.items():
        setattr(batch, name, other)
    return batch.SerializeToString()


def encode_event(event: Event) -> event_pb2.Event:
    """An event of the oracle as the engine would publish it."""
    encoded = event_pb2.Event(
        seq=event.seq,
        source=event.source,
        incarnation=event.incarnation,
        number=event.number,
        time_unix_nanos=event.time_unix_nanos,
    )
    body = getattr(encoded, event.kind)
    body.SetInParent()
    for name, value in event.body._asdict().items():
        setattr(body, name, value)
    return encoded


def input_log(commands: list[Command], size: int = 3) -> list[Record]:
    batches = [commands[at : at + size] for at in range(0, len(commands), size)]
    return [Record(offset, 0, {}, record(SYMBOL, batch)) for offset, batch in enumerate(batches)]


def true_events(log: list[Record]) -> list[event_pb2.Event]:
    """What a right engine publishes."""
    book = Oracle()
    commands = [command for record in log for command in decode_commands(record.value, SYMBOL)]
    return [encode_event(event) for command in commands for event in book.apply(command)]


def output_log(events: list[event_pb2.Event], *, epochs: list[int] | None = None) -> list[Record]:
    records = []
    for offset, event in enumerate(events):
        epoch = epochs[offset] if epochs else 1
        headers = {"epoch": str(epoch), "replica": "engine-0", "published-unix-nanos": "1"}
        value = event_pb2.EventBatch(symbol=SYMBOL, events=[event]).SerializeToString()
        records.append(Record(offset, 0, headers, value))
    return records
