"""How far a stage is behind its input, in records and in time, against what it may be behind."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Lag"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lag:
    """One stage's lag for one pair; `symbol` is empty where all pairs share its input.

    `millis` is how long the oldest record that waits has waited.
    """

    symbol: str
    records: int
    allowed_records: int
    millis: int
    allowed_millis: int

    @property
    def percent(self) -> int:
        """The larger share of what is allowed, in percent, rounded down."""
        shares = ((self.records, self.allowed_records), (self.millis, self.allowed_millis))
        return max(100 * lag // max(1, allowed) for lag, allowed in shares)
