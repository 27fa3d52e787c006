"""`outcry-engine flow`: a seeded, realistic order flow into `matching.{symbol}`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from itertools import islice
from typing import TYPE_CHECKING

from outcry_engine.cli.commands import GENERATOR, default_settings, record
from outcry_engine.cli.flow_features import FeatureSettings, features
from outcry_engine.cli.flow_model import FlowSettings, flow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message
    from outcry.v1 import command_pb2

    from outcry_engine.cli.flow_model import FlowCommand
    from outcry_engine.cli.flow_send import Progress
    from outcry_engine.cli.parsers import Subparsers

_EXAMPLE = """\
examples:
  outcry-engine flow --symbol BTC-USDT --kafka kafka:9092 --rate 2000
  outcry-engine flow --max 100000 --rate 0 --seed 7 --json
"""


def add_parser(subparsers: Subparsers) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "flow",
        help="send a seeded, realistic order flow into a pair",
        description="Sends a seeded order flow into matching.{symbol} until its limits or Ctrl-C, then waits "
        "for Kafka's acknowledgement of every command.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--symbol", default="BTC-USDT", help="the pair (default %(default)s)")
    parser.add_argument(
        "--kafka",
        default=os.environ.get("OUTCRY_KAFKA", "127.0.0.1:9092"),
        help="bootstrap servers (default $OUTCRY_KAFKA or 127.0.0.1:9092)",
    )
    parser.add_argument("--rate", type=float, default=2000, help="commands a second; 0: as fast as it goes")
    parser.add_argument("--seconds", type=float, help="how long (default: until stopped)")
    parser.add_argument("--max", type=int, dest="most", help="how many commands (default: no limit)")
    parser.add_argument("--batch", type=int, help="commands a record (default: 10 ms of the rate, 1 to 200)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same flow")
    parser.add_argument("--users", type=int, default=1000, help="accounts that trade")
    parser.add_argument("--mid", type=int, default=6_000_000, help="ticks, where the price starts")
    parser.add_argument("--distance", type=int, default=150, help="ticks, mean distance of a resting order")
    parser.add_argument("--resting", type=int, default=2000, help="orders kept in the book")
    parser.add_argument(
        "--features",
        choices=("plain", "all"),
        default="plain",
        help="all: every order type, amendments, timers; for rules version 2 (default %(default)s)",
    )
    parser.add_argument("--source", type=int, default=GENERATOR, help="command source, from 2048 on")
    parser.add_argument("--incarnation", type=int, help="default: the start time in Unix seconds")
    parser.add_argument("--first-number", type=int, default=1, help="number of the first command")
    parser.add_argument(
        "--open",
        action="store_true",
        help="send default settings first, of rules version 2: only for a pair without an operator",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON summary at the end")


def run(args: argparse.Namespace) -> int:
    """Send the flow; 0 when every command was acknowledged."""
    return asyncio.run(_run(args))


async def _run(args: argparse.Namespace) -> int:
    # confluent-kafka is loaded here, so that the other subcommands start without it.
    from outcry_engine.cli.flow_send import (  # noqa: PLC0415
        FlowSender,
        SendSettings,
        TopicMissingError,
        require_topic,
    )

    incarnation = args.incarnation or int(time.time())
    model = FlowSettings(
        seed=args.seed,
        mid=args.mid,
        distance=args.distance,
        resting=args.resting,
        users=args.users,
        first_order_id=(incarnation << 32) + 1,
    )
    settings = SendSettings(
        symbol=args.symbol,
        kafka=args.kafka,
        rate=args.rate,
        batch=args.batch or _batch_of(args.rate),
        source=args.source,
        incarnation=incarnation,
        seconds=args.seconds,
        most=args.most,
        first_number=args.first_number,
    )
    try:
        require_topic(args.kafka, args.symbol)
    except TopicMissingError as error:
        print(f"outcry-engine flow: {error}", file=sys.stderr)
        return 2
    if args.open:
        _open_pair(args.kafka, args.symbol, default_settings(incarnation=incarnation, rules_version=2))
    commands = islice(_flow_of(args, model, incarnation), args.first_number - 1, None)
    shown = None if args.json or not sys.stderr.isatty() else _show
    sender = FlowSender(settings, commands, on_progress=shown)
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(ValueError):
            loop.add_signal_handler(signum, sender.stop)
    progress = await sender.run()
    summary = progress.summary()
    if args.json:
        print(json.dumps(summary))
    else:
        print(
            f"\n{progress.acked:,} commands acknowledged of {progress.sent:,} in {progress.seconds:.1f} s "
            f"({summary['rate']:,}/s), last number {progress.last_number}, "
            f"source {progress.source}, incarnation {progress.incarnation}"
        )
    return 0 if progress.acked == progress.sent else 1


def _batch_of(rate: float) -> int:
    return 200 if rate <= 0 else max(1, min(200, round(rate / 100)))


def _flow_of(
    args: argparse.Namespace, market: FlowSettings, incarnation: int
) -> Iterator[FlowCommand | Message]:
    if args.features == "plain":
        return flow(market)
    return features(
        FeatureSettings(
            market=market,
            # The incarnation and not the clock: a flow that goes on later makes the same commands.
            start_unix_nanos=incarnation * 1_000_000_000,
            nanos_per_command=round(1_000_000_000 / args.rate) if args.rate > 0 else 0,
        )
    )


def _open_pair(kafka: str, symbol: str, settings: command_pb2.Command) -> None:
    from confluent_kafka import Producer  # noqa: PLC0415

    producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
    producer.produce(f"matching.{symbol}", record(symbol, [settings]), partition=0)
    producer.flush()


def _show(progress: Progress) -> None:
    rate = progress.acked / progress.seconds if progress.seconds else 0.0
    sys.stderr.write(
        f"\r{progress.symbol}: {progress.acked:,} acknowledged, {progress.sent - progress.acked:,} in flight"
        f", {rate:,.0f}/s  "
    )
    sys.stderr.flush()
