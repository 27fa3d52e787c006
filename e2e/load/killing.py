"""Everything that is named dies once, evenly over the time of the load, and is waited for."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from e2e.cluster.progress import Progress
    from e2e.load.place import Place

__all__ = ["Kill", "killing"]


@dataclass(frozen=True)
class Kill:
    """One death."""

    name: str
    at: float
    """Seconds after the load began."""
    ready_after: float
    """Seconds until its successor was ready."""


@contextmanager
def killing(
    place: Place, names: Sequence[str], *, seconds: float, progress: Progress
) -> Iterator[list[Kill]]:
    """Kill while the block runs, and wait behind it for what is still to be killed or to come back.

    One that takes longer than its share of the time makes the next one late, so that two are never away at
    once because of us. Raises whatever `kill` and `wait_ready` raise.
    """
    kills: list[Kill] = []
    given_up = threading.Event()
    started = time.monotonic()

    def kill_in_turn() -> None:
        share = seconds / (len(names) + 1)
        for number, name in enumerate(names, start=1):
            if given_up.wait(max(0.0, started + number * share - time.monotonic())):
                return
            kill = _kill(place, name, started=started)
            kills.append(kill)
            progress.line(f"  killed {name} after {kill.at:.0f} s; ready {kill.ready_after:.0f} s later")

    with ThreadPoolExecutor(1, thread_name_prefix="killer") as thread:
        done = thread.submit(kill_in_turn)
        try:
            yield kills
        except BaseException:
            given_up.set()
            raise
        done.result()


def _kill(place: Place, name: str, *, started: float) -> Kill:
    at = time.monotonic()
    place.kill(name)
    place.wait_ready(name)
    return Kill(name, round(at - started, 1), round(time.monotonic() - at, 1))
