//! The engine as a Python object. The GIL is released around every call that can block.

use std::path::PathBuf;
use std::time::Duration;

use outcry_book as book;
use outcry_runtime as runtime;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::errors::{CheckpointError, DrainError, StartError, StoppedError};
use crate::feed::FeedSettings;
use crate::metrics::Metrics;
use crate::status::Status;

/// One side's or the other's levels: (price in ticks, quantity in lots, orders).
type Levels = Vec<(i64, i64, u32)>;

/// The best levels of both sides, right after the event `seq`.
#[pyclass(frozen, get_all, module = "outcry_engine._engine")]
pub struct Depth {
    seq: u64,
    bids: Levels,
    asks: Levels,
    resting_orders: u64,
    last_price: i64,
    last_quantity: i64,
}

impl From<book::Depth> for Depth {
    fn from(depth: book::Depth) -> Self {
        let levels = |side: Vec<book::Level>| -> Levels {
            side.into_iter()
                .map(|level| (level.price, level.quantity, level.orders))
                .collect()
        };
        Self {
            seq: depth.seq,
            bids: levels(depth.bids),
            asks: levels(depth.asks),
            resting_orders: depth.resting_orders,
            last_price: depth.last_price,
            last_quantity: depth.last_quantity,
        }
    }
}

/// The threads around one book, from its construction until `stop`.
#[pyclass(frozen, module = "outcry_engine._engine")]
pub struct Engine {
    inner: std::sync::RwLock<Option<runtime::Engine>>,
}

impl Engine {
    fn with<T>(&self, call: impl FnOnce(&runtime::Engine) -> T) -> PyResult<T> {
        let guard = self
            .inner
            .read()
            .map_err(|_| StoppedError::new_err("a call to the engine panicked"))?;
        let engine = guard
            .as_ref()
            .ok_or_else(|| StoppedError::new_err("the engine was stopped"))?;
        Ok(call(engine))
    }
}

#[pymethods]
impl Engine {
    /// Starts the threads; restoring goes on in the background. Durations are seconds.
    #[new]
    #[pyo3(signature = (
        *, symbol, replica, bootstrap_servers, data_dir, checkpoint_interval=0.1, snapshot_interval=0.1,
        detection_time=1.0, spin="auto", cpu=None, kafka_extra=Vec::new(), feed=None
    ))]
    #[allow(clippy::too_many_arguments)] // keyword-only in Python
    fn new(
        py: Python<'_>,
        symbol: &str,
        replica: &str,
        bootstrap_servers: &str,
        data_dir: PathBuf,
        checkpoint_interval: f64,
        snapshot_interval: f64,
        detection_time: f64,
        spin: &str,
        cpu: Option<usize>,
        kafka_extra: Vec<(String, String)>,
        feed: Option<PyRef<'_, FeedSettings>>,
    ) -> PyResult<Self> {
        let mut settings = runtime::Settings::new(symbol, replica, bootstrap_servers, data_dir);
        settings.checkpoint_interval = duration("checkpoint_interval", checkpoint_interval)?;
        settings.snapshot_interval = duration("snapshot_interval", snapshot_interval)?;
        settings.detection_time = duration("detection_time", detection_time)?;
        settings.spin = parse_spin(spin)?;
        settings.cpu = cpu;
        settings.kafka_extra = kafka_extra;
        settings.feed = feed.map(|feed| feed.inner.clone());
        let engine = py
            .detach(|| runtime::Engine::start(settings))
            .map_err(|error| StartError::new_err(error.to_string()))?;
        Ok(Self {
            inner: std::sync::RwLock::new(Some(engine)),
        })
    }

    fn status(&self, py: Python<'_>) -> PyResult<Status> {
        py.detach(|| self.with(|engine| Status::from(engine.status())))
    }

    fn promote(&self, py: Python<'_>, epoch: u64) -> PyResult<()> {
        py.detach(|| self.with(|engine| engine.promote(epoch)))
    }

    fn demote(&self, py: Python<'_>, reason: &str) -> PyResult<()> {
        py.detach(|| self.with(|engine| engine.demote(reason)))
    }

    fn drain(&self, py: Python<'_>, timeout_seconds: f64) -> PyResult<u64> {
        let timeout = duration("timeout_seconds", timeout_seconds)?;
        py.detach(|| self.with(|engine| engine.drain(timeout)))?
            .map_err(|error| DrainError::new_err(error.to_string()))
    }

    /// Writes a full image; (seq, bytes) once it is on disk.
    fn checkpoint(&self, py: Python<'_>) -> PyResult<(u64, u64)> {
        py.detach(|| self.with(runtime::Engine::checkpoint))?
            .map(|info| (info.seq, info.bytes))
            .map_err(|error| CheckpointError::new_err(error.to_string()))
    }

    fn depth(&self, py: Python<'_>, levels: usize) -> PyResult<Depth> {
        py.detach(|| self.with(|engine| Depth::from(engine.depth(levels))))
    }

    fn metrics(&self, py: Python<'_>) -> PyResult<Metrics> {
        py.detach(|| self.with(|engine| Metrics::from(engine.metrics())))
    }

    /// Ends the threads; calls after it raise `StoppedError`.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| {
            let engine = self
                .inner
                .write()
                .map_err(|_| StoppedError::new_err("a call to the engine panicked"))?
                .take();
            if let Some(engine) = engine {
                engine.stop();
            }
            Ok(())
        })
    }
}

fn duration(name: &str, seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|error| {
        PyValueError::new_err(format!(
            "{name}: {seconds} is not a time in seconds: {error}"
        ))
    })
}

fn parse_spin(word: &str) -> PyResult<runtime::Spin> {
    match word {
        "auto" => Ok(runtime::Spin::Auto),
        "always" => Ok(runtime::Spin::Always),
        "never" => Ok(runtime::Spin::Never),
        _ => Err(PyValueError::new_err(format!(
            "spin: {word:?} is none of auto, always, never"
        ))),
    }
}
