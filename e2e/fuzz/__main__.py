"""`python -m e2e.fuzz`: millions of random orders through the core and the oracle.

A run that was interrupted goes on where it stopped. Exit status 0 when both said the same all the way and
every kind of event and every reason was reached, 1 otherwise.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from e2e.fuzz.reached import missed, table
from e2e.fuzz.run import report, run_chunks
from e2e.fuzz.state import State
from e2e.fuzz.stories import of_seed

DIRECTORY = Path(__file__).resolve().parents[2] / "build" / "fuzz"
LENGTH = 400
# The run ends early when so many stories differ: it is one fault then, or a few.
ENOUGH = 5
EXAMPLES = """\
examples:
  python -m e2e.fuzz run --orders 10000000   what `make fuzz` does
  python -m e2e.fuzz replay 123456           one story again, shrunk if it fails
"""


def main() -> int:
    """Runs or replays."""
    parser = argparse.ArgumentParser(
        prog="python -m e2e.fuzz",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="random stories until so many orders were sent")
    run.add_argument("--orders", type=int, default=10_000_000, help="default %(default)s")
    run.add_argument("--seed", type=int, help="of the first story (default: random; a new run)")
    run.add_argument("--jobs", type=int, default=2, help="processes (default %(default)s)")
    run.add_argument(
        "--directory", type=Path, default=DIRECTORY, help="of progress and failures (%(default)s)"
    )
    replay = commands.add_parser("replay", help="one story again")
    replay.add_argument("seed", type=int)
    replay.add_argument("--length", type=int, default=LENGTH, help="commands (default %(default)s)")
    args = parser.parse_args()
    if args.command == "replay":
        return _replay(args.seed, args.length)
    args.directory.mkdir(parents=True, exist_ok=True)
    return _run(args.directory, orders=args.orders, seed=args.seed, jobs=args.jobs)


def _replay(seed: int, length: int) -> int:
    from e2e.fuzz.compare import difference  # noqa: PLC0415 - the parser works without the engine

    told = of_seed(seed, length)
    if difference(told) is None:
        print(f"seed {seed}: {len(told.commands)} commands, {told.orders} orders, no difference")
        return 0
    print(report(seed, length))
    return 1


def _run(directory: Path, *, orders: int, seed: int | None, jobs: int) -> int:
    path = directory / "progress.json"
    state = _resumed(path, orders, seed)
    shown = 0.0
    with closing(run_chunks(state.next_seed, length=state.length, jobs=jobs)) as chunks:
        began = time.monotonic()
        while not state.finished and len(state.failing_seeds) < ENOUGH:
            chunk = next(chunks)
            state.add(chunk)
            state.seconds += (now := time.monotonic()) - began
            began = now
            state.save(path)
            for failing in chunk.differences:
                _keep(directory, failing, state.length)
            if now - shown > 5 or state.finished:
                shown = now
                _show(state)
    return _verdict(state)


def _resumed(path: Path, orders: int, seed: int | None) -> State:
    """The run that was interrupted, or a new one."""
    before = State.load(path)
    same = before is not None and seed is None and before.goal == orders
    if before is not None and same and not before.finished and not before.failing_seeds:
        print(f"going on from seed {before.next_seed} ({before.orders:,} of {orders:,} orders)", flush=True)
        return before
    first = secrets.randbelow(1 << 40) if seed is None else seed
    print(f"first seed {first}", flush=True)
    return State(first_seed=first, next_seed=first, length=LENGTH, goal=orders)


def _keep(directory: Path, seed: int, length: int) -> None:
    text = report(seed, length)
    (directory / f"failure-{seed}.txt").write_text(text)
    print(f"\n{text}\nagain: make fuzz SEED={seed}", flush=True)


def _show(state: State) -> None:
    rate = state.commands / state.seconds
    print(
        f"{100 * state.orders / state.goal:5.1f} %  {state.orders:,} orders, {state.commands:,} commands, "
        f"{rate:,.0f} a second, next seed {state.next_seed}",
        flush=True,
    )


def _verdict(state: State) -> int:
    reached = Counter(state.reached)
    print(table(reached))
    if state.failing_seeds:
        print(f"the core differs from the oracle in the stories of seeds {state.failing_seeds}")
        return 1
    unreached = missed(reached)
    if unreached:
        print(f"never reached: {', '.join(unreached)}")
        return 1
    print(
        f"no difference in {state.orders:,} orders ({state.commands:,} commands) from seed {state.first_seed}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
