"""A publisher's Prometheus metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

__all__ = ["PublisherMetrics"]


class PublisherMetrics:
    """Of the one publisher that a process has; everything that it writes shares one order."""

    def __init__(
        self,
        *,
        registry: CollectorRegistry,
        waiting: Callable[[], float],
        age: Callable[[], float],
    ) -> None:
        self._acknowledged = Counter(
            "outcry_publisher_acknowledged", "Records that all in-sync replicas have", registry=registry
        )
        self._restarts = Counter(
            "outcry_publisher_restarts",
            "Producers replaced after a failed delivery",
            registry=registry,
        )
        Gauge(
            "outcry_publisher_unacknowledged",
            "Records not acknowledged yet",
            registry=registry,
        ).set_function(waiting)
        Gauge(
            "outcry_publisher_oldest_seconds", "How long the oldest of them has waited", registry=registry
        ).set_function(age)

    def acknowledged(self, records: int) -> None:
        """So many more."""
        self._acknowledged.inc(records)

    def restarted(self) -> None:
        """One more."""
        self._restarts.inc()
