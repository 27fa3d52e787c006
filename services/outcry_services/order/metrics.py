"""The service's Prometheus metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

__all__ = ["CommitMetrics", "DispatchMetrics", "FollowMetrics", "IntakeMetrics"]

BATCH = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class CommitMetrics:
    """Of group commits."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._entries = Histogram(
            "outcry_order_commit_entries",
            "Requests that shared one commit",
            registry=registry,
            buckets=BATCH,
        )
        self._repeats = Counter(
            "outcry_order_commit_repeats",
            "Commits that MySQL rolled back whole and that were begun again, by error",
            ["name"],
            registry=registry,
        )

    def committed(self, entries: int) -> None:
        """One commit of so many requests."""
        self._entries.observe(entries)

    def repeated(self, name: str) -> None:
        """One commit begun again."""
        self._repeats.labels(name=name).inc()


class DispatchMetrics:
    """Of the way from the outbox to `orders`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._handed = Counter(
            "outcry_order_published",
            "Instructions handed to the publisher, repeats included",
            registry=registry,
        )
        self._swept = Counter(
            "outcry_order_swept",
            "Instructions found unpublished in an outbox at the start",
            registry=registry,
        )
        self._registry = registry

    def watch(self, unpublished: Callable[[], float]) -> None:
        """Show what is not published yet."""
        Gauge(
            "outcry_order_unpublished",
            "Instructions committed and not acknowledged by Kafka",
            registry=self._registry,
        ).set_function(unpublished)

    def handed_over(self, count: int) -> None:
        """So many instructions went to the publisher."""
        self._handed.inc(count)

    def swept(self, count: int) -> None:
        """So many were found left behind."""
        self._swept.inc(count)


class IntakeMetrics:
    """Of what is asked for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._accepted = Counter(
            "outcry_order_accepted", "Requests that became durable, by kind", ["kind"], registry=registry
        )
        self._repeated = Counter(
            "outcry_order_repeated",
            "Requests whose key was there already, by kind",
            ["kind"],
            registry=registry,
        )
        self._refused = Counter(
            "outcry_order_refused", "Requests refused, by name of the reason", ["name"], registry=registry
        )
        self._accepted_of: dict[str, Counter] = {}

    def accepted(self, kind: str) -> None:
        """One more is durable."""
        found = self._accepted_of.get(kind)
        if found is None:
            found = self._accepted_of[kind] = self._accepted.labels(kind=kind)
        found.inc()

    def repeated(self, kind: str) -> None:
        """One more was there already."""
        self._repeated.labels(kind=kind).inc()

    def refused(self, name: str) -> None:
        """One more was refused; `name` comes from the error tables, never from a client."""
        self._refused.labels(name=name).inc()


class FollowMetrics:
    """Of following `order-events` and `events.{symbol}`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._events = Counter(
            "outcry_order_events", "Events read, by kind of topic", ["topic"], registry=registry
        )
        self._repeats = Counter(
            "outcry_order_event_repeats", "Events that were there already", ["topic"], registry=registry
        )
        self._changed = Counter("outcry_order_changed", "Order rows changed by events", registry=registry)
        self.gaps = Gauge(
            "outcry_order_gap",
            "1 while an event that should come next is missing and later ones are there",
            ["topic"],
            registry=registry,
        )
        self.lag = Gauge(
            "outcry_order_lag_records", "Records that are there and not read", ["topic"], registry=registry
        )

    def read(self, topic: str, count: int, *, repeats: int) -> None:
        """So many events came, of which so many were not new."""
        self._events.labels(topic=topic).inc(count)
        self._repeats.labels(topic=topic).inc(repeats)

    def changed(self, orders: int) -> None:
        """So many rows took on something new."""
        self._changed.inc(orders)
