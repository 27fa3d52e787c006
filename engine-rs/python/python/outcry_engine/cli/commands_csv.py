"""Commands as CSV, one a line: what `outcry-engine replay FILE.csv` reads.

The first line names the columns, in any order; a cell may be empty. `command` says which it is:

| command | body of the schema |
|---|---|
| `new` | NewOrder |
| `cancel` | CancelOrder |
| `amend` | AmendOrder |
| `replace` | CancelReplace and the columns of `new` for its order |
| `oco` | NewOco |
| `mass_cancel` | MassCancel |
| `timer` | SetDisconnectTimer |
| `settings` | PairSettings and its Filters |
| `tick` | Tick |

Columns have the names of the schema's fields, and every line may have source, incarnation, number and
time_unix_nanos. Words are the schema's without prefix, in any case (`buy`, `LIMIT_MAKER`, `gtc`);
numbers are ticks, lots and tick-lots. Without source and number a line counts on from the last as
source 2048, incarnation 1. When the first line is no `settings`, the pair is opened first with a band
from 1 to 10^9 ticks.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, Final

from outcry.v1 import command_pb2

from outcry_engine.cli.commands import GENERATOR, default_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from google.protobuf.message import Message

_FRAME: Final = ("source", "incarnation", "number", "time_unix_nanos")
_BODIES: Final = {
    "new": "new_order",
    "cancel": "cancel_order",
    "amend": "amend_order",
    "replace": "cancel_replace",
    "oco": "new_oco",
    "mass_cancel": "mass_cancel",
    "timer": "set_disconnect_timer",
    "settings": "pair_settings",
    "tick": "tick",
}
_TRUTH: Final = {"0": False, "1": True, "false": False, "true": True}


class CsvError(Exception):
    """A line is no command; the message names line and column."""


def read_commands(lines: Iterable[str], *, rules_version: int = 1) -> Iterator[command_pb2.Command]:
    """Yield the commands of a CSV file's lines; `rules_version` is of a pair that they don't open."""
    rows = csv.DictReader(lines)
    given = set(rows.fieldnames or ())
    if "command" not in given or given - COLUMNS:
        unknown = sorted(given - COLUMNS) or "none"
        raise CsvError(f"line 1: a column `command` is needed; unknown columns: {unknown}")
    number = 0
    for row in rows:
        if None in row:
            raise CsvError(f"line {rows.line_num}: more cells than line 1 has columns")
        command = _command(row, rows.line_num)
        if number == 0 and not command.HasField("pair_settings"):
            yield default_settings(rules_version=rules_version)
        number = command.number or number + 1
        command.number = number
        yield command


def _leaves(message: Any) -> Iterator[str]:  # noqa: ANN401 - a descriptor, which has two types
    for field in message.fields:
        if field.message_type is not None:
            yield from _leaves(field.message_type)
        else:
            yield field.name


COLUMNS: Final = frozenset({"command", *_FRAME}.union(_leaves(command_pb2.Command.DESCRIPTOR)))


def _command(row: Mapping[str, str], line: int) -> command_pb2.Command:
    kind = _cell(row, "command").lower()
    if kind not in _BODIES:
        raise CsvError(f"line {line}: command {kind!r} is none of {', '.join(_BODIES)}")
    command = command_pb2.Command(source=GENERATOR, incarnation=1)
    body: Message = getattr(command, _BODIES[kind])
    # A body without any cell is still that body.
    body.SetInParent()
    if isinstance(body, command_pb2.PairSettings):
        body.CopyFrom(default_settings().pair_settings)
    try:
        for name in _FRAME:
            _set(command, command.DESCRIPTOR.fields_by_name[name], row, line)
        _fill(body, row, line)
    except ValueError as error:
        raise CsvError(f"line {line}: {error}") from error
    return command


def _fill(message: Message, row: Mapping[str, str], line: int) -> None:
    for field in message.DESCRIPTOR.fields:
        if field.message_type is None:
            _set(message, field, row, line)
        elif any(_cell(row, name) for name in _leaves(field.message_type)):
            _fill(getattr(message, field.name), row, line)


def _set(message: Message, field: Any, row: Mapping[str, str], line: int) -> None:  # noqa: ANN401
    if text := _cell(row, field.name):
        setattr(message, field.name, _value(field, text, line))


def _value(field: Any, text: str, line: int) -> Any:  # noqa: ANN401 - as the field's type
    if field.enum_type is not None:
        return _word(field, text, line)
    if field.type == field.TYPE_BOOL:
        if text.lower() not in _TRUTH:
            raise CsvError(f"line {line}: {field.name} {text!r} is none of {', '.join(_TRUTH)}")
        return _TRUTH[text.lower()]
    try:
        return int(text)
    except ValueError:
        raise CsvError(f"line {line}: {field.name} {text!r} is no whole number") from None


def _word(field: Any, text: str, line: int) -> int:  # noqa: ANN401
    prefix = field.enum_type.values[0].name.removesuffix("UNSPECIFIED")
    words = {value.name.removeprefix(prefix): value.number for value in field.enum_type.values[1:]}
    if text.upper() not in words:
        raise CsvError(f"line {line}: {field.name} {text!r} is none of {', '.join(words)}")
    number: int = words[text.upper()]
    return number


def _cell(row: Mapping[str, str], name: str) -> str:
    return (row.get(name) or "").strip()
