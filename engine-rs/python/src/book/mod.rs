//! `outcry_engine.Book`: the order book without Kafka and without threads.

use pyo3::prelude::*;

mod class;
mod commands;
mod events;
mod numbers;
mod text;
mod words;

/// Adds the book and everything it takes and gives to the module.
///
/// # Errors
/// Python's own, when the module refuses them.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    commands::register(module)?;
    events::register(module)?;
    module.add_class::<class::Book>()
}

/// A module inside the module, so that stubs and names are split by idea.
fn submodule<'py>(parent: &Bound<'py, PyModule>, name: &str) -> PyResult<Bound<'py, PyModule>> {
    let py = parent.py();
    let full = format!("outcry_engine._engine.{name}");
    let module = PyModule::new(py, &full)?;
    parent.add(name, &module)?;
    // An import statement looks here first: the module has no file of its own.
    py.import("sys")?
        .getattr("modules")?
        .set_item(full, &module)?;
    Ok(module)
}
