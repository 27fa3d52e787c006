//! A histogram with one writer: two buckets to an octave, from 100 ns to 14 s.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::metrics::{Bucket, LatencyHistogram};

const BUCKETS: usize = 56;

/// Written by one thread, read by any.
#[derive(Debug)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS],
    sum_nanos: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            sum_nanos: AtomicU64::new(0),
        }
    }
}

/// The upper bound of a bucket: 100, 150, 200, 300, 400, 600, ...
const fn bound(index: usize) -> u64 {
    let octave = 100u64 << (index / 2);
    if index.is_multiple_of(2) {
        octave
    } else {
        octave + octave / 2
    }
}

fn index(nanos: u64) -> usize {
    if nanos <= 100 {
        return 0;
    }
    let octave = ((nanos - 1) / 100).ilog2() as usize;
    let (low, middle) = (100u64 << octave, 150u64 << octave);
    let index = 2 * octave + usize::from(nanos > low) + usize::from(nanos > middle);
    index.min(BUCKETS - 1)
}

impl Histogram {
    /// Only the owning thread may call this: the counts are loaded and stored, not added atomically.
    #[inline]
    pub fn record(&self, nanos: u64) {
        bump(&self.counts[index(nanos)], 1);
        bump(&self.sum_nanos, nanos);
    }

    pub fn read(&self) -> LatencyHistogram {
        let mut count = 0;
        let buckets = (0..BUCKETS)
            .map(|index| {
                count += self.counts[index].load(Relaxed);
                Bucket {
                    le_nanos: bound(index),
                    count,
                }
            })
            .collect();
        LatencyHistogram {
            buckets,
            count,
            sum_nanos: self.sum_nanos.load(Relaxed),
        }
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
        for nanos in [50, 120, 120, u64::MAX / 2] {
            histogram.record(nanos);
        }
        let read = histogram.read();
        assert_eq!(read.buckets[0].count, 1);
        assert_eq!(read.buckets[1].count, 3);
        assert_eq!(read.count, 4);
    }
}
