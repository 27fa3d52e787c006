"""Commands as CSV, one a line: what `outcry-engine replay FILE.csv` reads.

The first line names the columns, in any order; a cell may be empty. `command` says which it is:

| command | columns |
|---|---|
| `new` | order_id, user_id, side, type, time_in_force, price, quantity |
| `cancel` | order_id, user_id |
| `settings` | trading_status, price_band_lower and _upper, min_notional, maker_fee_ppm, taker_fee_ppm |
| `tick` | time_unix_nanos |

and every line may have source, incarnation, number and time_unix_nanos. Words are the schema's
without prefix, in any case (`buy`, `LIMIT_MAKER`, `gtc`); numbers are ticks, lots and tick-lots.
Without source and number a line counts on from the last as source 2048, incarnation 1. When the
first line is no `settings`, the pair is opened first with a band from 1 to 10^9 ticks.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from outcry.v1 import command_pb2, types_pb2

from outcry_engine.cli.commands import GENERATOR, default_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SHARED = {"source", "incarnation", "number", "time_unix_nanos", "command"}
_ORDER = ("order_id", "user_id", "price", "quantity")
_SETTINGS = ("price_band_lower", "price_band_upper", "min_notional", "maker_fee_ppm", "taker_fee_ppm")
_WORDS = {"side", "type", "time_in_force", "trading_status"}


class CsvError(Exception):
    """A line is no command; the message names line and column."""


def read_commands(lines: Iterable[str]) -> Iterator[command_pb2.Command]:
    """Yield the commands of a CSV file's lines."""
    rows = csv.DictReader(lines)
    unknown = set(rows.fieldnames or ()) - _SHARED - {*_ORDER, *_SETTINGS} - _WORDS
    if unknown or "command" not in (rows.fieldnames or ()):
        raise CsvError(f"line 1: a column `command` is needed; unknown columns: {sorted(unknown) or 'none'}")
    number = 0
    for row in rows:
        line = rows.line_num
        command = _command(row, line)
        if number == 0 and not command.HasField("pair_settings"):
            yield default_settings()
        number = command.number or number + 1
        command.number = number
        yield command


def _command(row: Mapping[str, str], line: int) -> command_pb2.Command:
    kind = (row["command"] or "").strip().lower()
    command = command_pb2.Command(
        source=_number(row, "source", line, GENERATOR),
        incarnation=_number(row, "incarnation", line, 1),
        number=_number(row, "number", line, 0),
        time_unix_nanos=_number(row, "time_unix_nanos", line, 0),
    )
    try:
        _fill(command, kind, row, line)
    except ValueError as error:
        raise CsvError(f"line {line}: {error}") from error
    return command


def _fill(command: command_pb2.Command, kind: str, row: Mapping[str, str], line: int) -> None:
    if kind == "new":
        command.new_order.CopyFrom(
            command_pb2.NewOrder(
                side=_word(row, "side", types_pb2.Side, "SIDE_", line),
                type=_word(row, "type", types_pb2.OrderType, "ORDER_TYPE_", line),
                time_in_force=_word(row, "time_in_force", types_pb2.TimeInForce, "TIME_IN_FORCE_", line),
                order_id=_number(row, "order_id", line, 0),
                user_id=_number(row, "user_id", line, 0),
                price=_number(row, "price", line, 0),
                quantity=_number(row, "quantity", line, 0),
            )
        )
    elif kind == "cancel":
        command.cancel_order.order_id = _number(row, "order_id", line, 0)
        command.cancel_order.user_id = _number(row, "user_id", line, 0)
    elif kind == "settings":
        given: dict[str, Any] = {name: _number(row, name, line, 0) for name in _SETTINGS if row.get(name)}
        settings = default_settings(**given).pair_settings
        if row.get("trading_status"):
            settings.trading_status = _word(
                row, "trading_status", types_pb2.TradingStatus, "TRADING_STATUS_", line
            )
        command.pair_settings.CopyFrom(settings)
    elif kind == "tick":
        command.tick.time_unix_nanos = command.time_unix_nanos
    else:
        raise CsvError(f"line {line}: command {kind!r} is none of new, cancel, settings, tick")


def _number(row: Mapping[str, str], name: str, line: int, missing: int) -> int:
    text = (row.get(name) or "").strip()
    if not text:
        return missing
    try:
        return int(text)
    except ValueError:
        raise CsvError(f"line {line}: {name} {text!r} is no whole number") from None


def _word(row: Mapping[str, str], name: str, words: Any, prefix: str, line: int) -> Any:  # noqa: ANN401
    text = (row.get(name) or "").strip().upper()
    if not text:
        return 0
    try:
        return words.Value(prefix + text)
    except ValueError:
        known = ", ".join(word.removeprefix(prefix) for word in words.keys()[1:])
        raise CsvError(f"line {line}: {name} {text!r} is none of {known}") from None
