//! Numbers for Prometheus, as frozen Python objects.

use outcry_runtime as runtime;
use pyo3::prelude::*;

use crate::feed::FeedMetrics;
use crate::submodule::submodule;

/// Adds the classes to a module of their own.
///
/// # Errors
/// Python's own, when the module refuses them.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let metrics = submodule(module, "metrics")?;
    metrics.add_class::<LatencyHistogram>()?;
    metrics.add_class::<Metrics>()
}

/// Cumulative buckets; bounds in nanoseconds.
#[pyclass(frozen, get_all, module = "outcry_engine._engine.metrics")]
#[derive(Clone)]
pub struct LatencyHistogram {
    /// (upper bound in nanoseconds, how many at or below it)
    buckets: Vec<(u64, u64)>,
    count: u64,
    sum_nanos: u64,
}

/// Counters since the start and gauges of now.
#[pyclass(frozen, get_all, module = "outcry_engine._engine.metrics")]
pub struct Metrics {
    commands: u64,
    events: u64,
    repeated_commands: u64,
    input_records: u64,
    input_bytes: u64,
    poison_records: Vec<(&'static str, u64)>,
    input_lag_records: u64,
    input_lag_seconds: f64,
    published_records: u64,
    published_events: u64,
    publisher_restarts: u64,
    client_restarts: u64,
    takeovers: u64,
    checkpoint_pieces: u64,
    checkpoint_images: u64,
    checkpoint_bytes: u64,
    checkpoint_failures: u64,
    checkpoint_duration_seconds: f64,
    snapshots: u64,
    ticks: u64,
    ticks_refused: u64,
    tail_events: u64,
    tail_bytes: u64,
    compared_events: u64,
    repeated_events: u64,
    ring_depths: Vec<(&'static str, u64)>,
    match_latency: LatencyHistogram,
    pipeline_latency: LatencyHistogram,
    feed: FeedMetrics,
}

impl From<runtime::Metrics> for Metrics {
    fn from(metrics: runtime::Metrics) -> Self {
        Self {
            commands: metrics.commands,
            events: metrics.events,
            repeated_commands: metrics.repeated_commands,
            input_records: metrics.input_records,
            input_bytes: metrics.input_bytes,
            poison_records: metrics.poison_records,
            input_lag_records: metrics.input_lag_records,
            input_lag_seconds: metrics.input_lag_seconds,
            published_records: metrics.published_records,
            published_events: metrics.published_events,
            publisher_restarts: metrics.publisher_restarts,
            client_restarts: metrics.client_restarts,
            takeovers: metrics.takeovers,
            checkpoint_pieces: metrics.checkpoint_pieces,
            checkpoint_images: metrics.checkpoint_images,
            checkpoint_bytes: metrics.checkpoint_bytes,
            checkpoint_failures: metrics.checkpoint_failures,
            checkpoint_duration_seconds: metrics.checkpoint_duration_seconds,
            snapshots: metrics.snapshots,
            ticks: metrics.ticks,
            ticks_refused: metrics.ticks_refused,
            tail_events: metrics.tail_events,
            tail_bytes: metrics.tail_bytes,
            compared_events: metrics.compared_events,
            repeated_events: metrics.repeated_events,
            ring_depths: metrics.ring_depths,
            match_latency: metrics.match_latency.into(),
            pipeline_latency: metrics.pipeline_latency.into(),
            feed: metrics.feed.into(),
        }
    }
}

impl From<runtime::LatencyHistogram> for LatencyHistogram {
    fn from(histogram: runtime::LatencyHistogram) -> Self {
        Self {
            buckets: histogram
                .buckets
                .iter()
                .map(|bucket| (bucket.le_nanos, bucket.count))
                .collect(),
            count: histogram.count,
            sum_nanos: histogram.sum_nanos,
        }
    }
}
