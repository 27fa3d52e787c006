"""`outcry-engine run`: one engine replica, the entry point of a pod."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from typing import TYPE_CHECKING

from outcry_engine._engine import StartError
from outcry_engine.shell import ignition, settings
from outcry_engine.shell.errors import SettingsError

if TYPE_CHECKING:
    from outcry_engine.cli.parsers import Subparsers

_EXAMPLE = """\
example:
  outcry-engine run --symbol BTC-USDT --replica engine-btc-usdt-0 \\
    --peer engine-btc-usdt-1.engine-btc-usdt:7071 --kafka kafka:9092 \\
    --consul http://consul:8500 --data-dir /var/lib/outcry --advertise 10.0.0.7

SIGTERM: a planned hand-over when hot, then a checkpoint, then exit 0.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser(
        "run",
        help="run one engine replica",
        description="Runs one engine replica. Durations are written 100ms, 1s; each flag can be given as an "
        "environment variable.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    settings.add_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Run until told to stop; 0 after SIGTERM, 2 for wrong settings, 1 for anything else."""
    try:
        told = settings.load(args, os.environ)
    except SettingsError as error:
        print(f"outcry-engine run: {error}", file=sys.stderr)
        return 2
    try:
        ignited = ignition.ignite(told)
        # Most of a second's worth of imports, which the engine uses to restore its book.
        from outcry_engine.shell import process  # noqa: PLC0415

        return asyncio.run(process.main(told, ignited))
    except (StartError, OSError) as error:
        print(f"outcry-engine run: {error}", file=sys.stderr)
        return 1
