"""`outcry deposits`: where to pay to, and what arrived; for operators what was kept aside, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

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

ASIDE_COLUMNS = {
    "deposit": "deposit",
    "foundAt": "found",
    "userId": "user",
    "asset": "asset",
    "amount": "amount",
    "network": "network",
    "reason": "reason",
    "decision": "decision",
    "actor": "who",
    "note": "why",
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
    aside = actions.add_parser("aside", help="what was kept aside, newest first (operators)")
    aside.add_argument("--user", help="of this user alone")
    aside.add_argument("--reason", help="DUST, UNSUPPORTED, TOO_LARGE or OWN alone")
    aside.add_argument("--all", action="store_true", help="decided ones, too")
    aside.add_argument("--count", type=int, default=100, help="the most [%(default)s]")
    aside.set_defaults(run=run_aside)
    add_json(aside)
    for name, text in (
        ("credit", "credit what was kept aside to its user after all (operators)"),
        ("dismiss", "what was kept aside is dealt with otherwise (operators)"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("deposit", help="chain:transaction:output")
        action.add_argument("reason")
        action.add_argument("--network", help="where several wallets are of that chain")
        action.set_defaults(run=run_decide)
        add_json(action)


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


def run_aside(options: argparse.Namespace) -> int:
    """One row for each."""
    query = {
        "userId": options.user,
        "reason": options.reason,
        "all": "true" if options.all else None,
        "pageSize": str(options.count),
    }
    rows = connect().call("GET", "/admin/deposits/aside", query=query)["deposits"]
    show(rows, ASIDE_COLUMNS, as_json=options.json, empty="nothing is kept aside")
    return 0


def run_decide(options: argparse.Namespace) -> int:
    """How it stands after it."""
    path = f"/admin/deposits/aside/{quote(options.deposit, safe='')}/{options.what}"
    body = {"reason": options.reason, "network": options.network}
    show_one(connect().call("POST", path, body=body), as_json=options.json)
    return 0
