//! A whole client: hears the lines, keeps the book, and has what is missing sent again.

use std::collections::VecDeque;
use std::io;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use crate::asking::{Recovery, RecoveryError};
use crate::book::Book;
use crate::message::Message;
use crate::packet::{Header, MAX_PACKET, Packet, Session};
use crate::recovery::Refusal;
use crate::sequencer::{Sequencer, Tally};
use crate::settings::{ClientError, ClientSettings};
use crate::stamps::{Stamp, receive, stamp_arrivals};
use crate::sys::wait_readable;

/// Room for a packet of any version.
const BUFFER: usize = 2 * MAX_PACKET;
/// Datagrams taken from one line before the other is looked at.
const AT_ONCE: usize = 64;

/// How an event came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The event's number.
    pub sequence: u64,
    /// What its packet said of itself; of an event that was held behind a gap, what the packet that
    /// closed the gap said.
    pub header: Header,
    /// When that packet came; `None` from the recovery channel.
    pub arrived: Option<Stamp>,
}

/// What [`Client::next`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// The book is another one, right after event `sequence`: at the beginning, or because events are
    /// gone for good.
    Snapshot {
        /// The last event in it.
        sequence: u64,
    },
    /// The next event has been applied to the book.
    Event {
        /// How it came.
        arrival: Arrival,
        /// What it says; nothing for an event that the market doesn't see.
        messages: Vec<Message>,
    },
    /// The session is over for good.
    Ended,
}

/// What a client keeps of one feed.
#[derive(Debug)]
pub struct Client {
    settings: ClientSettings,
    sockets: Vec<UdpSocket>,
    sequencer: Sequencer,
    book: Book,
    /// Events that came and aren't applied.
    waiting: VecDeque<(Arrival, Box<[u8]>)>,
    begun: bool,
    gap_since: Option<Instant>,
    heard_at: Instant,
    /// The book and what came contradict each other.
    broken: bool,
    /// Which replica is asked next.
    turn: usize,
    trouble: Option<RecoveryError>,
    snapshots: u64,
}

impl Client {
    /// Begins to hear the lines, then fetches the book.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn connect(settings: ClientSettings) -> Result<Self, ClientError> {
        if settings.lines.is_empty() {
            return Err(ClientError::Missing("line"));
        }
        let hear = |line: &crate::Line| {
            let socket = line.hear(settings.interface.as_deref());
            let socket = socket.and_then(|socket| stamp_arrivals(&socket).map(|()| socket));
            socket.map_err(|source| ClientError::Line {
                line: *line,
                source,
            })
        };
        let sockets = settings
            .lines
            .iter()
            .map(hear)
            .collect::<Result<Vec<_>, _>>()?;
        let mut failed = ClientError::Missing("recovery address");
        for address in &settings.recovery {
            let begun = Recovery::connect(address, settings.limit)
                .and_then(|mut recovery| Ok((recovery.session(), recovery.snapshot()?)));
            match begun {
                Ok((session, book)) => return Ok(Self::begin(settings, sockets, session, book)),
                Err(error) => failed = ClientError::Begin(error),
            }
        }
        Err(failed)
    }

    fn begin(
        settings: ClientSettings,
        sockets: Vec<UdpSocket>,
        session: Session,
        book: Book,
    ) -> Self {
        Self {
            settings,
            sockets,
            sequencer: Sequencer::new(session, book.sequence() + 1),
            book,
            waiting: VecDeque::new(),
            begun: false,
            gap_since: None,
            heard_at: Instant::now(),
            broken: false,
            turn: 0,
            trouble: None,
            snapshots: 1,
        }
    }

    /// The next update, waited for up to `limit`; `None` when there is none.
    ///
    /// # Errors
    /// The kernel's, when it refuses to wait.
    pub fn next(&mut self, limit: Duration) -> io::Result<Option<Update>> {
        if !self.begun {
            self.begun = true;
            return Ok(Some(self.snapshot_update()));
        }
        let deadline = Instant::now() + limit;
        loop {
            if let Some(update) = self.apply_next() {
                return Ok(Some(update));
            }
            self.hear();
            if self.recover_when_due() {
                return Ok(Some(self.snapshot_update()));
            }
            if !self.broken && !self.waiting.is_empty() {
                continue;
            }
            if self.sequencer.is_ended() {
                return Ok(Some(Update::Ended));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let due = self
                .gap_since
                .map(|since| self.due().saturating_sub(since.elapsed()));
            wait_readable(&self.sockets, left.min(due.unwrap_or(left)))?;
        }
    }

    fn snapshot_update(&self) -> Update {
        let sequence = self.book.sequence();
        Update::Snapshot { sequence }
    }

    fn apply_next(&mut self) -> Option<Update> {
        if self.broken {
            return None;
        }
        let (arrival, block) = self.waiting.pop_front()?;
        let mut messages = Vec::new();
        let applied = self
            .book
            .apply(arrival.sequence, &block, |message| messages.push(*message));
        if let Err(source) = applied {
            // What came contradicts the book: only a whole one helps.
            let address = "the feed".to_owned();
            self.trouble = Some(RecoveryError::Book { address, source });
            self.broken = true;
            return None;
        }
        Some(Update::Event { arrival, messages })
    }

    /// Takes all packets that are there.
    fn hear(&mut self) {
        let mut buffer = [0; BUFFER];
        for socket in &self.sockets {
            for _ in 0..AT_ONCE {
                let Ok((length, arrived)) = receive(socket, &mut buffer) else {
                    break;
                };
                // Anybody can send to a group: what is no packet is nobody's.
                if let Ok(packet) = Packet::parse(&buffer[..length]) {
                    if packet.header.session == self.sequencer.session() {
                        self.heard_at = Instant::now();
                    }
                    take(&mut self.sequencer, &mut self.waiting, &packet, arrived);
                }
            }
        }
        if self.broken || self.sequencer.missing().is_some() {
            self.gap_since = self.gap_since.or_else(|| Some(Instant::now()));
        } else {
            self.gap_since = None;
        }
    }

    /// How long a gap waits; longer after nobody could help.
    fn due(&self) -> Duration {
        if self.trouble.is_some() {
            self.settings.patience.max(Duration::from_millis(500))
        } else {
            self.settings.patience
        }
    }

    /// Says whether the book was replaced.
    fn recover_when_due(&mut self) -> bool {
        if self
            .gap_since
            .is_none_or(|since| since.elapsed() < self.due())
        {
            return false;
        }
        let snapshots = self.snapshots;
        let help = if self.broken {
            Self::replace
        } else {
            Self::close_gaps
        };
        if self.ask(help) {
            self.gap_since = None;
        } else {
            self.gap_since = Some(Instant::now());
        }
        self.snapshots != snapshots
    }

    /// Asks one replica after the other until one could help.
    fn ask(
        &mut self,
        help: impl Fn(&mut Self, &mut Recovery) -> Result<(), RecoveryError>,
    ) -> bool {
        let replicas = self.settings.recovery.len();
        for _ in 0..replicas {
            let address = self.settings.recovery[self.turn % replicas].clone();
            let helped = Recovery::connect(&address, self.settings.limit)
                .and_then(|recovery| recovery.expect(self.sequencer.session()))
                .and_then(|mut recovery| help(self, &mut recovery));
            match helped {
                Ok(()) => {
                    self.trouble = None;
                    return true;
                }
                Err(error) => self.trouble = Some(error),
            }
            self.turn += 1;
        }
        false
    }

    fn close_gaps(&mut self, recovery: &mut Recovery) -> Result<(), RecoveryError> {
        while let Some(missing) = self.sequencer.missing() {
            let (sequencer, waiting) = (&mut self.sequencer, &mut self.waiting);
            let closed = recovery.gap(missing.start, missing.end, |packet| {
                take(sequencer, waiting, packet, None);
            });
            match closed {
                Ok(next) if next > missing.start => {}
                Err(RecoveryError::Refused {
                    reason: Refusal::NotKept,
                    ..
                }) => return self.replace(recovery),
                // They were sent: the other replica has them, however long this one stands still.
                Ok(_) => return Err(recovery.behind()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes a whole book in place of this one, unless what came doesn't follow it.
    fn replace(&mut self, recovery: &mut Recovery) -> Result<(), RecoveryError> {
        let book = recovery.snapshot()?;
        let sequence = book.sequence();
        let next = self.waiting.front().map(|(arrival, _)| arrival.sequence);
        if sequence + 1 < next.unwrap_or(self.sequencer.next_sequence()) {
            return Err(recovery.behind());
        }
        self.waiting
            .retain(|(arrival, _)| arrival.sequence > sequence);
        let waiting = &mut self.waiting;
        let header = Header::new(self.sequencer.session(), sequence + 1, 0);
        self.sequencer.skip_to(sequence, |sequence, block| {
            let arrival = Arrival {
                sequence,
                header,
                arrived: None,
            };
            waiting.push_back((arrival, block.into()));
        });
        self.snapshots += 1;
        (self.book, self.broken) = (book, false);
        Ok(())
    }

    /// The book after the last update.
    #[must_use]
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Whose feed this is.
    #[must_use]
    pub fn session(&self) -> Session {
        self.sequencer.session()
    }

    /// Since the last packet, or the beginning. A hot replica is never silent for more than a second:
    /// after three the book is to be taken for old.
    #[must_use]
    pub fn silence(&self) -> Duration {
        self.heard_at.elapsed()
    }

    /// What became of packets.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.sequencer.tally()
    }

    /// Whole books taken, the first included.
    #[must_use]
    pub fn snapshots(&self) -> u64 {
        self.snapshots
    }

    /// Why no replica could help when one was asked last; `None` when one did.
    #[must_use]
    pub fn trouble(&self) -> Option<&RecoveryError> {
        self.trouble.as_ref()
    }
}

fn take(
    sequencer: &mut Sequencer,
    waiting: &mut VecDeque<(Arrival, Box<[u8]>)>,
    packet: &Packet<'_>,
    arrived: Option<Stamp>,
) {
    let header = packet.header;
    sequencer.packet(packet, |sequence, block| {
        let arrival = Arrival {
            sequence,
            header,
            arrived,
        };
        waiting.push_back((arrival, block.into()));
    });
}
