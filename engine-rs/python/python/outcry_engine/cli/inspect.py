"""`outcry-engine inspect`: what a checkpoint or a topic holds, for people."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError
from outcry.v1 import book_pb2, command_pb2, event_pb2

from outcry_engine.cli.dump import DumpInfo, DumpWriter
from outcry_engine.cli.event_text import body_text, plain, table_line
from outcry_engine.cli.progress import Progress
from outcry_engine.cli.topic import TopicError, TopicReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.message import Message

    from outcry_engine.cli.dump import DumpRecord
    from outcry_engine.cli.parsers import Subparsers

_EXAMPLE = """\
examples:
  outcry-engine inspect events.BTC-USDT --kafka kafka:9092
  outcry-engine inspect matching.BTC-USDT --from 0 --max 5 --json
  outcry-engine inspect /var/lib/outcry
"""


def add_parser(subparsers: Subparsers) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "inspect",
        help="show what a checkpoint or a topic holds",
        description="Shows a checkpoint (a file or the directory that holds them) or a topic "
        "(matching.*, events.*, book.*) from --from to its present end.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", metavar="CHECKPOINT|TOPIC", help="a path, or a topic's name")
    parser.add_argument(
        "--kafka",
        default=os.environ.get("OUTCRY_KAFKA", "127.0.0.1:9092"),
        help="bootstrap servers (default $OUTCRY_KAFKA or 127.0.0.1:9092)",
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=int,
        help="first offset; negative counts from the end (default -10, with --dump 0)",
    )
    parser.add_argument("--max", type=int, dest="most", help="at most so many records")
    parser.add_argument("--dump", type=Path, metavar="FILE", help="write the raw records here, for `replay`")
    parser.add_argument("--json", action="store_true", help="JSON lines")


def run(args: argparse.Namespace) -> int:
    """Show it; 0 when it could be read."""
    try:
        if Path(args.what).exists():
            return _checkpoint(args)
        return _topic(args)
    except (TopicError, OSError) as error:
        print(f"outcry-engine inspect: {error}", file=sys.stderr)
        return 2


def _checkpoint(args: argparse.Namespace) -> int:
    from outcry_engine._engine import describe_checkpoint  # noqa: PLC0415 - the rest needs no engine

    described = json.loads(describe_checkpoint(args.what))
    if args.json:
        print(json.dumps(described))
        return 0
    for line in _outline(described):
        print(line)
    return 0


def _outline(value: object, indent: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                yield f"{indent}{name}:"
                yield from _outline(inner, indent + "  ")
            else:
                yield f"{indent}{name}: {inner}"
    elif isinstance(value, list):
        for inner in value:
            first, *rest = _outline(inner, indent + "  ")
            yield f"{indent}- {first.strip()}"
            yield from rest
    else:
        yield f"{indent}{value}"


def _topic(args: argparse.Namespace) -> int:
    start = args.start if args.start is not None else (0 if args.dump else -10)
    with closing(TopicReader(kafka=args.kafka, topic=args.what)) as reader:
        records = itertools.islice(reader.read(start), args.most)
        if args.dump:
            return _dump(args, reader, records)
        for record in records:
            shown = _as_json(args.what, record) if args.json else _as_text(args.what, record)
            print(shown)
    return 0


def _dump(args: argparse.Namespace, reader: TopicReader, records: Iterator[DumpRecord]) -> int:
    bounds = reader.bounds
    progress = Progress(args.what, bounds.high - bounds.low)
    kept = 0
    info = DumpInfo(topic=args.what, symbol=args.what.partition(".")[2])
    with DumpWriter(args.dump, info) as writer:
        for record in records:
            writer.write(record)
            kept += 1
            progress.at(record.offset - bounds.low)
    progress.close()
    print(
        f"{kept} records of {args.what} (offsets {bounds.low} to {bounds.high}) in {args.dump}",
        file=sys.stderr,
    )
    return 0


_MESSAGES: dict[str, Callable[[], Message]] = {
    "matching": command_pb2.CommandBatch,
    "events": event_pb2.EventBatch,
    "book": book_pb2.OrderBookSnapshot,
}


def _decoded(topic: str, record: DumpRecord) -> Message | None:
    """The record's message; None when it is none, as a probe or poison."""
    make = _MESSAGES.get(topic.partition(".")[0])
    if make is None or record.value is None:
        return None
    message = make()
    try:
        message.ParseFromString(record.value)
    except DecodeError:
        return None
    return message


def _frame(record: DumpRecord) -> dict[str, object]:
    return {
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": record.key.decode(errors="replace") if record.key is not None else None,
        "bytes": len(record.value) if record.value is not None else None,
        "headers": {name: (value or b"").decode(errors="replace") for name, value in record.headers},
    }


def _as_json(topic: str, record: DumpRecord) -> str:
    message = _decoded(topic, record)
    return json.dumps({**_frame(record), "message": plain(message) if message is not None else None})


def _as_text(topic: str, record: DumpRecord) -> str:
    message = _decoded(topic, record)
    headers = " ".join(f"{name}={(value or b'').decode(errors='replace')}" for name, value in record.headers)
    size = "no value" if record.value is None else f"{len(record.value)} bytes"
    lines = [f"offset {record.offset}  {size}  {headers}".rstrip()]
    if message is None and record.value:
        lines.append(f"  not decodable: {record.value[:32].hex()}")
    elif isinstance(message, event_pb2.EventBatch):
        lines += [f"  {table_line(event)}" for event in message.events]
    elif isinstance(message, command_pb2.CommandBatch):
        lines += [f"  {_command_line(command)}" for command in message.commands]
    elif isinstance(message, book_pb2.OrderBookSnapshot):
        lines += _book_lines(message)
    return "\n".join(lines)


def _command_line(command: command_pb2.Command) -> str:
    kind = command.WhichOneof("body") or "unknown"
    frame = f"{command.source}/{command.incarnation}/{command.number}"
    return f"{frame}  {kind:<14} {body_text(command, kind)}".rstrip()


def _book_lines(book: book_pb2.OrderBookSnapshot) -> list[str]:
    last = f"{book.last_price}x{book.last_quantity}"
    head = f"  {book.symbol} seq {book.seq}, {book.resting_orders} orders, last {last}"
    rows = itertools.zip_longest(book.bids, book.asks)

    def cell(level: book_pb2.PriceLevel | None) -> str:
        return f"{level.quantity:>14} @ {level.price:<12} ({level.orders})" if level is not None else ""

    return [head, *(f"  {cell(bid):<40} | {cell(ask)}" for bid, ask in rows)]
