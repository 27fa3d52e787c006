"""What settlement tells Prometheus of itself: `outcry_settlement_…`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client import CollectorRegistry

    from outcry_services.common.errors import ServiceError
    from outcry_services.settlement.books import Counts
    from outcry_services.settlement.steps import Place

__all__ = ["SettlementMetrics"]


class SettlementMetrics:
    """Counters of the follower, and how far behind it is."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, what: str, labels: tuple[str, ...] = ()) -> Counter:
            return Counter(name, what, labels, registry=registry)

        self._batches = counter("outcry_settlement_batches", "Batches committed to the ledger")
        self._instructions = counter("outcry_settlement_instructions", "Answered instructions applied")
        self._events = counter("outcry_settlement_events", "Events of pairs applied")
        self._transactions = counter("outcry_settlement_transactions", "Transactions posted")
        self._covers = counter(
            "outcry_settlement_covers",
            "Entries by which the house paid what a user's funds lacked; each needs a look",
        )
        self._unheld = counter(
            "outcry_settlement_unheld_legs", "Legs of orders for which no funds were ever held"
        )
        self._failures = counter(
            "outcry_settlement_failures", "Times the books stood still, by error name", ("name",)
        )
        self._still = Gauge(
            "outcry_settlement_standing_still", "1 while batches fail: see the log", registry=registry
        )
        self._lag = Gauge(
            "outcry_settlement_lag_records",
            "Records of a partition that are not in the ledger",
            ["topic", "partition"],
            registry=registry,
        )
        self._gaps = Gauge(
            "outcry_settlement_gaps",
            "Sources that miss a message although later ones are here, and pairs whose log lost it",
            registry=registry,
        )

    def applied(self, counts: Counts) -> None:
        """A batch was committed."""
        self._batches.inc()
        self._instructions.inc(counts.instructions)
        self._events.inc(counts.events)
        self._transactions.inc(counts.transactions)
        self._covers.inc(counts.covers)
        self._unheld.inc(counts.unheld)
        self.going()

    def going(self) -> None:
        """Nothing is in the way of the next batch."""
        self._still.set(0)

    def failed(self, error: ServiceError) -> None:
        """A batch was not."""
        self._failures.labels(name=error.name).inc()
        self._still.set(1)

    def behind(self, lags: Mapping[Place, int], *, gaps: int) -> None:
        """Records that are not in the ledger, by partition."""
        for (topic, partition), records in lags.items():
            self._lag.labels(topic=topic, partition=str(partition)).set(records)
        self._gaps.set(gaps)
