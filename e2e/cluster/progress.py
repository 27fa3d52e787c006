"""Lines for a person that waits: what happens now, how long it took last time.

On a terminal the present step is one line that moves; elsewhere each step is a line when it starts
and one when it ends. Durations are kept in the cache for the next run's estimate.
"""

from __future__ import annotations

import itertools
import json
import shutil
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from e2e.cluster.paths import cache_root

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Progress", "Step"]

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Step:
    """One step that is under way; `detail` may change while it runs."""

    def __init__(self, *, title: str, last_seconds: float | None) -> None:
        self.title = title
        self.last_seconds = last_seconds
        self.detail = ""
        self.started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the step started."""
        return time.monotonic() - self.started

    def describe(self) -> str:
        """Title, detail and time."""
        last = f", last time {self.last_seconds:.0f} s" if self.last_seconds is not None else ""
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.title}{detail} ({self.seconds:.0f} s{last})"


class Progress:
    """Shows steps on standard error."""

    def __init__(self) -> None:
        self.tty = sys.stderr.isatty()
        self.lock = threading.Lock()

    @contextmanager
    def step(self, title: str, *, key: str | None = None) -> Iterator[Step]:
        """Show a step until the block ends. With a `key` its duration is remembered."""
        step = Step(title=title, last_seconds=remembered(key) if key else None)
        stop = threading.Event()
        painter = threading.Thread(target=self.paint, args=(step, stop), daemon=True)
        if self.tty:
            painter.start()
        else:
            estimate = f" (last time {step.last_seconds:.0f} s)" if step.last_seconds is not None else ""
            self.line(f"· {title}{estimate}")
        try:
            yield step
        except BaseException:
            self.finish(step, stop, painter, mark="✗")
            raise
        self.finish(step, stop, painter, mark="✓")
        if key:
            remember(key, step.seconds)

    def line(self, text: str) -> None:
        """One line that stays."""
        with self.lock:
            print(f"\r\x1b[K{text}" if self.tty else text, file=sys.stderr, flush=True)

    def paint(self, step: Step, stop: threading.Event) -> None:
        """Draw the moving line until told to stop."""
        for sign in itertools.cycle(SPINNER):
            with self.lock:
                # A line that wraps could not be painted over.
                line = f"{sign} {step.describe()}"[: shutil.get_terminal_size().columns - 1]
                print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
            if stop.wait(0.1):
                return

    def finish(self, step: Step, stop: threading.Event, painter: threading.Thread, *, mark: str) -> None:
        """Leave the step's last line."""
        stop.set()
        if self.tty:
            painter.join()
        self.line(f"{mark} {step.title} ({step.seconds:.1f} s)")


def remembered(key: str) -> float | None:
    """How long this step took the last time it did its whole work."""
    try:
        durations = json.loads((cache_root() / "durations.json").read_text())
    except (OSError, ValueError):
        return None
    seconds = durations.get(key)
    return float(seconds) if seconds is not None else None


def remember(key: str, seconds: float) -> None:
    """Keep a duration for the next run; losing one to a race does no harm."""
    path = cache_root() / "durations.json"
    try:
        durations = json.loads(path.read_text())
    except (OSError, ValueError):
        durations = {}
    durations[key] = round(seconds, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f".{threading.get_ident()}.new")
    new.write_text(json.dumps(durations, indent=1, sort_keys=True))
    new.replace(path)
