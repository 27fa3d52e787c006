"""A progress bar on the terminal, and silence where there is none."""

from __future__ import annotations

import sys
import time


class Progress:
    """Draws `label [####    ] 42 %` on stderr, ten times a second at most."""

    def __init__(self, label: str, total: int) -> None:
        self._label = label
        self._total = max(total, 1)
        self._shown = sys.stderr.isatty()
        self._next = 0.0

    def at(self, done: int, note: str = "") -> None:
        """Say how far it has come."""
        now = time.monotonic()
        if not self._shown or now < self._next:
            return
        self._next = now + 0.1
        self._draw(done, note)

    def close(self, note: str = "") -> None:
        """Draw the full bar and end the line."""
        if self._shown:
            self._draw(self._total, note)
            sys.stderr.write("\n")

    def _draw(self, done: int, note: str) -> None:
        share = min(done / self._total, 1.0)
        bar = "#" * round(30 * share)
        sys.stderr.write(f"\r{self._label} [{bar:<30}] {share:>4.0%} {note}\x1b[K")
        sys.stderr.flush()
