//! [`Status`] and [`Metrics`], put together from what the threads leave in [`Shared`].

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

use crate::clock;
use crate::metrics::Metrics;
use crate::shared::{Shared, lock};
use crate::status::{Role, Status};

/// How far the applied input is behind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lag {
    pub seconds: f64,
    pub caught_up: bool,
}

fn seconds(nanos: u64) -> f64 {
    Duration::from_nanos(nanos).as_secs_f64()
}

impl Shared {
    /// The newest end of the input that has been reached tells how old the state is.
    pub fn lag(&self) -> Lag {
        let applied = self.applied_offset.load(Acquire);
        let samples = &lock(&self.ends).samples;
        let Some(newest) = samples.back() else {
            return Lag {
                seconds: 0.0,
                caught_up: false,
            };
        };
        if applied >= newest.offset {
            return Lag {
                seconds: 0.0,
                caught_up: true,
            };
        }
        let stalled = self.tail_full.load(Relaxed);
        let Some(reached) = samples.iter().rev().find(|sample| applied >= sample.offset) else {
            let behind = clock::unix_nanos() / 1_000_000 - self.applied_time_ms.load(Relaxed);
            let behind = if self.applied_time_ms.load(Relaxed) > 0 {
                behind.max(0)
            } else {
                0
            };
            return Lag {
                seconds: seconds(behind.unsigned_abs() * 1_000_000),
                caught_up: stalled,
            };
        };
        let age = clock::nanos().saturating_sub(reached.at);
        let allowed = self.settings.probe_interval() * 3;
        Lag {
            seconds: seconds(age),
            caught_up: stalled || u128::from(age) < allowed.as_nanos(),
        }
    }

    pub fn status(&self) -> Status {
        let lag = self.lag();
        let checkpoint = lock(&self.checkpoint).clone();
        let mark = *lock(&self.mark);
        let superseded = self.superseded_by.load(Relaxed);
        let clock_offset = self.clock_offset.load(Relaxed);
        #[allow(clippy::cast_precision_loss)] // a clock that is years off needs no nanoseconds
        let clock_offset = (clock_offset != i64::MIN).then_some(clock_offset as f64 / 1e9);
        Status {
            role: self.role(),
            epoch: self.epoch.load(Relaxed),
            seq: self.seq.load(Relaxed),
            published_seq: mark.seq,
            seen_seq: mark.seq,
            input_offset: self.applied_offset.load(Acquire),
            input_end_offset: self.input_end.load(Relaxed),
            lag_seconds: lag.seconds,
            caught_up: lag.caught_up
                && !matches!(self.role(), Role::Starting | Role::Diverged | Role::Failed),
            checkpoint_seq: checkpoint.seq,
            checkpoint_age: self.checkpoint_at.age(),
            checkpoint_error: checkpoint.error,
            poison_records: lock(&self.counters.poison)
                .iter()
                .map(|(_, count)| count)
                .sum(),
            repeated_commands: self.counters.repeated_commands.load(Relaxed),
            reason: self.reason(),
            resting_orders: self.resting_orders.load(Relaxed),
            thread_beats: self.thread_beats(),
            panicked: lock(&self.panicked).clone(),
            oldest_unacked_age: self
                .oldest_unacked
                .age()
                .filter(|_| self.role() == Role::Hot),
            kafka_read_age: self.read_answered.age(),
            kafka_write_age: self.write_answered.age(),
            superseded_by: (superseded != 0).then_some(superseded),
            clock_offset,
            match_cpus: lock(&self.match_cpus).clone(),
            spinning: self.spinning.load(Relaxed),
            feed: self.feed.status(),
        }
    }

    pub fn metrics(&self) -> Metrics {
        let counters = &self.counters;
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        let behind = self.input_end.load(Relaxed) - self.applied_offset.load(Acquire);
        Metrics {
            commands: read(&counters.commands),
            events: self.seq.load(Relaxed),
            repeated_commands: read(&counters.repeated_commands),
            input_records: read(&counters.input_records),
            input_bytes: read(&counters.input_bytes),
            poison_records: lock(&counters.poison).clone(),
            input_lag_records: u64::try_from(behind).unwrap_or(0),
            input_lag_seconds: self.lag().seconds,
            published_records: read(&counters.published_records),
            published_events: read(&counters.published_events),
            publisher_restarts: read(&counters.publisher_restarts),
            client_restarts: read(&counters.client_restarts),
            takeovers: read(&counters.takeovers),
            checkpoint_pieces: read(&counters.checkpoint_pieces),
            checkpoint_images: read(&counters.checkpoint_images),
            checkpoint_bytes: read(&counters.checkpoint_bytes),
            checkpoint_failures: read(&counters.checkpoint_failures),
            checkpoint_duration_seconds: lock(&self.checkpoint).duration.as_secs_f64(),
            snapshots: read(&counters.snapshots),
            ticks: read(&counters.ticks),
            ticks_refused: read(&counters.ticks_refused),
            tail_events: read(&counters.tail_events),
            tail_bytes: read(&counters.tail_bytes),
            compared_events: read(&counters.compared_events),
            repeated_events: read(&counters.repeated_events),
            ring_depths: lock(&self.gauges)
                .iter()
                .map(|(name, gauge)| (*name, gauge.depth()))
                .collect(),
            match_latency: self.match_latency.read(),
            pipeline_latency: self.pipeline_latency.read(),
            feed: self.feed.metrics(),
        }
    }
}
