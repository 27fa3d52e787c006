"""`python -m e2e.load SCENARIO`: orders over HTTPS, deaths on the way, and every book read at the end."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from bench.figures import RESULTS, write_figures
from e2e.backends import BackendError
from e2e.cluster.errors import ClusterError
from e2e.cluster.progress import Progress
from e2e.load.clusters import CURRENT, NEW, on_cluster, users_of_a_run
from e2e.load.errors import LoadError
from e2e.load.pods import Cluster
from e2e.load.processes import FIRST_USER, Processes, on_processes
from e2e.load.report import figures_of, report_of, words_of
from e2e.load.run import run
from e2e.load.scenarios import SCENARIOS
from e2e.load.send import Load, build

if TYPE_CHECKING:
    from collections.abc import Sequence

    from e2e.load.place import Place
    from e2e.load.run import Result

ALL = "all"
EXAMPLES = f"""\
examples:
  python -m e2e.load constant --rate 300 --seconds 30 --kill order,position
  python -m e2e.load ramp --cluster new --rate 100 --seconds 300 --users 500 --kill all
  python -m e2e.load storm --cluster current --rate 200 --seconds 700 --users 10000 --cancels 0 --crossing 0

Without --cluster the exchange runs as processes of this machine.
--cluster {NEW}: a cluster made for this run and taken down behind it; {CURRENT}: the one of `make up`; else
one of that name.

what dies:
  processes  {", ".join(Processes.targets)}
  cluster    {", ".join(Cluster.targets)}

exit status: 0 nothing lost, doubled, held or different; 1 something was; 2 it could not be run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """See the exit status above."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    try:
        result = _run(options, progress=Progress())
    except (LoadError, ClusterError, BackendError) as error:
        print(f"\ne2e.load: {error}", file=sys.stderr)
        return 2
    report = report_of(result)
    print(json.dumps(report, indent=1) if options.json else words_of(report))
    if options.record:
        said = [word for word in given if word not in ("--record", "--json")]
        command = shlex.join(["python", "-m", "e2e.load", *said])
        write_figures(RESULTS / "load.json", figures_of(result, command=command))
    return 0 if result.right else 1


def _run(options: argparse.Namespace, *, progress: Progress) -> Result:
    build()
    users = (
        users_of_a_run(options.users) if options.cluster else range(FIRST_USER, FIRST_USER + options.users)
    )
    targets = Cluster.targets if options.cluster else Processes.targets
    load = Load(
        scenario=options.scenario,
        rate=options.rate,
        seconds=options.seconds,
        users=options.users,
        cancels=options.cancels,
        crossing=options.crossing,
        kill=_chosen(options.kill, targets),
    )
    with ExitStack() as stack:
        place: Place
        if options.cluster:
            place = stack.enter_context(on_cluster(options.cluster, progress=progress))
        else:
            place = stack.enter_context(on_processes(users, progress=progress))
        return run(load, place, users, progress=progress)


def _chosen(text: str, targets: Sequence[str]) -> tuple[str, ...]:
    """What is to be killed; raises `LoadError` for what isn't there."""
    names = tuple(targets) if text == ALL else tuple(name for name in text.split(",") if name)
    unknown = [name for name in names if name not in targets]
    if unknown:
        raise LoadError(f"--kill: {', '.join(unknown)} is none of {', '.join(targets)}")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m e2e.load",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--cluster", metavar="WHICH", default="", help=f"{NEW}, {CURRENT}, or a name")
    parser.add_argument("--rate", type=int, default=100, help="requests a second [%(default)s]")
    parser.add_argument("--seconds", type=int, default=30, help="[%(default)s]")
    parser.add_argument("--users", type=int, default=100, help="[%(default)s]")
    parser.add_argument(
        "--cancels", type=float, default=0.3, help="share of requests that cancel [%(default)s]"
    )
    parser.add_argument(
        "--crossing", type=float, default=0.15, help="share of orders that trade at once [%(default)s]"
    )
    parser.add_argument(
        "--kill", default="", metavar="NAMES", help="what dies once each, with commas between, or `all`"
    )
    parser.add_argument("--record", action="store_true", help="keep the figures in bench/results/load.json")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
