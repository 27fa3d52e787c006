//! Single-producer single-consumer rings between the engine's threads. A full ring stops its
//! producer: nothing is ever dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::wake::Bell;

/// How long a producer parks before it looks for room by itself.
const ROOM_TIMEOUT: Duration = Duration::from_millis(20);

/// Pushing was given up because the engine stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// What both ends and the metrics see of a ring.
#[derive(Debug, Default)]
pub struct Gauge {
    pushed: AtomicU64,
    popped: AtomicU64,
    starved: AtomicBool,
}

impl Gauge {
    /// Items waiting.
    pub fn depth(&self) -> u64 {
        let popped = self.popped.load(Ordering::Relaxed);
        self.pushed.load(Ordering::Relaxed).saturating_sub(popped)
    }
}

/// The end that pushes.
pub struct Sender<T> {
    ring: rtrb::Producer<T>,
    gauge: Arc<Gauge>,
    /// The pushing thread's own bell.
    own: Arc<Bell>,
    consumer: Arc<Bell>,
    pushed: u64,
    spins: bool,
}

/// The end that pops.
pub struct Receiver<T> {
    ring: rtrb::Consumer<T>,
    gauge: Arc<Gauge>,
    producer: Arc<Bell>,
    popped: u64,
}

/// A ring between the threads that own the two bells. `spins`: the producer never parks.
pub fn ring<T>(
    capacity: usize,
    producer: &Arc<Bell>,
    consumer: &Arc<Bell>,
    spins: bool,
) -> (Sender<T>, Receiver<T>) {
    let (push, pop) = rtrb::RingBuffer::new(capacity);
    let gauge = Arc::new(Gauge::default());
    let sender = Sender {
        ring: push,
        gauge: Arc::clone(&gauge),
        own: Arc::clone(producer),
        consumer: Arc::clone(consumer),
        pushed: 0,
        spins,
    };
    (
        sender,
        Receiver {
            ring: pop,
            gauge,
            producer: Arc::clone(producer),
            popped: 0,
        },
    )
}

impl<T> Sender<T> {
    /// Pushes, waiting for room. The consumer isn't rung: see [`Self::ring`].
    ///
    /// # Errors
    /// [`Stopped`] when there is no room and `stop` is set.
    #[inline]
    pub fn push(&mut self, item: T, stop: &AtomicBool) -> Result<(), Stopped> {
        if let Err(rtrb::PushError::Full(item)) = self.ring.push(item) {
            self.push_when_room(item, stop)?;
        }
        self.pushed += 1;
        self.gauge.pushed.store(self.pushed, Ordering::Relaxed);
        Ok(())
    }

    /// Pushes if there is room; says whether there was.
    #[inline]
    pub fn offer(&mut self, item: T) -> bool {
        if self.ring.push(item).is_err() {
            return false;
        }
        self.pushed += 1;
        self.gauge.pushed.store(self.pushed, Ordering::Relaxed);
        true
    }

    #[cold]
    fn push_when_room(&mut self, mut item: T, stop: &AtomicBool) -> Result<(), Stopped> {
        loop {
            if stop.load(Ordering::Relaxed) {
                return Err(Stopped);
            }
            self.wait_for_room();
            match self.ring.push(item) {
                Ok(()) => return Ok(()),
                Err(rtrb::PushError::Full(back)) => item = back,
            }
        }
    }

    fn wait_for_room(&mut self) {
        if self.spins {
            std::hint::spin_loop();
            return;
        }
        self.consumer.ring();
        self.gauge.starved.store(true, Ordering::Relaxed);
        let ring = &self.ring;
        self.own.wait(ROOM_TIMEOUT, || !ring.is_full());
    }

    /// Tells the consumer that there is something, if it parks.
    #[inline]
    pub fn ring(&self) {
        self.consumer.ring();
    }

    /// Half of the ring or more is taken.
    pub fn is_half_full(&self) -> bool {
        self.ring.slots() < self.ring.buffer().capacity() / 2
    }

    pub fn gauge(&self) -> Arc<Gauge> {
        Arc::clone(&self.gauge)
    }
}

impl<T> Receiver<T> {
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let item = self.ring.pop().ok()?;
        self.popped += 1;
        Some(item)
    }

    /// Ends a round of pops: tells the metrics, and the producer if it waits for room.
    #[inline]
    pub fn popped(&mut self) {
        self.gauge.popped.store(self.popped, Ordering::Relaxed);
        if self.gauge.starved.load(Ordering::Relaxed) {
            self.gauge.starved.store(false, Ordering::Relaxed);
            self.producer.ring();
        }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn through(capacity: usize, spins: bool) {
        const ITEMS: u64 = 50_000;
        let (here, there) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        let (mut sender, mut receiver) = ring(capacity, &here, &there, spins);
        let pushing = thread::spawn(move || {
            let stop = AtomicBool::new(false);
            for item in 0..ITEMS {
                sender.push(item, &stop).expect("nobody stops");
                sender.ring();
            }
        });
        let mut expected = 0;
        while expected < ITEMS {
            while let Some(item) = receiver.pop() {
                assert_eq!(item, expected);
                expected += 1;
            }
            receiver.popped();
            if expected < ITEMS {
                there.wait(Duration::from_secs(60), || !receiver.is_empty());
            }
        }
        pushing.join().expect("the producer ends");
    }

    #[test]
    fn everything_arrives_in_order_through_a_narrow_ring() {
        through(4, false);
    }

    #[test]
    fn everything_arrives_in_order_through_a_wide_ring() {
        through(1024, false);
    }

    #[test]
    fn a_spinning_producer_needs_no_bell() {
        through(64, true);
    }

    #[test]
    fn a_full_ring_stops_its_producer_and_gives_up_only_when_told() {
        let bell = Arc::new(Bell::default());
        let (mut sender, receiver) = ring(1, &bell, &bell, false);
        assert_eq!(sender.push(1, &AtomicBool::new(false)), Ok(()));
        assert_eq!(sender.push(2, &AtomicBool::new(true)), Err(Stopped));
        assert_eq!(sender.gauge().depth(), 1);
        assert!(!receiver.is_empty());
    }
}
