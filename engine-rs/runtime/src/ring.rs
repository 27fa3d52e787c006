//! Single-producer single-consumer rings between the engine's threads. A full ring stops its
//! producer: nothing is ever dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::wake::Bell;

/// How long a producer parks before it looks for room by itself.
const ROOM_TIMEOUT: Duration = Duration::from_millis(20);

/// Items that are shown to a consumer at a time: what comes behind them is written while it works.
const PORTION: usize = 32;

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

    /// Pushes all of them, written once to where they stay, and shown to the consumer in portions.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn push_all(
        &mut self,
        mut items: impl ExactSizeIterator<Item = T>,
        stop: &AtomicBool,
    ) -> Result<(), Stopped> {
        while items.len() > 0 {
            let room = items.len().min(PORTION).min(self.ring.slots());
            let Ok(chunk) = self.ring.write_chunk_uninit(room) else {
                continue;
            };
            let filled = chunk.fill_from_iter(items.by_ref().take(room));
            self.pushed += filled as u64;
            self.gauge.pushed.store(self.pushed, Ordering::Relaxed);
            if filled == 0 {
                if stop.load(Ordering::Relaxed) {
                    return Err(Stopped);
                }
                self.wait_for_room();
            }
        }
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

    /// Shows what there is, where it stands, to `take` until that says false or `most` were shown; those are
    /// popped then. Says how many.
    #[inline]
    pub fn take_while(&mut self, most: usize, mut take: impl FnMut(&T) -> bool) -> usize {
        let there = self.ring.slots().min(most);
        let Ok(chunk) = self.ring.read_chunk(there) else {
            return 0;
        };
        let (first, second) = chunk.as_slices();
        let mut taken = 0;
        for item in first.iter().chain(second) {
            taken += 1;
            if !take(item) {
                break;
            }
        }
        chunk.commit(taken);
        self.popped += taken as u64;
        taken
    }

    /// As [`Self::take_while`] for all of them, and with each the item that stands `distance` behind it, if one
    /// is there already.
    #[inline]
    pub fn take_ahead(
        &mut self,
        most: usize,
        distance: usize,
        mut take: impl FnMut(&T, Option<&T>),
    ) -> usize {
        let there = self.ring.slots().min(most + distance);
        let Ok(chunk) = self.ring.read_chunk(there) else {
            return 0;
        };
        let (first, second) = chunk.as_slices();
        let mut later = first.iter().chain(second).skip(distance);
        let taken = there.min(most);
        for item in first.iter().chain(second).take(taken) {
            take(item, later.next());
        }
        chunk.commit(taken);
        self.popped += taken as u64;
        taken
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

    fn through_in_portions(capacity: usize) {
        const ITEMS: u64 = 50_000;
        let (here, there) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        let (mut sender, mut receiver) = ring(capacity, &here, &there, false);
        let pushing = thread::spawn(move || {
            let stop = AtomicBool::new(false);
            for first in (0..ITEMS).step_by(100) {
                let items: Vec<u64> = (first..first + 100).collect();
                sender
                    .push_all(items.into_iter(), &stop)
                    .expect("nobody stops");
                sender.ring();
            }
        });
        let mut expected = 0;
        while expected < ITEMS {
            receiver.take_while(77, |item| {
                assert_eq!(*item, expected);
                expected += 1;
                !expected.is_multiple_of(5)
            });
            receiver.popped();
            if expected < ITEMS {
                there.wait(Duration::from_secs(60), || !receiver.is_empty());
            }
        }
        pushing.join().expect("the producer ends");
    }

    #[test]
    fn each_item_comes_with_the_one_behind_it() {
        let bell = Arc::new(Bell::default());
        let (mut sender, mut receiver) = ring(8, &bell, &bell, false);
        let stop = AtomicBool::new(false);
        let mut shown = Vec::new();
        // The third round goes round the ring's end.
        for items in [0..5u32, 5..7, 7..14] {
            sender.push_all(items, &stop).expect("nobody stops");
            receiver.take_ahead(4, 2, |&item, later| shown.push((item, later.copied())));
        }
        let some = |item, later| (item, Some(later));
        let pairs = [some(0, 2), some(1, 3), some(2, 4), (3, None)];
        assert_eq!(shown[..4], pairs);
        let pairs = [
            some(4, 6),
            (5, None),
            (6, None),
            some(7, 9),
            some(8, 10),
            some(9, 11),
            some(10, 12),
        ];
        assert_eq!(shown[4..], pairs);
    }

    #[test]
    fn portions_arrive_in_order_through_a_narrow_ring() {
        through_in_portions(3);
    }

    #[test]
    fn portions_arrive_in_order_through_a_wide_ring() {
        through_in_portions(1024);
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
        let more = [2, 3].into_iter();
        assert_eq!(sender.push_all(more, &AtomicBool::new(true)), Err(Stopped));
        assert_eq!(sender.gauge().depth(), 1);
        assert!(!receiver.is_empty());
    }
}
