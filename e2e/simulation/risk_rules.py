"""How risk is set in a simulation: seconds, all shorter than in earnest, so that short stories meet them."""

from __future__ import annotations

__all__ = ["CHECKPOINT_SECONDS", "RESERVATION_SECONDS", "SETTLE_SECONDS", "STALE_SECONDS"]

RESERVATION_SECONDS = 6.0
SETTLE_SECONDS = 1.0
STALE_SECONDS = 1.5
CHECKPOINT_SECONDS = 1.5
