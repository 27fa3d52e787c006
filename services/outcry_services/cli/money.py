"""`outcry positions`, `withdraw`, `ledger`; administrators: `deposit`, `adjust`, `suspend` and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from outcry_services.cli.errors import CliError
from outcry_services.cli.gateway import connect
from outcry_services.cli.table import add_json, show, show_one

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

__all__ = ["add_parsers"]

Subparsers = Any  # argparse keeps the type of its subparsers to itself

POSITION_COLUMNS = {"ccy": "asset", "available": "available", "held": "held"}
LINE_COLUMNS = {
    "time": "time",
    "asset": "asset",
    "account": "account",
    "amount": "amount",
    "balance": "balance",
    "kind": "kind",
    "symbol": "pair",
    "orderId": "order",
}
AUDIT_SECONDS = 150.0
"""The trial balance reads the whole ledger."""
TRIAL_COLUMNS = {
    "asset": "asset",
    "available": "available",
    "held": "held",
    "fees": "fees",
    "deposits": "deposits",
    "withdrawalsInFlight": "in flight",
    "withdrawals": "paid out",
    "chainFees": "chain fees",
    "costs": "costs",
    "adjustments": "adjusted",
    "house": "house",
    "clearing": "clearing",
    "sum": "sum",
}
LIMITS = {
    "max-order-notional": "maxOrderNotional",
    "max-open-orders": "maxOpenOrders",
    "max-daily-volume": "maxDailyVolume",
    "price-collar-bps": "priceCollarBps",
}
"""Options and the fields that they set; notional and volume in tick-lots."""


def add_parsers(subcommands: Subparsers) -> None:
    """Declare the subcommands."""

    def add(
        name: str, words: str, run: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = subcommands.add_parser(name, help=text)
        for word in words.split():
            parser.add_argument(word)
        parser.set_defaults(run=run)
        add_json(parser)
        return parser

    positions = add("positions", "user", run_positions, "balances of a user")
    positions.add_argument("ccy", nargs="?", help="of this asset alone")
    withdraw = add("withdraw", "asset amount address", run_withdraw, "ask for a payout")
    withdraw.add_argument("--client-id", help="names it for ever: asked twice, it is one")
    withdraw.add_argument("--network", help="where to pay it, of an asset on several networks")
    ledger = subcommands.add_parser("ledger", help="the caller's statement, or a check of everything")
    ledger.add_argument("what", choices=("statement", "check"))
    ledger.add_argument("--asset")
    ledger.add_argument("--count", type=int, default=50, help="the most lines [%(default)s]")
    ledger.set_defaults(run=run_ledger)
    add_json(ledger)
    add(
        "deposit",
        "user asset amount reference",
        run_deposit,
        "credit a user; the reference names it for ever",
    )
    add("adjust", "user asset amount reason reference", run_adjust, "change a balance by hand, with a reason")
    suspend = add("suspend", "user reason", run_suspend, "let a user cancel alone, or withdraw too")
    suspend.add_argument("--withdraw-only", action="store_true")
    add("restore", "user reason", run_restore, "let a suspended user trade again")
    limits = add("limits", "", run_limits, "show what is in force for a user and pair, or set some of it")
    limits.add_argument("--user", default="0", help="a user id; left out: everybody")
    limits.add_argument("--symbol", help="a pair; left out: every pair")
    limits.add_argument("--reason", help="why it is set")
    for name in LIMITS:
        limits.add_argument(f"--{name}", metavar="N")


def run_positions(options: argparse.Namespace) -> int:
    """One row an asset."""
    user = quote(options.user, safe="")
    if options.ccy:
        rows = [connect().call("GET", f"/positions/{user}/{quote(options.ccy, safe='')}")]
    else:
        rows = connect().call("GET", f"/positions/{user}")["positions"]
    show(rows, POSITION_COLUMNS, as_json=options.json, empty="no positions")
    return 0


def run_withdraw(options: argparse.Namespace) -> int:
    """Accepted and held; paid out by the wallet."""
    body = {"asset": options.asset, "amount": options.amount, "address": options.address}
    body["clientWithdrawalId"], body["network"] = options.client_id, options.network
    return _post("/withdrawals", body, options)


def run_ledger(options: argparse.Namespace) -> int:
    """Postings, or the trial balance: exit code 1 when it doesn't balance."""
    if options.what == "statement":
        query = {"asset": options.asset, "pageSize": str(options.count)}
        rows = connect().call("GET", "/ledger", query=query)["lines"]
        show(rows, LINE_COLUMNS, as_json=options.json, empty="no postings")
        return 0
    balance = connect(timeout=AUDIT_SECONDS).call("GET", "/admin/ledger/check")
    if options.json:
        show_one(balance, as_json=True)
    else:
        show(balance["assets"], TRIAL_COLUMNS, as_json=False, empty="nothing was ever posted")
        where = (f"{it['topic']}/{it['partition']}:{it['offset']}" for it in balance["positions"])
        print(f"{balance['transactions']} transactions, before {' '.join(where)}")
    if not balance["balanced"]:
        raise CliError(f"the books don't balance: {'; '.join(balance['faults'])}")
    return 0


def run_deposit(options: argparse.Namespace) -> int:
    """Where it stands in the user's stream."""
    body = {"userId": options.user, "asset": options.asset, "amount": options.amount}
    return _post("/admin/deposits", {**body, "reference": options.reference}, options)


def run_adjust(options: argparse.Namespace) -> int:
    """Where it stands in the user's stream."""
    body = {"userId": options.user, "asset": options.asset, "amount": options.amount}
    return _post(
        "/admin/adjustments", {**body, "reason": options.reason, "reference": options.reference}, options
    )


def run_suspend(options: argparse.Namespace) -> int:
    """The user's state after it."""
    mode = "WITHDRAW_ONLY" if options.withdraw_only else "SUSPENDED"
    user = quote(options.user, safe="")
    return _post(f"/admin/users/{user}/suspend", {"mode": mode, "reason": options.reason}, options)


def run_restore(options: argparse.Namespace) -> int:
    """The user's state after it."""
    user = quote(options.user, safe="")
    return _post(f"/admin/users/{user}/restore", {"reason": options.reason}, options)


def run_limits(options: argparse.Namespace) -> int:
    """What is in force after it."""
    scope = {"userId": options.user, "symbol": options.symbol}
    given = {field: getattr(options, name.replace("-", "_")) for name, field in LIMITS.items()}
    changed = {field: value for field, value in given.items() if value is not None}
    if changed:
        body = {**scope, "limits": changed, "reason": options.reason}
        answer = connect().call("PUT", "/admin/limits", body=body)
    else:
        answer = connect().call("GET", "/admin/limits", query=scope)
    show_one(answer if options.json else answer.get("limits", {}), as_json=options.json)
    return 0


def _post(path: str, body: dict[str, Any], options: argparse.Namespace) -> int:
    show_one(connect().call("POST", path, body=body), as_json=options.json)
    return 0
