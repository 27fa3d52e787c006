//! How commands and events are written for people.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// `Class(head, name=value, ...)`, with the fields that the class's `__match_args__` names.
///
/// # Errors
/// Python's own.
pub fn described(object: &Bound<'_, PyAny>, head: &str) -> PyResult<String> {
    let class = object.get_type();
    let mut parts = Vec::new();
    if !head.is_empty() {
        parts.push(head.to_owned());
    }
    for name in class.getattr("__match_args__")?.cast::<PyTuple>()?.iter() {
        let name: String = name.extract()?;
        let value = object.getattr(name.as_str())?.repr()?;
        parts.push(format!("{name}={value}"));
    }
    Ok(format!("{}({})", class.name()?, parts.join(", ")))
}
