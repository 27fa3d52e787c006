"""`python -m bench.wallet`: how long two of three signers take, and how quickly a chain is looked through.

Signing is three signers in one process and no network: policy, journal with its fsync, envelopes, rounds and
the final check are in it. Key generation, which needs all three and happens once, is shown beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

from bench.figures import RESULTS, Figure, print_figures, rounded, write_figures
from bench.wallet_scan import scanning

COMMAND = "python -m bench.wallet"
ROOT = Path(__file__).resolve().parent.parent
GOAL_MS = 150
_figure = partial(rounded, command=COMMAND)


def signing(runs: int) -> list[Figure]:
    """Each scheme's, from the crate's own example; raises CalledProcessError with what cargo printed."""
    done = subprocess.run(
        [
            *("cargo", "run", "--quiet", "--release", "--locked", "-p", "outcry-signer"),
            *("--example", "signing_time", "--", str(runs)),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: list[Figure] = []
    for scheme, times in json.loads(done.stdout).items():
        name = f"wallet.sign_{scheme}"
        made = {"key generation": times["key_generation_ms"], "slowest": times["max_ms"]}
        figures += [
            _figure(f"{name}_p50", times["p50_ms"], "ms", "lower", goal=GOAL_MS, peers=made),
            _figure(f"{name}_p99", times["p99_ms"], "ms", "lower", goal=GOAL_MS),
        ]
    return figures


def main() -> int:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description=__doc__, epilog=f"example: {COMMAND} --runs 1000"
    )
    parser.add_argument("--runs", type=int, default=1000, help="transactions signed per scheme")
    parser.add_argument("--blocks", type=int, default=10_000, help="looked through")
    options = parser.parse_args()
    figures = signing(options.runs)
    figures += asyncio.run(scanning(options.blocks, command=COMMAND))
    print_figures("wallet", figures)
    write_figures(RESULTS / "wallet.json", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
