//! Packets to the lines: what the hot replica sends, from where, and when they left.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

use outcry_feed::{
    Header, PacketWriter, Session, StampClock, departure, stamp_clock, stamp_departures,
};

use super::recent::Recent;
use crate::clock;
use crate::histogram::bump;
use crate::settings::FeedSettings;
use crate::shared::Shared;
use crate::status::Role;

/// Datagrams whose stamps may still come.
const STAMPS_AWAITED: usize = 4096;
/// Packets between two looks at the stamps.
const STAMPS_EVERY: u32 = 32;

pub struct Sending {
    shared: Arc<Shared>,
    recent: Arc<Recent>,
    socket: UdpSocket,
    lines: Vec<SocketAddr>,
    heartbeat: Duration,
    packet: PacketWriter,
    session: Session,
    /// Epoch under which this replica sends now.
    epoch: Option<u64>,
    next: u64,
    sent_at: u64,
    datagrams: u32,
    packets_since_stamps: u32,
    /// Number of a datagram, and when its oldest command came in.
    awaited: VecDeque<(u32, i64)>,
    failing: Option<io::ErrorKind>,
}

impl Sending {
    /// Opens the socket; also what stamps its datagrams.
    pub fn open(
        shared: &Arc<Shared>,
        settings: &FeedSettings,
        recent: &Arc<Recent>,
        session: Session,
    ) -> io::Result<(Self, StampClock)> {
        let interface = settings.interface.as_deref();
        let socket = outcry_feed::sender(interface, settings.hops)?;
        let clock = interface.map_or(StampClock::Software, |name| stamp_clock(&socket, name));
        if let Err(error) = stamp_departures(&socket) {
            tracing::warn!(%error, "the kernel stamps no leaving packet");
        }
        let sending = Self {
            shared: Arc::clone(shared),
            recent: Arc::clone(recent),
            socket,
            lines: settings
                .lines
                .iter()
                .map(outcry_feed::Line::address)
                .collect(),
            heartbeat: settings.heartbeat,
            packet: PacketWriter::new(Header::new(session, 0, 0)),
            session,
            epoch: None,
            next: 0,
            sent_at: 0,
            datagrams: 0,
            packets_since_stamps: 0,
            awaited: VecDeque::new(),
            failing: None,
        };
        Ok((sending, clock))
    }

    /// Sends what is to be sent: everything that was made since the last call, or since the last event
    /// that anybody published when this replica has just become hot.
    pub fn round(&mut self) {
        if self.follow_role() {
            self.send_blocks();
            self.beat_when_due();
        } else if self.shared.session_over.load(Relaxed) && self.epoch.is_some() {
            self.end_when_due();
        }
    }

    /// Says whether this replica sends.
    fn follow_role(&mut self) -> bool {
        if self.shared.role() != Role::Hot {
            if !self.shared.session_over.load(Relaxed) {
                self.epoch = None;
            }
            return false;
        }
        let epoch = self.shared.epoch.load(Relaxed);
        if self.epoch != Some(epoch) {
            self.epoch = Some(epoch);
            self.next = self.shared.feed_from.load(SeqCst);
            // Says at once where it goes on.
            self.sent_at = 0;
            tracing::info!(epoch, next = self.next, "feed: sending");
        }
        true
    }

    fn send_blocks(&mut self) {
        loop {
            self.begin_packet();
            if self.recent.fill(&mut self.packet, u64::MAX).is_err() {
                // Not kept here: a gap that the clients close with a snapshot.
                self.next = self.recent.span().0;
                continue;
            }
            if self.packet.is_empty() {
                return;
            }
            let (events, received) = (
                u64::from(self.packet.events()),
                self.packet.header().received_unix_nanos,
            );
            self.send(false);
            self.next += events;
            let counters = &self.shared.feed;
            bump(&counters.events, events);
            if received != 0 {
                let latency = clock::unix_nanos().saturating_sub(received);
                counters.send_latency.record(latency.max(0).unsigned_abs());
            }
        }
    }

    fn begin_packet(&mut self) {
        let epoch = self.epoch.unwrap_or(0);
        self.packet
            .clear(Header::new(self.session, self.next, epoch));
    }

    /// An idle line says that it lives, and where it stands.
    fn beat_when_due(&mut self) {
        if self.is_quiet() {
            self.begin_packet();
            self.send(false);
            bump(&self.shared.feed.heartbeats, 1);
        }
    }

    /// In place of heart-beats once the pair's topics are gone for good.
    fn end_when_due(&mut self) {
        if self.is_quiet() {
            self.begin_packet();
            self.send(true);
        }
    }

    fn is_quiet(&self) -> bool {
        let silence = clock::nanos().saturating_sub(self.sent_at);
        self.sent_at == 0 || u128::from(silence) >= self.heartbeat.as_nanos()
    }

    fn send(&mut self, ends: bool) {
        let now = clock::unix_nanos();
        let received = self.packet.header().received_unix_nanos;
        let bytes = if ends {
            self.packet.end_of_session(now)
        } else {
            self.packet.finish(now)
        };
        let (mut sent, mut failed) = (0, None);
        for line in &self.lines {
            match self.socket.send_to(bytes, line) {
                Ok(length) => {
                    sent += length as u64;
                    self.awaited.push_back((self.datagrams, received));
                    self.datagrams = self.datagrams.wrapping_add(1);
                }
                Err(error) => failed = Some(error),
            }
        }
        self.sent_at = clock::nanos().max(1);
        bump(&self.shared.feed.packets, 1);
        bump(&self.shared.feed.bytes, sent);
        self.note_failure(failed);
        self.packets_since_stamps += 1;
        if self.packets_since_stamps >= STAMPS_EVERY {
            self.read_stamps();
        }
    }

    /// A packet that couldn't be sent is one that was lost: clients ask for it.
    fn note_failure(&mut self, failed: Option<io::Error>) {
        let kind = failed.as_ref().map(io::Error::kind);
        if let Some(error) = failed {
            bump(&self.shared.feed.send_failures, 1);
            if self.failing != kind {
                tracing::warn!(%error, "feed: a packet could not be sent");
            }
        }
        self.failing = kind;
    }

    /// Notes when packets left.
    pub fn read_stamps(&mut self) {
        self.packets_since_stamps = 0;
        let counters = &self.shared.feed;
        while let Ok(Some((number, stamp))) = departure(&self.socket) {
            let kind = if stamp.hardware {
                &counters.hardware_stamps
            } else {
                &counters.software_stamps
            };
            bump(kind, 1);
            // Stamps may be missing, and a card may give two: its own and the kernel's.
            while self.awaited.front().is_some_and(|(oldest, _)| {
                number.wrapping_sub(*oldest) < u32::MAX / 2 && *oldest != number
            }) {
                self.awaited.pop_front();
            }
            if let Some((_, received)) = self
                .awaited
                .front()
                .copied()
                .filter(|(oldest, received)| *oldest == number && *received != 0)
            {
                counters
                    .departure_latency
                    .record(stamp.nanos.saturating_sub(received).max(0).unsigned_abs());
                self.awaited.pop_front();
            }
        }
        while self.awaited.len() > STAMPS_AWAITED {
            self.awaited.pop_front();
        }
    }
}
