//! The protobuf wire format: just what the schema of `outcry.v1` needs.
//!
//! Hand-written because it stands on the path of every command, where it decodes straight into the
//! core's types and encodes without measuring twice. The bytes are those of any canonical encoder:
//! fields in the order of their numbers, defaults left out; tests hold it against prost.

/// Why bytes are not a protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The bytes end inside a field.
    #[error("truncated inside a field")]
    Truncated,
    /// A variable-length integer is longer than 64 bits.
    #[error("an integer is longer than 64 bits")]
    LongInteger,
    /// A field has a wire type that its number does not have in the schema.
    #[error("a field has the wrong wire type")]
    WireType,
    /// A field number is 0 or above 2^29 - 1, or a group is not closed.
    #[error("an impossible field tag")]
    Tag,
}

/// Reads fields off a slice.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

/// How deep unknown groups may nest before they are refused.
const MAX_DEPTH: u32 = 100;
const MAX_FIELD: u64 = (1 << 29) - 1;

pub const VARINT: u8 = 0;
const FIXED64: u8 = 1;
pub const BYTES: u8 = 2;
const GROUP_START: u8 = 3;
const GROUP_END: u8 = 4;
const FIXED32: u8 = 5;

impl<'a> Reader<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    #[inline]
    pub fn varint(&mut self) -> Result<u64, WireError> {
        if let Some((&first, rest)) = self.bytes.split_first()
            && first < 0x80
        {
            self.bytes = rest;
            return Ok(u64::from(first));
        }
        self.wide_varint()
    }

    /// Up to eight bytes at once: prices, ids and quantities have two to seven.
    fn wide_varint(&mut self) -> Result<u64, WireError> {
        let Some(chunk) = self.bytes.first_chunk::<8>() else {
            return self.long_varint();
        };
        let word = u64::from_le_bytes(*chunk);
        let stops = !word & 0x8080_8080_8080_8080;
        if stops == 0 {
            return self.long_varint();
        }
        // All bits up to the one that ends the number, which is the highest of its last byte.
        let last = stops & stops.wrapping_neg();
        self.bytes = &self.bytes[last.trailing_zeros() as usize / 8 + 1..];
        Ok(sevens(word & (last - 1)))
    }

    fn long_varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0u64;
        for (index, &byte) in self.bytes.iter().take(10).enumerate() {
            if index == 9 && byte > 1 {
                return Err(WireError::LongInteger);
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.bytes = &self.bytes[index + 1..];
                return Ok(value);
            }
        }
        Err(if self.bytes.len() < 10 {
            WireError::Truncated
        } else {
            WireError::LongInteger
        })
    }

    /// The next field's number and wire type; `None` at the end.
    pub fn field(&mut self) -> Result<Option<(u32, u8)>, WireError> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 || number > MAX_FIELD {
            return Err(WireError::Tag);
        }
        #[allow(clippy::cast_possible_truncation)] // both were just checked to fit
        Ok(Some((number as u32, (tag & 7) as u8)))
    }

    pub fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(self.varint()?).map_err(|_| WireError::Truncated)?;
        if length > self.bytes.len() {
            return Err(WireError::Truncated);
        }
        let (head, tail) = self.bytes.split_at(length);
        self.bytes = tail;
        Ok(head)
    }

    /// Steps over a field that this schema doesn't know.
    pub fn skip(&mut self, number: u32, wire_type: u8) -> Result<(), WireError> {
        self.skip_nested(number, wire_type, 0)
    }

    fn skip_nested(&mut self, number: u32, wire_type: u8, depth: u32) -> Result<(), WireError> {
        match wire_type {
            VARINT => self.varint().map(drop),
            FIXED64 => self.advance(8),
            BYTES => self.bytes().map(drop),
            FIXED32 => self.advance(4),
            GROUP_START if depth < MAX_DEPTH => self.skip_group(number, depth + 1),
            _ => Err(WireError::Tag),
        }
    }

    fn skip_group(&mut self, group: u32, depth: u32) -> Result<(), WireError> {
        loop {
            match self.field()? {
                None => return Err(WireError::Truncated),
                Some((number, GROUP_END)) if number == group => return Ok(()),
                Some((number, wire_type)) => self.skip_nested(number, wire_type, depth)?,
            }
        }
    }

    fn advance(&mut self, count: usize) -> Result<(), WireError> {
        self.bytes = self.bytes.get(count..).ok_or(WireError::Truncated)?;
        Ok(())
    }
}

/// Moves eight groups of seven bits together, by pairs.
const fn sevens(word: u64) -> u64 {
    let pairs = word & 0x007f_007f_007f_007f | (word & 0x7f00_7f00_7f00_7f00) >> 1;
    let fours = pairs & 0x0000_3fff_0000_3fff | (pairs & 0x3fff_0000_3fff_0000) >> 2;
    fours & 0x0fff_ffff | (fours & 0x0fff_ffff_0000_0000) >> 4
}

/// Integers as fields carry them.
pub trait Scalar: Copy {
    fn from_wire(value: u64) -> Self;
    /// The varint; 0 is the default and is not written.
    fn to_wire(self) -> u64;
}

impl Scalar for u64 {
    fn from_wire(value: u64) -> Self {
        value
    }
    fn to_wire(self) -> u64 {
        self
    }
}

#[allow(clippy::cast_possible_truncation)] // protobuf: the low 32 bits count
impl Scalar for u32 {
    fn from_wire(value: u64) -> Self {
        value as Self
    }
    fn to_wire(self) -> u64 {
        u64::from(self)
    }
}

impl Scalar for i64 {
    fn from_wire(value: u64) -> Self {
        value.cast_signed()
    }
    fn to_wire(self) -> u64 {
        self.cast_unsigned()
    }
}

/// An enum's value, or an `int32`: sign-extended to 64 bits on the wire.
#[allow(clippy::cast_possible_truncation)]
impl Scalar for i32 {
    fn from_wire(value: u64) -> Self {
        value as Self
    }
    fn to_wire(self) -> u64 {
        i64::from(self).cast_unsigned()
    }
}

/// A `sint32`: zigzag.
#[derive(Clone, Copy)]
pub struct Zigzag(pub i32);

#[allow(clippy::cast_possible_truncation)]
impl Scalar for Zigzag {
    fn from_wire(value: u64) -> Self {
        let value = value as u32;
        Self((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }
    fn to_wire(self) -> u64 {
        u64::from(((self.0 << 1) ^ (self.0 >> 31)).cast_unsigned())
    }
}

pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        #[allow(clippy::cast_possible_truncation)]
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    #[allow(clippy::cast_possible_truncation)]
    out.push(value as u8);
}

/// A scalar field; nothing when it is the default.
pub fn put<T: Scalar>(out: &mut Vec<u8>, number: u32, value: T) {
    let value = value.to_wire();
    if value != 0 {
        put_varint(out, u64::from(number << 3));
        put_varint(out, value);
    }
}

pub fn put_bytes(out: &mut Vec<u8>, number: u32, value: &[u8]) {
    put_varint(out, u64::from(number << 3 | u32::from(BYTES)));
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// A message field whose content `write` appends. Its length takes one byte unless it exceeds 127,
/// in which case the content moves up to make room.
pub fn put_message(out: &mut Vec<u8>, number: u32, write: impl FnOnce(&mut Vec<u8>)) {
    put_varint(out, u64::from(number << 3 | u32::from(BYTES)));
    let at = out.len();
    out.push(0);
    write(out);
    let length = out.len() - at - 1;
    if length < 0x80 {
        #[allow(clippy::cast_possible_truncation)]
        {
            out[at] = length as u8;
        }
    } else {
        make_room_for_length(out, at, length as u64);
    }
}

#[cold]
fn make_room_for_length(out: &mut Vec<u8>, at: usize, length: u64) {
    let mut prefix = Vec::with_capacity(10);
    put_varint(&mut prefix, length);
    out.splice(at..=at, prefix);
}
