//! `CommandBatch`: the records of `matching.{symbol}`.

use outcry_book::{Body, Command, Tick};

use super::bodies::{encode_command, read_body};
use super::poison::{BATCH_VERSION, Limits, Poison};
use super::wire::{BYTES, Reader, Scalar, VARINT, WireError, put, put_bytes, put_message};

/// Decodes one record whole.
///
/// # Errors
/// [`Poison`] says why no command of it may be applied.
pub fn decode_commands(record: &[u8], symbol: &str) -> Result<Vec<Command>, Poison> {
    let mut commands = Vec::new();
    decode_commands_into(record, symbol, Limits::default(), &mut commands)?;
    Ok(commands)
}

/// A batch's header while it is read.
#[derive(Debug, Default)]
struct Batch<'a> {
    version: u32,
    symbol: &'a [u8],
    count: u32,
    held: u32,
    unknown_body: Option<u32>,
}

/// As [`decode_commands`], into a vector that keeps its memory. It is empty after an error.
///
/// # Errors
/// [`Poison`].
pub(crate) fn decode_commands_into(
    record: &[u8],
    symbol: &str,
    limits: Limits,
    out: &mut Vec<Command>,
) -> Result<(), Poison> {
    out.clear();
    let result = read_batch(record, limits, out).and_then(|batch| check(&batch, symbol));
    if result.is_err() {
        out.clear();
    }
    result
}

fn read_batch<'a>(
    record: &'a [u8],
    limits: Limits,
    out: &mut Vec<Command>,
) -> Result<Batch<'a>, Poison> {
    if record.is_empty() {
        return Err(Poison::Empty);
    }
    if record.len() > limits.record_bytes {
        return Err(Poison::TooLarge {
            bytes: record.len(),
            limit: limits.record_bytes,
        });
    }
    let mut batch = Batch::default();
    let mut reader = Reader::new(record);
    while let Some(field) = reader.field()? {
        match field {
            (4, BYTES) => {
                if batch.held == limits.commands {
                    return Err(Poison::TooMany {
                        limit: limits.commands,
                    });
                }
                if !read_command(reader.bytes()?, out)? {
                    batch.unknown_body = batch.unknown_body.or(Some(batch.held));
                }
                batch.held += 1;
            }
            (1, VARINT) => batch.version = u32::from_wire(reader.varint()?),
            (2, BYTES) => batch.symbol = reader.bytes()?,
            (3, VARINT) => batch.count = u32::from_wire(reader.varint()?),
            (1..=4, _) => return Err(WireError::WireType.into()),
            (number, wire_type) => reader.skip(number, wire_type)?,
        }
    }
    Ok(batch)
}

fn check(batch: &Batch<'_>, symbol: &str) -> Result<(), Poison> {
    if batch.version != BATCH_VERSION {
        return Err(Poison::Version(batch.version));
    }
    if batch.symbol != symbol.as_bytes() {
        return Err(Poison::Symbol(
            String::from_utf8_lossy(batch.symbol).into_owned(),
        ));
    }
    if batch.count != batch.held {
        return Err(Poison::Count {
            stated: batch.count,
            held: batch.held,
        });
    }
    if let Some(index) = batch.unknown_body {
        return Err(Poison::UnknownBody { index });
    }
    if batch.held == 0 {
        return Err(Poison::NoCommand);
    }
    Ok(())
}

/// Reads a command to where it stays, behind those that are there; false: it has no body that the schema knows.
fn read_command(bytes: &[u8], out: &mut Vec<Command>) -> Result<bool, WireError> {
    let at = out.len();
    out.push(Command {
        source: 0,
        incarnation: 0,
        number: 0,
        time_unix_nanos: 0,
        body: Body::Tick(Tick { time_unix_nanos: 0 }),
    });
    let command = &mut out[at];
    let mut has_body = false;
    let mut reader = Reader::new(bytes);
    while let Some(field) = reader.field()? {
        match field {
            (1, VARINT) => command.source = u32::from_wire(reader.varint()?),
            (2, VARINT) => command.incarnation = reader.varint()?,
            (3, VARINT) => command.number = reader.varint()?,
            (4, VARINT) => command.time_unix_nanos = i64::from_wire(reader.varint()?),
            (5..=13, BYTES) => {
                read_body(field.0, reader.bytes()?, &mut command.body, has_body)?;
                has_body = true;
            }
            (1..=13, _) => return Err(WireError::WireType),
            (number, wire_type) => reader.skip(number, wire_type)?,
        }
    }
    if !has_body {
        out.truncate(at);
    }
    Ok(has_body)
}

/// Encodes one record of the pair's input.
#[must_use]
pub fn encode_commands(symbol: &str, commands: &[Command]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + commands.len() * 48);
    put(&mut out, 1, BATCH_VERSION);
    put_bytes(&mut out, 2, symbol.as_bytes());
    #[allow(clippy::cast_possible_truncation)]
    // a vector of 2^32 commands does not fit in a record
    put(&mut out, 3, commands.len() as u32);
    for command in commands {
        put_message(&mut out, 4, |out| encode_command(command, out));
    }
    out
}

/// Collects commands into a `CommandBatch` whose count is not known beforehand. Protobuf lets a
/// field stand anywhere, so the count comes last.
#[derive(Debug)]
pub(crate) struct DeltaWriter {
    symbol: String,
    bytes: Vec<u8>,
    count: u32,
}

impl DeltaWriter {
    pub(crate) fn new(symbol: &str) -> Self {
        Self {
            symbol: symbol.to_owned(),
            bytes: Vec::new(),
            count: 0,
        }
    }

    pub(crate) fn push(&mut self, command: &Command) {
        if self.bytes.is_empty() {
            put(&mut self.bytes, 1, BATCH_VERSION);
            put_bytes(&mut self.bytes, 2, self.symbol.as_bytes());
        }
        put_message(&mut self.bytes, 4, |out| encode_command(command, out));
        self.count += 1;
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The count and the batch, empty when there are none; starts anew.
    pub(crate) fn take(&mut self) -> (u32, Vec<u8>) {
        if self.count > 0 {
            put(&mut self.bytes, 3, self.count);
        }
        (
            std::mem::take(&mut self.count),
            std::mem::take(&mut self.bytes),
        )
    }
}
