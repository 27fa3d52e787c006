"""`outcry solvency`: whether what the exchange owes is on the chains, asset by asset, to the unit."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from outcry_services.cli.errors import CliError
from outcry_services.cli.gateway import connect
from outcry_services.cli.table import add_json, show, show_one

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["add_parsers"]

Subparsers = Any  # argparse keeps the type of its subparsers to itself

SECONDS = 150.0
"""Every wallet is asked."""
COVERED = frozenset({"EXACT", "SURPLUS"})
COLUMNS = {
    "asset": "asset",
    "hot": "hot",
    "cold": "+ cold",
    "owed": "= owed",
    "inFlight": "+ in flight",
    "house": "+ house",
    "inTransit": "+ in transit",
    "difference": "+ difference",
    "status": "status",
}
_EXAMPLES = """example:
  outcry solvency BTC && echo 'every bitcoin that is owed is there'

Exit status 1: an asset is SHORT, or owed and watched by no wallet (UNWATCHED); or nobody could tell."""


def add_parsers(subcommands: Subparsers) -> None:
    """Declare the subcommand."""
    parser = subcommands.add_parser(
        "solvency",
        help="administrators: whether what is owed is on the chains",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("asset", nargs="*", help="these alone [all]")
    parser.set_defaults(run=run)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """One row an asset, and the cut at which it holds."""
    found = connect(timeout=SECONDS).call("GET", "/admin/solvency")
    rows = [row for row in found["assets"] if not options.asset or row["asset"] in options.asset]
    if missing := set(options.asset) - {row["asset"] for row in rows}:
        raise CliError(f"nobody owes or has {', '.join(sorted(missing))}")
    if options.json:
        show_one({**found, "assets": rows}, as_json=True)
    else:
        show(rows, COLUMNS, as_json=False, empty="nothing is owed, and no wallet is there")
        for it in found["chains"]:
            print(f"{it['wallet']} ({it['chain']} {it['network']}): block {it['height']} {it['block']}")
        where = (f"{it['topic']}/{it['partition']}:{it['offset']}" for it in found["positions"])
        print(f"the books: before {' '.join(where)}")
    if uncovered := [row for row in rows if row["status"] not in COVERED]:
        raise CliError("; ".join(map(_words, uncovered)))
    return 0


def _words(row: Mapping[str, Any]) -> str:
    if row["status"] == "UNWATCHED":
        return f"{row['asset']}: no wallet shows that what is owed is there"
    return f"{row['asset']} is short of {row['difference'].removeprefix('-')}"
