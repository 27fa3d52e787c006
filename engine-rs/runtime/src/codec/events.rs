//! `EventBatch`: the records of `events.{symbol}`.

use outcry_book::Event;

use super::event_bodies::{decode_body, encode_body};
use super::wire::{BYTES, Reader, Scalar, VARINT, WireError, put, put_bytes, put_message};

const SYMBOL: u32 = 1;
const EVENTS: u32 = 2;

/// Why bytes of `events.{symbol}` cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Not protobuf, or not of this schema.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// An event without a body that this schema knows, or a word that it doesn't.
    #[error("an event whose body or words this schema does not know")]
    Unknown,
    /// An event that doesn't begin with its seq.
    #[error("an event without a seq")]
    NoSeq,
}

/// Starts an `EventBatch` in `out`, which [`push_event`] then extends.
pub fn begin_event_batch(symbol: &str, out: &mut Vec<u8>) {
    out.clear();
    put_bytes(out, SYMBOL, symbol.as_bytes());
}

/// Appends one event to a batch.
pub fn push_event(event: &Event, out: &mut Vec<u8>) {
    put_message(out, EVENTS, |out| encode_event(event, out));
}

/// Appends the canonical bytes of an `Event`: what every replica makes of the same input.
pub fn encode_event(event: &Event, out: &mut Vec<u8>) {
    put(out, 1, event.seq);
    put(out, 2, event.source);
    put(out, 3, event.incarnation);
    put(out, 4, event.number);
    put(out, 5, event.time_unix_nanos);
    encode_body(&event.body, out);
}

/// The seq of an event, from the front of its canonical bytes.
///
/// # Errors
/// [`EntryError::NoSeq`] when the event doesn't begin with one.
pub fn event_seq(event: &[u8]) -> Result<u64, EntryError> {
    let mut reader = Reader::new(event);
    match reader.field()? {
        Some((1, VARINT)) => Ok(reader.varint()?),
        _ => Err(EntryError::NoSeq),
    }
}

/// Walks the events of a batch without decoding them: yields each one's bytes.
#[derive(Clone, Copy, Debug)]
pub struct BatchReader<'a>(Reader<'a>);

impl<'a> BatchReader<'a> {
    /// Reads the value of a record of `events.{symbol}`.
    #[must_use]
    pub const fn new(record: &'a [u8]) -> Self {
        Self(Reader::new(record))
    }

    /// The next event's bytes; `None` at the end.
    ///
    /// # Errors
    /// [`WireError`] when the record is not an `EventBatch`.
    pub fn next_event(&mut self) -> Result<Option<&'a [u8]>, WireError> {
        while let Some(field) = self.0.field()? {
            match field {
                (EVENTS, BYTES) => return self.0.bytes().map(Some),
                (EVENTS, _) => return Err(WireError::WireType),
                (number, wire_type) => self.0.skip(number, wire_type)?,
            }
        }
        Ok(None)
    }
}

/// Decodes a record of `events.{symbol}`.
///
/// # Errors
/// [`EntryError`] when it is not one.
pub fn decode_events(record: &[u8]) -> Result<Vec<Event>, EntryError> {
    let mut reader = BatchReader::new(record);
    let mut events = Vec::new();
    while let Some(bytes) = reader.next_event()? {
        events.push(decode_event(bytes)?);
    }
    Ok(events)
}

/// Decodes one `Event`.
///
/// # Errors
/// [`EntryError`] when the bytes are not one that this schema knows.
pub fn decode_event(bytes: &[u8]) -> Result<Event, EntryError> {
    let mut head = [0u64; 5];
    let mut body = None;
    let mut reader = Reader::new(bytes);
    while let Some(field) = reader.field()? {
        match field {
            (number @ 1..=5, VARINT) => head[number as usize - 1] = reader.varint()?,
            (number @ 6..=25, BYTES) => body = Some(decode_body(number, reader.bytes()?)?),
            (1..=25, _) => return Err(WireError::WireType.into()),
            (number, wire_type) => reader.skip(number, wire_type)?,
        }
    }
    Ok(Event {
        seq: head[0],
        source: u32::from_wire(head[1]),
        incarnation: head[2],
        number: head[3],
        time_unix_nanos: i64::from_wire(head[4]),
        body: body.ok_or(EntryError::Unknown)?,
    })
}
