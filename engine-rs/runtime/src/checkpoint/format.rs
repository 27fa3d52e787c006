//! One piece of a checkpoint: magic, version, header, body, checksum.
//!
//! ```text
//! "OUTCKPT\0" | version u32 | header length u32 | body length u64 | header | body | CRC-32C of all before
//! ```
//! Integers are little-endian. The body of an image is [`outcry_book::Book::snapshot`], that of a delta
//! a `CommandBatch`.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::shared::Mark;

const MAGIC: &[u8; 8] = b"OUTCKPT\0";
const VERSION: u32 = 1;
const PREFIX: usize = 24;
const CHECKSUM: usize = 4;

/// What a piece holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The whole book.
    Image,
    /// The commands since the piece before.
    Delta,
}

impl Kind {
    /// The word in file names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Delta => "delta",
        }
    }
}

/// The logs that a piece belongs to. A topic deleted and made again has another id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The pair.
    pub symbol: String,
    /// Kafka's cluster id.
    pub cluster_id: String,
    /// Kafka's id of `matching.{symbol}`.
    pub input_topic_id: String,
    /// Kafka's id of `events.{symbol}`.
    pub events_topic_id: String,
}

/// Where a piece stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it holds.
    pub kind: Kind,
    /// Rises by one from piece to piece.
    pub number: u64,
    /// When it was made; for display.
    pub written_unix_nanos: i64,
    /// Which replica made it; for display.
    pub replica: String,
    /// The logs it belongs to.
    pub identity: Identity,
    /// Input offset at which its commands begin; an image's own position.
    pub input_before: i64,
    /// First input offset that isn't in it.
    pub input_after: i64,
    /// Seq before its commands; an image's own.
    pub seq_before: u64,
    /// Seq after it.
    pub seq_after: u64,
    /// Last seq known to be published when it was made.
    pub published_seq: u64,
    /// Where `events` holds what is behind that seq.
    pub events_offset: i64,
    /// The highest epoch known to have published.
    pub epoch: u64,
    /// Commands in it; 0 for an image.
    pub commands: u32,
}

impl Header {
    pub(crate) const fn mark(&self) -> Mark {
        Mark {
            seq: self.published_seq,
            offset: self.events_offset,
        }
    }

    /// The name of its file.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{:016}-{}.ckpt", self.number, self.kind.name())
    }
}

/// A header and its body, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it stands.
    pub header: Header,
    /// An image's or a delta's bytes.
    pub body: Vec<u8>,
}

/// Why a file is not a good piece.
#[derive(Debug, thiserror::Error)]
pub enum PieceError {
    /// The system did not give it.
    #[error("reading it: {0}")]
    Io(#[from] std::io::Error),
    /// It ends too early.
    #[error("torn: {held} bytes where {wanted} are stated")]
    Torn {
        /// Bytes there.
        held: u64,
        /// Bytes that should be.
        wanted: u64,
    },
    /// It doesn't begin like one.
    #[error("no checkpoint: it does not begin with OUTCKPT")]
    Magic,
    /// Made by another version of the engine.
    #[error("format version {0}, this engine reads {VERSION}")]
    Version(u32),
    /// The bytes are not those that were written.
    #[error("corrupt: checksum {found:08x}, stated {stated:08x}")]
    Checksum {
        /// Of the bytes there.
        found: u32,
        /// At the end of the file.
        stated: u32,
    },
    /// The checksum holds and the header makes no sense all the same.
    #[error("header field {0} makes no sense")]
    Header(&'static str),
}

/// What stands around a body in its file. An image is large: it is never copied to get there.
#[derive(Clone, Debug)]
pub struct Frame {
    before: Vec<u8>,
    checksum: [u8; CHECKSUM],
}

impl Frame {
    pub fn new(header: &Header, body: &[u8]) -> Self {
        let head = encode_header(header);
        let mut before = Vec::with_capacity(PREFIX + head.len());
        before.extend_from_slice(MAGIC);
        before.extend_from_slice(&VERSION.to_le_bytes());
        #[allow(clippy::cast_possible_truncation)] // a few hundred bytes
        before.extend_from_slice(&(head.len() as u32).to_le_bytes());
        before.extend_from_slice(&(body.len() as u64).to_le_bytes());
        before.extend_from_slice(&head);
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&before), body);
        Self {
            before,
            checksum: checksum.to_le_bytes(),
        }
    }

    /// The parts of the file.
    pub fn around<'a>(&'a self, body: &'a [u8]) -> [&'a [u8]; 3] {
        [&self.before, body, &self.checksum]
    }
}

fn encode_header(header: &Header) -> Vec<u8> {
    let mut out = vec![match header.kind {
        Kind::Image => 1,
        Kind::Delta => 2,
    }];
    for number in [
        header.number,
        header.seq_before,
        header.seq_after,
        header.published_seq,
    ] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for number in [
        header.written_unix_nanos,
        header.input_before,
        header.input_after,
        header.events_offset,
    ] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&header.epoch.to_le_bytes());
    out.extend_from_slice(&header.commands.to_le_bytes());
    let identity = &header.identity;
    let texts = [
        &header.replica,
        &identity.symbol,
        &identity.cluster_id,
        &identity.input_topic_id,
        &identity.events_topic_id,
    ];
    for text in texts {
        #[allow(clippy::cast_possible_truncation)] // names of at most 249 bytes
        out.extend_from_slice(&(text.len() as u16).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// Reads and checks a piece.
///
/// # Errors
/// [`PieceError`] when any byte of it is not as it was written.
pub fn read_piece(path: &Path) -> Result<Piece, PieceError> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    decode(&mut file, size)
}

/// Reads a piece's header; the whole file is checked all the same.
///
/// # Errors
/// As [`read_piece`].
pub fn read_header(path: &Path) -> Result<Header, PieceError> {
    read_piece(path).map(|piece| piece.header)
}

/// Reads the `size` bytes of a piece, each straight to where it stays.
pub fn decode(from: &mut impl Read, size: u64) -> Result<Piece, PieceError> {
    let torn = |wanted: u64| PieceError::Torn { held: size, wanted };
    if size < (PREFIX + CHECKSUM) as u64 {
        return Err(torn((PREFIX + CHECKSUM) as u64));
    }
    let prefix = take(from, PREFIX as u64)?;
    let mut fields = Fields(&prefix);
    if fields.take("magic", 8)? != MAGIC {
        return Err(PieceError::Magic);
    }
    let version = fields.u32("version")?;
    if version != VERSION {
        return Err(PieceError::Version(version));
    }
    let head = u64::from(fields.u32("header length")?);
    let body = fields.u64("body length")?;
    let wanted = head
        .checked_add(body)
        .and_then(|sum| sum.checked_add((PREFIX + CHECKSUM) as u64));
    let wanted = wanted.ok_or(PieceError::Header("body length"))?;
    if size != wanted {
        return Err(torn(wanted));
    }
    let (head, body) = (take(from, head)?, take(from, body)?);
    let checksum = take(from, CHECKSUM as u64)?;
    let stated = Fields(&checksum).u32("checksum")?;
    let found = [&head, &body]
        .iter()
        .fold(crc32c::crc32c(&prefix), |sum, part| {
            crc32c::crc32c_append(sum, part)
        });
    if found != stated {
        return Err(PieceError::Checksum { found, stated });
    }
    Ok(Piece {
        header: decode_header(&head)?,
        body,
    })
}

/// The next `count` bytes of a file that holds as many.
fn take(from: &mut impl Read, count: u64) -> Result<Vec<u8>, PieceError> {
    let mut bytes = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    if from.take(count).read_to_end(&mut bytes)? as u64 != count {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    Ok(bytes)
}

fn decode_header(bytes: &[u8]) -> Result<Header, PieceError> {
    let mut fields = Fields(bytes);
    let kind = match fields.take("kind", 1)? {
        [1] => Kind::Image,
        [2] => Kind::Delta,
        _ => return Err(PieceError::Header("kind")),
    };
    let (number, seq_before) = (fields.u64("number")?, fields.u64("seq before")?);
    let (seq_after, published_seq) = (fields.u64("seq after")?, fields.u64("published seq")?);
    let (written_unix_nanos, input_before) = (fields.i64("written")?, fields.i64("input before")?);
    let (input_after, events_offset) = (fields.i64("input after")?, fields.i64("events offset")?);
    let epoch = fields.u64("epoch")?;
    let commands = fields.u32("commands")?;
    let replica = fields.text("replica")?;
    let identity = Identity {
        symbol: fields.text("symbol")?,
        cluster_id: fields.text("cluster id")?,
        input_topic_id: fields.text("input topic id")?,
        events_topic_id: fields.text("events topic id")?,
    };
    Ok(Header {
        kind,
        number,
        written_unix_nanos,
        replica,
        identity,
        input_before,
        input_after,
        seq_before,
        seq_after,
        published_seq,
        events_offset,
        epoch,
        commands,
    })
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, name: &'static str, count: usize) -> Result<&'a [u8], PieceError> {
        let (head, tail) = self
            .0
            .split_at_checked(count)
            .ok_or(PieceError::Header(name))?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self, name: &'static str) -> Result<[u8; N], PieceError> {
        self.take(name, N)?
            .try_into()
            .map_err(|_| PieceError::Header(name))
    }

    fn u32(&mut self, name: &'static str) -> Result<u32, PieceError> {
        self.array(name).map(u32::from_le_bytes)
    }

    fn u64(&mut self, name: &'static str) -> Result<u64, PieceError> {
        self.array(name).map(u64::from_le_bytes)
    }

    fn i64(&mut self, name: &'static str) -> Result<i64, PieceError> {
        self.array(name).map(i64::from_le_bytes)
    }

    fn text(&mut self, name: &'static str) -> Result<String, PieceError> {
        let length = u16::from_le_bytes(self.array(name)?);
        let bytes = self.take(name, usize::from(length))?;
        String::from_utf8(bytes.to_vec()).map_err(|_| PieceError::Header(name))
    }
}
