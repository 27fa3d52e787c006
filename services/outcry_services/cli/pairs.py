"""`outcry pairs`: all markets in one table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from outcry_services.cli.registry import Registry

if TYPE_CHECKING:
    import argparse

Subparsers = Any  # argparse keeps the type of its subparsers to itself


def add_parser(subcommands: Subparsers) -> argparse.ArgumentParser:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = subcommands.add_parser(
        "pairs", help="list all markets and who is hot", description=__doc__
    )
    parser.add_argument("--json", action="store_true", help="a JSON list instead of a table")
    return parser


def run(options: argparse.Namespace) -> int:
    """Print what Consul knows."""
    registry = Registry(options.consul)
    rows = [_row(registry, symbol) for symbol in registry.symbols()]
    if options.json:
        print(json.dumps(rows))
        return 0
    table = Table("pair", "status", "hot", "epoch", "since", "why", "replicas", box=None)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table if rows else "no pairs: apply a TradingPair first")
    return 0


def _row(registry: Registry, symbol: str) -> dict[str, Any]:
    lock = registry.lock(symbol)
    replicas = registry.replicas(symbol)
    return {
        "symbol": symbol,
        "status": registry.trading_status(symbol),
        "hot": lock.replica if lock.held else "nobody",
        "epoch": lock.epoch,
        "since": lock.since,
        "reason": lock.reason,
        "replicas": ", ".join(
            f"{replica.name} {replica.role if replica.alive else 'silent'}" for replica in replicas
        ),
    }
