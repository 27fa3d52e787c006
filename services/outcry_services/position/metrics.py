"""Prometheus metrics of positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from outcry_services.position.sequences import Verdict

__all__ = ["Metrics"]


class Metrics:
    """Of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._steps = Counter(
            "outcry_position_steps",
            "Steps that changed a position or refused to, by kind",
            ["kind"],
            registry=registry,
        )
        self._skipped = Counter(
            "outcry_position_skipped",
            "Numbers that were not the next, by topic and verdict (repeat, ahead)",
            ["topic", "verdict"],
            registry=registry,
        )
        self._waiting = Gauge(
            "outcry_position_waiting_steps",
            "Steps of a replay whose funds are not here yet",
            registry=registry,
        )
        self._absent = Counter(
            "outcry_position_absent_legs",
            "Legs of orders that have no hold, by symbol; nothing was moved",
            ["symbol"],
            registry=registry,
        )
        self._short = Counter(
            "outcry_position_short",
            "Trades whose hold was short and for which the house paid, by asset",
            ["asset"],
            registry=registry,
        )
        self._starts = Counter(
            "outcry_position_starts",
            "Beginnings at the watermark, by reason",
            ["reason"],
            registry=registry,
        )
        self._rebuilt = Counter(
            "outcry_position_rebuilt_users", "Users whose positions were made again", registry=registry
        )

    def carried_out(self, kind: str) -> None:
        """One more step."""
        self._steps.labels(kind=kind.lower()).inc()

    def skipped(self, topic: str, verdict: Verdict) -> None:
        """A number that was not the next."""
        self._skipped.labels(topic=topic, verdict=verdict.name.lower()).inc()

    def waiting(self, more: int) -> None:
        """So many more (or less) wait."""
        self._waiting.inc(more)

    def absent(self, symbol: str) -> None:
        """A leg without a hold."""
        self._absent.labels(symbol=symbol).inc()

    def short(self, asset: str) -> None:
        """The house paid."""
        self._short.labels(asset=asset).inc()

    def started(self, reason: str) -> None:
        """The workers begin at the watermark."""
        self._starts.labels(reason=reason).inc()

    def rebuilt(self, users: int) -> None:
        """So many users were made again."""
        self._rebuilt.inc(users)

    def gaps(self, missing: Callable[[], float]) -> None:
        """How many logs miss a number, whenever somebody asks."""
        Gauge(
            "outcry_position_gaps", "Logs in which a number is missing", registry=self._registry
        ).set_function(missing)
