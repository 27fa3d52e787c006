"""What a run over a pair or a wallet came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """For the queue: whether and when to come back; for the metrics: what became of it."""

    gone: bool = False
    """There is no such object any more."""
    ready: str = "Unknown"
    """Status of the condition that says whether all is well."""
    failed: tuple[str, ...] = ()
    """Reasons of what went wrong."""
    back_off: bool = False
    """Try again, later each time."""
    again_seconds: float | None = None
    """Look again by then."""

    @property
    def result(self) -> str:
        """`gone`, `done`, or the first reason."""
        if self.gone:
            return "gone"
        return self.failed[0] if self.failed else "done"
