//! The core without Kafka, for `outcry-engine replay` and for tests: records in, event bytes out.

use outcry_book::{Book, Event, Outcome, Sink};
use outcry_runtime::codec::{decode_commands, encode_event};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// What one side of the book looks like: price, quantity, orders, best first.
type Side = Vec<(i64, i64, u32)>;

/// A book that is fed with records of `matching.{symbol}` as an engine would be: a record that does
/// not decode is counted and skipped whole, a repeated command is counted and does nothing.
#[pyclass(module = "outcry_engine._engine")]
pub struct Replay {
    symbol: String,
    book: Book,
    /// Commands of the records that decoded, repeats among them.
    #[pyo3(get)]
    commands: u64,
    #[pyo3(get)]
    repeated: u64,
    #[pyo3(get)]
    poison: u64,
    /// Why the latest poison record is one.
    #[pyo3(get)]
    last_poison: Option<String>,
}

#[pymethods]
impl Replay {
    #[new]
    fn new(symbol: String) -> Self {
        Self {
            symbol,
            book: Book::new(),
            commands: 0,
            repeated: 0,
            poison: 0,
            last_poison: None,
        }
    }

    /// Applies one record. Gives the bytes of its events exactly as an engine publishes them, each
    /// behind its length as a varint.
    fn apply<'py>(&mut self, py: Python<'py>, record: &[u8]) -> Bound<'py, PyBytes> {
        let mut out = LengthDelimited::default();
        self.apply_to(record, &mut out);
        PyBytes::new(py, &out.bytes)
    }

    /// Applies many records at once, without holding the interpreter.
    #[allow(clippy::needless_pass_by_value)] // what Python hands over is owned
    fn apply_all<'py>(&mut self, py: Python<'py>, records: Vec<Vec<u8>>) -> Bound<'py, PyBytes> {
        let bytes = py.detach(|| {
            let mut out = LengthDelimited::default();
            for record in &records {
                self.apply_to(record, &mut out);
            }
            out.bytes
        });
        PyBytes::new(py, &bytes)
    }

    /// Seq of the last event.
    #[getter]
    fn seq(&self) -> u64 {
        self.book.seq()
    }

    #[getter]
    fn resting_orders(&self) -> usize {
        self.book.resting_orders()
    }

    /// Bids and asks, each as (price, quantity, orders), best first.
    fn depth(&self, levels: usize) -> (Side, Side) {
        let depth = self.book.depth(levels);
        let told = |side: Vec<outcry_book::Level>| {
            side.into_iter()
                .map(|level| (level.price, level.quantity, level.orders))
                .collect()
        };
        (told(depth.bids), told(depth.asks))
    }

    /// The canonical bytes of the book.
    fn snapshot<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut bytes = Vec::new();
        self.book.snapshot(&mut bytes);
        PyBytes::new(py, &bytes)
    }

    /// Goes on from the bytes of a book.
    #[staticmethod]
    fn restore(symbol: String, snapshot: &[u8]) -> PyResult<Self> {
        let book =
            Book::restore(snapshot).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self {
            book,
            ..Self::new(symbol)
        })
    }
}

impl Replay {
    fn apply_to(&mut self, record: &[u8], out: &mut LengthDelimited) {
        match decode_commands(record, &self.symbol) {
            Ok(commands) => {
                self.commands += commands.len() as u64;
                for command in &commands {
                    let outcome = self.book.apply(command, out);
                    self.repeated += u64::from(outcome == Outcome::Repeated);
                }
            }
            Err(poison) => {
                self.poison += 1;
                self.last_poison = Some(poison.to_string());
            }
        }
    }
}

/// Events as published, each behind its length.
#[derive(Default)]
pub struct LengthDelimited {
    pub bytes: Vec<u8>,
    event: Vec<u8>,
}

impl Sink for LengthDelimited {
    fn emit(&mut self, event: &Event) {
        self.event.clear();
        encode_event(event, &mut self.event);
        push_varint(self.event.len(), &mut self.bytes);
        self.bytes.extend_from_slice(&self.event);
    }
}

#[allow(clippy::cast_possible_truncation)] // seven bits at a time
fn push_varint(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// All events of these records, through a fresh book.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // what Python hands over is owned
fn replay_records(py: Python<'_>, records: Vec<Vec<u8>>, symbol: String) -> Bound<'_, PyBytes> {
    Replay::new(symbol).apply_all(py, records)
}

/// Adds this file's names to the module.
///
/// # Errors
/// Python's own, when the module refuses them.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Replay>()?;
    module.add_function(wrap_pyfunction!(replay_records, module)?)
}
