"""`outcry-engine feed`: hears a pair's market data feed and shows it."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import TYPE_CHECKING

from outcry_engine.feed import BUY, SELL, Ended, Event, FeedClient, FeedError, Snapshot

if TYPE_CHECKING:
    from outcry_engine.cli.parsers import Subparsers
    from outcry_engine.feed import Level, Update

_EXAMPLE = """\
example:
  outcry-engine feed --line 239.1.1.1:30000 --line 239.1.1.2:30000 \\
    --recovery engine-btc-usdt-0.engine-btc-usdt:7072 \\
    --recovery engine-btc-usdt-1.engine-btc-usdt:7072 --json

Every event that the market sees is a line: its seq, how it came, what it says. Times are Unix
nanoseconds, prices ticks, quantities lots. Ctrl-C ends it; so does the end of the session.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "feed",
        help="show a pair's market data feed",
        description="Hears a pair's multicast lines, keeps the book, and shows what comes. Gaps are closed "
        "over the recovery channel of either replica.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--line", action="append", required=True, metavar="GROUP:PORT", help="a line; twice for A and B"
    )
    parser.add_argument(
        "--recovery",
        action="append",
        required=True,
        metavar="HOST:PORT",
        help="a replica's recovery channel; twice for both replicas",
    )
    parser.add_argument("--interface", default="", metavar="NAME", help="network interface [as routes say]")
    parser.add_argument("--book", action="store_true", help="show the best levels in place of the events")
    parser.add_argument("--levels", type=int, default=5, metavar="N", help="levels of --book, each side [5]")
    parser.add_argument("--count", type=int, default=0, metavar="N", help="end after N updates [never]")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Show until told to stop; 0 at the end, 1 when the feed cannot be heard."""
    try:
        asyncio.run(_show(args))
    except (FeedError, OSError) as error:
        print(f"outcry-engine feed: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, BrokenPipeError):
        return 0
    return 0


async def _show(args: argparse.Namespace) -> None:
    shown = 0
    client = FeedClient(lines=args.line, recovery=args.recovery, interface=args.interface)
    async with client as feed:
        async for update in feed:
            for line in _lines(feed, update, args):
                print(line, flush=True)
            shown += 1
            if shown == args.count:
                return


def _lines(feed: FeedClient, update: Update, args: argparse.Namespace) -> list[str]:
    if args.book:
        return [_book(feed, args)]
    if isinstance(update, Event) and not update.messages:
        return []
    return [_as_json(update)] if args.json else _as_text(feed, update)


def _as_json(update: Update) -> str:
    fields: dict[str, object] = {"update": type(update).__name__}
    if isinstance(update, Snapshot):
        fields["sequence"] = update.sequence
    elif isinstance(update, Event):
        said = [{"message": type(each).__name__, **each._asdict()} for each in update.messages]
        fields |= {name: getattr(update, name) for name in _TIMES} | {"messages": said}
    return json.dumps(fields)


_TIMES = ("sequence", "epoch", "received_unix_nanos", "sent_unix_nanos", "arrived_unix_nanos")


def _as_text(feed: FeedClient, update: Update) -> list[str]:
    if isinstance(update, Snapshot):
        return [f"{update.sequence:>10}  Snapshot           {len(feed.book)} orders"]
    if isinstance(update, Ended):
        return ["            the session has ended"]
    return [
        f"{update.sequence:>10}  {type(each).__name__:<17}  "
        + " ".join(f"{name}={value}" for name, value in each._asdict().items())
        for each in update.messages
    ]


def _book(feed: FeedClient, args: argparse.Namespace) -> str:
    sides = [feed.book.levels(side)[: args.levels] for side in (BUY, SELL)]
    if args.json:
        names = ("sequence", "bids", "asks")
        return json.dumps(dict(zip(names, [feed.book.sequence, *sides], strict=True)))
    bids, asks = (" ".join(_level(level) for level in side) for side in sides)
    return f"{feed.book.sequence:>10}  {bids} | {asks}"


def _level(level: Level) -> str:
    return f"{level.price}x{level.quantity}({level.orders})"
