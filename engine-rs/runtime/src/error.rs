//! What can go wrong, as the engine's owner sees it. Faults while it runs are roles and reasons in
//! [`crate::Status`], not errors.

use std::path::PathBuf;

/// The engine could not start its threads.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting that makes no sense.
    #[error("setting {name}: {problem}")]
    Setting {
        /// Which.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The data directory can't be used.
    #[error("data directory {path}: {source}; make it writable for this user")]
    DataDir {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// librdkafka refused the configuration.
    #[error("Kafka client: {0}; check bootstrap servers and extra configuration")]
    Kafka(#[from] rdkafka::error::KafkaError),
    /// The system gave no thread.
    #[error("starting thread {name}: {source}")]
    Thread {
        /// Which.
        name: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// The CPU asked for isn't this process's.
    #[error("CPU {cpu} is not among the CPUs {allowed:?} that this process may use")]
    Cpu {
        /// The one asked for.
        cpu: usize,
        /// What the process may use.
        allowed: Vec<usize>,
    },
}

/// The replica could not hand over.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DrainError {
    /// Only a hot replica has something to hand over.
    #[error("this replica is {role}, not hot")]
    NotHot {
        /// What it is instead.
        role: &'static str,
    },
    /// The tail was not acknowledged in time; the replica publishes on.
    #[error("events {published} to {made} were not acknowledged in time; the replica stays hot")]
    Timeout {
        /// Last seq that Kafka acknowledged.
        published: u64,
        /// Last seq made.
        made: u64,
    },
    /// The replica lost its role meanwhile.
    #[error("the replica fell silent before its tail was published: {reason}")]
    Lost {
        /// Why.
        reason: String,
    },
}

/// A checkpoint could not be written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The disk refused it; the engine trades on and tries again.
    #[error("writing a checkpoint: {0}")]
    Write(String),
    /// It took longer than the caller wants to wait.
    #[error("no checkpoint within the time allowed; the engine may still be restoring")]
    Timeout,
}
