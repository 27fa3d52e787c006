//! The match thread: applies commands to the book and writes the events into the output ring.
//! No lock, no allocation; no system call either while it spins.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use outcry_book::{Ahead, Book, Command, Event, Outcome, Sink};

use crate::clock::Ticker;
use crate::feed;
use crate::histogram::bump;
use crate::input::{Item, RecordEnd};
use crate::ring::{Receiver, Sender};
use crate::shared::{Shared, Who};

/// How many items are taken before the others are told.
const ROUND: usize = 256;
/// How long it parks at most; a parked thread shows that it lives this often.
const PARK: Duration = Duration::from_millis(100);
/// Empty rounds of a spinning thread between two signs of life.
const SPINS_PER_BEAT: u32 = 1 << 14;

pub struct Matching {
    pub shared: Arc<Shared>,
    pub book: Book,
    pub input: Receiver<Item>,
    pub output: Sender<Event>,
    pub feed: Option<Sender<feed::Item>>,
    pub spins: bool,
    pub ticker: Ticker,
    pub ahead: Ahead,
}

/// Events go straight into the ring, waiting for room.
struct ToRing<'a> {
    ring: &'a mut Sender<Event>,
    feed: Option<&'a mut Sender<feed::Item>>,
    shared: &'a Shared,
    received_at: u64,
    stopped: bool,
}

impl Sink for ToRing<'_> {
    #[inline]
    fn emit(&mut self, event: &Event) {
        self.stopped |= self.ring.push(*event, &self.shared.stop).is_err();
        if let Some(feed) = &mut self.feed {
            tell(
                feed,
                feed::Item::Event(*event, self.received_at),
                self.shared,
            );
        }
    }
}

/// The feed never holds the market up: what finds its ring full is lost, counted, and made good from the
/// shadow book.
#[inline]
fn tell(feed: &mut Sender<feed::Item>, item: feed::Item, shared: &Shared) {
    if !feed.offer(item) {
        bump(&shared.feed.dropped, 1);
    }
}

impl Matching {
    pub fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut idle = 0u32;
        while !shared.is_stopping() {
            if self.round() {
                idle = 0;
                shared.beat(Who::Match);
            } else if self.spins {
                idle = idle.wrapping_add(1);
                if idle.is_multiple_of(SPINS_PER_BEAT) {
                    shared.beat(Who::Match);
                }
                std::hint::spin_loop();
            } else {
                shared.beat(Who::Match);
                let input = &self.input;
                shared.bells.matching.wait(PARK, || !input.is_empty());
            }
        }
    }

    /// Takes what there is, up to a round; says whether there was anything.
    fn round(&mut self) -> bool {
        let mut before = Ticker::now();
        let mut work = Work {
            shared: &self.shared,
            book: &mut self.book,
            output: &mut self.output,
            feed: self.feed.as_mut(),
            ticker: self.ticker,
        };
        let ahead = &mut self.ahead;
        let taken = self
            .input
            .take_ahead(ROUND, Ahead::DISTANCE, |item, later| {
                before = match item {
                    Item::Command(command, received_at) => {
                        work.book.look_ahead(ahead, later.and_then(Item::command));
                        work.apply(command, *received_at, before)
                    }
                    Item::End(end) => work.end(end),
                };
            });
        if taken == 0 {
            return false;
        }
        self.input.popped();
        if !self.spins {
            self.output.ring();
            if let Some(feed) = &self.feed {
                feed.ring();
            }
        }
        true
    }
}

/// What the thread has beside its input, which lends the commands.
struct Work<'a> {
    shared: &'a Shared,
    book: &'a mut Book,
    output: &'a mut Sender<Event>,
    feed: Option<&'a mut Sender<feed::Item>>,
    ticker: Ticker,
}

impl Work<'_> {
    /// Both return the [`Ticker`] at their end, which is where the next begins.
    #[inline]
    fn apply(&mut self, command: &Command, received_at: u64, before: u64) -> u64 {
        let mut sink = ToRing {
            ring: self.output,
            feed: self.feed.as_deref_mut(),
            received_at,
            shared: self.shared,
            stopped: false,
        };
        let outcome = self.book.apply(command, &mut sink);
        if sink.stopped {
            return before;
        }
        let seq = self.book.seq();
        if let Some(feed) = &mut self.feed
            && self.shared.seq.load(Relaxed) != seq
        {
            tell(feed, feed::Item::End, self.shared);
        }
        let counters = &self.shared.counters;
        bump(&counters.commands, 1);
        if outcome == Outcome::Repeated {
            bump(&counters.repeated_commands, 1);
        }
        self.shared.seq.store(seq, Relaxed);
        let now = Ticker::now();
        self.shared
            .match_latency
            .record(self.ticker.nanos_between(before, now));
        now
    }

    #[inline]
    fn end(&self, end: &RecordEnd) -> u64 {
        let shared = self.shared;
        shared.applied_time_ms.store(end.time_ms, Relaxed);
        shared.note_time(self.book);
        shared
            .applied_offset
            .store(end.next_offset, std::sync::atomic::Ordering::Release);
        let now = Ticker::now();
        shared
            .pipeline_latency
            .record(self.ticker.nanos_between(end.decoded_at, now));
        now
    }
}
