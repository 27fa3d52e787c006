"""Numbers 1 and 2: orders a second and their way to the trade, and what each costs in CPU time.

Open loop, every second order priced through the middle, so that it trades at once unless the book is empty.
The rate climbs step by step until something is refused, not sent in time, or left behind by a second's worth
of orders at the end of the step: the last rate before that is sustained. Latencies and CPU times are taken at
half of it. k6, all stores and the warm engine run on the same machine.

Users come by sessions: Envoy checks a token by itself, and the client spends nothing on it, so what is
measured is the exchange. `--signed` measures machines' requests, whose HMAC the authorization service checks.
"""

from __future__ import annotations

import sys
from statistics import quantiles
from typing import TYPE_CHECKING

from bench.figures import rounded
from bench.orders.arena import CLIENT, Arena
from e2e.load.send import Load

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from bench.figures import Figure
    from bench.orders.arena import Step

__all__ = ["RATES", "climb", "cpu_figures", "latency_figures", "measure"]

RATES = (100, 150, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1200, 1400, 1700, 2000)
CROSSING = 0.5
SERVICES = ("order", "position", "risk", "settlement")
PEATIO = {"Peatio, published, slowest": 57.0, "Peatio, published, fastest": 125.0}
PER_MILLE = {"p50": 499, "p99": 989, "p99.9": 998}


def measure(options: argparse.Namespace, command: str) -> list[Figure]:
    """Climb, then measure at half of what was reached; raises `RuntimeError` when the first step fails."""
    with Arena(users=options.users, signed=options.signed) as arena:

        def step(rate: int, seconds: int) -> Step:
            load = Load(rate=rate, seconds=seconds, users=options.users, cancels=0, crossing=CROSSING)
            found = arena.step(load)
            print(f"bench: {_words(found)}", file=sys.stderr)
            return found

        # Not counted: JVM, connections and the book are cold.
        step(RATES[0], options.step_seconds)
        reached = climb(step(rate, options.step_seconds) for rate in RATES)
        half = step(reached // 2, options.seconds)
    suffix = "_signed" if options.signed else ""
    name = f"orders.sustained{suffix}"
    sustained = rounded(name, reached, "orders/s", "higher", command=command, goal=1000, peers=PEATIO)
    return [
        sustained,
        *latency_figures(half, suffix=suffix, command=command),
        *cpu_figures(half, suffix=suffix, command=command),
    ]


def climb(steps: Iterator[Step]) -> int:
    """The last rate that was sustained; stops at the first that was not."""
    reached = 0
    for step in steps:
        if not step.sustained:
            break
        reached = step.load.rate
    if not reached:
        raise RuntimeError(f"not even {RATES[0]} orders/s are sustained")
    return reached


def latency_figures(step: Step, *, suffix: str, command: str) -> list[Figure]:
    """Quantiles of the answers and of the trades."""
    figures = [
        rounded(f"orders.latency_rate{suffix}", step.load.rate, "orders/s", "higher", command=command),
        rounded(
            f"orders.traded_share{suffix}",
            len(step.to_trade) / len(step.told.placed),
            "of all orders",
            "higher",
            command=command,
        ),
    ]
    for name, seconds in (("answer", step.answers), ("trade", step.to_trade)):
        cut = quantiles(seconds, n=1000)
        for share, at in PER_MILLE.items():
            goal = 100.0 if (name, share) == ("trade", "p99") else None
            value = 1000 * cut[at]
            named = f"orders.{name}_{share}{suffix}"
            figures.append(rounded(named, value, "ms", "lower", command=command, goal=goal))
    return figures


def cpu_figures(step: Step, *, suffix: str, command: str) -> list[Figure]:
    """Microseconds an order: of the services that have a goal together, and of all else beside."""
    micros = {name: 1e6 * seconds / len(step.told.placed) for name, seconds in step.cpu.items()}
    path = {name: micros[name] for name in SERVICES}
    rest = {name: value for name, value in micros.items() if name not in (*SERVICES, CLIENT)}
    unit = "us/order"
    return [
        rounded(
            f"orders.cpu_services{suffix}",
            sum(path.values()),
            unit,
            "lower",
            command=command,
            goal=500,
            peers=path,
        ),
        rounded(f"orders.cpu_rest{suffix}", sum(rest.values()), unit, "lower", command=command, peers=rest),
        rounded(f"orders.cpu_client{suffix}", micros[CLIENT], unit, "lower", command=command),
    ]


def _words(step: Step) -> str:
    told = step.told
    return (
        f"{step.load.rate} orders/s for {step.load.seconds} s: {len(told.placed)} accepted, "
        f"{sum(told.refused.values())} refused, {len(told.unknown)} unanswered, {step.behind} behind, "
        f"{len(step.trades)} traded{'' if step.sustained else ': not sustained'}"
    )
