//! The record of a book's input: a topic dump, as `outcry-engine replay` reads it.
//!
//! The form is `outcry_engine.cli.dump`'s: magic, length and JSON header, then records with offset,
//! timestamp, key, value and headers, all little-endian.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use outcry_book::Command;
use outcry_runtime::codec::encode_commands;
use pyo3::PyResult;
use serde_json::json;

use crate::errors::RecordError;

const MAGIC: &[u8] = b"OCDUMP01";
/// Commands of one record: well below what a record may hold.
const BATCH: usize = 1000;

/// A recorder that writes into this file.
///
/// # Errors
/// [`RecordError`] when the system does not give the file.
pub fn recorder_at(path: &Path, symbol: &str) -> PyResult<Recorder> {
    Recorder::create(path, symbol)
        .map_err(|error| RecordError::new_err(format!("{}: {error}", path.display())))
}

/// Writes commands into a dump, in records of many.
pub struct Recorder {
    symbol: String,
    file: BufWriter<File>,
    offset: i64,
    pending: Vec<Command>,
}

impl Recorder {
    /// Starts a dump; a file that is there is replaced.
    ///
    /// # Errors
    /// The system's.
    fn create(path: &Path, symbol: &str) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        let topic = format!("matching.{symbol}");
        let header = json!({"topic": topic, "symbol": symbol, "partition": 0}).to_string();
        file.write_all(MAGIC)?;
        #[allow(clippy::cast_possible_truncation)] // two names
        file.write_all(&(header.len() as u32).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        Ok(Self {
            symbol: symbol.to_owned(),
            file,
            offset: 0,
            pending: Vec::with_capacity(BATCH),
        })
    }

    /// Takes the next command.
    ///
    /// # Errors
    /// The system's.
    pub fn push(&mut self, command: &Command) -> io::Result<()> {
        self.pending.push(*command);
        if self.pending.len() < BATCH {
            return Ok(());
        }
        self.write()
    }

    /// Hands everything so far to the system.
    ///
    /// # Errors
    /// The system's.
    pub fn flush(&mut self) -> io::Result<()> {
        self.write()?;
        self.file.flush()
    }

    fn write(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let value = encode_commands(&self.symbol, &self.pending);
        self.pending.clear();
        let (no_timestamp, no_key, no_headers) = (0i64, -1i32, 0u16);
        self.file.write_all(&self.offset.to_le_bytes())?;
        self.file.write_all(&no_timestamp.to_le_bytes())?;
        self.file.write_all(&no_key.to_le_bytes())?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // BATCH commands
        self.file.write_all(&(value.len() as i32).to_le_bytes())?;
        self.file.write_all(&no_headers.to_le_bytes())?;
        self.file.write_all(&value)?;
        self.offset += 1;
        Ok(())
    }
}
