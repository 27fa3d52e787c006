"""What reviews tell of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import CollectorRegistry

    from outcry_services.risk.review.model import Review, Status

__all__ = ["ReviewMetrics"]


class ReviewMetrics:
    """Decisions as they are made, and what waits for people."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._decided = Counter(
            "outcry_risk_reviews",
            "Withdrawals decided, by status and by the reason of a rejection",
            ["status", "reason"],
            registry=registry,
        )
        self._signed = Counter(
            "outcry_risk_approvals_signed", "Approvals signed, again ones included", registry=registry
        )
        self._waiting = Gauge(
            "outcry_risk_reviews_waiting",
            "Withdrawals that are not decided, by what they wait for",
            ["reason"],
            registry=registry,
        )
        self._oldest = Gauge(
            "outcry_risk_reviews_oldest_seconds",
            "How long the oldest one has waited that needs a person; 0: none does",
            registry=registry,
        )
        self.ready = Gauge(
            "outcry_risk_reviews_ready", "1 once the reviews' database answers", registry=registry
        )

    def decided(self, status: Status, reason: str) -> None:
        """A withdrawal was approved or rejected."""
        self._decided.labels(status=str(status), reason=reason).inc()

    def signed(self) -> None:
        """A signature was given."""
        self._signed.inc()

    def waiting(self, reviews: Iterable[Review], *, now: int) -> None:
        """What waits, at `now` in Unix nanoseconds."""
        self._waiting.clear()
        asked_at = now
        for review in reviews:
            self._waiting.labels(reason=review.reason).inc()
            if len(review.approvers) < review.tier.needed:
                asked_at = min(asked_at, review.asked_at)
        self._oldest.set((now - asked_at) / 1e9)
