//! One command of the workload in 32 bytes, and the file that all engines read it from.
//!
//! A file is a header of 32 bytes (the magic number, how many commands fill the book, how many are
//! timed), then the commands. Everything is little-endian.

use std::io::{Read, Write};
use std::path::Path;
use std::{fs, io, mem, slice};

const MAGIC: u64 = u64::from_le_bytes(*b"OUTCRYW1");

/// What a command asks for.
pub mod kind {
    /// A limit order that rests.
    pub const LIMIT: u8 = 0;
    /// A limit order at the far edge of the prices that ends with what it cannot take.
    pub const IOC: u8 = 1;
    /// The end of a resting order.
    pub const CANCEL: u8 = 2;
    /// Some lots less of a resting order, which keeps its place.
    pub const REDUCE: u8 = 3;
    /// A resting order goes to the end of another price's queue, or trades there.
    pub const MOVE: u8 = 4;
}

/// `Record::side` of a buy order.
pub const BUY: u8 = 0;
/// `Record::side` of a sell order.
pub const SELL: u8 = 1;

/// One command.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Rising from 1 in the order in which the orders came.
    pub order_id: u64,
    /// Ticks; of LIMIT, IOC and MOVE.
    pub price: u32,
    /// From 1.
    pub user_id: u32,
    /// Lots: of LIMIT and IOC all, of REDUCE those taken off, of MOVE those that are left of the order.
    pub quantity: u32,
    /// Of REDUCE: lots left after it; 0 ends the order.
    pub left: u32,
    /// Of REDUCE: the order's whole quantity after it, counted from when it came or was moved last.
    pub total: u32,
    /// One of [`kind`].
    pub kind: u8,
    /// [`BUY`] or [`SELL`], on every command.
    pub side: u8,
    /// Nothing.
    pub spare: u16,
}

const _: () = assert!(mem::size_of::<Record>() == 32 && cfg!(target_endian = "little"));

/// A workload: commands that fill the book, then those that are timed.
pub struct Stream {
    /// Fill first, timed behind.
    pub records: Vec<Record>,
    /// How many of them fill the book.
    pub fill: usize,
}

impl Stream {
    /// The commands that fill the book.
    pub fn filling(&self) -> &[Record] {
        &self.records[..self.fill]
    }

    /// The commands that are timed.
    pub fn timed(&self) -> &[Record] {
        &self.records[self.fill..]
    }

    /// The smallest and the largest price in it, and the largest order id.
    pub fn extent(&self) -> (u32, u32, u64) {
        let prices = || self.records.iter().map(|r| r.price).filter(|&p| p > 0);
        let highest_id = self.records.iter().map(|r| r.order_id).max();
        (
            prices().min().unwrap_or(1),
            prices().max().unwrap_or(1),
            highest_id.unwrap_or(0),
        )
    }

    /// Writes the file.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = io::BufWriter::new(fs::File::create(path)?);
        let timed = self.records.len() - self.fill;
        for word in [MAGIC, self.fill as u64, timed as u64, 0] {
            file.write_all(&word.to_le_bytes())?;
        }
        // SAFETY: a record is 32 bytes without padding, and any byte may be read as u8.
        let bytes = unsafe {
            slice::from_raw_parts(
                self.records.as_ptr().cast::<u8>(),
                mem::size_of_val(self.records.as_slice()),
            )
        };
        file.write_all(bytes)?;
        file.flush()
    }

    /// Reads the file.
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut file = fs::File::open(path)?;
        let mut header = [0u8; 32];
        file.read_exact(&mut header)?;
        let word = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&header[at * 8..][..8]);
            u64::from_le_bytes(bytes)
        };
        let (filling, timed) = (in_memory(word(1))?, in_memory(word(2))?);
        let length = file.metadata()?.len();
        if word(0) != MAGIC || length != 32 * (1 + filling as u64 + timed as u64) {
            return Err(invalid("the file is no workload, or was cut"));
        }
        let mut records = vec![Record::default(); filling + timed];
        // SAFETY: a record is 32 bytes without padding, and every bit pattern is one.
        let bytes = unsafe {
            slice::from_raw_parts_mut(
                records.as_mut_ptr().cast::<u8>(),
                mem::size_of_val(records.as_slice()),
            )
        };
        file.read_exact(bytes)?;
        Ok(Self {
            records,
            fill: filling,
        })
    }
}

fn in_memory(count: u64) -> io::Result<usize> {
    usize::try_from(count).map_err(|_| invalid("the file is too large for this machine"))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
