"""Play seeds, or one of them again.

`python -m e2e.simulation run --seeds 10000` plays the seeds from `--first` on, on every CPU, and prints those
that failed with what was not as it must be. `python -m e2e.simulation replay SEED` plays one and prints all
that happened in it. Exit status 1 when any failed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
import warnings
from dataclasses import dataclass
from functools import partial

from e2e.simulation.story import ACTIONS, DEATHS, TRADES, Outcome, Stage

SHOWN_FAULTS = 12
CHUNK = 20
# What is killed in a story stays suspended and is never freed, some 0.2 MB a seed: workers are replaced.
CHUNKS_OF_A_WORKER = 20


@dataclass
class _Stages:
    """One a process."""

    stage: Stage | None = None

    def play(self, seed: int, *, actions: int, deaths: int, trades: int) -> Outcome:
        self.stage = self.stage or Stage()
        return self.stage.play(seed, actions=actions, deaths=deaths, trades=trades)


_STAGES = _Stages()


def main() -> int:
    """Parses arguments and runs."""
    parser = argparse.ArgumentParser(prog="python -m e2e.simulation", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="play many seeds")
    run.add_argument("--seeds", type=int, default=10_000)
    run.add_argument("--first", type=int, default=0)
    run.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    replay = commands.add_parser("replay", help="play one seed and print all that happens")
    replay.add_argument("seed", type=int)
    for command in (run, replay):
        command.add_argument("--actions", type=int, default=ACTIONS, help="what people do in a story")
        command.add_argument("--deaths", type=int, default=DEATHS, help="at the most, in a story")
        command.add_argument(
            "--trades", type=int, default=TRADES, help="what somebody does whose money was broken"
        )
    chosen = parser.parse_args()
    # Requests to the killed are never begun.
    warnings.simplefilter("ignore", RuntimeWarning)
    return _replay(chosen) if chosen.command == "replay" else _run(chosen)


def _replay(chosen: argparse.Namespace) -> int:
    story = {"actions": chosen.actions, "deaths": chosen.deaths, "trades": chosen.trades}
    outcome = Stage().play(chosen.seed, **story, traced=True)
    print("\n".join(outcome.trace))
    _show(outcome)
    return 1 if outcome.faults else 0


def _run(chosen: argparse.Namespace) -> int:
    begun = time.monotonic()
    failed = steps = lives = 0
    virtual = 0.0
    play = partial(_STAGES.play, actions=chosen.actions, deaths=chosen.deaths, trades=chosen.trades)
    with multiprocessing.get_context("fork").Pool(
        chosen.workers, maxtasksperchild=CHUNKS_OF_A_WORKER
    ) as pool:
        seeds = range(chosen.first, chosen.first + chosen.seeds)
        for outcome in pool.imap_unordered(play, seeds, chunksize=CHUNK):
            steps += outcome.steps
            virtual += outcome.seconds
            lives += sum(outcome.lives.values())
            if outcome.faults:
                failed += 1
                _show(outcome)
    seconds = time.monotonic() - begun
    print(
        f"{chosen.seeds} seeds, {failed} failed; {lives} lives, {steps} steps, "
        f"{virtual / 3600:.1f} virtual hours in {seconds:.0f} s"
    )
    return 1 if failed else 0


def _show(outcome: Outcome) -> None:
    if not outcome.faults:
        print(f"seed {outcome.seed}: all is as it must be after {outcome.steps} steps")
        return
    print(f"seed {outcome.seed} FAILED after {outcome.steps} steps, {outcome.seconds:.1f} virtual seconds:")
    for fault in outcome.faults[:SHOWN_FAULTS]:
        print(f"    {fault}")
    if len(outcome.faults) > SHOWN_FAULTS:
        print(f"    … and {len(outcome.faults) - SHOWN_FAULTS} more")
    print(f"    play it again: python -m e2e.simulation replay {outcome.seed}")


if __name__ == "__main__":
    sys.exit(main())
