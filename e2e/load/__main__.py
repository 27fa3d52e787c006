"""`python -m e2e.load constant --rate 300 --seconds 30 --kill order,position`."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import asdict

from e2e.exchange import SERVICES
from e2e.load.run import Result, run
from e2e.load.scenarios import SCENARIOS
from e2e.load.send import Load


def main() -> int:
    """0 when nothing was lost, doubled or left held."""
    arguments = _arguments()
    kill = tuple(name for name in arguments.kill.split(",") if name)
    load = Load(
        scenario=arguments.scenario,
        rate=arguments.rate,
        seconds=arguments.seconds,
        users=arguments.users,
        cancels=arguments.cancels,
        crossing=arguments.crossing,
        kill=kill,
    )
    result = run(load)
    report = _report(load, result)
    print(json.dumps(report, indent=1) if arguments.json else _words(report))
    return 0 if result.judgement.right else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m e2e.load",
        description=__doc__,
        epilog=f"services: {', '.join(SERVICES)}",
    )
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--rate", type=int, default=100, help="requests a second")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--cancels", type=float, default=0.3, help="share of requests that cancel")
    parser.add_argument("--crossing", type=float, default=0.15, help="share of orders that trade at once")
    parser.add_argument("--kill", default="", help="services to kill once each, with commas between")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _report(load: Load, result: Result) -> dict[str, object]:
    told, found = result.told, result.judgement
    took = sorted(placed.took for placed in told.placed)
    quantiles = statistics.quantiles(took, n=1000) if len(took) > 1 else [0.0] * 999
    return {
        "load": asdict(load),
        "acknowledged": len(told.placed),
        "a second": round(len(told.placed) / load.seconds, 1),
        "answer p50, p99, p99.9 (ms)": [round(1000 * quantiles[at], 1) for at in (499, 989, 998)],
        "cancels": told.cancels,
        "refused": told.refused,
        "without an answer": len(told.unknown),
        "orders": found.orders,
        "traded": found.filled,
        "lost": len(found.lost),
        "doubled": len(found.doubled),
        "still held": found.held,
        "Redis and ledger differ": found.different,
        "trial balance": found.faults or "zero",
        "at rest after (s)": round(result.quiet_seconds, 1),
    }


def _words(report: dict[str, object]) -> str:
    return "\n".join(f"{name:>28}  {value}" for name, value in report.items())


if __name__ == "__main__":
    sys.exit(main())
