"""What the gateway's own service counts; Envoy counts the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from outcry_services.gateway.key_store import KeyStore

__all__ = ["GatewayMetrics"]


class GatewayMetrics:
    """Registered once a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._checks = Counter(
            "outcry_gateway_checks",
            "Signed requests by outcry: ok, or the error's name",
            ["outcome"],
            registry=registry,
        )
        self._keys = Gauge("outcry_gateway_api_keys", "API keys in force", registry=registry)
        self._stale = Gauge(
            "outcry_gateway_api_keys_stale",
            "1 while the file of keys is faulty and an old one in force",
            registry=registry,
        )

    def allowed(self) -> None:
        """One request let in."""
        self._checks.labels("ok").inc()

    def denied(self, name: str) -> None:
        """One request turned away."""
        self._checks.labels(name).inc()

    def watch(self, keys: KeyStore) -> None:
        """Show the state of the keys whenever somebody asks."""
        self._keys.set_function(lambda: len(keys))
        self._stale.set_function(lambda: float(keys.problem is not None))
