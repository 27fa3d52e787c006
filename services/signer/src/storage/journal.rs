//! The journal: what this signer agreed to, in order, on disk before it says a word to anybody.
//!
//! A frame is a checked length and a sealed record; the record's place is authenticated with it, so that
//! frames can't be dropped, swapped or repeated. What a crash cut off at the end was never acted upon and
//! is removed; damage anywhere else stops the signer, since it could hide a bound withdrawal. A length has a
//! checksum of its own: else a damaged one would look like the end.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Sealer, private, sync_directory};
use crate::error::Error;
use crate::policy::Amount;
use crate::protocol::Index;
use crate::scheme::{GroupKey, Scheme};

/// Length, the header's checksum, the record's checksum.
const HEADER: usize = 12;
/// Far above any record; a longer frame is damage.
const LARGEST: usize = 1 << 20;

/// One thing that must not be forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// A session was opened under this id, which is never accepted again.
    Session {
        /// Hex.
        id: String,
    },
    /// A withdrawal is bound to its conflict point, for ever.
    Bound {
        /// Unix milliseconds.
        at: u64,
        /// Risk's name for it.
        withdrawal: String,
        /// Which point every transaction for it spends.
        conflict_point: String,
        /// Of which asset.
        asset: String,
        /// To whom.
        address: String,
        /// Chain units.
        amount: Amount,
    },
    /// A transaction's fee, of which a day has a cap.
    Fee {
        /// Unix milliseconds.
        at: u64,
        /// On which chain.
        chain: String,
        /// What makes it one transaction: a replacement of it counts what it adds.
        spends: String,
        /// Chain units.
        amount: Amount,
    },
    /// A share was stored and waits for the others' confirmations.
    Pending {
        /// Of which ceremony, hex.
        session: String,
        /// Counted from 1.
        epoch: u32,
        /// Whose share it is.
        key: GroupKey,
        /// Of what all saw, hex.
        transcript: String,
    },
    /// A share was repaired: it waits for a refresh.
    Repaired {
        /// Of the shares that helped.
        epoch: u32,
        /// Whose share it is.
        key: GroupKey,
    },
    /// All three confirmed: this epoch is used, older ones are destroyed.
    Active {
        /// Of which scheme.
        scheme: Scheme,
        /// Counted from 1.
        epoch: u32,
    },
    /// A signer cheated in a way that may have told it bits of a secret: no session of this scheme with it
    /// before a refresh.
    Banned {
        /// Of which scheme.
        scheme: Scheme,
        /// Whom.
        signer: Index,
        /// What it did.
        reason: String,
    },
}

/// The open file.
pub struct Journal {
    path: PathBuf,
    file: File,
    sealer: Sealer,
    next: u64,
    /// A write failed and may have left half a frame: nothing is appended after it.
    broken: bool,
}

impl Journal {
    pub(super) fn open(path: &Path, sealer: Sealer) -> Result<(Self, Vec<Record>), Error> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(Error::file(path))?;
        private(path, 0o600)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::file(path))?;
        let (records, whole) = read_all(path, &sealer, &bytes)?;
        if whole < bytes.len() {
            file.set_len(whole as u64)
                .and_then(|()| file.sync_all())
                .map_err(Error::file(path))?;
        }
        file.seek(SeekFrom::Start(whole as u64))
            .map_err(Error::file(path))?;
        path.parent().map_or(Ok(()), sync_directory)?;
        let journal = Self {
            path: path.to_owned(),
            file,
            sealer,
            next: records.len() as u64,
            broken: false,
        };
        Ok((journal, records))
    }

    /// Appends records together: on disk for good when this returns, all or, after a crash, a prefix of them.
    ///
    /// # Errors
    /// A disk that refuses. The journal then takes nothing more: a restart reads what is there.
    pub fn append(&mut self, records: &[Record]) -> Result<(), Error> {
        if self.broken {
            return Err(Error::Corrupt {
                path: self.path.clone(),
                problem: "an earlier write failed; restart the signer once the disk works"
                    .to_owned(),
            });
        }
        let mut frames = Vec::new();
        let mut place = self.next;
        for record in records {
            frames.extend_from_slice(&self.frame(record, place)?);
            place += 1;
        }
        let written = self
            .file
            .write_all(&frames)
            .and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => {
                self.next = place;
                Ok(())
            }
            Err(source) => {
                self.broken = true;
                Err(Error::file(&self.path)(source))
            }
        }
    }

    fn frame(&self, record: &Record, place: u64) -> Result<Vec<u8>, Error> {
        let plain = serde_json::to_vec(record)
            .map_err(|error| Error::Crypto(format!("encoding a record: {error}")))?;
        let sealed = self.sealer.seal(&name(place), &plain)?;
        let length = u32::try_from(sealed.len())
            .ok()
            .filter(|length| *length as usize <= LARGEST)
            .ok_or_else(|| Error::Crypto("a record that is too long".to_owned()))?;
        let mut frame = Vec::with_capacity(HEADER + sealed.len());
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(&crc32c::crc32c(&length.to_be_bytes()).to_be_bytes());
        frame.extend_from_slice(&crc32c::crc32c(&sealed).to_be_bytes());
        frame.extend_from_slice(&sealed);
        Ok(frame)
    }
}

fn name(place: u64) -> Vec<u8> {
    [b"journal/".as_slice(), &place.to_be_bytes()].concat()
}

/// The records, and how many bytes of the file they take.
fn read_all(path: &Path, sealer: &Sealer, bytes: &[u8]) -> Result<(Vec<Record>, usize), Error> {
    let damaged = |at: usize, problem: &str| Error::Corrupt {
        path: path.to_owned(),
        problem: format!(
            "record at byte {at} {problem}: the journal says what this signer is bound to, so it won't run \
             without it; restore the file, or replace this signer (docs/services/signer.md)"
        ),
    };
    let mut records = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let record = match split(rest) {
            Frame::Whole {
                sealed: record,
                sound: true,
            } => record,
            // The write was under way when the machine stopped, so nobody was told of it.
            Frame::Whole { sealed: cut, .. } if rest.len() == HEADER + cut.len() => {
                return Ok((records, at));
            }
            Frame::Short => return Ok((records, at)),
            Frame::Whole { .. } => return Err(damaged(at, "has a wrong checksum")),
            Frame::BadLength => return Err(damaged(at, "has a damaged length")),
        };
        let plain = sealer
            .open(&name(records.len() as u64), record)
            .ok_or_else(|| damaged(at, "doesn't open under the storage key at this place"))?;
        records.push(
            serde_json::from_slice(&plain)
                .map_err(|error| damaged(at, &format!("can't be decoded ({error})")))?,
        );
        at += HEADER + record.len();
    }
    Ok((records, at))
}

enum Frame<'a> {
    /// All of its bytes are there; `sound` when their checksum is right.
    Whole { sealed: &'a [u8], sound: bool },
    /// The file ends before the frame does.
    Short,
    /// A length that its own checksum belies.
    BadLength,
}

fn split(bytes: &[u8]) -> Frame<'_> {
    if bytes.iter().all(|byte| *byte == 0) {
        // A file system may have made the file longer before it wrote the bytes.
        return Frame::Short;
    }
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else {
        return Frame::Short;
    };
    let [length, header_sum, sum] = [&header[..4], &header[4..8], &header[8..]];
    if crc32c::crc32c(length).to_be_bytes() != header_sum {
        return Frame::BadLength;
    }
    let length = length
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    match rest.get(..length) {
        Some(sealed) => Frame::Whole {
            sealed,
            sound: crc32c::crc32c(sealed).to_be_bytes() == sum,
        },
        None => Frame::Short,
    }
}
