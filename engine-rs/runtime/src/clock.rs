//! Time, as cheap as the machine has it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds since the process first asked.
pub fn nanos() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds since the Unix epoch.
pub fn unix_nanos() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// A moment, or never: nanoseconds of [`nanos`], 0 for never.
#[derive(Debug, Default)]
pub struct Moment(AtomicU64);

impl Moment {
    pub fn now() -> Self {
        let moment = Self::default();
        moment.set_now();
        moment
    }

    pub fn set_now(&self) {
        self.0.store(nanos().max(1), Relaxed);
    }

    pub fn set(&self, nanos: Option<u64>) {
        self.0.store(nanos.unwrap_or(0), Relaxed);
    }

    pub fn age(&self) -> Option<Duration> {
        let at = self.0.load(Relaxed);
        (at != 0).then(|| Duration::from_nanos(nanos().saturating_sub(at)))
    }
}

/// A counter that costs a few nanoseconds to read, and its rate.
#[derive(Clone, Copy, Debug)]
pub struct Ticker {
    /// Nanoseconds per tick, as a fraction of 2^32.
    nanos_per_tick: u64,
}

impl Ticker {
    /// Measures the rate once in a process; takes about 10 ms the first time.
    pub fn calibrated() -> Self {
        static RATE: OnceLock<u64> = OnceLock::new();
        Self {
            nanos_per_tick: *RATE.get_or_init(measure),
        }
    }

    #[inline]
    #[must_use]
    pub fn now() -> u64 {
        ticks()
    }

    /// What the counter says so many nanoseconds behind `from`.
    #[cfg(feature = "bench")]
    #[allow(clippy::cast_possible_truncation)] // a benchmark's hours
    pub fn after(self, from: u64, nanos: u64) -> u64 {
        from + ((u128::from(nanos) << 32) / u128::from(self.nanos_per_tick)) as u64
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // 2^64 ns are 584 years
    pub fn nanos_between(self, from: u64, to: u64) -> u64 {
        let ticks = u128::from(to.saturating_sub(from));
        ((ticks * u128::from(self.nanos_per_tick)) >> 32) as u64
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn ticks() -> u64 {
    // SAFETY: reads the time-stamp counter, which every x86-64 CPU has; no memory is touched.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn ticks() -> u64 {
    nanos()
}

#[allow(clippy::cast_possible_truncation)] // a rate of 2^32 ns per tick is no clock
fn measure() -> u64 {
    let (started, first) = (Instant::now(), ticks());
    while started.elapsed() < Duration::from_millis(10) {
        std::hint::spin_loop();
    }
    let (elapsed, last) = (started.elapsed().as_nanos(), ticks());
    ((elapsed << 32) / u128::from(last.saturating_sub(first).max(1))) as u64
}
