//! Python module of Outcry's matching engine.

use pyo3::prelude::*;
use pyo3::types::PyDict;

mod book;
mod checkpoint;
mod engine;
mod errors;
mod feed;
mod logs;
mod metrics;
mod replay;
mod status;
mod submodule;

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
    errors::register(module)?;
    module.add_function(wrap_pyfunction!(build_info, module)?)?;
    module.add_function(wrap_pyfunction!(configure_logs, module)?)?;
    module.add_function(wrap_pyfunction!(checkpoint::describe_checkpoint, module)?)?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<engine::Depth>()?;
    feed::register(module)?;
    module.add_class::<status::Status>()?;
    module.add_class::<status::ThreadBeat>()?;
    metrics::register(module)?;
    book::register(module)?;
    module.add("RULES_VERSION", outcry_book::RULES_VERSION)?;
    replay::register(module)
}
