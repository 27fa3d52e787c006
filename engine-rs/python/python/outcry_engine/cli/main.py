"""Entry point of `outcry-engine`: hands over to the module of the subcommand."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SUBCOMMANDS = ("run", "replay", "inspect", "flow", "feed")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the named subcommand and return its exit status."""
    parser = argparse.ArgumentParser(prog="outcry-engine", description="Outcry's matching engine.")
    subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    modules = {name: import_module(f"outcry_engine.cli.{name}") for name in _wanted(argv)}
    for module in modules.values():
        module.add_parser(subparsers)
    args = parser.parse_args(argv)
    status: int = modules[args.subcommand].run(args)
    return status


def _wanted(argv: Sequence[str] | None) -> tuple[str, ...]:
    """The subcommand that is called, so that a pod's start imports nothing for the others; else all."""
    first = (sys.argv[1:] if argv is None else argv)[:1]
    return tuple(name for name in SUBCOMMANDS if [name] == list(first)) or SUBCOMMANDS


if __name__ == "__main__":
    sys.exit(main())
