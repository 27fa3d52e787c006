"""The oracle's commands as records of `matching.{symbol}`, and the core's events as the oracle's."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from outcry.v1 import command_pb2, event_pb2

from e2e.oracle import commands, events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FIELDS: dict[type[Any], tuple[str, type[Any]]] = {
    commands.NewOrder: ("new_order", command_pb2.NewOrder),
    commands.CancelOrder: ("cancel_order", command_pb2.CancelOrder),
    commands.Tick: ("tick", command_pb2.Tick),
    commands.AmendOrder: ("amend_order", command_pb2.AmendOrder),
    commands.NewOco: ("new_oco", command_pb2.NewOco),
    commands.MassCancel: ("mass_cancel", command_pb2.MassCancel),
    commands.SetDisconnectTimer: ("set_disconnect_timer", command_pb2.SetDisconnectTimer),
}


def record(symbol: str, sent: Sequence[commands.Command]) -> bytes:
    """One record with these commands."""
    batch = command_pb2.CommandBatch(
        version=1, symbol=symbol, count=len(sent), commands=[_command(command) for command in sent]
    )
    return batch.SerializeToString()


def _command(command: commands.Command) -> command_pb2.Command:
    source, incarnation, number, time, body = command
    name, message = _body(body)
    return command_pb2.Command(
        source=source, incarnation=incarnation, number=number, time_unix_nanos=time, **{name: message}
    )


def _body(body: commands.Body) -> tuple[str, Any]:
    if isinstance(body, commands.PairSettings):
        fields = body._asdict() | {"filters": command_pb2.Filters(**body.filters._asdict())}
        return "pair_settings", command_pb2.PairSettings(**fields)
    if isinstance(body, commands.CancelReplace):
        fields = body._asdict() | {"order": command_pb2.NewOrder(**body.order._asdict())}
        return "cancel_replace", command_pb2.CancelReplace(**fields)
    name, message = FIELDS[type(body)]
    return name, message(**body._asdict())


def _reader(kind: type[Any]) -> Callable[[Any], Any]:
    """Reads one body; every body has two fields or more but one."""
    fields = kind._fields
    values = attrgetter(*fields)
    if len(fields) == 1:
        return lambda message: kind(values(message))
    return lambda message: kind._make(values(message))


READERS = {name: _reader(kind) for kind, name in events.KINDS.items()}


def _length(delimited: bytes, at: int) -> tuple[int, int]:
    """A varint, and the place behind it."""
    length = delimited[at] & 0x7F
    shift = 7
    while delimited[at] & 0x80:
        at += 1
        length |= (delimited[at] & 0x7F) << shift
        shift += 7
    return length, at + 1


def split(delimited: bytes) -> Iterator[bytes]:
    """The bytes of each event."""
    at = 0
    while at < len(delimited):
        length, at = _length(delimited, at)
        yield delimited[at : at + length]
        at += length


def kind(encoded: bytes) -> str:
    """What kind of event the bytes are."""
    return event_pb2.Event.FromString(encoded).WhichOneof("body") or "none"


def read_events(delimited: bytes) -> list[events.Event]:
    """The events of `Book.apply_record`: each is behind its length."""
    read: list[events.Event] = []
    for encoded in split(delimited):
        event = event_pb2.Event.FromString(encoded)
        name = event.WhichOneof("body") or "none"
        body = READERS[name](getattr(event, name))
        read.append(
            events.Event(
                event.seq, event.source, event.incarnation, event.number, event.time_unix_nanos, name, body
            )
        )
    return read
