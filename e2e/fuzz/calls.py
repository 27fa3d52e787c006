"""The oracle's commands as `outcry_engine`'s own, and its events as the oracle's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import outcry_engine

from e2e.oracle import commands, events

if TYPE_CHECKING:
    from collections.abc import Sequence

_READERS = {
    getattr(outcry_engine, body.__name__): (name, body, body._fields) for body, name in events.KINDS.items()
}


def apply(core: outcry_engine.Book, sent: Sequence[commands.Command]) -> list[events.Event]:
    """What the book says to each of the commands, one call a command."""
    said: list[events.Event] = []
    for source, incarnation, number, time, body in sent:
        answer = core.apply(source, incarnation, number, _body(body), time)
        said.extend(_event(event) for event in answer)
    return said


def _body(body: commands.Body) -> outcry_engine.Command:
    fields: dict[str, Any] = body._asdict()
    if isinstance(body, commands.PairSettings):
        fields["filters"] = outcry_engine.Filters(**body.filters._asdict())
    if isinstance(body, commands.CancelReplace):
        fields["order"] = _body(body.order)
    made: outcry_engine.Command = getattr(outcry_engine, type(body).__name__)(**fields)
    return made


def _event(event: Any) -> events.Event:  # noqa: ANN401 - one of outcry_engine's events
    name, kind, fields = _READERS[type(event)]
    # A word that is not there is None to Python and 0 to the schema.
    values: list[Any] = [getattr(event, field) or 0 for field in fields]
    body: events.Body = kind(*values)
    identity = (event.seq, event.source, event.incarnation, event.number, event.time_unix_nanos)
    return events.Event(*identity, name, body)
