"""What risk tells of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge
from prometheus_client.core import CounterMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prometheus_client import CollectorRegistry

    from outcry_services.risk.checks import Refusal
    from outcry_services.risk.follower import Follower
    from outcry_services.risk.keeper import Keeper
    from outcry_services.risk.view import RiskView

__all__ = ["RiskMetrics"]

NEVER = 1e9
"""The age of a view that was never complete: older than any bound."""


class RiskMetrics:
    """Counts checks; reads the rest when it is asked."""

    def __init__(
        self, registry: CollectorRegistry, *, view: RiskView, follower: Follower, keeper: Keeper
    ) -> None:
        self._checks = Counter(
            "outcry_risk_checks", "Checks by verdict; ALLOWED for none", ["verdict"], registry=registry
        )
        for name, words, value in (
            (
                "outcry_risk_view_age_seconds",
                "Since the whole view was complete",
                lambda: NEVER if (age := follower.age()) is None else age,
            ),
            ("outcry_risk_open_orders", "Orders that count as open", lambda: len(view.open_orders)),
            (
                "outcry_risk_early_orders",
                "Orders whose end or trades were read before their instruction",
                lambda: len(view.early),
            ),
            (
                "outcry_risk_reservations",
                "Orders allowed whose instruction was not read yet",
                lambda: len(view.reservations),
            ),
            ("outcry_risk_checkpoints", "Checkpoints written since the start", lambda: keeper.written),
            ("outcry_risk_gaps", "Streams of which a number is missing", view.gaps),
        ):
            Gauge(name, words, registry=registry).set_function(value)
        registry.register(_Expired(view))

    def checked(self, verdicts: Sequence[Refusal]) -> None:
        """Verdicts were given."""
        for verdict in verdicts:
            self._checks.labels(verdict=verdict.name or "ALLOWED").inc()


class _Expired:
    """The reservations count by themselves."""

    def __init__(self, view: RiskView) -> None:
        self._view = view

    def collect(self) -> Iterator[CounterMetricFamily]:
        """As Prometheus asks for it."""
        yield CounterMetricFamily(
            "outcry_risk_reservations_expired",
            "Reservations that ended without an instruction",
            value=self._view.reservations.expired,
        )
