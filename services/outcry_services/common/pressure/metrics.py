"""What the gate knows, for Prometheus: which stage is how far behind, and which pair it keeps closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry

    from outcry_services.common.pressure.gate import PressureGate

__all__ = ["PressureMetrics"]


class PressureMetrics(Collector):
    """Read when it is asked; a stage that is unknown is not there. `symbol` is empty for every pair."""

    def __init__(self, registry: CollectorRegistry, *, gate: PressureGate) -> None:
        self._gate = gate
        registry.register(self)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As Prometheus asks for it."""
        percent = GaugeMetricFamily(
            "outcry_pressure_percent",
            "Of the lag that a stage may have; closed at 80",
            labels=["stage", "symbol"],
        )
        closed = GaugeMetricFamily(
            "outcry_pressure_closed", "Whether a stage keeps new orders out", labels=["stage", "symbol"]
        )
        for (stage, symbol), share in self._gate.shares().items():
            percent.add_metric([stage, symbol], share)
        for stage, symbol in self._gate.closing():
            closed.add_metric([stage, symbol], 1)
        yield percent
        yield closed
