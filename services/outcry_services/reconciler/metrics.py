"""What the reconciler tells Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["Metrics"]


class Metrics:
    """One of each, made once."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rows = Counter(
            "outcry_reconciler_rows", "Row changes read from the ledger's binary log", registry=registry
        )
        self.compared = Counter(
            "outcry_reconciler_compared_users", "Users compared at one cut", registry=registry
        )
        self.differences = Counter(
            "outcry_reconciler_differences",
            "Places found different, by what they are",
            ["place"],
            registry=registry,
        )
        self.open = Gauge(
            "outcry_reconciler_open_findings", "Users found different and not repaired", registry=registry
        )
        self.worth = Gauge(
            "outcry_reconciler_worth_btc_units",
            "What was found since withdrawals were cleared last, in BTC ledger units",
            registry=registry,
        )
        self.repairs = Counter(
            "outcry_reconciler_repairs", "Repairs done, by side", ["side"], registry=registry
        )
        self.refused = Counter(
            "outcry_reconciler_repairs_refused",
            "Repairs that were not made, by reason",
            ["why"],
            registry=registry,
        )
        self.paused = Gauge(
            "outcry_reconciler_withdrawals_paused", "1 while withdrawals are paused", registry=registry
        )
        self.queued = Gauge(
            "outcry_reconciler_queued_users", "Users who are to be compared", registry=registry
        )
        self.waiting = Gauge(
            "outcry_reconciler_waiting_users",
            "Users whose ledger is not where Redis is yet",
            registry=registry,
        )
        self.oldest_wait = Gauge(
            "outcry_reconciler_oldest_wait_seconds",
            "How long the longest of them has waited",
            registry=registry,
        )
        self.floor_age = Gauge(
            "outcry_reconciler_floor_age_seconds",
            "Since both views were seen past one place in all sources",
            registry=registry,
        )
        self.swept = Gauge(
            "outcry_reconciler_last_sweep_timestamp_seconds", "End of the last whole sweep", registry=registry
        )
        self.sweep_seconds = Gauge(
            "outcry_reconciler_sweep_seconds", "What the last whole sweep took", registry=registry
        )
