//! The recovery channel's framing: over TCP, each frame is a length, a kind and its content.

use std::io::{self, Read, Write};

use crate::wire::Malformed;

/// Bytes of a frame's head.
pub const FRAME_HEAD: usize = 5;
/// Bytes that a frame's content has at most.
pub const MAX_FRAME: usize = 256 << 10;
/// Bytes that a request has at most.
pub const MAX_REQUEST: usize = 64;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// Messages, back to back.
    Messages = 1,
    /// A packet as it was or would have been multicast.
    Packet = 2,
}

/// Why the recovery channel answers no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Refusal {
    /// The events are no longer kept: ask for a snapshot.
    NotKept = 1,
    /// The events aren't made yet.
    NotYet = 2,
    /// The replica is restoring.
    Starting = 3,
    /// As many clients as it serves are connected: try the other replica.
    TooManyConnections = 4,
    /// More requests in a second than it answers. The connection ends.
    TooManyRequests = 5,
    /// It read too slowly. The connection ends.
    Slow = 6,
    /// No request of this protocol. The connection ends.
    Malformed = 7,
    /// It asked nothing for too long. The connection ends.
    Idle = 8,
    /// As many snapshots as are kept at a time are being read: ask again, or the other replica.
    Busy = 9,
}

impl Refusal {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::NotKept,
        Self::NotYet,
        Self::Starting,
        Self::TooManyConnections,
        Self::TooManyRequests,
        Self::Slow,
        Self::Malformed,
        Self::Idle,
        Self::Busy,
    ];

    /// The word for logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotKept => "not_kept",
            Self::NotYet => "not_yet",
            Self::Starting => "starting",
            Self::TooManyConnections => "too_many_connections",
            Self::TooManyRequests => "too_many_requests",
            Self::Slow => "slow",
            Self::Malformed => "malformed",
            Self::Idle => "idle",
            Self::Busy => "busy",
        }
    }

    /// By its number.
    #[must_use]
    pub fn from_u8(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|each| *each as u8 == number)
    }
}

/// Writes one frame.
///
/// # Errors
/// Those of the writer; `InvalidInput` when the content is larger than [`MAX_FRAME`].
pub fn write_frame(out: &mut impl Write, kind: FrameKind, content: &[u8]) -> io::Result<()> {
    let length = u32::try_from(content.len())
        .ok()
        .filter(|_| content.len() <= MAX_FRAME);
    let length = length.ok_or(io::ErrorKind::InvalidInput)?;
    let mut head = [0; FRAME_HEAD];
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[4] = kind as u8;
    out.write_all(&head)?;
    out.write_all(content)
}

/// Reads one frame into `content`, whose old content goes.
///
/// # Errors
/// Those of the reader; `InvalidData` for an unknown kind or more than `limit` bytes.
pub fn read_frame(
    input: &mut impl Read,
    limit: usize,
    content: &mut Vec<u8>,
) -> io::Result<FrameKind> {
    let mut head = [0; FRAME_HEAD];
    input.read_exact(&mut head)?;
    let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
    let kind = match head[4] {
        1 => FrameKind::Messages,
        2 => FrameKind::Packet,
        other => return Err(invalid(format!("frame of kind {other}"))),
    };
    if length > limit {
        return Err(invalid(format!(
            "frame of {length} bytes, more than {limit}"
        )));
    }
    content.clear();
    content.resize(length, 0);
    input.read_exact(content)?;
    Ok(kind)
}

pub(crate) fn invalid(words: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words.into())
}

impl From<Malformed> for io::Error {
    fn from(error: Malformed) -> Self {
        invalid(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_and_a_strange_one_is_refused() {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, FrameKind::Packet, b"abc").expect("a vector takes all");
        let mut content = vec![9];
        assert_eq!(
            read_frame(&mut &bytes[..], 3, &mut content).expect("a frame"),
            FrameKind::Packet
        );
        assert_eq!(content, b"abc");
        assert!(read_frame(&mut &bytes[..], 2, &mut content).is_err());
        bytes[4] = 3;
        assert!(read_frame(&mut &bytes[..], 3, &mut content).is_err());
        assert!(write_frame(&mut bytes, FrameKind::Packet, &vec![0; MAX_FRAME + 1]).is_err());
    }

    #[test]
    fn refusals_have_numbers_and_names() {
        for each in Refusal::ALL {
            assert_eq!(Refusal::from_u8(each as u8), Some(each));
        }
        assert_eq!(Refusal::from_u8(0), None);
    }
}
