"""`outcry-engine replay`: a file of commands through the core, without Kafka."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from outcry_engine._engine import Replay
from outcry_engine.cli.commands import record
from outcry_engine.cli.commands_csv import CsvError, read_commands
from outcry_engine.cli.dump import DumpError, DumpReader, is_dump
from outcry_engine.cli.event_text import events, plain, table_line
from outcry_engine.cli.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outcry_engine.cli.parsers import Subparsers

_CSV_BATCH = 256
_EXAMPLE = """\
examples:
  outcry-engine replay orders.csv
  outcry-engine inspect matching.BTC-USDT --dump input.dump
  outcry-engine replay input.dump --format jsonl --out events.jsonl
"""


class _Piece(NamedTuple):
    record: bytes
    bytes_read: int


def add_parser(subparsers: Subparsers) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "replay",
        help="run a file of commands through the core",
        description="Runs a CSV of commands or a topic dump (`outcry-engine inspect TOPIC --dump FILE`) "
        "through the core and prints its events. Columns of the CSV: see docs/matching.md.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="a CSV of commands or a topic dump")
    parser.add_argument("--symbol", help="the pair (default: the dump's own, or REPLAY for a CSV)")
    parser.add_argument(
        "--rules",
        type=int,
        choices=(1, 2),
        default=1,
        help="rules version of a CSV that doesn't begin with settings (default %(default)s)",
    )
    parser.add_argument(
        "--format",
        choices=("jsonl", "table", "binary", "none"),
        default="table",
        help="binary: each event's bytes as published, behind their length as a varint (default %(default)s)",
    )
    parser.add_argument("--out", type=Path, help="write the events here instead of to the terminal")
    parser.add_argument("--json", action="store_true", help="end with a JSON summary on stderr")


def run(args: argparse.Namespace) -> int:
    """Replay the file; 0 unless it cannot be read."""
    try:
        with args.file.open("rb") as opened:
            dump = is_dump(opened)
        with args.out.open("wb") if args.out else open(1, "wb", closefd=False) as out:
            return _replay(args, dump=dump, out=out)
    except (OSError, DumpError, CsvError, UnicodeDecodeError) as error:
        print(f"outcry-engine replay: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0


def _replay(args: argparse.Namespace, *, dump: bool, out: BinaryIO) -> int:
    started = time.monotonic()
    symbol, pieces = _from_dump(args) if dump else _from_csv(args)
    replay = Replay(symbol)
    progress = Progress(args.file.name, args.file.stat().st_size)
    for piece in pieces:
        out.write(_rendered(replay.apply(piece.record), args.format))
        progress.at(piece.bytes_read, f"{replay.commands:,} commands, {replay.seq:,} events")
    progress.close(f"{replay.commands:,} commands, {replay.seq:,} events")
    _summarise(args, replay, symbol, time.monotonic() - started)
    return 0


def _from_dump(args: argparse.Namespace) -> tuple[str, Iterator[_Piece]]:
    reader = DumpReader(args.file)

    def pieces() -> Iterator[_Piece]:
        with reader:
            for entry in reader:
                yield _Piece(entry.value or b"", reader.position)

    return args.symbol or reader.info.symbol, pieces()


def _from_csv(args: argparse.Namespace) -> tuple[str, Iterator[_Piece]]:
    symbol = args.symbol or "REPLAY"

    def pieces() -> Iterator[_Piece]:
        read = 0

        def lines() -> Iterator[str]:
            nonlocal read
            with args.file.open(encoding="utf-8", newline="") as file:
                for line in file:
                    read += len(line)
                    yield line

        commands = read_commands(lines(), rules_version=args.rules)
        while batch := list(itertools.islice(commands, _CSV_BATCH)):
            yield _Piece(record(symbol, batch), read)

    return symbol, pieces()


def _rendered(delimited: bytes, form: str) -> bytes:
    if form == "binary":
        return delimited
    if form == "jsonl":
        return b"".join(json.dumps(plain(event)).encode() + b"\n" for event in events(delimited))
    if form == "table":
        return b"".join(table_line(event).encode() + b"\n" for event in events(delimited))
    return b""


def _summarise(args: argparse.Namespace, replay: Replay, symbol: str, seconds: float) -> None:
    summary = {
        "symbol": symbol,
        "commands": replay.commands,
        "repeated": replay.repeated,
        "poison": replay.poison,
        "events": replay.seq,
        "resting_orders": replay.resting_orders,
        "seconds": round(seconds, 3),
    }
    if args.json:
        print(json.dumps(summary), file=sys.stderr)
    elif replay.poison:
        print(f"{replay.poison} records skipped as poison, the last: {replay.last_poison}", file=sys.stderr)
