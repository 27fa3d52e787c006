//! What a client is told, and why it cannot begin.

use std::io;
use std::time::Duration;

use crate::asking::RecoveryError;
use crate::multicast::Line;

/// What a client is told.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// The lines to hear: one or both.
    pub lines: Vec<Line>,
    /// Name of the network interface; `None` lets the routes choose.
    pub interface: Option<String>,
    /// `HOST:PORT` of the replicas' recovery channels; either serves.
    pub recovery: Vec<String>,
    /// How long a gap may be closed by the other line before it is asked for.
    pub patience: Duration,
    /// How long a replica may take to answer.
    pub limit: Duration,
}

impl ClientSettings {
    /// The usual settings: 5 ms for the other line, 2 s for an answer.
    #[must_use]
    pub fn new(lines: Vec<Line>, recovery: Vec<String>) -> Self {
        Self {
            lines,
            interface: None,
            recovery,
            patience: Duration::from_millis(5),
            limit: Duration::from_secs(2),
        }
    }
}

/// The client cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A line can't be heard.
    #[error("line {line}: {source}")]
    Line {
        /// Which.
        line: Line,
        /// Why.
        source: io::Error,
    },
    /// No replica gave a book to begin with.
    #[error("no book to begin with: {0}")]
    Begin(RecoveryError),
    /// Neither a line nor a replica to begin with was given.
    #[error("the settings name no {0}")]
    Missing(&'static str),
}
