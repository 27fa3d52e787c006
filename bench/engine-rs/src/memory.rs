//! Bytes of memory that a resting order costs.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use serde_json::{Value, json};

use crate::engine::Engine;
use crate::record::Stream;

/// Counts the bytes that are in use.
pub struct Counting(AtomicUsize);

impl Counting {
    /// A counter at 0.
    pub const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }
}

// SAFETY: everything is the system allocator's own work; the counter beside it allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.0.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.0.fetch_add(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        self.0.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.0.fetch_add(size, Relaxed);
        self.0.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// Fills a book; everything that it allocated and kept, and what of that is resident, per resting order.
pub fn run<E: Engine>(stream: &Stream, resting: impl Fn(E) -> u64, allocator: &Counting) -> Value {
    let empty = (allocator.0.load(Relaxed), resident());
    let engine = E::filled(stream);
    let full = (allocator.0.load(Relaxed), resident());
    let orders = resting(engine);
    json!({
        "orders": orders,
        "allocated": full.0 - empty.0,
        "resident": full.1.saturating_sub(empty.1),
    })
}

/// Resident bytes of this process.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
    kib.unwrap_or(0) * 1024
}
