//! The packet: `MoldUDP64`'s idea with two time stamps. A header, then one length-prefixed block an
//! event, whose sequence numbers are the events' own `seq`.

use std::fmt;

use crate::wire::{Field, Malformed};

/// Bytes before the first block.
pub const PACKET_HEADER: usize = 10 + 8 + 2 + 8 + 8 + 8;
/// Bytes that a packet has at most: with IP's and UDP's headers it fits an Ethernet frame.
pub const MAX_PACKET: usize = 1400;
/// Bytes that a block has at most.
pub const MAX_BLOCK: usize = MAX_PACKET - PACKET_HEADER - 2;
/// The count of an end-of-session packet.
const END_OF_SESSION: u16 = u16::MAX;

/// What a feed is called for the life of its pair: ten characters made of its input topic's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Session(pub [u8; 10]);

impl Session {
    /// Equal names make equal sessions; both replicas of a pair see the same topic id.
    #[must_use]
    pub fn of(name: &str) -> Self {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        // FNV-1a: names ten characters apart are told apart, nobody is kept out by it.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(std::array::from_fn(|at| {
            DIGITS[(hash >> (5 * at) & 31) as usize]
        }))
    }
}

impl fmt::Display for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_ascii().fmt(formatter)
    }
}

/// What a packet's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whose packet it is.
    pub session: Session,
    /// `seq` of the first event in it; with none, of the next one.
    pub sequence: u64,
    /// Blocks.
    count: u16,
    /// Epoch of the replica that sent it. Packets of two epochs may overlap and then say the same.
    pub epoch: u64,
    /// When the oldest command in it came in, by the sender's clock; 0 with no event.
    pub received_unix_nanos: i64,
    /// When it was handed to the socket, by the same clock.
    pub sent_unix_nanos: i64,
}

impl Header {
    /// For a packet that is about to be filled.
    #[must_use]
    pub fn new(session: Session, sequence: u64, epoch: u64) -> Self {
        Self {
            session,
            sequence,
            count: 0,
            epoch,
            received_unix_nanos: 0,
            sent_unix_nanos: 0,
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        self.session.0.put(out);
        self.sequence.put(out);
        self.count.put(out);
        self.epoch.put(out);
        self.received_unix_nanos.put(out);
        self.sent_unix_nanos.put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self {
            session: Session(Field::take(bytes)?),
            sequence: Field::take(bytes)?,
            count: Field::take(bytes)?,
            epoch: Field::take(bytes)?,
            received_unix_nanos: Field::take(bytes)?,
            sent_unix_nanos: Field::take(bytes)?,
        })
    }
}

/// A packet as it came, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it says of itself.
    pub header: Header,
    blocks: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Takes a datagram apart as far as its blocks.
    ///
    /// # Errors
    /// [`Malformed`] when it is none of the feed's.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut rest = bytes;
        let header = Header::take(&mut rest).ok_or(Malformed::Truncated("a packet's header"))?;
        let packet = Self {
            header,
            blocks: rest,
        };
        let mut blocks = packet.blocks();
        for _ in 0..packet.events() {
            blocks.next().ok_or(Malformed::Truncated("a block"))?;
        }
        if blocks.rest.is_empty() {
            Ok(packet)
        } else {
            Err(Malformed::Trailing(blocks.rest.len()))
        }
    }

    /// How many events are in it.
    #[must_use]
    pub fn events(&self) -> u16 {
        if self.is_end_of_session() {
            0
        } else {
            self.header.count
        }
    }

    /// The sequence number behind its last event.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.header.sequence.saturating_add(self.events().into())
    }

    /// The pair is gone for good: nothing follows in this session.
    #[must_use]
    pub fn is_end_of_session(&self) -> bool {
        self.header.count == END_OF_SESSION
    }

    /// Each event's sequence number and messages.
    #[must_use]
    pub fn blocks(&self) -> Blocks<'a> {
        Blocks {
            sequence: self.header.sequence,
            left: self.events(),
            rest: self.blocks,
        }
    }
}

/// See [`Packet::blocks`].
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    sequence: u64,
    left: u16,
    rest: &'a [u8],
}

impl<'a> Iterator for Blocks<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let length = u16::take(&mut self.rest)?;
        let (block, rest) = self.rest.split_at_checked(length.into())?;
        let sequence = self.sequence;
        (self.rest, self.left, self.sequence) = (rest, self.left - 1, sequence.wrapping_add(1));
        Some((sequence, block))
    }
}

/// A packet being filled; its memory is used again for the next.
#[derive(Debug)]
pub struct PacketWriter {
    bytes: Vec<u8>,
    header: Header,
}

impl PacketWriter {
    /// An empty packet.
    #[must_use]
    pub fn new(header: Header) -> Self {
        let mut writer = Self {
            bytes: Vec::with_capacity(MAX_PACKET),
            header,
        };
        writer.clear(header);
        writer
    }

    /// Begins anew.
    pub fn clear(&mut self, header: Header) {
        self.header = Header { count: 0, ..header };
        self.bytes.clear();
        self.bytes.resize(PACKET_HEADER, 0);
    }

    /// Appends an event's messages, unless the packet would become too large.
    #[must_use]
    pub fn push(&mut self, block: &[u8]) -> bool {
        let Ok(length) = u16::try_from(block.len()) else {
            return false;
        };
        let full = self.bytes.len() + 2 + block.len() > MAX_PACKET
            || self.header.count >= END_OF_SESSION - 1;
        if full && self.header.count > 0 {
            return false;
        }
        length.put(&mut self.bytes);
        self.bytes.extend_from_slice(block);
        self.header.count += 1;
        true
    }

    /// Notes when a command in it came in; the oldest one counts.
    pub fn received(&mut self, unix_nanos: i64) {
        let held = &mut self.header.received_unix_nanos;
        if *held == 0 || unix_nanos < *held {
            *held = unix_nanos;
        }
    }

    /// No event is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.header.count == 0
    }

    /// Events in it.
    #[must_use]
    pub fn events(&self) -> u16 {
        self.header.count
    }

    /// What its header says so far.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The datagram.
    pub fn finish(&mut self, sent_unix_nanos: i64) -> &[u8] {
        self.header.sent_unix_nanos = sent_unix_nanos;
        self.write_header(self.header)
    }

    /// The datagram that ends the session, whatever was in it before.
    pub fn end_of_session(&mut self, sent_unix_nanos: i64) -> &[u8] {
        self.bytes.truncate(PACKET_HEADER);
        self.write_header(Header {
            count: END_OF_SESSION,
            sent_unix_nanos,
            ..self.header
        })
    }

    fn write_header(&mut self, header: Header) -> &[u8] {
        let mut bytes = Vec::with_capacity(PACKET_HEADER);
        header.put(&mut bytes);
        self.bytes[..PACKET_HEADER].copy_from_slice(&bytes);
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> PacketWriter {
        PacketWriter::new(Header::new(Session::of("topic"), 41, 3))
    }

    #[test]
    fn what_was_written_is_read() {
        let mut writer = writer();
        assert!(writer.push(b"one") && writer.push(b"") && writer.push(b"three"));
        writer.received(50);
        writer.received(40);
        let bytes = writer.finish(99).to_vec();
        let packet = Packet::parse(&bytes).expect("a packet");
        let blocks: Vec<_> = packet.blocks().collect();
        assert_eq!(blocks, [(41, &b"one"[..]), (42, b""), (43, b"three")]);
        assert_eq!(packet.next_sequence(), 44);
        let header = packet.header;
        assert_eq!(
            (
                header.received_unix_nanos,
                header.sent_unix_nanos,
                header.epoch
            ),
            (40, 99, 3)
        );
        for end in 0..bytes.len() {
            assert!(Packet::parse(&bytes[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn a_packet_fits_a_frame_and_takes_no_more() {
        let mut writer = writer();
        while writer.push(&[7; 100]) {}
        let bytes = writer.finish(1);
        assert!(bytes.len() <= MAX_PACKET && bytes.len() > MAX_PACKET - 102);
    }

    #[test]
    fn a_heartbeat_and_an_end_have_no_events_and_say_what_is_next() {
        let mut writer = writer();
        for (bytes, ends) in [
            (writer.finish(1).to_vec(), false),
            (writer.end_of_session(2).to_vec(), true),
        ] {
            let packet = Packet::parse(&bytes).expect("a packet");
            assert_eq!((packet.events(), packet.next_sequence()), (0, 41));
            assert_eq!(packet.is_end_of_session(), ends);
        }
    }

    #[test]
    fn a_session_is_ten_printable_characters_of_the_topic() {
        let session = Session::of("c29tZSB0b3BpYyBpZA");
        assert!(session.0.iter().all(u8::is_ascii_alphanumeric));
        assert_ne!(session, Session::of("c29tZSB0b3BpYyBpZB"));
        assert_eq!(session.to_string().len(), 10);
    }
}
