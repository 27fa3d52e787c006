//! What an engine says of itself, as frozen Python objects.

use std::time::Duration;

use outcry_runtime as runtime;
use pyo3::prelude::*;

use crate::feed::FeedStatus;

/// Sign of life of one thread.
#[pyclass(frozen, get_all, module = "outcry_engine._engine")]
#[derive(Clone)]
pub struct ThreadBeat {
    name: &'static str,
    beats: u64,
    age_seconds: f64,
}

/// What an engine says of itself.
#[pyclass(frozen, get_all, module = "outcry_engine._engine")]
pub struct Status {
    role: &'static str,
    epoch: u64,
    seq: u64,
    published_seq: u64,
    seen_seq: u64,
    input_offset: i64,
    input_end_offset: i64,
    lag_seconds: f64,
    caught_up: bool,
    checkpoint_seq: u64,
    checkpoint_age: Option<f64>,
    checkpoint_error: String,
    poison_records: u64,
    repeated_commands: u64,
    reason: String,
    resting_orders: u64,
    thread_beats: Vec<ThreadBeat>,
    panicked: Option<String>,
    oldest_unacked_age: Option<f64>,
    kafka_read_age: Option<f64>,
    kafka_write_age: Option<f64>,
    superseded_by: Option<u64>,
    clock_offset: Option<f64>,
    match_cpus: Vec<usize>,
    spinning: bool,
    feed: Option<FeedStatus>,
}

impl From<runtime::Status> for Status {
    fn from(status: runtime::Status) -> Self {
        Self {
            role: status.role.name(),
            epoch: status.epoch,
            seq: status.seq,
            published_seq: status.published_seq,
            seen_seq: status.seen_seq,
            input_offset: status.input_offset,
            input_end_offset: status.input_end_offset,
            lag_seconds: status.lag_seconds,
            caught_up: status.caught_up,
            checkpoint_seq: status.checkpoint_seq,
            checkpoint_age: seconds(status.checkpoint_age),
            checkpoint_error: status.checkpoint_error,
            poison_records: status.poison_records,
            repeated_commands: status.repeated_commands,
            reason: status.reason,
            resting_orders: status.resting_orders,
            thread_beats: status
                .thread_beats
                .into_iter()
                .map(ThreadBeat::from)
                .collect(),
            panicked: status.panicked,
            oldest_unacked_age: seconds(status.oldest_unacked_age),
            kafka_read_age: seconds(status.kafka_read_age),
            kafka_write_age: seconds(status.kafka_write_age),
            superseded_by: status.superseded_by,
            clock_offset: status.clock_offset,
            match_cpus: status.match_cpus,
            spinning: status.spinning,
            feed: status.feed.map(FeedStatus::from),
        }
    }
}

impl From<runtime::ThreadBeat> for ThreadBeat {
    fn from(beat: runtime::ThreadBeat) -> Self {
        Self {
            name: beat.name,
            beats: beat.beats,
            age_seconds: beat.age.as_secs_f64(),
        }
    }
}

fn seconds(age: Option<Duration>) -> Option<f64> {
    age.map(|age| age.as_secs_f64())
}
