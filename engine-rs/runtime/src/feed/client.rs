//! One client of the recovery channel, on a thread of its own. It is dropped by name when it reads too
//! slowly, asks too much, asks nonsense or asks nothing.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use outcry_feed::message::{GapEnd, GapRequest, Hello, Refused};
use outcry_feed::{
    FrameKind, Header, MAX_REQUEST, Message, PacketWriter, Refusal, read_frame, write_frame,
};

use super::public::frame;
use super::recovery::Serving;
use crate::status::Role;

/// How often a client that asks nothing, or takes nothing, is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long a part of an answer may wait for the client to read ...
const WRITE: Duration = Duration::from_secs(2);
/// ... so that none reads more slowly than 128 kB/s.
const PART: usize = 256 << 10;
/// How long a request may take to come, from its first byte to its last.
const READ: Duration = Duration::from_secs(2);
/// How long a client may be silent.
const IDLE: Duration = Duration::from_secs(30);
/// Requests that may come at once, and how many more each second.
const BURST: f64 = 50.0;
const A_SECOND: f64 = 20.0;

/// Why a client goes; `None`: it went by itself.
type Ending = Option<Refusal>;

pub struct Client {
    stream: TcpStream,
    address: SocketAddr,
    serving: Arc<Serving>,
    allowed: f64,
    counted_at: Instant,
    answer: Vec<u8>,
}

impl Client {
    pub fn new(stream: TcpStream, address: SocketAddr, serving: Arc<Serving>) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(LOOK))?;
        stream.set_read_timeout(Some(LOOK))?;
        Ok(Self {
            stream,
            address,
            serving,
            allowed: BURST,
            counted_at: Instant::now(),
            answer: Vec::new(),
        })
    }

    pub fn run(mut self) {
        self.serving.shared.feed.connections.fetch_add(1, Relaxed);
        let Err(ending) = self.serve();
        if let Some(refusal) = ending {
            tracing::warn!(client = %self.address, reason = refusal.name(), "feed: a recovery client is dropped");
            self.refuse(refusal);
        }
    }

    /// Says why not, as far as the client still listens.
    pub fn refuse(&mut self, refusal: Refusal) {
        self.serving.shared.feed.refused(refusal);
        self.answer.clear();
        frame(&mut self.answer, [refused(refusal)]);
        let _ = self.stream.set_nonblocking(true);
        let _ = self.stream.write(&self.answer);
    }

    fn serve(&mut self) -> Result<std::convert::Infallible, Ending> {
        self.say(&[self.hello()])?;
        let mut content = Vec::new();
        loop {
            self.wait_for_request()?;
            let kind = self.request(&mut content)?;
            self.count()?;
            match (kind, Message::decode(&mut &content[..])) {
                (FrameKind::Messages, Ok(Some(Message::SnapshotRequest(_)))) => self.snapshot()?,
                (FrameKind::Messages, Ok(Some(Message::GapRequest(gap)))) => self.gap(&gap)?,
                _ => return Err(Some(Refusal::Malformed)),
            }
        }
    }

    fn request(&self, content: &mut Vec<u8>) -> Result<FrameKind, Ending> {
        let mut coming = Coming {
            client: self,
            since: Instant::now(),
        };
        read_frame(&mut coming, MAX_REQUEST, content).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted => None,
            _ => Some(Refusal::Malformed),
        })
    }

    fn hello(&self) -> Message {
        let (first, next) = self.serving.recent.span();
        let mut symbol = [0; 32];
        let name = self.serving.shared.settings.symbol.as_bytes();
        let length = name.len().min(symbol.len());
        symbol[..length].copy_from_slice(&name[..length]);
        let hot = u8::from(self.serving.shared.role() == Role::Hot);
        let session = self.serving.session.0;
        Hello {
            session,
            symbol,
            first,
            next,
            hot,
        }
        .into()
    }

    fn wait_for_request(&self) -> Result<(), Ending> {
        let since = Instant::now();
        while since.elapsed() < IDLE {
            match self.stream.peek(&mut [0]) {
                Ok(0) => return Err(None),
                Ok(_) => return Ok(()),
                Err(error) if is_late(&error) => {}
                Err(_) => return Err(None),
            }
            if self.serving.shared.is_stopping() {
                return Err(None);
            }
        }
        Err(Some(Refusal::Idle))
    }

    /// A bucket that fills with time.
    fn count(&mut self) -> Result<(), Ending> {
        let filled = self.counted_at.elapsed().as_secs_f64() * A_SECOND;
        self.counted_at = Instant::now();
        self.allowed = (self.allowed + filled).min(BURST) - 1.0;
        if self.allowed < 0.0 {
            return Err(Some(Refusal::TooManyRequests));
        }
        Ok(())
    }

    fn snapshot(&mut self) -> Result<(), Ending> {
        let serving = Arc::clone(&self.serving);
        serving.shared.feed.snapshot_requests.fetch_add(1, Relaxed);
        match serving.public.snapshot() {
            Ok(snapshot) => self.write(&snapshot.bytes),
            Err(refusal) => self.decline(refusal),
        }
    }

    fn gap(&mut self, gap: &GapRequest) -> Result<(), Ending> {
        let serving = Arc::clone(&self.serving);
        serving.shared.feed.gap_requests.fetch_add(1, Relaxed);
        let (first, next) = serving.recent.span();
        let end = if gap.end == 0 {
            next
        } else {
            gap.end.min(next)
        };
        if gap.first > next {
            return self.decline(Refusal::NotYet);
        }
        if gap.first < first {
            return self.decline(Refusal::NotKept);
        }
        let mut from = gap.first;
        let epoch = serving.shared.epoch.load(Relaxed);
        let mut packet = PacketWriter::new(Header::new(serving.session, from, epoch));
        while from < end {
            packet.clear(Header::new(serving.session, from, epoch));
            if serving.recent.fill(&mut packet, end).is_err() {
                return self.decline(Refusal::NotKept);
            }
            let events = packet.events();
            from += u64::from(events);
            let bytes = packet.finish(crate::clock::unix_nanos());
            self.answer.clear();
            // A vector takes all, and a packet is far below the limit.
            let _ = write_frame(&mut self.answer, FrameKind::Packet, bytes);
            self.flush()?;
            if events == 0 {
                break;
            }
        }
        self.say(&[GapEnd { next: from }.into()])
    }

    fn decline(&mut self, refusal: Refusal) -> Result<(), Ending> {
        self.serving.shared.feed.refused(refusal);
        self.say(&[refused(refusal)])
    }

    fn say(&mut self, messages: &[Message]) -> Result<(), Ending> {
        self.answer.clear();
        frame(&mut self.answer, messages.iter().copied());
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Ending> {
        let answer = std::mem::take(&mut self.answer);
        let written = self.write(&answer);
        self.answer = answer;
        written
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Ending> {
        bytes
            .chunks(PART)
            .try_for_each(|part| self.write_part(part))
    }

    /// The time is for the whole part: a client that takes a byte now and then is as slow as one that takes none.
    fn write_part(&mut self, mut part: &[u8]) -> Result<(), Ending> {
        let since = Instant::now();
        while !part.is_empty() {
            if self.serving.shared.is_stopping() {
                return Err(None);
            }
            match self.stream.write(part) {
                Ok(0) => return Err(None),
                Ok(taken) => part = &part[taken..],
                Err(error) if is_late(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(None),
            }
            if !part.is_empty() && since.elapsed() >= WRITE {
                return Err(Some(Refusal::Slow));
            }
        }
        Ok(())
    }
}

/// A request on its way. One that comes a byte now and then holds its thread, and with it the end of the
/// engine, no longer than one that does not come.
struct Coming<'a> {
    client: &'a Client,
    since: Instant,
}

impl Read for Coming<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.client.serving.shared.is_stopping() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            if self.since.elapsed() >= READ {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match (&self.client.stream).read(into) {
                Err(error) if is_late(&error) => {}
                read => return read,
            }
        }
    }
}

fn refused(refusal: Refusal) -> Message {
    Refused {
        reason: refusal as u8,
    }
    .into()
}

fn is_late(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}
