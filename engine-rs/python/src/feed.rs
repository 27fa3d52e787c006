//! The market data feed's settings, whereabouts and numbers, as frozen Python objects.

use outcry_feed::Line;
use outcry_runtime as runtime;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::metrics::LatencyHistogram;
use crate::submodule::submodule;

/// Adds the classes to a module of their own.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let feed = submodule(module, "feed")?;
    feed.add_class::<FeedSettings>()?;
    feed.add_class::<FeedStatus>()?;
    feed.add_class::<FeedMetrics>()
}

/// Where a feed goes.
#[pyclass(frozen, module = "outcry_engine._engine.feed")]
pub struct FeedSettings {
    pub inner: runtime::FeedSettings,
}

#[pymethods]
impl FeedSettings {
    /// `lines` are `GROUP:PORT`; without a recovery port there is no recovery channel.
    #[new]
    #[allow(clippy::needless_pass_by_value)] // what Python gives
    #[pyo3(signature = (
        *, lines, interface=None, hops=8, recovery_port=None, recovery_connections=64
    ))]
    fn new(
        lines: Vec<String>,
        interface: Option<String>,
        hops: u32,
        recovery_port: Option<u16>,
        recovery_connections: usize,
    ) -> PyResult<Self> {
        let lines = lines
            .iter()
            .map(|line| line.parse::<Line>())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| PyValueError::new_err(format!("lines: {error}")))?;
        Ok(Self {
            inner: runtime::FeedSettings {
                interface,
                hops,
                recovery_port,
                recovery_connections,
                ..runtime::FeedSettings::new(lines)
            },
        })
    }
}

/// Where a feed goes, once it is open.
#[pyclass(frozen, get_all, module = "outcry_engine._engine.feed")]
#[derive(Clone)]
pub struct FeedStatus {
    session: String,
    lines: Vec<String>,
    recovery_port: Option<u16>,
    hardware_clock: Option<u32>,
}

impl From<runtime::FeedStatus> for FeedStatus {
    fn from(status: runtime::FeedStatus) -> Self {
        Self {
            session: status.session,
            lines: status.lines,
            recovery_port: status.recovery_port,
            hardware_clock: status.hardware_clock,
        }
    }
}

/// Counters of a feed.
#[pyclass(frozen, get_all, module = "outcry_engine._engine.feed")]
#[derive(Clone)]
pub struct FeedMetrics {
    packets: u64,
    bytes: u64,
    events: u64,
    heartbeats: u64,
    send_failures: u64,
    dropped: u64,
    resyncs: u64,
    connections: u64,
    gap_requests: u64,
    snapshot_requests: u64,
    refusals: Vec<(&'static str, u64)>,
    hardware_stamps: u64,
    software_stamps: u64,
    send_latency: LatencyHistogram,
    departure_latency: LatencyHistogram,
}

impl From<runtime::FeedMetrics> for FeedMetrics {
    fn from(metrics: runtime::FeedMetrics) -> Self {
        Self {
            packets: metrics.packets,
            bytes: metrics.bytes,
            events: metrics.events,
            heartbeats: metrics.heartbeats,
            send_failures: metrics.send_failures,
            dropped: metrics.dropped,
            resyncs: metrics.resyncs,
            connections: metrics.connections,
            gap_requests: metrics.gap_requests,
            snapshot_requests: metrics.snapshot_requests,
            refusals: metrics.refusals,
            hardware_stamps: metrics.hardware_stamps,
            software_stamps: metrics.software_stamps,
            send_latency: metrics.send_latency.into(),
            departure_latency: metrics.departure_latency.into(),
        }
    }
}
