//! Puts packets of both lines into one row of events, each once, and says what is missing. No I/O.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::packet::{Packet, Session};

/// Events held behind a gap; beyond it later ones are let go and asked for again.
const HELD: usize = 1 << 16;

/// What became of packets. Counters since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Packets of this session.
    pub packets: u64,
    /// Events handed on.
    pub events: u64,
    /// Events that had been handed on or held before: the other line's, or a successor's.
    pub repeats: u64,
    /// Packets of other sessions, left alone.
    pub foreign: u64,
    /// Gaps that a packet showed.
    pub gaps: u64,
}

/// The row of events of one session.
#[derive(Debug)]
pub struct Sequencer {
    session: Session,
    next: u64,
    /// Behind the highest event known to have been sent.
    known: u64,
    held: BTreeMap<u64, Box<[u8]>>,
    ended: bool,
    in_gap: bool,
    tally: Tally,
}

impl Sequencer {
    /// Begins with event `next`, usually the one behind a snapshot.
    #[must_use]
    pub fn new(session: Session, next: u64) -> Self {
        Self {
            session,
            next,
            known: next,
            held: BTreeMap::new(),
            ended: false,
            in_gap: false,
            tally: Tally::default(),
        }
    }

    /// Takes a packet of any line and hands on, in their order, the events that follow the last one.
    pub fn packet(&mut self, packet: &Packet<'_>, mut deliver: impl FnMut(u64, &[u8])) {
        if packet.header.session != self.session {
            self.tally.foreign += 1;
            return;
        }
        self.tally.packets += 1;
        self.ended |= packet.is_end_of_session();
        self.known = self.known.max(packet.next_sequence());
        for (sequence, block) in packet.blocks() {
            if sequence == self.next {
                self.next += 1;
                self.tally.events += 1;
                deliver(sequence, block);
            } else if sequence < self.next || self.held.contains_key(&sequence) {
                self.tally.repeats += 1;
            } else if self.held.len() < HELD {
                self.held.insert(sequence, block.into());
            }
        }
        self.release(&mut deliver);
        let gap = self.missing().is_some();
        self.tally.gaps += u64::from(gap && !self.in_gap);
        self.in_gap = gap;
    }

    /// Goes on behind a snapshot taken after event `sequence`, unless it is older than what was handed on.
    pub fn skip_to(&mut self, sequence: u64, mut deliver: impl FnMut(u64, &[u8])) {
        if sequence < self.next {
            return;
        }
        self.next = sequence + 1;
        self.known = self.known.max(self.next);
        self.held = self.held.split_off(&self.next);
        self.release(&mut deliver);
        self.in_gap = self.missing().is_some();
    }

    fn release(&mut self, deliver: &mut impl FnMut(u64, &[u8])) {
        while let Some(block) = self.held.remove(&self.next) {
            self.tally.events += 1;
            deliver(self.next, &block);
            self.next += 1;
        }
    }

    /// Events that were sent and have not arrived, the first gap of them.
    #[must_use]
    pub fn missing(&self) -> Option<Range<u64>> {
        let end = self.held.keys().next().copied().unwrap_or(self.known);
        (end > self.next).then_some(self.next..end)
    }

    /// The event that is to be handed on next.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next
    }

    /// Whose events these are.
    #[must_use]
    pub fn session(&self) -> Session {
        self.session
    }

    /// The session has ended and everything of it was handed on.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended && self.missing().is_none()
    }

    /// What became of packets so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Header, PacketWriter};

    fn packet(session: &str, first: u64, events: u64) -> Vec<u8> {
        let mut writer = PacketWriter::new(Header::new(Session::of(session), first, 1));
        for sequence in first..first + events {
            assert!(writer.push(&sequence.to_le_bytes()));
        }
        writer.finish(1).to_vec()
    }

    fn take(sequencer: &mut Sequencer, bytes: &[u8]) -> Vec<u64> {
        let mut seen = Vec::new();
        let packet = Packet::parse(bytes).expect("a packet");
        sequencer.packet(&packet, |sequence, block| {
            assert_eq!(block, sequence.to_le_bytes());
            seen.push(sequence);
        });
        seen
    }

    #[test]
    fn both_lines_make_one_row() {
        let mut row = Sequencer::new(Session::of("a"), 1);
        assert_eq!(take(&mut row, &packet("a", 1, 3)), [1, 2, 3]);
        assert!(take(&mut row, &packet("a", 1, 3)).is_empty());
        assert_eq!(take(&mut row, &packet("a", 2, 3)), [4]);
        assert!(take(&mut row, &packet("b", 5, 1)).is_empty());
        let tally = row.tally();
        assert_eq!((tally.repeats, tally.foreign, tally.gaps), (5, 1, 0));
    }

    #[test]
    fn a_gap_is_named_and_closed_by_whatever_comes() {
        let mut row = Sequencer::new(Session::of("a"), 1);
        assert!(take(&mut row, &packet("a", 4, 2)).is_empty());
        assert_eq!(row.missing(), Some(1..4));
        assert!(take(&mut row, &packet("a", 8, 1)).is_empty());
        assert_eq!(take(&mut row, &packet("a", 1, 3)), [1, 2, 3, 4, 5]);
        assert_eq!(row.missing(), Some(6..8));
        let mut seen = Vec::new();
        row.skip_to(7, |sequence, _| seen.push(sequence));
        assert_eq!((seen, row.missing(), row.tally().gaps), (vec![8], None, 1));
    }

    #[test]
    fn a_heartbeat_shows_what_was_lost_at_the_end() {
        let mut row = Sequencer::new(Session::of("a"), 1);
        take(&mut row, &packet("a", 5, 0));
        assert_eq!(row.missing(), Some(1..5));
    }

    #[test]
    fn a_session_ends_when_all_of_it_is_there() {
        let mut row = Sequencer::new(Session::of("a"), 1);
        let mut end = PacketWriter::new(Header::new(Session::of("a"), 2, 1));
        take(&mut row, end.end_of_session(1));
        assert!(!row.is_ended());
        take(&mut row, &packet("a", 1, 1));
        assert!(row.is_ended());
    }
}
