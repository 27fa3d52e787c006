"""`outcry deposits`: where to pay to, and what arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry_services.cli.gateway import connect
from outcry_services.cli.table import add_json, show, show_one

if TYPE_CHECKING:
    import argparse

__all__ = ["add_parsers"]

Subparsers = Any  # argparse keeps the type of its subparsers to itself

COLUMNS = {
    "foundAt": "found",
    "asset": "asset",
    "amount": "amount",
    "network": "network",
    "status": "status",
    "reason": "reason",
    "deep": "confirmations",
    "transactionId": "transaction",
    "output": "output",
}


def add_parsers(subcommands: Subparsers) -> None:
    """Declare the subcommand and what it does."""
    parser = subcommands.add_parser("deposits", help="where to pay to, and what arrived")
    actions = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    address = actions.add_parser("address", help="your own, the same for ever")
    address.add_argument("asset")
    address.add_argument("--network", help="of an asset on several networks")
    address.set_defaults(run=run_address)
    add_json(address)
    listing = actions.add_parser("list", help="your own, newest first")
    listing.add_argument("--count", type=int, default=50, help="the most [%(default)s]")
    listing.set_defaults(run=run_list)
    add_json(listing)


def run_address(options: argparse.Namespace) -> int:
    """What to pay to, and how deep it counts."""
    query = {"asset": options.asset, "network": options.network}
    show_one(connect().call("GET", "/deposits/address", query=query), as_json=options.json)
    return 0


def run_list(options: argparse.Namespace) -> int:
    """One row a deposit."""
    rows = connect().call("GET", "/deposits", query={"pageSize": str(options.count)})["deposits"]
    if not options.json:
        for row in rows:
            row["deep"] = f"{row['confirmations']} of {row['needed']}"
    show(rows, COLUMNS, as_json=options.json, empty="nothing arrived yet")
    return 0
