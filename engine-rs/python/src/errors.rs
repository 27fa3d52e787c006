//! The errors of the module, one small tree.
//!
//! ```text
//! EngineError
//! ├── StartError        the engine could not start its threads
//! ├── DrainError        the replica could not hand over
//! ├── CheckpointError   a checkpoint could not be written
//! ├── StoppedError      the engine was stopped
//! ├── SettingsError     a book's first settings were refused
//! ├── SnapshotError     the bytes are no snapshot of a book
//! ├── BatchError        the bytes or the array are no batch of commands or events
//! └── RecordError       the record of the input could not be written
//! ```

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

macro_rules! errors {
    ($($module:ident.$name:ident: $base:ident, $text:literal;)+) => {
        $(create_exception!($module, $name, $base, $text);)+

        /// Adds the errors to the module.
        ///
        /// # Errors
        /// Python's own, when the module refuses them.
        pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
            let py = module.py();
            $(module.add(stringify!($name), py.get_type::<$name>())?;)+
            Ok(())
        }
    };
}

errors! {
    outcry_engine.EngineError: PyException, "Base of the errors of the Rust engine.";
    _engine.StartError: EngineError, "The engine could not start its threads.";
    _engine.DrainError: EngineError, "The replica could not hand over.";
    _engine.CheckpointError: EngineError, "A checkpoint could not be written.";
    _engine.StoppedError: EngineError, "The engine was stopped.";
    outcry_engine.SettingsError: EngineError, "A book's first settings were refused.";
    outcry_engine.SnapshotError: EngineError, "The bytes are no snapshot of a book.";
    outcry_engine.BatchError: EngineError, "The bytes or the array are no batch of commands or events.";
    outcry_engine.RecordError: EngineError, "The record of the input could not be written.";
}
