//! The book as canonical bytes: equal states give equal bytes, on every machine and after any history.
//!
//! Little-endian. A book under rules version 1 is written in version 1 of the format, one under rules
//! version 2 in version 2. In this order: magic, version, counters, settings, (2: filters, the call,)
//! source cursors by rising source, for each side the orders best price first and in queue order, (2:
//! waiting stops by age, queued stops in order, timers by rising account). Totals of levels and counts
//! of accounts are not stored: they follow. The caller adds a checksum; still, [`Book::restore`] trusts
//! nothing.
//!
//! [`Book::restore`]: crate::Book::restore

mod read;
mod reader;
mod stops;
mod write;

use std::fmt;

const MAGIC: u32 = u32::from_le_bytes(*b"OCBK");
/// The versions of the format, each for the rules of the same number.
const PLAIN: u32 = 1;
const FULL: u32 = 2;
/// Bytes of one source and of one timer, and the fewest of one resting order.
const SOURCE_BYTES: usize = 4 + 8 + 8;
const TIMER_BYTES: usize = 8 + 8;
const ORDER_BYTES: usize = 5 * 8 + 1;
/// The fewest bytes of one stop.
const STOP_BYTES: usize = 8 * 8 + 4 + 4 + 1 + 8;

/// What of an order's extra follows its record.
mod flags {
    pub const ICEBERG: u8 = 1;
    pub const EXPIRES: u8 = 2;
    pub const GROUP: u8 = 4;
}

/// Why bytes are not a book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// They end inside the named part.
    Truncated(&'static str),
    /// They don't begin like a book.
    NotABook,
    /// A version that this build does not read.
    UnknownVersion(u32),
    /// The named part holds what no book can hold.
    Invalid(&'static str),
    /// This many bytes follow the end.
    TrailingBytes(usize),
}

impl fmt::Display for RestoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated(part) => write!(formatter, "book snapshot ends inside its {part}"),
            Self::NotABook => write!(
                formatter,
                "not a book snapshot: it does not begin with OCBK"
            ),
            Self::UnknownVersion(version) => {
                write!(
                    formatter,
                    "book snapshot has version {version}, this build reads {PLAIN} and {FULL}"
                )
            }
            Self::Invalid(what) => write!(formatter, "book snapshot is inconsistent: {what}"),
            Self::TrailingBytes(count) => write!(
                formatter,
                "{count} bytes follow the end of the book snapshot"
            ),
        }
    }
}

impl std::error::Error for RestoreError {}

fn valid(holds: bool, what: &'static str) -> Result<(), RestoreError> {
    if holds {
        Ok(())
    } else {
        Err(RestoreError::Invalid(what))
    }
}
