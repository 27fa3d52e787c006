//! Parking a thread until somebody has something for it, without losing a wake-up.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::{self, Thread};
use std::time::Duration;

/// One thread's bell. The owner waits on it, anybody rings it.
///
/// The two fences make a store-load pair on each side: either the ringer sees `parked`, or the owner
/// sees what the ringer published before ringing.
#[derive(Debug, Default)]
pub struct Bell {
    parked: AtomicBool,
    owner: OnceLock<Thread>,
}

impl Bell {
    /// Parks the calling thread, which must always be the same one, unless `ready` holds. Returns
    /// when rung, when `limit` has passed or for no reason.
    pub fn wait(&self, limit: Duration, ready: impl FnOnce() -> bool) {
        let _ = self.owner.get_or_init(thread::current);
        self.parked.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !ready() {
            thread::park_timeout(limit);
        }
        self.parked.store(false, Ordering::Relaxed);
    }

    /// Wakes the owner if it is parked; costs a fence otherwise.
    #[inline]
    pub fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.parked.load(Ordering::Relaxed) && self.parked.swap(false, Ordering::Relaxed) {
            self.unpark();
        }
    }

    #[cold]
    fn unpark(&self) {
        if let Some(owner) = self.owner.get() {
            owner.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn no_wake_up_is_lost() {
        const ROUNDS: u64 = 20_000;
        let (ball, here, there) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(Bell::default()),
            Arc::new(Bell::default()),
        );
        let other = {
            let (ball, here, there) = (Arc::clone(&ball), Arc::clone(&here), Arc::clone(&there));
            thread::spawn(move || bat(&ball, 1, ROUNDS, &there, &here))
        };
        bat(&ball, 0, ROUNDS, &here, &there);
        other.join().expect("the other side ends");
        assert!(ball.load(Ordering::SeqCst) >= ROUNDS);
    }

    /// Returns the ball whenever its count is of this side's parity; a lost ring would take a minute.
    fn bat(ball: &AtomicU64, parity: u64, rounds: u64, own: &Bell, other: &Bell) {
        loop {
            let count = ball.load(Ordering::SeqCst);
            if count >= rounds {
                return other.ring();
            }
            if count % 2 == parity {
                ball.store(count + 1, Ordering::SeqCst);
                other.ring();
            } else {
                own.wait(Duration::from_secs(60), || {
                    let count = ball.load(Ordering::SeqCst);
                    count % 2 == parity || count >= rounds
                });
            }
        }
    }
}
