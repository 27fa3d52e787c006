//! Modules inside the module.

use pyo3::prelude::*;

/// A module inside the module, so that stubs and names are split by idea.
pub fn submodule<'py>(parent: &Bound<'py, PyModule>, name: &str) -> PyResult<Bound<'py, PyModule>> {
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
