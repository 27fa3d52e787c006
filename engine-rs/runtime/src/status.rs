//! What an engine says of itself.

use std::time::Duration;

/// What a replica is doing, as in `outcry.v1.Role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// Restoring and catching up for the first time.
    Starting = 1,
    /// Follows the input silently.
    Warm = 2,
    /// Was promoted and is not yet at the end of `events`.
    TakingOver = 3,
    /// Publishes.
    Hot = 4,
    /// Found a difference between its own events and the published ones.
    Diverged = 5,
    /// Cannot trade; the reason says why.
    Failed = 6,
}

impl Role {
    pub(crate) const fn from_u8(value: u8) -> Self {
        match value {
            2 => Self::Warm,
            3 => Self::TakingOver,
            4 => Self::Hot,
            5 => Self::Diverged,
            6 => Self::Failed,
            _ => Self::Starting,
        }
    }

    /// The word in lower case, as metrics and Consul have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Warm => "warm",
            Self::TakingOver => "taking_over",
            Self::Hot => "hot",
            Self::Diverged => "diverged",
            Self::Failed => "failed",
        }
    }
}

/// How often a thread came round, and when last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadBeat {
    /// `input`, `match`, `output`, `checkpoint`, `disk`, `probe`, `feed` or `recovery`.
    pub name: &'static str,
    /// Rounds made.
    pub beats: u64,
    /// Since the last round was begun. A parked thread comes round several times a second.
    pub age: Duration,
}

/// What an engine says of itself.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::struct_excessive_bools)] // a report, not a state machine
pub struct Status {
    /// What it is doing.
    pub role: Role,
    /// The epoch it publishes under, or published under last; 0 before.
    pub epoch: u64,
    /// Last seq made.
    pub seq: u64,
    /// Last seq that Kafka acknowledged of this replica's own, or that was seen in `events`.
    pub published_seq: u64,
    /// Highest seq without a gap seen in `events`.
    pub seen_seq: u64,
    /// Offset of the first input record that isn't applied.
    pub input_offset: i64,
    /// End of the input when Kafka last said; -1 before.
    pub input_end_offset: i64,
    /// How far the applied input is behind its end, in seconds; 0 at the end.
    pub lag_seconds: f64,
    /// Has applied all the input there was a moment ago, or all that fits before something is published.
    pub caught_up: bool,
    /// Seq of the newest checkpoint on disk.
    pub checkpoint_seq: u64,
    /// Since the newest checkpoint was written or was found to need no change; `None` before the first.
    pub checkpoint_age: Option<Duration>,
    /// Why the last checkpoint failed; empty when it didn't.
    pub checkpoint_error: String,
    /// Records skipped since the start.
    pub poison_records: u64,
    /// Commands dropped as repeats since the start.
    pub repeated_commands: u64,
    /// Why the role is what it is; empty when all is well.
    pub reason: String,
    /// Orders resting in the shadow book.
    pub resting_orders: u64,
    /// Each thread's sign of life.
    pub thread_beats: Vec<ThreadBeat>,
    /// A thread that panicked, and what it said.
    pub panicked: Option<String>,
    /// How long acknowledgements have been missing: since the oldest unacknowledged event went to Kafka or
    /// the last acknowledgement came, whichever is later; hot only, `None` when nothing is unacknowledged.
    pub oldest_unacked_age: Option<Duration>,
    /// Since Kafka last answered a read; `None` before the first.
    pub kafka_read_age: Option<Duration>,
    /// Since Kafka last acknowledged a write; `None` before the first.
    pub kafka_write_age: Option<Duration>,
    /// A higher epoch seen in `events`: somebody else publishes.
    pub superseded_by: Option<u64>,
    /// Own clock minus the broker's, in seconds. `None` while unknown: it is measured on the write
    /// probe, and only where `book.{symbol}` has `message.timestamp.type=LogAppendTime`.
    pub clock_offset: Option<f64>,
    /// CPUs that the match thread may run on, read back from the kernel.
    pub match_cpus: Vec<usize>,
    /// The match thread spins.
    pub spinning: bool,
    /// The market data feed, if there is one; `None` while restoring.
    pub feed: Option<FeedStatus>,
}

/// Where the market data feed goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedStatus {
    /// Its session, the same for both replicas and the pair's whole life.
    pub session: String,
    /// `GROUP:PORT` of each line.
    pub lines: Vec<String>,
    /// TCP port of the recovery channel.
    pub recovery_port: Option<u16>,
    /// Number of the network card's clock (`/dev/ptp…`) that stamps packets; `None`: the kernel does.
    pub hardware_clock: Option<u32>,
}
