//! What the feed counts.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use outcry_feed::Refusal;

use crate::histogram::Histogram;
use crate::metrics::FeedMetrics;
use crate::shared::lock;
use crate::status::FeedStatus;

/// One writer a counter: the thread whose work it counts; the recovery channel's are added to by many.
#[derive(Debug, Default)]
pub struct FeedCounters {
    pub packets: AtomicU64,
    pub bytes: AtomicU64,
    pub events: AtomicU64,
    pub heartbeats: AtomicU64,
    pub send_failures: AtomicU64,
    /// Written by the match thread: items that found the ring full.
    pub dropped: AtomicU64,
    pub resyncs: AtomicU64,
    pub connections: AtomicU64,
    pub gap_requests: AtomicU64,
    pub snapshot_requests: AtomicU64,
    pub refusals: Mutex<Vec<(&'static str, u64)>>,
    pub hardware_stamps: AtomicU64,
    pub software_stamps: AtomicU64,
    /// Input to the packet handed to the socket.
    pub send_latency: Histogram,
    /// Input to the packet leaving, by `SO_TIMESTAMPING`.
    pub departure_latency: Histogram,
    pub status: Mutex<Option<FeedStatus>>,
}

impl FeedCounters {
    pub fn refused(&self, refusal: Refusal) {
        let mut refusals = lock(&self.refusals);
        match refusals
            .iter_mut()
            .find(|(name, _)| *name == refusal.name())
        {
            Some((_, count)) => *count += 1,
            None => refusals.push((refusal.name(), 1)),
        }
    }

    pub fn status(&self) -> Option<FeedStatus> {
        lock(&self.status).clone()
    }

    pub fn metrics(&self) -> FeedMetrics {
        FeedMetrics {
            packets: self.packets.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            events: self.events.load(Relaxed),
            heartbeats: self.heartbeats.load(Relaxed),
            send_failures: self.send_failures.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            resyncs: self.resyncs.load(Relaxed),
            connections: self.connections.load(Relaxed),
            gap_requests: self.gap_requests.load(Relaxed),
            snapshot_requests: self.snapshot_requests.load(Relaxed),
            refusals: lock(&self.refusals).clone(),
            hardware_stamps: self.hardware_stamps.load(Relaxed),
            software_stamps: self.software_stamps.load(Relaxed),
            send_latency: self.send_latency.read(),
            departure_latency: self.departure_latency.read(),
        }
    }
}
