"""Many stories on all cores: which differ, and what was reached."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import TYPE_CHECKING

from e2e.fuzz.compare import difference
from e2e.fuzz.literal import literal
from e2e.fuzz.reached import reached_by
from e2e.fuzz.shrink import shrink
from e2e.fuzz.stories import of_commands, of_seed

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import Future

    from e2e.oracle.commands import Command

STORIES_A_CHUNK = 50


@dataclass(kw_only=True)
class Chunk:
    """What came of the stories of consecutive seeds."""

    first_seed: int
    stories: int
    orders: int = 0
    commands: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    # Where the core differs, by seed.
    differences: dict[int, str] = field(default_factory=dict)


def run_chunk(first_seed: int, stories: int, length: int) -> Chunk:
    """Compares the stories of these seeds."""
    chunk = Chunk(first_seed=first_seed, stories=stories)
    for seed in range(first_seed, first_seed + stories):
        told = of_seed(seed, length)
        chunk.orders += told.orders
        chunk.commands += len(told.commands)
        chunk.reached += reached_by(told)
        differs = difference(told)
        if differs is not None:
            chunk.differences[seed] = differs
    return chunk


def run_chunks(first_seed: int, *, length: int, jobs: int) -> Generator[Chunk]:
    """Chunk after chunk in the order of their seeds, without end; close it to stop."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        running: dict[Future[Chunk], int] = {}
        done: dict[int, Chunk] = {}
        next_seed = wanted = first_seed
        try:
            while True:
                while len(running) < 2 * jobs:
                    running[pool.submit(run_chunk, next_seed, STORIES_A_CHUNK, length)] = next_seed
                    next_seed += STORIES_A_CHUNK
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done[running.pop(future)] = future.result()
                while wanted in done:
                    yield done.pop(wanted)
                    wanted += STORIES_A_CHUNK
        finally:
            pool.shutdown(cancel_futures=True)


def report(seed: int, length: int) -> str:
    """A seed's story, shrunk: where it differs, and its commands as Python."""
    commands = shrink(of_seed(seed, length).commands, _differs)
    differs = difference(of_commands(commands))
    return f"seed {seed}, shrunk to {len(commands)} commands\n{differs}\n{literal(commands)}"


def _differs(commands: list[Command]) -> bool:
    return difference(of_commands(commands)) is not None
