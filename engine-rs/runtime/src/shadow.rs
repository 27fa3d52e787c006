//! The checkpoint thread: a shadow book that applies the same commands as the match thread, from
//! which images, snapshots and depths are made without ever touching the match thread.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use outcry_book::{Book, Command, Depth, Event, Sink};
use rdkafka::message::{Header as KafkaHeader, OwnedHeaders};

use crate::checkpoint::{Header, Identity, Kind};
use crate::clock;
use crate::codec::{DeltaWriter, encode_book};
use crate::disk::Job;
use crate::error::CheckpointError;
use crate::feed::Seed;
use crate::input::Item;
use crate::kafka::Side;
use crate::ring::Receiver;
use crate::shared::{Shared, Who, lock};
use crate::status::Role;

/// How often the thread comes round when nobody wakes it.
const ROUND: Duration = Duration::from_millis(10);
/// Items applied between two looks at the clock.
const ITEMS_PER_ROUND: usize = 4096;
/// Items shown by the ring at a time; their room is free again behind them.
const PORTION: usize = 512;
/// The same where the engine has its CPUs to itself: behind each portion those go first who are waited for.
const SMALL_PORTION: usize = 32;
/// Levels of a published snapshot, each side.
const SNAPSHOT_LEVELS: usize = 20;
/// An unchanged book is published this often.
const QUIET_SNAPSHOT: Duration = Duration::from_secs(1);
/// Deltas are not collected beyond this while the disk refuses them: an image follows.
const DELTA_LIMIT: usize = 64 << 20;
/// Deltas between two images: at least this many bytes, and no more than half as many as the image itself
/// has, because a command takes longer to apply again than an order to put back ...
const IMAGE_EVERY_BYTES: u64 = 8 << 20;
/// ... nor more pieces than this.
const IMAGE_EVERY_PIECES: u32 = 600;

/// A checkpoint that is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointInfo {
    /// Its seq.
    pub seq: u64,
    /// Its size.
    pub bytes: u64,
}

pub type CheckpointReply = mpsc::Sender<Result<CheckpointInfo, CheckpointError>>;

/// What the outside asks of the shadow book.
pub enum Request {
    Depth(usize, mpsc::Sender<Depth>),
    Checkpoint(CheckpointReply),
    /// The book as soon as it has this seq: whoever asks has lost what comes before.
    Seed(u64, mpsc::Sender<Arc<Seed>>),
}

pub struct Shadow {
    pub shared: Arc<Shared>,
    pub ring: Receiver<Item>,
    pub requests: mpsc::Receiver<Request>,
    pub side: Arc<Side>,
    pub identity: Identity,
    pub book: Book,
    pub pieces: Pieces,
    /// The book stands between two records.
    pub at_boundary: bool,
    /// Those who wait for the book to have a seq.
    pub seeds: Vec<(u64, mpsc::Sender<Arc<Seed>>)>,
}

/// What goes to disk next.
pub struct Pieces {
    jobs: mpsc::SyncSender<Job>,
    disk_busy: Arc<AtomicBool>,
    next_number: u64,
    delta: DeltaWriter,
    needs_image: bool,
    image_bytes: u64,
    delta_bytes: u64,
    deltas: u32,
    /// Input offset and seq where the piece begins, and where it ends so far.
    before: (i64, u64),
    after: (i64, u64),
    waiting: Vec<CheckpointReply>,
    cut_at: Instant,
}

impl Pieces {
    /// Goes on behind a restored state, with an image first.
    pub fn new(
        jobs: mpsc::SyncSender<Job>,
        disk_busy: Arc<AtomicBool>,
        next_number: u64,
        symbol: &str,
        at: (i64, u64),
    ) -> Self {
        Self {
            jobs,
            disk_busy,
            next_number,
            delta: DeltaWriter::new(symbol),
            needs_image: true,
            image_bytes: 0,
            delta_bytes: 0,
            deltas: 0,
            before: at,
            after: at,
            waiting: Vec::new(),
            cut_at: Instant::now(),
        }
    }

    fn add(&mut self, command: &Command) {
        if self.needs_image {
            return;
        }
        self.delta.push(command);
        if self.delta.bytes() > DELTA_LIMIT {
            self.delta.take();
            self.needs_image = true;
        }
    }

    fn image_is_due(&self) -> bool {
        self.needs_image
            || !self.waiting.is_empty()
            || self.deltas >= IMAGE_EVERY_PIECES
            || self.delta_bytes > (self.image_bytes / 2).max(IMAGE_EVERY_BYTES)
    }
}

struct Nowhere;

impl Sink for Nowhere {
    fn emit(&mut self, _: &Event) {}
}

impl Shadow {
    pub fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut snapshots = Snapshots::default();
        while !shared.is_stopping() {
            shared.beat(Who::Checkpoint);
            self.apply_round();
            self.answer();
            if self.at_boundary {
                self.cut_when_due();
            }
            snapshots.publish_when_due(&shared, &self.side, &self.book);
            if self.ring.is_empty() {
                shared.bells.checkpoint.wait(ROUND, || false);
            }
        }
    }

    /// Applies what there is, up to a round and to the end of its last record.
    fn apply_round(&mut self) {
        let (book, pieces, at_boundary) = (&mut self.book, &mut self.pieces, &mut self.at_boundary);
        let gives_way = self.shared.spinning.load(Relaxed);
        let portion = if gives_way { SMALL_PORTION } else { PORTION };
        let mut taken = 0;
        while taken < ITEMS_PER_ROUND || !*at_boundary {
            let shown = self.ring.take_while(portion, |item| {
                match item {
                    Item::Command(command, _) => {
                        book.apply(command, &mut Nowhere);
                        pieces.add(command);
                        *at_boundary = false;
                    }
                    Item::End(end) => {
                        pieces.after = (end.next_offset, book.seq());
                        *at_boundary = true;
                    }
                }
                !*at_boundary || taken < ITEMS_PER_ROUND
            });
            if shown == 0 {
                break;
            }
            taken += shown;
            if gives_way {
                thread::yield_now();
            }
        }
        if taken > 0 {
            self.ring.popped();
            self.shared
                .resting_orders
                .store(self.book.resting_orders() as u64, Relaxed);
        }
    }

    fn answer(&mut self) {
        while let Ok(request) = self.requests.try_recv() {
            match request {
                // Whoever asked may have gone.
                Request::Depth(levels, reply) => drop(reply.send(self.book.depth(levels))),
                Request::Seed(seq, reply) => self.seeds.push((seq, reply)),
                Request::Checkpoint(reply) => self.pieces.waiting.push(reply),
            }
        }
        // One for all: a large book takes a while to read, and some may have gone meanwhile.
        let (book, mut seed) = (&self.book, None);
        self.seeds.retain(|(seq, reply)| {
            let early = book.seq() < *seq;
            if !early {
                let seed = seed.get_or_insert_with(|| Arc::new(Seed::of(book)));
                let _ = reply.send(Arc::clone(seed));
            }
            early
        });
    }

    fn cut_when_due(&mut self) {
        let pieces = &self.pieces;
        let asked = !pieces.waiting.is_empty();
        if !asked && pieces.cut_at.elapsed() < self.shared.settings.checkpoint_interval
            || pieces.disk_busy.load(Acquire)
        {
            return;
        }
        if pieces.after == pieces.before && !asked {
            self.pieces.cut_at = Instant::now();
            if self.shared.checkpoint_at.age().is_some() {
                self.shared.checkpoint_at.set_now();
            }
            return;
        }
        self.cut();
    }

    fn cut(&mut self) {
        let mark = *lock(&self.shared.mark);
        let image = self.pieces.image_is_due();
        let kind = if image { Kind::Image } else { Kind::Delta };
        let pieces = &mut self.pieces;
        let (commands, mut body) = pieces.delta.take();
        if image {
            body = Vec::with_capacity(usize::try_from(pieces.image_bytes).unwrap_or(0) + 4096);
            self.book.snapshot(&mut body);
            (pieces.image_bytes, pieces.delta_bytes, pieces.deltas) = (body.len() as u64, 0, 0);
            pieces.before = pieces.after;
        } else {
            pieces.delta_bytes += body.len() as u64;
            pieces.deltas += 1;
        }
        let header = Header {
            kind,
            number: pieces.next_number,
            written_unix_nanos: clock::unix_nanos(),
            replica: self.shared.settings.replica.clone(),
            identity: self.identity.clone(),
            input_before: pieces.before.0,
            input_after: pieces.after.0,
            seq_before: pieces.before.1,
            seq_after: pieces.after.1,
            published_seq: mark.seq,
            events_offset: mark.offset,
            epoch: self.shared.last_epoch.load(Relaxed),
            commands: if image { 0 } else { commands },
        };
        pieces.next_number += 1;
        pieces.needs_image = false;
        pieces.before = pieces.after;
        pieces.cut_at = Instant::now();
        pieces.disk_busy.store(true, Release);
        let job = Job {
            header,
            body,
            replies: std::mem::take(&mut pieces.waiting),
        };
        // The disk thread takes one job at a time and was idle; it is only gone when the engine stops.
        let _ = pieces.jobs.try_send(job);
    }
}

/// The cadence of `book.{symbol}`.
struct Snapshots {
    looked_at: Instant,
    written_at: Option<Instant>,
    seq: u64,
}

impl Default for Snapshots {
    fn default() -> Self {
        Self {
            looked_at: Instant::now(),
            written_at: None,
            seq: 0,
        }
    }
}

impl Snapshots {
    fn publish_when_due(&mut self, shared: &Shared, side: &Side, book: &Book) {
        if self.looked_at.elapsed() < shared.settings.snapshot_interval {
            return;
        }
        self.looked_at = Instant::now();
        let quiet = self.seq == book.seq()
            && self
                .written_at
                .is_some_and(|at| at.elapsed() < QUIET_SNAPSHOT);
        if shared.role() != Role::Hot || quiet {
            return;
        }
        let settings = &shared.settings;
        let value = encode_book(&settings.symbol, &book.depth(SNAPSHOT_LEVELS));
        if side.snapshot(
            &settings.topics.book,
            &settings.symbol,
            &value,
            headers(shared),
        ) {
            crate::histogram::bump(&shared.counters.snapshots, 1);
            (self.written_at, self.seq) = (Some(self.looked_at), book.seq());
        }
    }
}

fn headers(shared: &Shared) -> OwnedHeaders {
    let (epoch, now) = (
        shared.epoch.load(Relaxed).to_string(),
        clock::unix_nanos().to_string(),
    );
    OwnedHeaders::new_with_capacity(3)
        .insert(KafkaHeader {
            key: "epoch",
            value: Some(&epoch),
        })
        .insert(KafkaHeader {
            key: "published-unix-nanos",
            value: Some(&now),
        })
        .insert(KafkaHeader {
            key: "replica",
            value: Some(&shared.settings.replica),
        })
}
