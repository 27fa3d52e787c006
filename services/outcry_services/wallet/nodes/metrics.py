"""The pool's Prometheus metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from outcry_services.wallet.nodes.model import Reason, Standing

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from outcry_services.wallet.nodes.model import Condition
    from outcry_services.wallet.nodes.rpc import Outcome
    from outcry_services.wallet.nodes.vitals import Vitals

__all__ = ["PoolMetrics"]

CHAIN = ("chain", "network")
NODE = (*CHAIN, "node")
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class PoolMetrics:
    """Of all pools of a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._height = Gauge("outcry_wallet_node_height", "Height a node claims", NODE, registry=registry)
        self._state = Gauge(
            "outcry_wallet_node_state",
            "1 for the standing that a node has",
            (*NODE, "state"),
            registry=registry,
        )
        self._reason = Gauge(
            "outcry_wallet_node_kept_away",
            "1 for the reason why a node is neither asked nor counted",
            (*NODE, "reason"),
            registry=registry,
        )
        self._latency = Gauge(
            "outcry_wallet_node_latency_seconds",
            "Running latency by which reads are spread",
            NODE,
            registry=registry,
        )
        self._calls = Histogram(
            "outcry_wallet_node_call_seconds",
            "Calls by how they ended; abandoned: another node was quicker",
            (*NODE, "outcome"),
            registry=registry,
            buckets=SECONDS,
        )
        self._errors = Gauge(
            "outcry_wallet_node_error_rate", "Running part of calls that failed", NODE, registry=registry
        )
        self._agreed = Gauge(
            "outcry_wallet_pool_height",
            "Height that a majority of all nodes has reached",
            CHAIN,
            registry=registry,
        )
        self._voters = Gauge(
            "outcry_wallet_pool_ready", "Nodes that are asked and counted", CHAIN, registry=registry
        )
        self._needed = Gauge(
            "outcry_wallet_pool_majority",
            "Ready nodes without which nothing is credited",
            CHAIN,
            registry=registry,
        )
        self._contested = Gauge(
            "outcry_wallet_pool_contested",
            "1 while nodes disagree on a settled block and none is held by a majority",
            CHAIN,
            registry=registry,
        )
        self._transitions = Counter(
            "outcry_wallet_node_transitions",
            "Changes of standing",
            (*NODE, "state", "reason"),
            registry=registry,
        )

    def called(self, node: tuple[str, str, str], outcome: Outcome, seconds: float) -> None:
        """One call ended."""
        self._calls.labels(*node, outcome).observe(seconds)

    def changed(self, node: tuple[str, str, str], before: Condition, after: Condition) -> None:
        """A node stands otherwise than before."""
        self._transitions.labels(*node, after.standing, after.reason).inc()
        self._reason.labels(*node, before.reason).set(0)
        self._reason.labels(*node, after.reason).set(after.reason is not Reason.NONE)

    def node(
        self, node: tuple[str, str, str], condition: Condition, vitals: Vitals, height: int | None
    ) -> None:
        """How a node is after a round."""
        for standing in Standing:
            self._state.labels(*node, standing).set(standing is condition.standing)
        self._latency.labels(*node).set(vitals.latency)
        self._errors.labels(*node).set(vitals.error_rate)
        if height is not None:
            self._height.labels(*node).set(height)

    def pool(
        self, chain: tuple[str, str], *, height: int | None, ready: int, needed: int, contested: bool
    ) -> None:
        """How a pool is after a round."""
        self._voters.labels(*chain).set(ready)
        self._needed.labels(*chain).set(needed)
        self._contested.labels(*chain).set(contested)
        if height is not None:
            self._agreed.labels(*chain).set(height)
