"""What settlement tells Prometheus of solvency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from outcry_services.common.errors import ServiceError
    from outcry_services.settlement.reserves.reader import Solvency
    from outcry_services.settlement.reserves.solvency import AssetSolvency

__all__ = ["SolvencyMetrics"]

_PARTS = ("hot", "cold", "owed", "in_flight", "house", "in_transit", "difference")


class SolvencyMetrics:
    """By asset; an asset that is gone keeps no value."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._parts = Gauge(
            "outcry_settlement_reserves",
            "hot + cold = owed + in_flight + house + in_transit + difference, in the asset's own unit",
            ["asset", "part"],
            registry=registry,
        )
        self._solvent = Gauge(
            "outcry_settlement_solvent",
            "1 where what is owed of an asset is there; 0 where it is short or no wallet looks for it",
            ["asset"],
            registry=registry,
        )
        self._checked = Gauge(
            "outcry_settlement_solvency_checked_timestamp_seconds",
            "When books and chains were last compared",
            registry=registry,
        )
        self._failures = Counter(
            "outcry_settlement_solvency_failures",
            "Comparisons that could not be made, by error name",
            ["name"],
            registry=registry,
        )

    def checked(self, found: Solvency, *, at: float) -> None:
        """What was found; `at` in Unix seconds."""
        self._parts.clear()
        self._solvent.clear()
        for asset in found.assets:
            self._solvent.labels(asset.asset).set(asset.is_covered)
            for part in _PARTS:
                self._parts.labels(asset.asset, part).set(_value(asset, part))
        self._checked.set(at)

    def failed(self, error: ServiceError) -> None:
        """Somebody didn't answer."""
        self._failures.labels(error.name).inc()


def _value(asset: AssetSolvency, part: str) -> float:
    """A float is exact to 53 bits, which graphs and alerts can do with."""
    amount: int = getattr(asset, part)
    return float(amount / 10 ** (asset.scale or 0))
