"""`python -m e2e.cluster VERB`: clusters to run Outcry on."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e.backends.errors import BackendError
from e2e.cluster.build.servers import build_all, build_chains
from e2e.cluster.choose import choose
from e2e.cluster.environment import as_shell, environment_of
from e2e.cluster.errors import ClusterError
from e2e.cluster.images.oci import write_archive
from e2e.cluster.kill import kill_hot
from e2e.cluster.platform import NODE_IMAGES, build_images
from e2e.cluster.progress import Progress
from e2e.cluster.provider import PROVIDERS
from e2e.cluster.status import as_text, status_of
from e2e.cluster.up import STAGES, next_steps, up
from e2e.cluster.wallets import show, story
from e2e.cluster.wallets.wanted import chains_of, has_node

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES = """\
examples:
  python -m e2e.cluster up                           # what `make up` does
  python -m e2e.cluster up --name try --until platform
  python -m e2e.cluster wallet bitcoin               # coins come, are traded and go, a signer being down
  eval "$(python -m e2e.cluster env)"                # kubectl, outcry and addresses for this shell
  python -m e2e.cluster down --name try

providers: local starts everything as processes of this machine; kind was never run, current on a
local cluster only."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; 1 with a message when that fails."""
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except (ClusterError, BackendError) as error:
        print(f"\n{options.verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"\n{options.verb}: interrupted; it can be repeated, and `down` removes all of it",
            file=sys.stderr,
        )
        return 130


def run_up(options: argparse.Namespace) -> None:
    """`up`, and what to type next."""
    provider = choose(options)
    chains = tuple(NODE_IMAGES) if options.wallets and options.services else ()
    up(provider, until=options.until, progress=Progress(), services=options.services, chains=chains)
    if options.until in ("trade", "watch"):
        python = Path(sys.executable)
        if python.is_relative_to(Path.cwd()):
            python = python.relative_to(Path.cwd())
        steps = next_steps(provider, python=shlex.quote(str(python)), services=options.services)
        print(steps, end="")


def run_down(options: argparse.Namespace) -> None:
    """`down`; nothing to do is success."""
    provider = choose(options)
    provider.down(progress=Progress())


def run_build(options: argparse.Namespace) -> None:
    """Every server and every image, or the chain nodes, without starting anything."""
    progress = Progress()
    if options.chains:
        build_chains(progress=progress)
        return
    build_all(progress=progress)
    if options.images:
        build_images(progress=progress, services=True, chains=tuple(NODE_IMAGES))


def run_load(options: argparse.Namespace) -> None:
    """This checkout's images into the cluster, or into a file."""
    progress = Progress()
    provider = choose(options)
    images = build_images(progress=progress, services=options.services, chains=chains_of(provider))
    if options.archive:
        with options.archive.open("wb") as archive, progress.step(f"writing {options.archive}"):
            write_archive(images.all, archive)
    else:
        provider.load(images.all, progress=progress)
    names = [image.name for image in images.all]
    print(json.dumps(names) if options.json else "\n".join(names))


def run_env(options: argparse.Namespace) -> None:
    """Addresses of the cluster."""
    provider = choose(options)
    print(json.dumps(environment_of(provider)) if options.json else as_shell(provider))


def run_status(options: argparse.Namespace) -> int:
    """What runs; 1 when the cluster doesn't."""
    status = status_of(choose(options))
    print(json.dumps(status) if options.json else as_text(status))
    return 0 if status["up"] else 1


def run_wallet(options: argparse.Namespace) -> None:
    """A Wallet, and coins through it."""
    provider, progress = choose(options), Progress()
    if not has_node(provider, options.chain):
        up(provider, until="pair", progress=progress, services=True, chains=(options.chain,))
    told = story.tell(provider, options.chain, progress=progress)
    if options.json:
        print(json.dumps(show.as_json(told)))
    else:
        show.show(told)


def run_kill(options: argparse.Namespace) -> None:
    """A crash of the hot engine."""
    print(kill_hot(choose(options)))


def parser() -> argparse.ArgumentParser:
    """All verbs and their flags."""
    whole = argparse.ArgumentParser(
        prog="python -m e2e.cluster",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = whole.add_subparsers(dest="verb", required=True, metavar="VERB")
    starting = verbs.add_parser("up", help="start a cluster, the platform on it and a live market")
    starting.set_defaults(run=run_up)
    starting.add_argument(
        "--until", choices=STAGES, default=STAGES[-1], help="the last thing to do [%(default)s]"
    )
    verbs.add_parser("down", help="stop and remove all of it").set_defaults(run=run_down)
    building = verbs.add_parser("build", help="build every server, and start nothing")
    building.set_defaults(run=run_build)
    building.add_argument("--images", action="store_true", help="the images, too")
    building.add_argument("--chains", action="store_true", help="the chain nodes that tests run, and no more")
    verbs.add_parser("load", help="load this checkout's images; `up` makes pods use them").set_defaults(
        run=run_load
    )
    verbs.add_parser("env", help="print a shell's variables for the cluster").set_defaults(run=run_env)
    verbs.add_parser("kill", help="kill the hot engine's process, on a local cluster").set_defaults(
        run=run_kill
    )
    add_wallet(verbs)
    verbs.add_parser("status", help="say what runs").set_defaults(run=run_status)
    verbs.choices["load"].add_argument(
        "--archive", type=Path, metavar="FILE", help="write an OCI archive instead, for nodes elsewhere"
    )
    for verb, sub in verbs.choices.items():
        if verb != "build":
            sub.add_argument("--provider", choices=PROVIDERS, help="default: what `up` used, else local")
            sub.add_argument("--name", type=name, default="outcry", help="[%(default)s]")
        if verb in {"up", "load"}:
            sub.add_argument(
                "--services",
                action=argparse.BooleanOptionalAction,
                default=True,
                help="with the way of an order, or markets alone [--services]",
            )
        if verb in {"up", "down"}:
            sub.add_argument("--yes", action="store_true", help="don't ask before touching a foreign cluster")
        if verb == "up":
            sub.add_argument(
                "--wallets",
                action=argparse.BooleanOptionalAction,
                default=True,
                help="with chain nodes, a Wallet, and coins that come and go at the end [--wallets]",
            )
        if verb in {"load", "env", "status", "wallet"}:
            sub.add_argument("--json", action="store_true", help="print JSON")
    return whole


def add_wallet(verbs: Any) -> None:  # noqa: ANN401 - argparse keeps the type of its subparsers to itself
    """Declare `wallet`."""
    wallet = verbs.add_parser(
        "wallet",
        help="a deposit, a trade, and a withdrawal that two of three signers release",
        description="Open the chain's Wallet, unless it is open; then coins come, are sold, and leave while "
        "a signer is stopped on purpose. Books and chain must be equal to the unit.",
        epilog="example:\n  python -m e2e.cluster wallet bitcoin --json | jq .withdrawal.transactionId",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    wallet.set_defaults(run=run_wallet)
    wallet.add_argument("chain", nargs="?", choices=tuple(NODE_IMAGES), default="bitcoin", help="[bitcoin]")


def name(text: str) -> str:
    """A cluster's name: it becomes part of cgroups', devices' and folders' names."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?", text):
        raise argparse.ArgumentTypeError(f"{text!r} isn't lower-case letters, digits and dashes, at most 30")
    return text


if __name__ == "__main__":
    sys.exit(main())
