"""The operator's Prometheus metrics."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client import Counter as CounterMetric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.metrics_core import Metric

    from outcry_operator.pair.names import Key
    from outcry_operator.wallet.names import WalletKey

READY = ("True", "False", "Unknown")


class Metrics:
    """One registry, and what is counted in it."""

    def __init__(self, *, waiting: Callable[[], int], wallets_waiting: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        self.ready: dict[Key, str] = {}
        """Status of the condition `Ready` of each pair."""
        self.wallets: dict[WalletKey, str] = {}
        """Status of the condition `QuorumReady` of each wallet."""
        self.swept_at = 0.0
        """Unix time of the end of the last sweep."""
        self._runs = CounterMetric(
            "outcry_operator_reconciles",
            "Runs over a pair, by what became of them",
            ["result"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "outcry_operator_reconcile_seconds",
            "How long a run over a pair takes",
            registry=self.registry,
            buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
        )
        self._wallet_runs = CounterMetric(
            "outcry_operator_wallet_reconciles",
            "Runs over a wallet, by what became of them",
            ["result"],
            registry=self.registry,
        )
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.registry.register(_State(metrics=self, waiting=waiting, wallets_waiting=wallets_waiting))

    def ran(self, result: str, seconds: float) -> None:
        """A run over a pair is over."""
        self._runs.labels(result=result).inc()
        self._seconds.observe(seconds)

    def wallet_ran(self, result: str, _: float) -> None:
        """A run over a wallet is over."""
        self._wallet_runs.labels(result=result).inc()

    def forget(self, key: Key) -> None:
        """The pair is gone."""
        self.ready.pop(key, None)


class _State(Collector):
    """Gauges that are read when they are asked for."""

    def __init__(
        self, *, metrics: Metrics, waiting: Callable[[], int], wallets_waiting: Callable[[], int]
    ) -> None:
        self._metrics = metrics
        self._waiting = waiting
        self._wallets_waiting = wallets_waiting

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        pairs = GaugeMetricFamily(
            "outcry_operator_pairs", "Pairs, by their condition Ready", labels=["ready"]
        )
        for status, count in counts(self._metrics.ready).items():
            pairs.add_metric([status], count)
        yield pairs
        yield GaugeMetricFamily(
            "outcry_operator_queue", "Pairs that wait for a run", value=float(self._waiting())
        )
        wallets = GaugeMetricFamily(
            "outcry_operator_wallets", "Wallets, by their condition QuorumReady", labels=["quorum_ready"]
        )
        for status, count in counts(self._metrics.wallets).items():
            wallets.add_metric([status], count)
        yield wallets
        yield GaugeMetricFamily(
            "outcry_operator_wallet_queue",
            "Wallets that wait for a run",
            value=float(self._wallets_waiting()),
        )
        yield GaugeMetricFamily(
            "outcry_operator_last_sweep_timestamp_seconds",
            "When the last sweep ended, in Unix time; 0: none yet",
            value=self._metrics.swept_at,
        )


def counts(ready: Mapping[Any, str]) -> dict[str, int]:
    """How many objects are how ready; every status, also those of none."""
    found = Counter(ready.values())
    return {status: found[status] for status in READY}
