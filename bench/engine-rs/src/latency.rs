//! Latency under an open load: commands are due at fixed instants, whatever the book does meanwhile.
//!
//! What is recorded is the time from the instant at which a command was due to its last event being in
//! the ring, so that a stall is paid by every command that was due in it. The same loop without a book
//! shows what the machine itself takes away from the CPU.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::record::{Record, Stream};

/// No latency is longer.
const LONGEST_NANOS: u64 = 10_000_000_000;

/// An engine that does nothing.
pub struct Nothing;

impl Engine for Nothing {
    fn open(_: (u32, u32, u64)) -> Self {
        Self
    }

    #[inline]
    fn apply(&mut self, record: &Record) {
        std::hint::black_box(record);
    }

    fn outcome(self) -> crate::outcome::Outcome {
        crate::outcome::Outcome::default()
    }
}

/// Nanoseconds by the CPU's own counter, which costs less than what is measured.
struct Ticks {
    per_nano: f64,
}

impl Ticks {
    /// Compares the counter with the system's clock for a while.
    fn calibrated() -> Self {
        let (started, before) = (Instant::now(), now());
        while started.elapsed() < Duration::from_millis(200) {
            std::hint::spin_loop();
        }
        let nanos = started.elapsed().as_nanos();
        Self {
            per_nano: as_f64(now() - before) / as_f64(u64::try_from(nanos).unwrap_or(u64::MAX)),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive span"
    )]
    fn of_nanos(&self, nanos: f64) -> u64 {
        (nanos * self.per_nano) as u64
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive span"
    )]
    fn to_nanos(&self, ticks: u64) -> u64 {
        (as_f64(ticks) / self.per_nano) as u64
    }
}

#[expect(clippy::cast_precision_loss, reason = "spans, not instants")]
fn as_f64(ticks: u64) -> f64 {
    ticks as f64
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn now() -> u64 {
    // SAFETY: every x86-64 has the counter; the fence keeps what is measured on its side of it.
    unsafe {
        let ticks = core::arch::x86_64::_rdtsc();
        core::arch::x86_64::_mm_lfence();
        ticks
    }
}

/// Runs the timed part of the stream at `rate` commands per second.
pub fn run<E: Engine>(stream: &Stream, rate: f64) -> Value {
    let ticks = Ticks::calibrated();
    let mut engine = E::filled(stream);
    let Ok(mut histogram) = Histogram::<u64>::new_with_bounds(1, LONGEST_NANOS, 3) else {
        return Value::Null;
    };
    let interval = 1e9 / rate;
    let start = now() + ticks.of_nanos(1e6);
    let mut due_nanos = 0.0;
    for record in stream.timed() {
        let due = start + ticks.of_nanos(due_nanos);
        due_nanos += interval;
        while now() < due {
            std::hint::spin_loop();
        }
        engine.apply(record);
        histogram.saturating_record(ticks.to_nanos(now() - due).max(1));
    }
    json!({
        "rate": rate,
        "p50": histogram.value_at_quantile(0.5),
        "p99": histogram.value_at_quantile(0.99),
        "p99.9": histogram.value_at_quantile(0.999),
        "p99.99": histogram.value_at_quantile(0.9999),
        "max": histogram.max(),
    })
}
