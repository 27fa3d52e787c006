"""`python -m bench.orders`: numbers of the path of an order; `--only 1,4` measures some of them.

1, 2  orders a second, their latency, CPU time of each service   3  the gateway: `python -m bench.gateway`
4     position's scripts beside DECRBY                           5  positions made again
6     the reconciler
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figures import RESULTS, print_figures, write_figures
from bench.orders import load, rebuild, reconciling, scripts

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.figures import Figure

COMMAND = "python -m bench.orders"
PARTS: dict[str, Callable[[argparse.Namespace, str], list[Figure]]] = {
    "1": load.measure,
    "4": scripts.measure,
    "5": rebuild.measure,
    "6": reconciling.measure,
}


def main() -> int:
    """Measure, print, write `bench/results/orders.json`; 1 when a goal is missed."""
    options = _options()
    figures: list[Figure] = []
    for number in options.only:
        print(f"bench: number {number}", file=sys.stderr)
        figures += PARTS[number](options, COMMAND)
    print_figures("orders", figures)
    write_figures(RESULTS / "orders.json", figures)
    return 0 if all(figure.met is not False for figure in figures) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=COMMAND, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", type=_numbers, default=list(PARTS), help="numbers, with commas between")
    parser.add_argument("--users", type=int, default=200, help="who trade, for 1 [%(default)s]")
    parser.add_argument("--signed", action="store_true", help="1 by signed requests instead of sessions")
    parser.add_argument("--step-seconds", type=int, default=15, help="of each rate, for 1 [%(default)s]")
    parser.add_argument("--seconds", type=int, default=60, help="at half of it, for 1 [%(default)s]")
    parser.add_argument("--scripts", type=int, default=100_000, help="a turn, for 4 [%(default)s]")
    parser.add_argument("--turns", type=int, default=5, help="for 4 [%(default)s]")
    parser.add_argument("--positions", type=int, default=1_000_000, help="for 5 [%(default)s]")
    parser.add_argument("--changes", type=int, default=100_000, help="rows changed, for 6 [%(default)s]")
    parser.add_argument("--breaks", type=int, default=20, help="of each side, for 6 [%(default)s]")
    return parser.parse_args()


def _numbers(text: str) -> list[str]:
    numbers = ["1" if number == "2" else number for number in text.split(",")]
    unknown = [number for number in numbers if number not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not among 1, 2, {', '.join(PARTS)[3:]}")
    return sorted(set(numbers))


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent.parent)
    sys.exit(main())
