//! The engine's threads without Kafka: what a benchmark puts between its own input and its own output.
//!
//! The bytes of a record go in where the input thread would have read them, and come out as the events that
//! the output thread would have taken. Intake, match, feed, checkpoint and disk are the engine's own; with a
//! feed in the settings the replica counts as hot, so that it sends.

use std::path::Path;
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use std::sync::{Arc, mpsc};

use outcry_book::{Ahead, Book, EVENT_RING, Event};

use crate::boot::{Boot, Handles, INPUT_RING, SHADOW_RING};
use crate::checkpoint::Identity;
use crate::clock::Ticker;
use crate::codec::Limits;
use crate::error::StartError;
use crate::input::{Intake, Place};
use crate::kafka::{Side, side_config};
use crate::matching::Matching;
use crate::metrics::FeedMetrics;
use crate::output::Gate;
use crate::pinning::{allowed_cpus, plan, run_on};
use crate::ring::{Receiver, ring};
use crate::settings::{Settings, Spin};
use crate::shared::{Shared, lock};
use crate::status::Role;

/// Threads that run until this is dropped.
pub struct Harness {
    shared: Arc<Shared>,
    handles: Arc<Handles>,
    /// Keeps the checkpoint thread's questions open.
    _requests: mpsc::Sender<crate::shadow::Request>,
}

/// Where records go in.
pub struct Entry {
    intake: Intake,
}

/// Where events come out.
pub struct Exit {
    events: Receiver<Event>,
}

impl Harness {
    /// Starts the threads behind `book`, with checkpoints or with a thread that throws away what the shadow
    /// book would get. `settings.cpu` and `settings.spin` say how the match thread runs, and the calling
    /// thread leaves its CPU.
    ///
    /// # Errors
    /// [`StartError`] as an engine's; the text of anything else.
    pub fn start(
        settings: Settings,
        book: Book,
        checkpoints: bool,
    ) -> Result<(Self, Entry, Exit), String> {
        let words = |error: StartError| error.to_string();
        let plan = plan(&allowed_cpus(), settings.cpu).map_err(words)?;
        run_on(&plan.others).map_err(|error| error.to_string())?;
        let spins = settings.spin == Spin::Always;
        let side = Side::new(&side_config(&settings), Box::new(|_| {}));
        let side = Arc::new(side.map_err(|error| error.to_string())?);
        let shared = Arc::new(Shared::new(settings));
        shared.spinning.store(spins, SeqCst);
        let handles = Arc::new(Handles::default());
        let (questions, asked) = mpsc::channel();
        let threads = Boot {
            shared: Arc::clone(&shared),
            gate: Arc::new(Gate::default()),
            plan,
            handles: Arc::clone(&handles),
            requests: questions.clone(),
        };
        let bells = &shared.bells;
        let (to_match, input) = ring(INPUT_RING, &bells.input, &bells.matching, false);
        let (to_shadow, for_shadow) = ring(SHADOW_RING, &bells.input, &bells.checkpoint, false);
        let (output, from_match) = ring(EVENT_RING, &bells.matching, &bells.output, spins);
        let halted = |halt| format!("{halt:?}");
        let (to_feed, feed) = threads
            .feed("harness", &book, spins)
            .map_err(halted)?
            .unzip();
        if checkpoints {
            let identity = Identity {
                symbol: shared.settings.symbol.clone(),
                ..Identity::default()
            };
            threads
                .spawn_checkpoint(
                    &side,
                    identity,
                    book.clone(),
                    (0, book.seq()),
                    for_shadow,
                    asked,
                )
                .map_err(halted)?;
        } else {
            threads.spawn_discard(for_shadow).map_err(halted)?;
        }
        if let Some(parts) = feed {
            shared.feed_from.store(book.seq() + 1, SeqCst);
            shared.epoch.store(1, SeqCst);
            shared.set_role(Role::Hot, "");
            threads.spawn_feed(parts).map_err(halted)?;
        }
        threads
            .spawn_match(Matching {
                shared: Arc::clone(&shared),
                book,
                input,
                output,
                feed: to_feed,
                spins,
                ticker: Ticker::calibrated(),
                ahead: Ahead::new(),
            })
            .map_err(halted)?;
        let intake = Intake {
            shared: Arc::clone(&shared),
            to_match,
            to_shadow,
            side,
            commands: Vec::new(),
            limits: Limits::default(),
        };
        let harness = Self {
            shared,
            handles,
            _requests: questions,
        };
        let exit = Exit { events: from_match };
        Ok((harness, Entry { intake }, exit))
    }

    /// Forgets what the histograms hold; to be called while nothing is on its way.
    pub fn clear(&self) {
        self.shared.match_latency.clear();
        self.shared.pipeline_latency.clear();
        self.shared.feed.send_latency.clear();
    }

    /// Nanoseconds in the match thread, by command: under which this share lies.
    #[must_use]
    pub fn match_latency(&self, share: f64) -> u64 {
        self.shared.match_latency.quantile(share)
    }

    /// Nanoseconds from a record's decoding to its last event in the output ring.
    #[must_use]
    pub fn pipeline_latency(&self, share: f64) -> u64 {
        self.shared.pipeline_latency.quantile(share)
    }

    /// Nanoseconds from a record coming in to its packet handed to the socket.
    #[must_use]
    pub fn send_latency(&self, share: f64) -> u64 {
        self.shared.feed.send_latency.quantile(share)
    }

    /// The feed's counters.
    #[must_use]
    pub fn feed(&self) -> FeedMetrics {
        self.shared.feed.metrics()
    }

    /// Bytes of checkpoints written so far, and how many images among the pieces.
    #[must_use]
    pub fn written(&self) -> (u64, u64) {
        let counters = &self.shared.counters;
        (
            counters.checkpoint_bytes.load(Relaxed),
            counters.checkpoint_images.load(Relaxed),
        )
    }

    /// All records up to this offset have been applied.
    #[must_use]
    pub fn applied(&self, offset: i64) -> bool {
        self.shared.applied_offset.load(Acquire) > offset
    }

    /// Seq of the newest checkpoint on disk.
    #[must_use]
    pub fn checkpoint_seq(&self) -> u64 {
        lock(&self.shared.checkpoint).seq
    }

    /// Seq of the newest event.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.shared.seq.load(Relaxed)
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        self.shared.ring_all();
        while let Some(handle) = { lock(&self.handles).pop() } {
            handle.thread().unpark();
            // A thread that panicked has said so on standard error.
            let _ = handle.join();
        }
    }
}

impl Entry {
    /// Takes a record as the input thread takes one from Kafka; waits when a ring is full. False when the
    /// threads were stopped.
    pub fn record(&mut self, value: &[u8], offset: i64) -> bool {
        self.record_of(value, offset, Ticker::now())
    }

    /// The same, of a record that was due `nanos` behind an [`instant`], however late it is.
    pub fn late_record(&mut self, value: &[u8], offset: i64, from: u64, nanos: u64) -> bool {
        self.record_of(value, offset, Ticker::calibrated().after(from, nanos))
    }

    fn record_of(&mut self, value: &[u8], offset: i64, received_at: u64) -> bool {
        let place = Place {
            offset,
            time_ms: 0,
            received_at,
        };
        self.intake.take_value(value, place).is_ok()
    }
}

/// Now, as records are stamped.
#[must_use]
pub fn instant() -> u64 {
    Ticker::now()
}

impl Exit {
    /// The next event, if there is one.
    #[inline]
    pub fn event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// To be called behind a round of events, so that a match thread that waits for room goes on.
    pub fn taken(&mut self) {
        self.events.popped();
    }
}

/// Makes the book of the newest checkpoint of a directory twice, as a start does: for the match thread and
/// for the shadow.
///
/// # Errors
/// What is wrong with the files.
pub fn restore(dir: &Path) -> Result<(Book, Book), String> {
    let mut chains = crate::checkpoint::chains(dir).map_err(|error| error.to_string())?;
    let newest = chains.next().ok_or("there is no checkpoint")?;
    let chain = newest.map_err(|(listed, error)| format!("{}: {error}", listed.path.display()))?;
    let point = chain.point_at(u64::MAX).ok_or("no state to go back to")?;
    let book = chain.restore(point).map_err(|error| error.to_string())?;
    Ok((book.clone(), book))
}
