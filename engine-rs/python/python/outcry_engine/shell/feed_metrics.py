"""Prometheus metrics of the market data feed."""

from typing import TYPE_CHECKING, Protocol

from prometheus_client.core import CounterMetricFamily, Metric

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outcry_engine._engine.feed import FeedMetrics, FeedStatus
    from outcry_engine._engine.metrics import LatencyHistogram


class Families(Protocol):
    """Makes families that carry the labels of the replica."""

    labels: tuple[str, str]

    def counter(self, name: str, text: str, value: float) -> Metric:
        """One counter."""

    def gauge(self, name: str, text: str, value: float) -> Metric:
        """One gauge."""

    def histogram(self, name: str, text: str, histogram: "LatencyHistogram") -> Metric:
        """One histogram of seconds."""


def collect(families: Families, status: "FeedStatus", m: "FeedMetrics") -> "Iterable[Metric]":
    """All families of an engine that has a feed."""
    for name, text, value in (
        ("outcry_feed_packets", "Packets sent, each to every line", m.packets),
        ("outcry_feed_bytes", "Bytes of packets, over all lines", m.bytes),
        ("outcry_feed_events", "Events in packets", m.events),
        ("outcry_feed_heartbeats", "Packets without events", m.heartbeats),
        ("outcry_feed_send_failures", "Packets that a line did not take", m.send_failures),
        ("outcry_feed_dropped", "Events that found the feed's ring full", m.dropped),
        ("outcry_feed_resyncs", "Times the feed's book was made anew", m.resyncs),
        ("outcry_feed_connections", "Clients of the recovery channel", m.connections),
        ("outcry_feed_gap_requests", "Gaps asked for", m.gap_requests),
        ("outcry_feed_snapshot_requests", "Snapshots asked for", m.snapshot_requests),
        ("outcry_feed_hardware_stamps", "Departures stamped by the network card", m.hardware_stamps),
        ("outcry_feed_software_stamps", "Departures stamped by the kernel", m.software_stamps),
    ):
        yield families.counter(name, text, value)
    refusals = CounterMetricFamily(
        "outcry_feed_refusals",
        "Requests and clients of the recovery channel refused",
        labels=["symbol", "replica", "reason"],
    )
    for reason, count in m.refusals:
        refusals.add_metric([*families.labels, reason], float(count))
    yield refusals
    yield families.gauge(
        "outcry_feed_hardware_clock",
        "1 when the network card stamps packets, 0 when the kernel does",
        status.hardware_clock is not None,
    )
    yield families.histogram(
        "outcry_feed_send_latency_seconds", "Input record to packet at the socket", m.send_latency
    )
    yield families.histogram(
        "outcry_feed_departure_latency_seconds", "Input record to packet leaving", m.departure_latency
    )
