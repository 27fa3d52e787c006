"""`outcry withdrawals`: a user's own; for operators one of anybody's, and what can be done about it."""

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

RULES = {"allow": "ALLOW", "deny": "DENY", "clear": "NONE"}
COLUMNS = {
    "withdrawalId": "withdrawal",
    "createdAt": "asked",
    "asset": "asset",
    "amount": "amount",
    "network": "network",
    "address": "address",
    "status": "status",
    "reason": "reason",
    "transactionId": "transaction",
}
STEP_COLUMNS = {
    "time": "time",
    "status": "status",
    "reason": "reason",
    "transactionId": "transaction",
    "actor": "who",
    "note": "note",
}
REVIEW_COLUMNS = {
    "withdrawalId": "withdrawal",
    "askedAt": "asked",
    "userId": "user",
    "asset": "asset",
    "amount": "amount",
    "network": "network",
    "address": "address",
    "status": "status",
    "tier": "tier",
    "reason": "reason",
    "yes": "yes",
}
RULE_COLUMNS = {
    "time": "time",
    "chain": "chain",
    "network": "network",
    "address": "address",
    "userId": "user",
    "rule": "rule",
    "actor": "who",
    "reason": "why",
}


def add_parsers(subcommands: Subparsers) -> None:
    """Declare the subcommand and what it does."""
    parser = subcommands.add_parser("withdrawals", help="see withdrawals; as an operator, act on them")
    actions = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    def add(
        name: str, words: str, run: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        action: argparse.ArgumentParser = actions.add_parser(name, help=text)
        for word in words.split():
            action.add_argument(word)
        action.set_defaults(run=run)
        add_json(action)
        return action

    listing = add("list", "", run_list, "your own, newest first")
    listing.add_argument("--count", type=int, default=50, help="the most [%(default)s]")
    add("show", "withdrawal", run_show, "one of your own, step by step")
    add("inspect", "withdrawal", run_inspect, "anybody's, with who did what and why (operators)")
    add("retry", "withdrawal reason", run_act, "try again (operators)")
    add("cancel", "withdrawal reason", run_act, "give the funds back, unless it may be signed (operators)")
    fail = add("fail", "withdrawal reason", run_fail, "give back what can't be paid any more (operators)")
    fail.add_argument("--spent-by", required=True, metavar="TX", help="what spent its conflict point")
    fail.add_argument("--reverted", action="store_true", help="it is the payout's own, and paid nothing")
    add("pause", "reason", run_switch, "stop all withdrawals (operators)")
    add("resume", "reason", run_switch, "let them run again (operators)")
    review = add("review", "", run_review, "what waits for a decision, oldest first (operators)")
    review.add_argument("--all", action="store_true", help="decided ones, too")
    review.add_argument("--after", help="ids above this one")
    add("approve", "withdrawal reason", run_decide, "say yes to one that waits (operators)")
    add("deny", "withdrawal reason", run_decide, "reject it for good: its funds go back (operators)")
    rule = add(
        "address", "rule chain network address reason", run_address, "allow, deny or clear (operators)"
    )
    rule.add_argument("--user", help="for this user alone; left out: for everybody")
    rules = add("addresses", "", run_addresses, "what was said of addresses, newest first (operators)")
    rules.add_argument("--address", help="of this one alone")


def run_list(options: argparse.Namespace) -> int:
    """One row a withdrawal."""
    query = {"pageSize": str(options.count)}
    rows = connect().call("GET", "/withdrawals", query=query)["withdrawals"]
    show(rows, COLUMNS, as_json=options.json, empty="no withdrawals")
    return 0


def run_show(options: argparse.Namespace) -> int:
    """What it is, and one row a step."""
    return _tell(connect().call("GET", f"/withdrawals/{_id(options)}"), options)


def run_inspect(options: argparse.Namespace) -> int:
    """The same of anybody's."""
    return _tell(connect().call("GET", f"/admin/withdrawals/{_id(options)}"), options)


def run_act(options: argparse.Namespace) -> int:
    """What it is after it."""
    path = f"/admin/withdrawals/{_id(options)}/{options.what}"
    return _tell(connect().call("POST", path, body={"reason": options.reason}), options)


def run_fail(options: argparse.Namespace) -> int:
    """What it is after it."""
    body = {"reason": options.reason, "spentBy": options.spent_by, "reverted": options.reverted}
    return _tell(connect().call("POST", f"/admin/withdrawals/{_id(options)}/fail", body=body), options)


def run_switch(options: argparse.Namespace) -> int:
    """The state after it."""
    found = connect().call("POST", f"/admin/withdrawals/{options.what}", body={"reason": options.reason})
    show_one(found, as_json=options.json)
    return 0


def run_review(options: argparse.Namespace) -> int:
    """One row a withdrawal."""
    query = {"all": "true" if options.all else None, "after": options.after}
    rows = connect().call("GET", "/admin/reviews", query=query)["reviews"]
    if not options.json:
        for row in rows:
            said = [vote["actor"] for vote in row["votes"] if vote["vote"] == "APPROVE"]
            row["yes"] = f"{len(said)} of {row['needed']}"
    show(rows, REVIEW_COLUMNS, as_json=options.json, empty="nothing waits for a decision")
    return 0


def run_decide(options: argparse.Namespace) -> int:
    """How it stands after it."""
    path = f"/admin/reviews/{_id(options)}/{options.what}"
    found = connect().call("POST", path, body={"reason": options.reason})
    if not options.json:
        found["votes"] = ", ".join(f"{vote['vote']} by {vote['actor']}" for vote in found["votes"])
    show_one(found, as_json=options.json)
    return 0


def run_address(options: argparse.Namespace) -> int:
    """What is in force after it."""
    if options.rule not in RULES:
        raise CliError(f"{options.rule!r} is not one of {', '.join(RULES)}")
    body = {
        "rule": RULES[options.rule],
        "chain": options.chain,
        "network": options.network,
        "address": options.address,
        "userId": options.user,
        "reason": options.reason,
    }
    show_one(connect().call("PUT", "/admin/addresses", body=body), as_json=options.json)
    return 0


def run_addresses(options: argparse.Namespace) -> int:
    """One row a rule."""
    rows = connect().call("GET", "/admin/addresses", query={"address": options.address})["rules"]
    show(rows, RULE_COLUMNS, as_json=options.json, empty="nothing was said of any address")
    return 0


def _id(options: argparse.Namespace) -> str:
    return quote(options.withdrawal, safe="")


def _tell(found: dict[str, Any], options: argparse.Namespace) -> int:
    if options.json:
        show_one(found, as_json=True)
        return 0
    show_one({name: value for name, value in found.items() if name != "steps"}, as_json=False)
    show(found.get("steps", []), STEP_COLUMNS, as_json=False, empty="nothing became of it yet")
    return 0
