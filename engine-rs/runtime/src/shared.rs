//! What the threads tell each other and the outside beside the rings: counters, marks, the role.

use std::collections::VecDeque;
use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering::Relaxed, Ordering::SeqCst,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use outcry_book::Book;

use crate::clock::{self, Moment};
use crate::codec::Poison;
use crate::feed::FeedCounters;
use crate::histogram::Histogram;
use crate::ring::Gauge;
use crate::settings::Settings;
use crate::status::{Role, ThreadBeat};
use crate::wake::Bell;

/// Locks a mutex whose data stays sound when a holder panics: all here are plain values.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The engine's threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Input,
    Match,
    Output,
    Checkpoint,
    Disk,
    Probe,
    Feed,
    Recovery,
}

impl Who {
    pub const ALL: [Self; 8] = [
        Self::Input,
        Self::Match,
        Self::Output,
        Self::Checkpoint,
        Self::Disk,
        Self::Probe,
        Self::Feed,
        Self::Recovery,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Match => "match",
            Self::Output => "output",
            Self::Checkpoint => "checkpoint",
            Self::Disk => "disk",
            Self::Probe => "probe",
            Self::Feed => "feed",
            Self::Recovery => "recovery",
        }
    }
}

#[derive(Debug, Default)]
struct Beat {
    count: AtomicU64,
    at: AtomicU64,
}

/// Every event of a seq above `seq` stands in `events` at `offset` or behind it, if it does at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Published without a gap up to here.
    pub seq: u64,
    /// Where to read on.
    pub offset: i64,
}

/// A record that could not be decoded, kept for the dead-letter topic.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    pub value: Vec<u8>,
    pub offset: i64,
    pub reason: Poison,
    pub seen_at: u64,
}

/// One answer of Kafka to the question where the input ends.
#[derive(Clone, Copy, Debug)]
pub struct EndSample {
    pub offset: i64,
    pub at: u64,
}

/// The newest answers, oldest first.
#[derive(Debug, Default)]
pub struct Ends {
    pub samples: VecDeque<EndSample>,
}

/// What the outside asked of the output thread.
#[derive(Debug, Default)]
pub struct Orders {
    pub promote: Option<u64>,
}

/// The newest checkpoint on disk.
#[derive(Clone, Debug, Default)]
pub struct CheckpointState {
    pub seq: u64,
    pub error: String,
    pub duration: Duration,
}

#[derive(Debug, Default)]
pub struct Counters {
    pub commands: AtomicU64,
    pub repeated_commands: AtomicU64,
    pub input_records: AtomicU64,
    pub input_bytes: AtomicU64,
    pub poison: Mutex<Vec<(&'static str, u64)>>,
    pub published_records: AtomicU64,
    pub published_events: AtomicU64,
    pub publisher_restarts: AtomicU64,
    pub client_restarts: AtomicU64,
    pub takeovers: AtomicU64,
    pub checkpoint_pieces: AtomicU64,
    pub checkpoint_images: AtomicU64,
    pub checkpoint_bytes: AtomicU64,
    pub checkpoint_failures: AtomicU64,
    pub snapshots: AtomicU64,
    pub ticks: AtomicU64,
    pub ticks_refused: AtomicU64,
    pub tail_events: AtomicU64,
    pub tail_bytes: AtomicU64,
    pub compared_events: AtomicU64,
    pub repeated_events: AtomicU64,
}

/// All of it, behind one `Arc`.
pub struct Shared {
    pub settings: Settings,
    pub stop: AtomicBool,
    role: AtomicU8,
    reason: Mutex<String>,
    pub epoch: AtomicU64,
    /// The highest epoch known to have published, own ones included.
    pub last_epoch: AtomicU64,
    /// Last seq made by the match thread.
    pub seq: AtomicU64,
    /// First input offset not applied by the match thread.
    pub applied_offset: AtomicI64,
    /// Record time (Unix ms) of the last record applied.
    pub applied_time_ms: AtomicI64,
    /// First input offset not read by the input thread.
    pub read_offset: AtomicI64,
    pub input_end: AtomicI64,
    pub ends: Mutex<Ends>,
    pub events_end: AtomicI64,
    pub mark: Mutex<Mark>,
    pub follow_offset: AtomicI64,
    pub tail_full: AtomicBool,
    pub intake_paused: AtomicBool,
    pub intake_idle: AtomicBool,
    pub orders: Mutex<Orders>,
    pub superseded_by: AtomicU64,
    pub oldest_unacked: Moment,
    pub read_answered: Moment,
    pub write_answered: Moment,
    /// Own clock minus the broker's in nanoseconds; `i64::MIN` while unknown.
    pub clock_offset: AtomicI64,
    /// Unix time minus [`clock::nanos`] when that was measured.
    clock_base: AtomicI64,
    /// Something in the match thread's book waits for ticks.
    pub waits_for_time: AtomicBool,
    /// Unix nanoseconds of the newest tick applied.
    pub book_clock: AtomicI64,
    pub checkpoint: Mutex<CheckpointState>,
    pub checkpoint_at: Moment,
    pub resting_orders: AtomicU64,
    pub dead_letters: Mutex<VecDeque<DeadLetter>>,
    pub panicked: Mutex<Option<String>>,
    pub match_cpus: Mutex<Vec<usize>>,
    pub spinning: AtomicBool,
    pub match_latency: Histogram,
    pub pipeline_latency: Histogram,
    pub counters: Counters,
    pub gauges: Mutex<Vec<(&'static str, Arc<Gauge>)>>,
    pub feed: FeedCounters,
    /// The first seq that the feed is to send when this replica becomes hot.
    pub feed_from: AtomicU64,
    /// The pair's topics are gone: the feed's session is over.
    pub session_over: AtomicBool,
    beats: [Beat; 8],
    pub bells: Bells,
}

/// One bell a thread that waits.
#[derive(Debug, Default)]
pub struct Bells {
    pub input: Arc<Bell>,
    pub matching: Arc<Bell>,
    pub output: Arc<Bell>,
    pub checkpoint: Arc<Bell>,
    pub probe: Arc<Bell>,
    pub feed: Arc<Bell>,
    pub recovery: Arc<Bell>,
}

impl Shared {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            stop: AtomicBool::new(false),
            role: AtomicU8::new(Role::Starting as u8),
            reason: Mutex::new("starting".to_owned()),
            epoch: AtomicU64::new(0),
            last_epoch: AtomicU64::new(0),
            seq: AtomicU64::new(0),
            applied_offset: AtomicI64::new(0),
            applied_time_ms: AtomicI64::new(0),
            read_offset: AtomicI64::new(0),
            input_end: AtomicI64::new(-1),
            ends: Mutex::default(),
            events_end: AtomicI64::new(-1),
            mark: Mutex::default(),
            follow_offset: AtomicI64::new(0),
            tail_full: AtomicBool::new(false),
            intake_paused: AtomicBool::new(false),
            intake_idle: AtomicBool::new(false),
            orders: Mutex::default(),
            superseded_by: AtomicU64::new(0),
            oldest_unacked: Moment::default(),
            read_answered: Moment::default(),
            write_answered: Moment::default(),
            clock_offset: AtomicI64::new(i64::MIN),
            clock_base: AtomicI64::new(0),
            waits_for_time: AtomicBool::new(false),
            book_clock: AtomicI64::new(0),
            checkpoint: Mutex::default(),
            checkpoint_at: Moment::default(),
            resting_orders: AtomicU64::new(0),
            dead_letters: Mutex::default(),
            panicked: Mutex::default(),
            match_cpus: Mutex::default(),
            spinning: AtomicBool::new(false),
            match_latency: Histogram::default(),
            pipeline_latency: Histogram::default(),
            counters: Counters::default(),
            gauges: Mutex::default(),
            feed: FeedCounters::default(),
            feed_from: AtomicU64::new(0),
            session_over: AtomicBool::new(false),
            beats: Default::default(),
            bells: Bells::default(),
        }
    }

    pub fn role(&self) -> Role {
        Role::from_u8(self.role.load(SeqCst))
    }

    pub fn reason(&self) -> String {
        lock(&self.reason).clone()
    }

    /// Changes the role, unless the engine has failed for good.
    pub fn set_role(&self, role: Role, reason: &str) {
        let mut held = lock(&self.reason);
        let before = self.role();
        if before == Role::Failed || (before == Role::Diverged && role != Role::Failed) {
            return;
        }
        self.role.store(role as u8, SeqCst);
        if before != role || *held != reason {
            tracing::info!(
                from = before.name(),
                to = role.name(),
                reason,
                epoch = self.epoch.load(Relaxed),
                "role"
            );
        }
        reason.clone_into(&mut held);
        drop(held);
        self.bells.output.ring();
    }

    /// The engine cannot trade and says why. Final.
    pub fn fail(&self, reason: &str) {
        tracing::error!(reason, "failed");
        self.set_role(Role::Failed, reason);
    }

    pub fn is_stopping(&self) -> bool {
        self.stop.load(Relaxed)
    }

    pub fn beat(&self, who: Who) {
        let beat = &self.beats[who as usize];
        crate::histogram::bump(&beat.count, 1);
        beat.at.store(clock::nanos(), Relaxed);
    }

    pub fn thread_beats(&self) -> Vec<ThreadBeat> {
        let now = clock::nanos();
        let read = |who: Who| {
            let beat = &self.beats[who as usize];
            let age = Duration::from_nanos(now.saturating_sub(beat.at.load(Relaxed)));
            ThreadBeat {
                name: who.name(),
                beats: beat.count.load(Relaxed),
                age,
            }
        };
        let feed = self.settings.feed.as_ref();
        let runs = |who: &Who| match who {
            Who::Feed => feed.is_some(),
            Who::Recovery => feed.is_some_and(|feed| feed.recovery_port.is_some()),
            _ => true,
        };
        Who::ALL.into_iter().filter(runs).map(read).collect()
    }

    /// What the match thread's book says of time.
    #[inline]
    pub fn note_time(&self, book: &Book) {
        self.waits_for_time.store(book.needs_ticks(), Relaxed);
        self.book_clock.store(book.clock_unix_nanos(), Relaxed);
    }

    /// Own clock minus the broker's, measured just now.
    pub fn set_clock_offset(&self, nanos: i64) {
        self.clock_base.store(clock_base(), Relaxed);
        self.clock_offset.store(nanos, Relaxed);
    }

    /// The same at this moment: a clock that was set since it was measured counts as it stands now.
    pub fn clock_offset_now(&self) -> Option<i64> {
        let measured = self.clock_offset.load(Relaxed);
        let moved = clock_base() - self.clock_base.load(Relaxed);
        (measured != i64::MIN).then(|| measured.saturating_add(moved))
    }

    pub fn set_mark(&self, mark: Mark) {
        *lock(&self.mark) = mark;
    }

    pub fn count_poison(&self, poison: &Poison) {
        let mut counts = lock(&self.counters.poison);
        match counts.iter_mut().find(|(name, _)| *name == poison.name()) {
            Some((_, count)) => *count += 1,
            None => counts.push((poison.name(), 1)),
        }
    }

    pub fn ring_all(&self) {
        let bells = &self.bells;
        for bell in [
            &bells.input,
            &bells.matching,
            &bells.output,
            &bells.checkpoint,
            &bells.probe,
            &bells.feed,
            &bells.recovery,
        ] {
            bell.ring();
        }
    }
}

/// Unix time minus the time since the process began: changes only when somebody sets the clock.
fn clock_base() -> i64 {
    clock::unix_nanos() - i64::try_from(clock::nanos()).unwrap_or(i64::MAX)
}
