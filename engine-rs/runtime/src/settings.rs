//! What an engine is told when it starts.

use std::path::PathBuf;
use std::time::Duration;

use outcry_feed::Line;

/// When the match thread spins instead of parking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spin {
    /// Only when it is pinned (`cpu` is given) and the machine has at least four CPUs.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The pair's topics, each with one partition.
#[derive(Clone, Debug)]
pub struct Topics {
    /// Commands: `matching.{symbol}`.
    pub input: String,
    /// Events: `events.{symbol}`.
    pub events: String,
    /// Snapshots of the book, and the replicas' write probes: `book.{symbol}`.
    pub book: String,
    /// Records that no replica could decode: `dead-letter`.
    pub dead_letter: String,
}

impl Topics {
    /// The names that the operator gives the topics of a pair.
    #[must_use]
    pub fn of(symbol: &str) -> Self {
        Self {
            input: format!("matching.{symbol}"),
            events: format!("events.{symbol}"),
            book: format!("book.{symbol}"),
            dead_letter: "dead-letter".to_owned(),
        }
    }
}

/// The market data feed.
#[derive(Clone, Debug)]
pub struct FeedSettings {
    /// Where the packets go; each gets all of them.
    pub lines: Vec<Line>,
    /// Name of the network interface; `None` lets the routes choose.
    pub interface: Option<String>,
    /// Routers that a packet may pass, itself included (IP's time to live).
    pub hops: u32,
    /// How often an idle line says that it lives.
    pub heartbeat: Duration,
    /// TCP port of the recovery channel; 0 takes any, `None` has none.
    pub recovery_port: Option<u16>,
    /// Clients of the recovery channel at a time.
    pub recovery_connections: usize,
}

impl FeedSettings {
    /// The usual settings for these lines.
    #[must_use]
    pub fn new(lines: Vec<Line>) -> Self {
        Self {
            lines,
            interface: None,
            hops: 8,
            heartbeat: Duration::from_secs(1),
            recovery_port: None,
            recovery_connections: 64,
        }
    }
}

/// What an engine is told when it starts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The pair, as its records name it: `BTC-USDT`.
    pub symbol: String,
    /// This replica: `engine-btc-usdt-0`.
    pub replica: String,
    /// Kafka's `bootstrap.servers`.
    pub bootstrap_servers: String,
    /// Where to read and write.
    pub topics: Topics,
    /// Where checkpoints live; made if it is missing.
    pub data_dir: PathBuf,
    /// How often a checkpoint is written when something changed.
    pub checkpoint_interval: Duration,
    /// How often a hot replica writes `book.{symbol}` while the book changes.
    pub snapshot_interval: Duration,
    /// How long a delivery may stay unacknowledged before a hot replica falls silent.
    pub detection_time: Duration,
    /// Whether the match thread spins.
    pub spin: Spin,
    /// The CPU that the match thread is to have for itself; the other threads keep off it when the
    /// process may use others.
    pub cpu: Option<usize>,
    /// Further librdkafka settings (security, for example) for every client.
    pub kafka_extra: Vec<(String, String)>,
    /// The market data feed; `None` sends none.
    pub feed: Option<FeedSettings>,
}

impl Settings {
    /// The usual settings of a pair; `data_dir` and `bootstrap_servers` have no usual value.
    #[must_use]
    pub fn new(symbol: &str, replica: &str, bootstrap_servers: &str, data_dir: PathBuf) -> Self {
        Self {
            symbol: symbol.to_owned(),
            replica: replica.to_owned(),
            bootstrap_servers: bootstrap_servers.to_owned(),
            topics: Topics::of(symbol),
            data_dir,
            checkpoint_interval: Duration::from_millis(100),
            snapshot_interval: Duration::from_millis(100),
            detection_time: Duration::from_secs(1),
            spin: Spin::Auto,
            cpu: None,
            kafka_extra: Vec::new(),
            feed: None,
        }
    }

    /// How often Kafka is asked for a sign of life.
    pub(crate) fn probe_interval(&self) -> Duration {
        (self.detection_time / 4).max(Duration::from_millis(20))
    }
}
