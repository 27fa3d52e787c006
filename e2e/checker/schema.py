"""Commands and events of `outcry.v1`, decoded with the reader beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from e2e.checker.shapes import COMMANDS, EVENTS
from e2e.checker.wire import BYTES, VARINT, WireError, fields, number_of
from e2e.oracle.commands import Command
from e2e.oracle.events import KINDS

if TYPE_CHECKING:
    from e2e.checker.shapes import Shape
    from e2e.oracle.events import Body

__all__ = ["Event", "PoisonError", "decode_commands", "decode_event", "decode_events"]

MAX_RECORD_BYTES = 1 << 20
MAX_COMMANDS = 10_000
# Letters of the numbers that stand before the bodies.
COMMAND_HEAD = "wuui"
EVENT_HEAD = "uwuui"


class PoisonError(ValueError):
    """A record of the input that no replica may apply."""


class Event(NamedTuple):
    """One output as the oracle says it, and the bytes it came in."""

    seq: int
    source: int
    incarnation: int
    number: int
    time_unix_nanos: int
    kind: str
    body: Body
    raw: bytes


def decode_commands(record: bytes | None, symbol: str) -> list[Command]:
    """All commands of a record of `matching.{symbol}`; raises `PoisonError`."""
    if not record:
        raise PoisonError("no value")
    if len(record) > MAX_RECORD_BYTES:
        raise PoisonError(f"{len(record)} bytes")
    try:
        version, named, count, held = _batch(record)
        if version != 1:
            raise PoisonError(f"version {version}")
        if named != symbol.encode():
            raise PoisonError(f"symbol {named!r}")
        if count != len(held) or not 0 < count <= MAX_COMMANDS:
            raise PoisonError(f"states {count} commands, holds {len(held)}")
        return [_command(data) for data in held]
    except WireError as error:
        raise PoisonError(str(error)) from error


def decode_events(record: bytes, symbol: str) -> list[Event]:
    """All events of a record of `events.{symbol}`; raises `WireError` or `ValueError`."""
    events = []
    named = b""
    for number, kind, value in fields(record):
        if number == 1 and isinstance(value, bytes):
            named = value
        elif number == 2 and isinstance(value, bytes):
            events.append(decode_event(value))
        else:
            raise WireError(f"field {number} of wire type {kind} in an EventBatch")
    if named != symbol.encode():
        raise WireError(f"an EventBatch of {named!r}")
    return events


def decode_event(data: bytes) -> Event:
    """One event; raises `WireError`."""
    (seq, source, incarnation, place, time), body = _message(data, EVENT_HEAD, EVENTS)
    if body is None:
        raise WireError("an event without a known body")
    return Event(seq, source, incarnation, place, time, KINDS[type(body)], body, data)


def _batch(record: bytes) -> tuple[int, bytes, int, list[bytes]]:
    version = count = 0
    named = b""
    held = []
    wanted = {1: VARINT, 2: BYTES, 3: VARINT, 4: BYTES}
    for number, kind, value in fields(record):
        if wanted.get(number, kind) != kind:
            raise WireError(f"field {number} has wire type {kind}")
        if isinstance(value, int):
            if number == 1:
                version = value & 0xFFFFFFFF
            elif number == 3:
                count = value & 0xFFFFFFFF
        elif number == 2:
            named = value
        elif number == 4:
            held.append(value)
    return version, named, count, held


def _command(data: bytes) -> Command:
    (source, incarnation, place, time), body = _message(data, COMMAND_HEAD, COMMANDS)
    if body is None:
        raise PoisonError("a command without a known body")
    return Command(source, incarnation, place, time, body)


def _message(data: bytes, head: str, bodies: dict[int, Shape]) -> tuple[list[int], Any]:
    """The scalar head of a message, and the last of its bodies that is known, or `None`."""
    at_head = [0] * len(head)
    known = 0
    values: list[Any] = []
    for number, kind, value in fields(data):
        if number <= len(head):
            if not isinstance(value, int):
                raise WireError(f"field {number} has wire type {kind}")
            at_head[number - 1] = number_of(value, head[number - 1])
        elif number in bodies:
            if not isinstance(value, bytes) or kind != BYTES:
                raise WireError(f"field {number} has wire type {kind}")
            if number != known:
                known, values = number, bodies[number].empty()
            bodies[number].read(value, values)
    return at_head, bodies[known].body(values) if known else None
