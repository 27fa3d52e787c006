"""Answers of the exchange as a table for a person, or as JSON for a program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

__all__ = ["add_json", "show", "show_one"]


def add_json(parser: argparse.ArgumentParser) -> None:
    """Declare `--json`."""
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")


def show(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, as_json: bool, empty: str) -> None:
    """Print rows; `columns` are titles by field."""
    if as_json:
        print(json.dumps(list(rows)))
        return
    table = Table(*columns.values(), box=None)
    for row in rows:
        table.add_row(*(str(row.get(field, "")) for field in columns))
    Console().print(table if rows else empty)


def show_one(row: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what has a value, a line each."""
    if as_json:
        print(json.dumps(row))
        return
    table = Table(show_header=False, box=None)
    for name, value in row.items():
        if value not in ("", None):
            table.add_row(name, str(value))
    Console().print(table)
