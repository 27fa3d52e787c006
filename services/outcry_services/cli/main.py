"""Entry point of `outcry`: markets by what Consul knows, everything else by signed calls of the gateway."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from outcry_services.cli import (
    cold,
    deposits,
    liabilities,
    login,
    money,
    orders,
    pairs,
    solvency,
    watch,
    withdrawals,
)
from outcry_services.cli.errors import CliError

if TYPE_CHECKING:
    from collections.abc import Sequence


def build_parser() -> argparse.ArgumentParser:
    """All subcommands and their flags."""
    parser = argparse.ArgumentParser(
        prog="outcry", description="Look at an Outcry exchange, and trade there."
    )
    subcommands = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
    for module in (watch, pairs):
        subparser = module.add_parser(subcommands)
        subparser.set_defaults(run=module.run)
        subparser.add_argument(
            "--consul",
            metavar="URL",
            default=os.environ.get("OUTCRY_CONSUL", "http://127.0.0.1:8500"),
            help="Consul's HTTP address [$OUTCRY_CONSUL, or %(default)s]",
        )
    for several in (login, orders, money, solvency, liabilities, deposits, withdrawals, cold):
        several.add_parsers(subcommands)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; exits 1 with one line on stderr when it can't do its work."""
    options = build_parser().parse_args(arguments)
    try:
        sys.exit(options.run(options))
    except CliError as error:
        print(f"outcry {options.subcommand}: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
