"""Commands and events of `outcry.v1`, decoded with the reader beside this file."""

from __future__ import annotations

from typing import NamedTuple

from e2e.checker.wire import BYTES, VARINT, WireError, fields, scalars

__all__ = ["Command", "Event", "PoisonError", "decode_commands", "decode_event", "decode_events"]

COMMANDS = {5: "new_order", 6: "cancel_order", 7: "pair_settings", 8: "tick"}
COMMAND_SHAPES = {5: "uueeeii", 6: "uu", 7: "ewiiizzii", 8: "i"}
EVENTS = {
    6: "order_accepted",
    7: "order_rejected",
    8: "trade_executed",
    9: "order_cancelled",
    10: "order_expired",
    11: "cancel_rejected",
    12: "settings_changed",
    13: "settings_rejected",
}
EVENT_SHAPES = {
    6: "uueeeii",
    7: "uue",
    8: "uiiuuuueiizz",
    9: "uui",
    10: "uuie",
    11: "uue",
    12: "ewiiizzii",
    13: "e",
}
MAX_RECORD_BYTES = 1 << 20
MAX_COMMANDS = 10_000


class PoisonError(ValueError):
    """A record of the input that no replica may apply."""


class Command(NamedTuple):
    """One input, its body's numbers in the order of their field numbers."""

    source: int
    incarnation: int
    number: int
    time: int
    kind: str
    body: tuple[int, ...]


class Event(NamedTuple):
    """One output, and the bytes it came in."""

    seq: int
    source: int
    incarnation: int
    number: int
    time: int
    kind: str
    body: tuple[int, ...]
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
    (source, incarnation, place, time), known = _message(data, "wuui", COMMAND_SHAPES)
    if known is None:
        raise PoisonError("a command without a known body")
    number, body = known
    return Command(source, incarnation, place, time, COMMANDS[number], body)


def decode_event(data: bytes) -> Event:
    """One event; raises `WireError`."""
    (seq, source, incarnation, place, time), known = _message(data, "uwuui", EVENT_SHAPES)
    if known is None:
        raise WireError("an event without a known body")
    number, body = known
    return Event(seq, source, incarnation, place, time, EVENTS[number], body, data)


def _message(
    data: bytes, head: str, bodies: dict[int, str]
) -> tuple[tuple[int, ...], tuple[int, tuple[int, ...]] | None]:
    """The scalar head of a message, and the last of its bodies that is known."""
    known: tuple[int, bytes] | None = None
    at_head: dict[int, int] = {}
    for number, kind, value in fields(data):
        if number <= len(head):
            if kind != VARINT or not isinstance(value, int):
                raise WireError(f"field {number} has wire type {kind}")
            at_head[number] = value
        elif number in bodies:
            if not isinstance(value, bytes) or kind != BYTES:
                raise WireError(f"field {number} has wire type {kind}")
            known = (number, value)
    values = tuple(_head_number(at_head.get(place + 1, 0), letter) for place, letter in enumerate(head))
    if known is None:
        return values, None
    return values, (known[0], scalars(known[1], bodies[known[0]]))


def _head_number(value: int, letter: str) -> int:
    if letter == "w":
        return value & 0xFFFFFFFF
    if letter == "i" and value >= 1 << 63:
        return value - (1 << 64)
    return value
