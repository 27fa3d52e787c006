"""`python -m bench.checkpoint`: what checkpoints cost, and how long a large book takes to come back.

The engine's own intake, match, checkpoint and disk threads, without Kafka: an open-loop flow over a book
of 1,000,000 resting orders, with a checkpoint every 100 ms and without any, turn about on one machine. The
match thread spins on the CPU that devices interrupt least and has it alone; all other threads share the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.figures import RESULTS, Figure, print_figures, rounded, write_figures

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "python -m bench.checkpoint"
_figure = partial(rounded, command=COMMAND)
RESTORES = 5
QUANTILES = ("p50", "p99", "p99.9")


def build(example: str) -> Path:
    """An example of the runtime that needs its threads without Kafka, built; where it is."""
    command = ["cargo", "build", "--quiet", "--release", "-p", "outcry-runtime", "--features", "bench"]
    subprocess.run([*command, "--example", example], cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "release" / "examples" / example


class Bench:
    """Runs of one program over directories that go with it."""

    def __init__(self, *, program: Path, directory: Path, options: argparse.Namespace) -> None:
        self._program = program
        self._directory = directory
        self._options = options

    def cost(self) -> list[Figure]:
        """The match thread with and without checkpoints; medians over the turns, and of their ratios."""
        turns = [(self._turn("without"), self._turn("with")) for _ in range(self._options.turns)]
        figures = []
        for at, name in enumerate(QUANTILES):
            for kind in ("match", "pipeline"):
                without, with_ = (
                    median(turn[side][f"{kind}_nanos"][at] for turn in turns) / 1e3 for side in (0, 1)
                )
                peers = {"without checkpoints": without}
                figures.append(_figure(f"checkpoint.{kind}_{name}", with_, "us", "lower", peers=peers))
        tails = [turn[1]["match_nanos"][2] / turn[0]["match_nanos"][2] for turn in turns]
        spread = {"least": min(tails), "most": max(tails)}
        ratio = _figure(
            "checkpoint.match_p99.9_ratio",
            median(tails),
            "of that without",
            "lower",
            goal=1.1,
            peers=spread,
        )
        written = median(turn[1]["bytes_per_second"] for turn in turns) / 2**20
        rate = {"commands/s": self._options.rate}
        return [*figures, ratio, _figure("checkpoint.written", written, "MiB/s", "lower", peers=rate)]

    def restore(self) -> list[Figure]:
        """From files to the two books of a start, with the deltas that the last run left."""
        found = [self._run("restore", str(self._directory / "with")) for _ in range(RESTORES)]
        seconds = median(run["restore_seconds"] for run in found)
        orders = {"orders": found[0]["orders"]}
        return [_figure("checkpoint.restore_1m_orders", seconds, "s", "lower", goal=1, peers=orders)]

    def _turn(self, word: str) -> dict[str, Any]:
        data = self._directory / word
        shutil.rmtree(data, ignore_errors=True)
        options = self._options
        numbers = [str(number) for number in (options.resting, options.rate, options.seconds)]
        run = self._run("run", str(data), *numbers, word)
        print(f"bench: {word} checkpoints: {run}", file=sys.stderr)
        return run

    def _run(self, *arguments: str) -> dict[str, Any]:
        done = subprocess.run([self._program, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{self._program} {' '.join(arguments)}: {done.stderr}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


def main() -> int:
    """Measure, print, write `bench/results/checkpoint.json`; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--resting", type=int, default=1_000_000, help="orders in the book [%(default)s]")
    parser.add_argument("--rate", type=int, default=100_000, help="commands a second [%(default)s]")
    parser.add_argument("--seconds", type=int, default=20, help="of each run [%(default)s]")
    parser.add_argument("--turns", type=int, default=5, help="runs with and without [%(default)s]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="outcry-checkpoint-") as directory:
        bench = Bench(program=build("checkpoint_cost"), directory=Path(directory), options=options)
        figures = bench.cost() + bench.restore()
    print_figures("checkpoint", figures)
    write_figures(RESULTS / "checkpoint.json", figures)
    return 0 if all(figure.met is not False for figure in figures) else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
