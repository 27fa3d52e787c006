//! Python module of Outcry's matching engine.

use pyo3::prelude::*;
use pyo3::types::PyDict;

mod checkpoint;
mod engine;
mod logs;
mod metrics;
mod replay;
mod status;

/// Version, profile and target of this build.
#[pyfunction]
fn build_info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let info = PyDict::new(py);
    info.set_item("version", env!("CARGO_PKG_VERSION"))?;
    info.set_item(
        "profile",
        if cfg!(debug_assertions) {
            "debug"
        } else {
            "release"
        },
    )?;
    info.set_item(
        "target",
        format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
    )?;
    Ok(info)
}

/// Sends the Rust threads' log lines to stderr, each with the `fixed` fields.
#[pyfunction]
fn configure_logs(level: &str, fixed: Vec<(String, String)>) {
    let level = level.parse().unwrap_or(tracing::Level::INFO);
    logs::configure(level, fixed);
}

#[pymodule]
fn _engine(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add_function(wrap_pyfunction!(build_info, module)?)?;
    module.add_function(wrap_pyfunction!(configure_logs, module)?)?;
    module.add_function(wrap_pyfunction!(checkpoint::describe_checkpoint, module)?)?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<engine::Depth>()?;
    module.add_class::<status::Status>()?;
    module.add_class::<status::ThreadBeat>()?;
    module.add_class::<metrics::Metrics>()?;
    module.add_class::<metrics::LatencyHistogram>()?;
    module.add("EngineError", py.get_type::<engine::EngineError>())?;
    module.add("StartError", py.get_type::<engine::StartError>())?;
    module.add("DrainError", py.get_type::<engine::DrainError>())?;
    module.add("CheckpointError", py.get_type::<engine::CheckpointError>())?;
    module.add("StoppedError", py.get_type::<engine::StoppedError>())?;
    replay::register(module)
}
