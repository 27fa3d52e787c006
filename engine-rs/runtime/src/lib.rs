//! The threads around Outcry's order book.
//!
//! `input` reads `matching.{symbol}` and decodes it, `match` applies the commands, `output` publishes
//! the events when the replica is hot and compares them with the published ones when it is warm,
//! `checkpoint` keeps a shadow book from which it makes what `disk` writes, `probe` asks Kafka how it
//! is. They are joined by single-producer single-consumer rings, whose fullness is the back-pressure.
//!
//! [`Engine`] is the whole of it; it speaks to Kafka and to its data directory, never to Consul.

pub mod checkpoint;
pub mod codec;
#[cfg(feature = "bench")]
pub mod harness;

mod boot;
mod clock;
mod disk;
mod engine;
mod error;
mod feed;
mod histogram;
mod input;
mod kafka;
mod matching;
mod metrics;
mod output;
mod pinning;
mod probe;
mod report;
mod ring;
mod settings;
mod shadow;
mod shared;
mod start;
mod status;
mod ticks;
mod wake;

pub use engine::Engine;
pub use error::{CheckpointError, DrainError, StartError};
pub use metrics::{Bucket, FeedMetrics, LatencyHistogram, Metrics};
pub use settings::{FeedSettings, Settings, Spin, Topics};
pub use shadow::CheckpointInfo;
pub use status::{FeedStatus, Role, Status, ThreadBeat};
