//! `outcry_engine.Book`: the order book without Kafka and without threads.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

mod array;
mod class;
mod commands;
mod defaults;
mod event_record;
mod events;
mod layout;
mod machine;
mod numbers;
mod recorder;
mod text;
mod views;
mod words;

/// Adds the book and everything it takes and gives to the module.
///
/// # Errors
/// Python's own, when the module refuses them.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    commands::register(module)?;
    events::register(module)?;
    module.add("LAYOUT_VERSION", layout::LAYOUT_VERSION)?;
    module.add("COMMAND_FIELDS", fields(py, layout::CommandRecord::FIELDS)?)?;
    module.add("EVENT_FIELDS", fields(py, layout::EventRecord::FIELDS)?)?;
    module.add_class::<array::EventArray>()?;
    module.add_class::<views::OrderView>()?;
    module.add_class::<views::Totals>()?;
    module.add_class::<class::Book>()
}

/// A record's fields as `NumPy`'s `dtype` takes them.
fn fields<'py>(py: Python<'py>, fields: &[layout::Field]) -> PyResult<Bound<'py, PyTuple>> {
    let pairs = fields
        .iter()
        .map(|field| (field.schema_name(), field.numpy));
    PyTuple::new(py, pairs.collect::<Vec<_>>())
}
