"""Prometheus metrics, made anew from the engine and the shell at each scrape."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from outcry_engine.shell import feed_metrics
from outcry_engine.shell.pinning import Pinning
from outcry_engine.shell.roles import Role

if TYPE_CHECKING:
    from outcry_engine._engine import Status
    from outcry_engine._engine.metrics import LatencyHistogram, Metrics

_LABELS = ("symbol", "replica")


@dataclass(frozen=True, kw_only=True)
class ShellNumbers:
    """What the shell adds. Ages are seconds; None: never yet."""

    registrations: int
    demotions: int
    consul_answer_age: float | None
    peer_beat_age: float | None
    loop_lateness: float


class EngineCollector(Collector):
    """Asks its sources at each scrape."""

    def __init__(
        self,
        *,
        symbol: str,
        replica: str,
        pinning: Pinning,
        status: Callable[[], "Status"],
        metrics: Callable[[], "Metrics"],
        shell: Callable[[], ShellNumbers],
    ) -> None:
        self.labels = (symbol, replica)
        self._pinning = pinning
        self._status = status
        self._metrics = metrics
        self._shell = shell

    def describe(self) -> Iterable[Metric]:
        """Nothing: a registry must not ask the engine at registration."""
        return []

    def collect(self) -> Iterable[Metric]:
        """All families."""
        status, metrics = self._status(), self._metrics()
        yield from self._of_status(status)
        yield from self._of_metrics(metrics)
        if status.feed is not None:
            yield from feed_metrics.collect(self, status.feed, metrics.feed)
        yield from self._of_shell(self._shell())

    def _of_status(self, status: "Status") -> Iterable[Metric]:
        role = GaugeMetricFamily(
            "outcry_role", "1 for the role that the replica has", labels=[*_LABELS, "role"]
        )
        for each in Role:
            role.add_metric([*self.labels, each.value], float(each == status.role))
        yield role
        yield self.gauge("outcry_epoch", "Epoch published under, or published under last", status.epoch)
        yield self.gauge("outcry_seq", "Last seq made", status.seq)
        yield self.gauge(
            "outcry_published_seq", "Last seq acknowledged by Kafka or seen", status.published_seq
        )
        yield self.gauge("outcry_seen_seq", "Highest seq without a gap seen in events", status.seen_seq)
        yield self.gauge("outcry_resting_orders", "Orders resting in the book", status.resting_orders)
        yield self.gauge("outcry_caught_up", "1 when all input is applied", status.caught_up)
        yield self.gauge("outcry_checkpoint_seq", "Seq of the newest checkpoint", status.checkpoint_seq)
        yield from self._age(
            "outcry_checkpoint_age_seconds", "Age of the newest checkpoint", status.checkpoint_age
        )
        yield from self._age(
            "outcry_oldest_unacked_seconds",
            "How long acknowledgements have been missing",
            status.oldest_unacked_age,
        )
        yield from self._age(
            "outcry_clock_offset_seconds", "Own clock minus the broker's", status.clock_offset
        )
        yield self.gauge("outcry_spinning", "1 when the match thread spins", status.spinning)
        yield self.gauge(
            "outcry_pinned", "1 when the match thread has a CPU of its own", self._pinning.exclusive
        )
        yield self.gauge(
            "outcry_numa_node", "NUMA node of the match thread, -1: unknown", self._pinning.numa_node
        )

    def _of_metrics(self, m: "Metrics") -> Iterable[Metric]:
        for name, text, value in (
            ("outcry_commands", "Commands applied, repeats included", m.commands),
            ("outcry_events", "Events made", m.events),
            ("outcry_repeated_commands", "Commands dropped as repeats", m.repeated_commands),
            ("outcry_input_records", "Input records read", m.input_records),
            ("outcry_input_bytes", "Bytes of input records read", m.input_bytes),
            ("outcry_published_records", "Records of events acknowledged", m.published_records),
            ("outcry_published_events", "Events acknowledged", m.published_events),
            (
                "outcry_publisher_restarts",
                "Publishers made anew after a failed delivery",
                m.publisher_restarts,
            ),
            (
                "outcry_kafka_client_restarts",
                "Readers and side producers made anew, because they heard nothing though there was something",
                m.client_restarts,
            ),
            ("outcry_takeovers", "Times this replica became hot", m.takeovers),
            ("outcry_checkpoint_pieces", "Checkpoint pieces written", m.checkpoint_pieces),
            ("outcry_checkpoint_images", "Full images written", m.checkpoint_images),
            ("outcry_checkpoint_bytes", "Bytes of checkpoints written", m.checkpoint_bytes),
            ("outcry_checkpoint_failures", "Checkpoints that failed", m.checkpoint_failures),
            ("outcry_snapshots", "OrderBookSnapshots written", m.snapshots),
            ("outcry_ticks", "Ticks appended to the input", m.ticks),
            ("outcry_ticks_refused", "Times no tick was sent because the clock is wrong", m.ticks_refused),
            ("outcry_compared_events", "Published events compared with own ones", m.compared_events),
            ("outcry_repeated_events", "Events read that were there already", m.repeated_events),
        ):
            yield self.counter(name, text, value)
        yield self.gauge(
            "outcry_lag_commands", "Records between applied input and its end", m.input_lag_records
        )
        yield self.gauge("outcry_lag_seconds", "The same in seconds", m.input_lag_seconds)
        yield self.gauge("outcry_tail_events", "Events not known to be published", m.tail_events)
        yield self.gauge("outcry_tail_bytes", "Bytes of them", m.tail_bytes)
        yield self.gauge(
            "outcry_checkpoint_duration_seconds",
            "Duration of the newest checkpoint",
            m.checkpoint_duration_seconds,
        )
        yield self._by_name(
            CounterMetricFamily(
                "outcry_poison_records", "Records skipped as undecodable", labels=[*_LABELS, "error"]
            ),
            m.poison_records,
        )
        yield self._by_name(
            GaugeMetricFamily("outcry_ring_depth", "Items waiting in a ring", labels=[*_LABELS, "ring"]),
            m.ring_depths,
        )
        yield self.histogram("outcry_match_latency_seconds", "Match thread, per command", m.match_latency)
        yield self.histogram(
            "outcry_pipeline_latency_seconds", "Input record, decoded to last event", m.pipeline_latency
        )

    def _of_shell(self, shell: ShellNumbers) -> Iterable[Metric]:
        yield self.counter("outcry_registrations", "Whole registrations in Consul", shell.registrations)
        yield self.counter("outcry_demotions", "Times this replica was made to fall silent", shell.demotions)
        yield from self._age(
            "outcry_consul_answer_age_seconds", "Since Consul answered", shell.consul_answer_age
        )
        yield from self._age("outcry_peer_beat_age_seconds", "Since the peer was heard", shell.peer_beat_age)
        yield self.gauge(
            "outcry_shell_lateness_seconds", "Largest delay of the shell's loop", shell.loop_lateness
        )

    def gauge(self, name: str, text: str, value: float) -> Metric:
        """One gauge of this replica."""
        family = GaugeMetricFamily(name, text, labels=_LABELS)
        family.add_metric(self.labels, float(value))
        return family

    def _age(self, name: str, text: str, value: float | None) -> Iterable[Metric]:
        if value is not None:
            yield self.gauge(name, text, value)

    def counter(self, name: str, text: str, value: float) -> Metric:
        """One counter of this replica."""
        family = CounterMetricFamily(name, text, labels=_LABELS)
        family.add_metric(self.labels, float(value))
        return family

    def _by_name(
        self, family: CounterMetricFamily | GaugeMetricFamily, values: Iterable[tuple[str, int]]
    ) -> Metric:
        for name, value in values:
            family.add_metric([*self.labels, name], float(value))
        return family

    def histogram(self, name: str, text: str, histogram: "LatencyHistogram") -> Metric:
        """One histogram of seconds of this replica."""
        family = HistogramMetricFamily(name, text, labels=_LABELS)
        buckets = [(f"{bound / 1e9:.9g}", float(count)) for bound, count in histogram.buckets]
        family.add_metric(
            self.labels, [*buckets, ("+Inf", float(histogram.count))], histogram.sum_nanos / 1e9
        )
        return family


def registry_of(collector: EngineCollector) -> CollectorRegistry:
    """A registry with this collector alone."""
    registry = CollectorRegistry()
    registry.register(collector)
    return registry
