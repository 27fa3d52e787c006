//! The ceremony's record: a JSON line for each ceremony that all three confirmed, with their signatures.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use outcry_signer::error::Error;
use outcry_signer::proto;
use outcry_signer::scheme::Scheme;
use prost::Message as _;
use serde::{Deserialize, Serialize};

/// The file.
pub struct Record(PathBuf);

#[derive(Serialize, Deserialize)]
struct Line {
    /// Unix milliseconds.
    at: u64,
    ceremony: String,
    scheme: String,
    epoch: u32,
    public_key: String,
    chain_code: String,
    /// Serialized `Confirmation`s, hex: what each signer's identity signed.
    confirmations: Vec<String>,
}

impl Record {
    /// The file may be there or not.
    ///
    /// # Errors
    /// A file that can't be written.
    pub fn open(path: &Path) -> Result<Self, Error> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|source| file(path, source))?;
        Ok(Self(path.to_owned()))
    }

    /// Writes down one ceremony; on disk when this returns.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn append(
        &self,
        at: u64,
        ceremony: &str,
        confirmations: &[proto::Confirmation],
    ) -> Result<(), Error> {
        let Some(first) = confirmations.first() else {
            return Ok(());
        };
        let line = Line {
            at,
            ceremony: ceremony.to_owned(),
            scheme: first.scheme.clone(),
            epoch: first.epoch,
            public_key: hex::encode(&first.public_key),
            chain_code: hex::encode(&first.chain_code),
            confirmations: confirmations
                .iter()
                .map(|confirmation| hex::encode(confirmation.encode_to_vec()))
                .collect(),
        };
        let mut text = serde_json::to_string(&line).map_err(|error| self.corrupt(&error))?;
        text.push('\n');
        let write = || {
            let mut file = OpenOptions::new().append(true).open(&self.0)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|source| file(&self.0, source))
    }

    /// Its lines.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn lines(&self) -> Result<Vec<String>, Error> {
        let text = std::fs::read_to_string(&self.0).map_err(|source| file(&self.0, source))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Writes the lines from `before` on to another file, or the last one when there are none.
    ///
    /// # Errors
    /// A file that can't be read or written.
    pub fn publish(&self, path: &Path, before: usize) -> Result<(), Error> {
        let lines = self.lines()?;
        let from = before.min(lines.len().saturating_sub(1));
        let mut text = lines[from..].join("\n");
        text.push('\n');
        std::fs::write(path, text).map_err(|source| file(path, source))
    }

    /// The last confirmations that something waits for: of key generation or refresh.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn last(&self, scheme: Scheme) -> Result<Option<Vec<proto::Confirmation>>, Error> {
        let mut last = None;
        for line in self.lines()? {
            let line: Line = serde_json::from_str(&line).map_err(|error| self.corrupt(&error))?;
            if line.scheme == scheme.name() && line.ceremony != "repair" {
                last = Some(line);
            }
        }
        last.map(|line| self.confirmations(&line)).transpose()
    }

    fn confirmations(&self, line: &Line) -> Result<Vec<proto::Confirmation>, Error> {
        line.confirmations
            .iter()
            .map(|text| {
                let bytes = hex::decode(text).map_err(|error| self.corrupt(&error))?;
                proto::Confirmation::decode(bytes.as_slice()).map_err(|error| self.corrupt(&error))
            })
            .collect()
    }

    fn corrupt(&self, error: &dyn std::fmt::Display) -> Error {
        Error::Corrupt {
            path: self.0.clone(),
            problem: error.to_string(),
        }
    }
}

fn file(path: &Path, source: std::io::Error) -> Error {
    Error::File {
        path: path.to_owned(),
        source,
    }
}
