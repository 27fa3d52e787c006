//! What makes a record of the input unfit to be applied.

use super::wire::WireError;

/// `CommandBatch.version` that this engine reads and writes.
pub const BATCH_VERSION: u32 = 1;

/// What a record may hold; more is poison.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one record.
    pub record_bytes: usize,
    /// Commands of one record.
    pub commands: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes: 1 << 20,
            commands: 10_000,
        }
    }
}

/// Why a record is not applied. The same record is poison on every replica.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Poison {
    /// There is no value.
    #[error("the record has no value")]
    Empty,
    /// Larger than any producer of ours makes it.
    #[error("the record has {bytes} bytes, more than the {limit} allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Not a protobuf message of this schema.
    #[error("not a CommandBatch: {0}")]
    Malformed(#[from] WireError),
    /// Another version of the schema.
    #[error("version {0}, this engine reads {BATCH_VERSION}")]
    Version(u32),
    /// Another pair's.
    #[error("for symbol {0:?}, this engine matches another")]
    Symbol(String),
    /// The stated number of commands isn't what is there.
    #[error("states {stated} commands and holds {held}")]
    Count {
        /// `CommandBatch.count`.
        stated: u32,
        /// What was found.
        held: u32,
    },
    /// No commands at all.
    #[error("holds no command")]
    NoCommand,
    /// A command without a body that this schema knows.
    #[error("command {index} has no known body")]
    UnknownBody {
        /// Its place in the batch, from 0.
        index: u32,
    },
    /// More commands than allowed.
    #[error("holds more than the {limit} commands allowed")]
    TooMany {
        /// The limit.
        limit: u32,
    },
}

impl Poison {
    /// A word for metrics and headers.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too_large",
            Self::Malformed(_) => "malformed",
            Self::Version(_) => "version",
            Self::Symbol(_) => "symbol",
            Self::Count { .. } => "count",
            Self::NoCommand => "no_command",
            Self::UnknownBody { .. } => "unknown_body",
            Self::TooMany { .. } => "too_many",
        }
    }
}
