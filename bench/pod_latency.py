"""`python -m bench.pod_latency`: a command's way through the pod's threads, to the packet and to the client.

The engine's own intake, match, checkpoint, disk and feed threads, without Kafka, at 100,000 commands a
second in records of ten, open loop: every record counts from when it was due. The match thread spins on the
CPU that devices interrupt least and has it alone. On a machine of two CPUs all other threads share one:
input, feed, checkpoint, and what drives them; on a larger one the feed and the input would each have its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.checkpoint import build
from bench.figures import RESULTS, Figure, print_figures, rounded, write_figures

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "python -m bench.pod_latency"
_figure = partial(rounded, command=COMMAND)
NAMES = ("p50", "p90", "p99", "p99.9", "worst")
GOALS = {("threads", "p50"): 10.0, ("threads", "p99"): 50.0, ("wire", "p99"): 100.0}


def measure(program: Path, mode: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The runs of a mode."""
    runs = []
    for _ in range(options.turns):
        with tempfile.TemporaryDirectory(prefix="outcry-latency-") as directory:
            command = [str(program), mode, directory, str(options.rate), str(options.seconds)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{program} {mode}: {done.stderr}")
        runs.append(json.loads(done.stdout))
        print(f"bench: {mode}: {runs[-1]}", file=sys.stderr)
    return runs


def figures_of(mode: str, runs: list[dict[str, Any]]) -> list[Figure]:
    """Medians over the runs, the machine's own jitter in the same quantile beside them."""
    figures = []
    for at, name in enumerate(NAMES):
        value = median(run["nanos"][at] for run in runs) / 1e3
        peers = {"empty loop": median(run["jitter_nanos"][at] for run in runs) / 1e3}
        goal = GOALS.get((mode, name))
        figures.append(_figure(f"pod_latency.{mode}_{name}", value, "us", "lower", goal=goal, peers=peers))
    lost = sum(run.get("missing", 0) + run["dropped"] for run in runs)
    return [*figures, _figure(f"pod_latency.{mode}_lost", lost, "events", "lower", goal=0)]


def main() -> int:
    """Measure, print, write `bench/results/pod_latency.json`; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--rate", type=int, default=100_000, help="commands a second [%(default)s]")
    parser.add_argument("--seconds", type=int, default=20, help="of each run [%(default)s]")
    parser.add_argument("--turns", type=int, default=5, help="runs of each kind [%(default)s]")
    options = parser.parse_args()
    program = build("pod_latency")
    figures = []
    for mode in ("threads", "wire"):
        figures += figures_of(mode, measure(program, mode, options))
    print_figures("pod_latency", figures)
    write_figures(RESULTS / "pod_latency.json", figures)
    return 0 if all(figure.met is not False for figure in figures) else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
