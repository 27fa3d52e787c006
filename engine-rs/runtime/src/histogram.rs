//! A histogram with one writer: 32 buckets to an octave, from 4 ns to 27 s; read two to an octave.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::metrics::{Bucket, LatencyHistogram};

/// Up to here a bucket is as wide as [`WIDTH`]; the octaves begin above.
const FIRST: u64 = 100;
const WIDTH: u64 = 4;
const LINEAR: usize = (FIRST / WIDTH) as usize;
const OCTAVES: usize = 28;
const PER_OCTAVE: usize = 32;
const BUCKETS: usize = LINEAR + OCTAVES * PER_OCTAVE;

/// Written by one thread, read by any.
#[derive(Debug)]
pub struct Histogram {
    counts: Box<[AtomicU64; BUCKETS]>,
    sum_nanos: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: Box::new(std::array::from_fn(|_| AtomicU64::new(0))),
            sum_nanos: AtomicU64::new(0),
        }
    }
}

/// The upper bound of a bucket.
const fn bound(index: usize) -> u64 {
    let Some(above) = index.checked_sub(LINEAR) else {
        return WIDTH * (index as u64 + 1);
    };
    let low = FIRST << (above / PER_OCTAVE);
    let part = (above % PER_OCTAVE) as u64 + 1;
    low + (low * part).div_ceil(PER_OCTAVE as u64)
}

#[allow(clippy::cast_possible_truncation)] // below 32 and below 100
#[inline]
fn index(nanos: u64) -> usize {
    let below = nanos.saturating_sub(1);
    if below < FIRST {
        return (below / WIDTH) as usize;
    }
    let octave = (below / FIRST).ilog2() as usize;
    if octave >= OCTAVES {
        return BUCKETS - 1;
    }
    let over = below - (FIRST << octave);
    let part = (over * PER_OCTAVE as u64 / FIRST) >> octave;
    LINEAR + octave * PER_OCTAVE + part as usize
}

impl Histogram {
    /// Only the owning thread may call this: the counts are loaded and stored, not added atomically.
    #[inline]
    pub fn record(&self, nanos: u64) {
        bump(&self.counts[index(nanos)], 1);
        bump(&self.sum_nanos, nanos);
    }

    /// At 100 ns, 150, 200, 300, 400, 600, ...: bounds that a monitoring system can live with.
    pub fn read(&self) -> LatencyHistogram {
        let (first, above) = self.counts.split_at(LINEAR);
        let sum =
            |counts: &[AtomicU64]| counts.iter().map(|count| count.load(Relaxed)).sum::<u64>();
        let mut count = sum(first);
        let mut buckets = vec![Bucket {
            le_nanos: FIRST,
            count,
        }];
        for (index, half) in (1..).zip(above.chunks(PER_OCTAVE / 2)) {
            count += sum(half);
            buckets.push(Bucket {
                le_nanos: bound(LINEAR + index * PER_OCTAVE / 2 - 1),
                count,
            });
        }
        LatencyHistogram {
            buckets,
            count,
            sum_nanos: self.sum_nanos.load(Relaxed),
        }
    }

    /// The bound under which this share of all values lies, to 3 %; 0 while there are none.
    #[cfg(feature = "bench")]
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )] // counts far below 2^52
    pub fn quantile(&self, share: f64) -> u64 {
        let counts: Vec<u64> = self
            .counts
            .iter()
            .map(|count| count.load(Relaxed))
            .collect();
        let wanted = (counts.iter().sum::<u64>() as f64 * share).ceil() as u64;
        let mut seen = 0;
        let found = counts.iter().position(|count| {
            seen += count;
            seen >= wanted.max(1)
        });
        found.map_or(0, bound)
    }

    /// Forgets everything; nobody may be writing.
    #[cfg(feature = "bench")]
    pub fn clear(&self) {
        self.counts.iter().for_each(|count| count.store(0, Relaxed));
        self.sum_nanos.store(0, Relaxed);
    }
}

/// Adds to a counter that only this thread writes.
#[inline]
pub fn bump(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(by), Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_under_its_bound_and_over_the_one_below() {
        for nanos in
            (0..3_000).chain([9_999, 10_000, 10_001, 1_000_000, 123_456_789, 5_000_000_000])
        {
            let at = index(nanos);
            assert!(nanos <= bound(at), "{nanos} in bucket {at}");
            assert!(at == 0 || nanos > bound(at - 1), "{nanos} in bucket {at}");
        }
    }

    #[test]
    fn buckets_are_cumulative() {
        let histogram = Histogram::default();
        for nanos in [50, 120, 150, 151, u64::MAX / 2] {
            histogram.record(nanos);
        }
        let read = histogram.read();
        let firsts: Vec<_> = read.buckets.iter().take(4).collect();
        assert_eq!(
            firsts.iter().map(|at| at.le_nanos).collect::<Vec<_>>(),
            [100, 150, 200, 300]
        );
        assert_eq!(
            firsts.iter().map(|at| at.count).collect::<Vec<_>>(),
            [1, 3, 4, 4]
        );
        assert_eq!(read.count, 5);
    }
}
