"""Metrics of signing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["SigningMetrics"]

SECONDS = (0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class SigningMetrics:
    """Of one quorum."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._up = Gauge(
            "outcry_wallet_signer_up",
            "1 for a signer that answered its last call",
            ["signer"],
            registry=registry,
        )
        self._named = Counter(
            "outcry_wallet_signer_named",
            "Times a signer was in a pair that failed and not in the one that signed, by how that failed",
            ["signer", "outcome"],
            registry=registry,
        )
        self._failed = Counter(
            "outcry_wallet_signing_failed",
            "Pairs that did not sign: down, fault, refusal",
            ["outcome"],
            registry=registry,
        )
        self._seconds = Histogram(
            "outcry_wallet_signing_seconds",
            "From the first opening to the signature, failed pairs among it",
            registry=registry,
            buckets=SECONDS,
        )

    def answered(self, signer: int, *, up: bool) -> None:
        """A call came to its end."""
        self._up.labels(str(signer)).set(up)

    def named(self, signer: int, outcome: str) -> None:
        """A signer stood in the way."""
        self._named.labels(str(signer), outcome).inc()

    def failed(self, outcome: str) -> None:
        """A pair did not sign."""
        self._failed.labels(outcome).inc()

    def signed(self, seconds: float) -> None:
        """A pair signed."""
        self._seconds.observe(seconds)
