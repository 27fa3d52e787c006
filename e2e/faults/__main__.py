"""`python -m e2e.faults run|list|report`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.faults.campaign import Batch, Campaign
from e2e.faults.catalog import FAULTS
from e2e.faults.results import percentile, render_table, update_page, write_results

if TYPE_CHECKING:
    from e2e.faults.arena import Arena

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results" / "failover.json"
PAGE = ROOT / "docs" / "operations" / "failover.md"
# Where the flow's prices start without an operator, whose band would say more.
MID = 6_000_000


def main() -> int:
    """Run what the command line asks for; 1 when a promise was broken."""
    options = _parser().parse_args()
    if options.action == "list":
        for fault in FAULTS.values():
            print(f"{fault.name:14} {fault.runs:4} runs  {fault.title}: {fault.measured}")
        return 0
    if options.action == "report":
        update_page(PAGE, render_table(options.out))
        return 0
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    chosen = [FAULTS[name] for name in options.fault or FAULTS]
    batches: list[Batch] = []
    arena = _arena(options)
    try:
        arena.wait_ready(seconds=180)
        with Campaign(
            arena=arena,
            rate=options.rate,
            mid=options.mid,
            open_pair=arena.kind == "processes",
            features=options.flow,
        ) as campaign:
            for fault in chosen if not options.steady else ():
                batch = campaign.run(fault, runs=options.runs or fault.runs)
                batches.append(batch)
                _keep(options, batch)
            if options.steady:
                batches.append(campaign.steady(seconds=options.steady))
                _keep(options, batches[-1])
    finally:
        arena.close()
    for batch in batches:
        print(_summary(batch))
    return 0 if all(batch.fine for batch in batches) else 1


def _command(options: argparse.Namespace, batch: Batch) -> str:
    """What measures this batch alone."""
    command = "python -m e2e.faults run --arena " + options.arena
    command += f" --steady {options.steady:g}" if options.steady else f" --fault {batch.fault}"
    command += f" --flow {options.flow}" if options.flow != "plain" else ""
    return f"{command} --rate {options.rate} --out {RESULTS.relative_to(ROOT)}"


def _keep(options: argparse.Namespace, batch: Batch) -> None:
    """After each fault, so that what was measured survives whatever comes next."""
    if options.out:
        write_results(options.out, [batch], _command(options, batch))
    if options.log:
        with options.log.open("a") as file:
            file.write(json.dumps(batch.as_dict()) + "\n")


def _arena(options: argparse.Namespace) -> Arena:
    if options.arena == "processes":
        from e2e.faults.processes import ProcessArena  # noqa: PLC0415 - starts servers

        return ProcessArena(symbol=options.symbol)
    from e2e.faults.cluster import ClusterArena  # noqa: PLC0415 - needs a cluster

    return ClusterArena(symbol=options.symbol, namespace=options.namespace)


def _summary(batch: Batch) -> str:
    if batch.skipped:
        return f"{batch.fault:14} not measured: {batch.skipped}"
    if not batch.samples:
        return f"{batch.fault:14} no sample: {'; '.join(batch.failures)}"
    text = (
        f"{batch.fault:14} {len(batch.samples)} runs at {batch.rate:,.0f}/s: "
        f"median {percentile(batch.samples, 0.5):.3f} s, max {max(batch.samples):.3f} s "
        f"(target {batch.target:g} s); lost {batch.lost + batch.unlogged}, different {batch.different}, "
        f"raw repeats {batch.raw_repeats}, takeovers {batch.takeovers}"
    )
    return "\n".join([text, *batch.failures, *batch.differences])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m e2e.faults", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    run = actions.add_parser("run", help="inject faults under a steady flow and judge the log")
    run.add_argument("--fault", action="append", choices=FAULTS, help="again for more; default: all")
    run.add_argument("--runs", type=int, help="of each; default: 100 of the first, 20 of the others")
    run.add_argument("--rate", type=float, default=2200, help="commands a second [%(default)s]")
    run.add_argument(
        "--flow",
        choices=("plain", "all"),
        default="plain",
        help="all: every order type, amendments and timers, for rules version 2 [%(default)s]",
    )
    run.add_argument("--steady", type=float, metavar="SECONDS", help="no fault, only load, for so long")
    run.add_argument("--arena", choices=("cluster", "processes"), default="cluster")
    run.add_argument("--symbol", default="BTC-USDT")
    run.add_argument("--namespace", default="outcry", help="of the pair's object [%(default)s]")
    run.add_argument("--mid", type=int, default=MID, help="ticks, where the flow's price starts")
    run.add_argument("--out", type=Path, help=f"figures as JSON, e.g. {RESULTS.relative_to(ROOT)}")
    run.add_argument("--log", type=Path, help="append everything, samples included, as JSON lines")
    actions.add_parser("list", help="say what faults there are")
    report = actions.add_parser("report", help=f"write the table into {PAGE.relative_to(ROOT)}")
    report.add_argument("--out", type=Path, default=RESULTS, help="figures to read")
    return parser


if __name__ == "__main__":
    sys.exit(main())
