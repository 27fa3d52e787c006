"""Messages of `outcry.v1` as plain JSON values and as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.internal.decoder import _DecodeVarint32  # type: ignore[attr-defined]
from outcry.v1 import event_pb2

_PREFIXES = (
    "SIDE_",
    "ORDER_TYPE_",
    "TIME_IN_FORCE_",
    "TRADING_STATUS_",
    "REJECT_REASON_",
    "EXPIRE_REASON_",
    "SELF_TRADE_PREVENTION_",
    "CANCEL_REPLACE_MODE_",
)
# Most orders leave these out: a line names them when they say something.
_OFTEN_EMPTY = {
    "quote_quantity",
    "display_quantity",
    "stop_price",
    "stop_limit_price",
    "stop_time_in_force",
    "trailing_delta",
    "expire_time_unix_nanos",
    "self_trade_prevention",
    "list_order_id",
    "trade_group",
}

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message


def split(delimited: bytes) -> Iterator[bytes]:
    """Cut length-delimited bytes into the messages' own."""
    at = 0
    while at < len(delimited):
        size, at = _DecodeVarint32(delimited, at)
        yield delimited[at : at + size]
        at += size


def events(delimited: bytes) -> Iterator[event_pb2.Event]:
    """Decode length-delimited events."""
    return map(event_pb2.Event.FromString, split(delimited))


def plain(message: Message) -> dict[str, object]:
    """All fields of a message by name: enums by their names, a chosen body as one of its fields."""
    values: dict[str, object] = {}
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof is not None and not message.HasField(field.name):
            continue
        values[field.name] = _value(field, getattr(message, field.name))
    return values


def _value(field: Any, value: Any) -> object:  # noqa: ANN401 - a field and what it holds
    if field.is_repeated:
        return [_one(field, item) for item in value]
    return _one(field, value)


def _one(field: Any, value: Any) -> object:  # noqa: ANN401
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return plain(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else value
    return value


def table_line(event: event_pb2.Event) -> str:
    """One event as a line: seq, command, what happened."""
    kind = event.WhichOneof("body") or "unknown"
    return f"{event.seq:>10}  {event.source}/{event.number:<10} {kind:<17} {body_text(event, kind)}".rstrip()


def body_text(message: Message, kind: str) -> str:
    """The fields of a command's or an event's body, as `name=value`."""
    return " ".join(_pairs(getattr(message, kind), "")) if kind != "unknown" else ""


def _pairs(message: Message, prefix: str) -> Iterator[str]:
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type is not None:
            if message.HasField(field.name):
                yield from _pairs(value, f"{prefix}{field.name}.")
        elif value or field.name not in _OFTEN_EMPTY:
            yield f"{prefix}{field.name}={_short(_one(field, value))}"


def _short(value: object) -> object:
    if not isinstance(value, str):
        return value
    for prefix in _PREFIXES:
        value = value.removeprefix(prefix)
    return value
