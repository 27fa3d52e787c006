"""`outcry liabilities`: what the exchange says that it owes, and whether that holds what it owes to you.

`verify` asks nobody: it reads the proof from a file and computes the root from it.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from outcry_services.cli.errors import CliError
from outcry_services.cli.gateway import connect
from outcry_services.cli.table import add_json, show, show_one
from outcry_services.common.errors import IntegrityError
from outcry_services.common.liabilities import MOST_STEPS, Leaf, Node, Proof, Step, check

if TYPE_CHECKING:
    import argparse

__all__ = ["add_parsers"]

Subparsers = Any  # argparse keeps the type of its subparsers to itself

PUBLISH_SECONDS = 150.0
"""It reads every balance."""
COLUMNS = {
    "publication": "publication",
    "time": "time",
    "asset": "asset",
    "owed": "owed",
    "users": "users",
    "hash": "root",
}
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Units = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,38})$")]


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class _Root(_Read):
    publication: str
    asset: str = Field(max_length=32)
    scale: int = Field(ge=0, le=30)
    total: Units
    hash: Hash


class _Step(_Read):
    side: Literal["left", "right"]
    hash: Hash
    amount: Units


class _Proof(_Read):
    root: _Root
    user_id: str = Field(alias="userId", pattern=r"^[1-9][0-9]{0,18}$")
    amount: Units
    nonce: Hash
    steps: list[_Step] = Field(default=[], max_length=MOST_STEPS)


def add_parsers(subcommands: Subparsers) -> None:
    """Declare the subcommand."""
    parser = subcommands.add_parser(
        "liabilities",
        help="what the exchange owes, and a proof that it counts what it owes to you",
        epilog="example: outcry liabilities proof BTC --out mine.json && outcry liabilities verify mine.json",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, run, text in (
        ("publish", run_publish, "administrators: publish what is owed now"),
        ("list", run_list, "the roots of what was published, which all users are shown"),
    ):
        action = actions.add_parser(name, help=text)
        action.set_defaults(run=run)
        add_json(action)
    proof = actions.add_parser("proof", help="your part of a publication, and its way to the root")
    proof.add_argument("asset")
    proof.add_argument("--publication", help="left out: the newest")
    proof.add_argument("--out", type=Path, help="a file for it; left out: standard output")
    proof.set_defaults(run=run_proof)
    verify = actions.add_parser("verify", help="compute the root from a proof; asks nobody")
    verify.add_argument("proof", type=Path)
    verify.add_argument("--root", help="the root as you have it from somewhere else, in hex")
    verify.set_defaults(run=run_verify)
    add_json(verify)


def run_publish(options: argparse.Namespace) -> int:
    """The new roots."""
    roots = connect(timeout=PUBLISH_SECONDS).call("POST", "/admin/liabilities", body={})["roots"]
    return _show_roots(roots, options)


def run_list(options: argparse.Namespace) -> int:
    """All that are kept."""
    return _show_roots(connect().call("GET", "/liabilities")["roots"], options)


def run_proof(options: argparse.Namespace) -> int:
    """As JSON, in which form `verify` takes it."""
    query = {"asset": options.asset, "publication": options.publication}
    text = json.dumps(connect().call("GET", "/liabilities/proof", query=query), indent=1)
    if options.out is None:
        print(text)
        return 0
    try:
        options.out.write_text(text + "\n")
    except OSError as error:
        raise CliError(f"{options.out} can't be written: {error.strerror}") from error
    print(f"{options.out}: outcry liabilities verify {options.out}")
    return 0


def run_verify(options: argparse.Namespace) -> int:
    """Whether the proof leads to the root, and what that shows."""
    found = _load(options.proof)
    try:
        node = check(_proof(found))
    except IntegrityError as error:
        raise CliError(f"{options.proof} proves nothing: {error.message}") from error
    claimed = Node(bytes.fromhex(found.root.hash), int(found.root.total))
    if node != claimed:
        raise CliError(
            f"{options.proof} leads to the root {node.hash.hex()} with {node.amount} units, and claims "
            f"{found.root.hash} with {found.root.total}: it is forged or damaged. Keep it and ask why"
        )
    if options.root is not None and options.root.lower() != found.root.hash:
        raise CliError(
            f"{options.proof} leads to {found.root.hash}, not to {options.root.lower()}: you were shown "
            "another tree than whoever gave you that root. Keep both and ask why"
        )
    shown = {
        "user": found.user_id,
        "owed": _decimal(found.amount, found.root),
        "of": _decimal(found.root.total, found.root),
        "asset": found.root.asset,
        "root": found.root.hash,
    }
    show_one(shown, as_json=options.json)
    if options.root is None and not options.json:
        print(
            "The proof holds. Compare the root with the one that others were shown, by --root: a tree for "
            "you alone would hold as well.",
            file=sys.stderr,
        )
    return 0


def _show_roots(roots: list[dict[str, Any]], options: argparse.Namespace) -> int:
    rows = [root | {"owed": _decimal(root["total"], _Root.model_validate(root))} for root in roots]
    show(roots if options.json else rows, COLUMNS, as_json=options.json, empty="nothing was published yet")
    return 0


def _load(path: Path) -> _Proof:
    try:
        return _Proof.model_validate_json(path.read_bytes())
    except OSError as error:
        raise CliError(f"{path} can't be read: {error.strerror}") from error
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, fault["loc"])) or "it"
        raise CliError(f"{path} is no proof: {where}: {fault['msg']}") from error


def _proof(found: _Proof) -> Proof:
    leaf = Leaf(found.root.asset, int(found.user_id), bytes.fromhex(found.nonce), int(found.amount))
    steps = (
        Step(Node(bytes.fromhex(step.hash), int(step.amount)), is_left=step.side == "left")
        for step in found.steps
    )
    return Proof(leaf, tuple(steps))


def _decimal(units: str, root: _Root) -> str:
    return f"{Decimal(units).scaleb(-root.scale):f}"
