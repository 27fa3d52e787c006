//! The little that the engine wants of librdkafka.

mod config;
mod publisher;
mod quiet;
mod reader;
mod side;
mod topics;

pub use config::{publisher_config, reader_config, side_config};
pub use publisher::{Publisher, SendError};
pub use reader::{Fetched, PartitionReader, Record};
pub use side::Side;
pub use topics::{TopicIdentity, TopicsError, cluster_id, describe_topics, watermarks};
