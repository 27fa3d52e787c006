"""`python -m bench.engine`: the core beside its peers on exchange-core's own workload, in one run.

Three shapes: S has about 1,000 resting orders, L 1,000,000 with victims among the 512 oldest, as
exchange-core's generator picks them, LU the same with victims picked uniformly. Every engine reads the same
records and turns them into its own calls inside the timed loop; all that finish must agree about trades,
volume and the final book, order by order.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.engine.programs import PEERS, Embedded, ExchangeCore, Native
from bench.engine.throughput import measure, measure_embedded
from bench.figures import RESULTS, Figure, print_figures, rounded, write_figures

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = "make bench-engine"
_figure = partial(rounded, command=COMMAND)
PARTS = ("throughput", "latency", "python", "memory")
TIMES_EXCHANGE_CORE = {"S": 2.5, "L": 2.5, "LU": 2.0}
OF_PROTOTYPE = 0.7
RATE = 1_000_000.0
LATENCY_ROUNDS = 9
LATENCY_GOALS = {"p50": 150.0, "p99": 500.0, "p99.9": 5_000.0, "max": None}
"""Nanoseconds."""
BYTES_PER_ORDER = 128.0
PYTHON_CALLS = 2_000_000.0
PYTHON_SHARE = 0.5


def throughput(native: Native, java: ExchangeCore, shape: str, file: Path) -> list[Figure]:
    """Commands per second on one workload and what that is of the peers'."""
    turns, outcome = measure(native, java, file)
    print(f"bench: {shape}: all that finished agree: {outcome}", file=sys.stderr)
    if "orderbook-rs" not in turns.speeds:
        print(f"bench: {shape}: {PEERS['orderbook-rs']} did not finish", file=sys.stderr)
    peers = {PEERS.get(name, name): turns.of(name) for name in turns.speeds if name != "outcry"}
    times, of_bare = turns.ratio("outcry", "exchange-core"), turns.ratio("outcry", "prototype")
    name = f"engine.core_{shape}"
    return [
        _figure(name, turns.of("outcry"), "commands/s", "higher", peers=peers),
        _figure(f"{name}_times", times, "x exchange-core", "higher", goal=TIMES_EXCHANGE_CORE[shape]),
        _figure(f"{name}_share", of_bare, "of the prototype", "higher", goal=OF_PROTOTYPE),
    ]


def latency(native: Native, file: Path) -> list[Figure]:
    """From the instant a command is due to its last event being in the ring, open loop.

    A round takes three seconds, and one stall of the machine decides its 99.9th percentile. So the empty loop
    and the book take turns, and what is judged is the median over the rounds; the worst stands beside it.
    """
    rounds = [
        (native.latency("nothing", file, rate=RATE), native.latency("outcry", file, rate=RATE))
        for _ in range(LATENCY_ROUNDS)
    ]
    figures = []
    for name, goal in LATENCY_GOALS.items():
        machine, book = ([turn[name] for turn in turns] for turns in zip(*rounds, strict=True))
        peers = {"empty loop": statistics.median(machine), "empty loop, worst round": max(machine)}
        peers["worst round"] = max(book)
        value = statistics.median(book)
        figures.append(_figure(f"engine.latency_{name}", value, "ns", "lower", goal=goal, peers=peers))
    return figures


def memory(native: Native, file: Path) -> list[Figure]:
    """Everything that the book allocated and kept, spare capacity included, divided by its orders."""
    held = native.memory(file)
    each, resident = held["allocated"] / held["orders"], held["resident"] / held["orders"]
    peers = {"resident": resident}
    return [
        _figure("engine.memory_per_order", each, "bytes", "lower", goal=BYTES_PER_ORDER, peers=peers),
    ]


def embedded(native: Native, file: Path) -> list[Figure]:
    """Commands per second through Python: one call a command, and arrays of commands."""
    turns = measure_embedded(native, Embedded(), file)
    rust = {"Rust alone": turns.of("outcry")}
    share = turns.ratio("arrays", "outcry")
    return [
        _figure("engine.python_calls", turns.of("calls"), "commands/s", "higher", goal=PYTHON_CALLS),
        _figure("engine.python_arrays", turns.of("arrays"), "commands/s", "higher", peers=rust),
        _figure("engine.python_arrays_share", share, "of the Rust figure", "higher", goal=PYTHON_SHARE),
    ]


def run(parts: Sequence[str], shapes: Sequence[str], folder: Path) -> list[Figure]:
    """Build, generate, measure."""
    native, figures = Native(), []
    files = {shape: folder / shape for shape in TIMES_EXCHANGE_CORE}
    for shape, file in files.items():
        print(f"bench: {shape}: {native.generate(shape, file)}", file=sys.stderr)
    if "throughput" in parts:
        java = ExchangeCore()
        for shape in shapes:
            figures += throughput(native, java, shape, files[shape])
    if "latency" in parts:
        figures += latency(native, files["S"])
    if "python" in parts:
        figures += embedded(native, files["S"])
    if "memory" in parts:
        figures += memory(native, files["L"])
    return figures


def main() -> int:
    """Measure, print, write `bench/results/engine.json`; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.engine", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--shape", choices=tuple(TIMES_EXCHANGE_CORE), action="append")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = run(options.only or PARTS, options.shape or tuple(TIMES_EXCHANGE_CORE), Path(folder))
    print_figures("engine", figures)
    write_figures(RESULTS / "engine.json", figures)
    return 0 if all(figure.met is not False for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
