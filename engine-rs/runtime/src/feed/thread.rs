//! The feed thread: takes the core's events, keeps what the market may see of the book, and has
//! the messages sent while this replica is hot.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use outcry_book::Event;

use super::recent::Recent;
use super::seed::Seed;
use super::sending::Sending;
use super::shown::Shown;
use crate::clock::{self, Ticker};
use crate::histogram::bump;
use crate::ring::Receiver;
use crate::shadow::Request;
use crate::shared::{Shared, Who};
use crate::status::Role;

/// Items taken from the ring before what they made is sent.
const ROUND: u32 = 256;
/// How long it parks at most.
const PARK: Duration = Duration::from_millis(5);
/// The same when the match thread spins and therefore rings no bell ...
const POLL: Duration = Duration::from_micros(50);
/// ... which is only done after so many empty rounds: a busy market is answered at once.
const SPINS: u32 = 1 << 14;
/// A feed that can't keep up begins anew no more often than this: the shadow book has other work.
const BETWEEN: Duration = Duration::from_millis(200);
/// Events held while the book is made anew; with more, it is asked for once more.
const HELD: usize = 1 << 18;
/// Orders taken in between two looks at the ring.
const ORDERS: usize = 1 << 12;

/// What the match thread says. It never waits for room: what finds the ring full is lost.
#[derive(Clone, Copy, Debug)]
pub enum Item {
    /// An event, and the [`Ticker`] at which its command came in.
    Event(Event, u64),
    /// The end of a command that had events.
    End,
}

/// The book is being made anew from the shadow book, because events were lost.
struct Anew {
    /// Of the shadow book, once it was asked.
    reply: Option<mpsc::Receiver<Arc<Seed>>>,
    held: VecDeque<Item>,
}

pub struct Feed {
    pub shared: Arc<Shared>,
    pub ring: Receiver<Item>,
    pub recent: Arc<Recent>,
    pub sending: Sending,
    pub requests: mpsc::Sender<Request>,
    pub shown: Shown,
    pub ticker: Ticker,
    pub match_spins: bool,
    /// Last seq taken.
    pub seq: u64,
    /// Where to begin.
    seed: Option<Arc<Seed>>,
    state: State,
}

/// What changes with every event.
#[derive(Default)]
struct State {
    /// Messages of event `seq`, to which its command may still add.
    block: Vec<u8>,
    /// When its command came in; `None`: no block is open.
    received_unix_nanos: Option<i64>,
    command: (u32, u64, u64),
    anew: Option<Anew>,
    /// Items lost, as far as they have been made good.
    dropped: u64,
    /// When the book was last made anew.
    begun_at: Option<Instant>,
}

impl Feed {
    #[allow(clippy::too_many_arguments)] // put together once, from parts made in different places
    pub fn new(
        shared: Arc<Shared>,
        ring: Receiver<Item>,
        recent: Arc<Recent>,
        sending: Sending,
        requests: mpsc::Sender<Request>,
        seed: Arc<Seed>,
        match_spins: bool,
    ) -> Self {
        Self {
            shared,
            ring,
            recent,
            sending,
            requests,
            shown: Shown::default(),
            ticker: Ticker::calibrated(),
            match_spins,
            seq: seed.seq,
            seed: Some(seed),
            state: State::default(),
        }
    }

    pub fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        if let Some(seed) = self.seed.take() {
            self.begin_at(&seed, VecDeque::new());
        }
        let mut idle = 0u32;
        while !shared.is_stopping() {
            let busy = self.round();
            self.sending.round();
            if busy {
                idle = 0;
                shared.beat(Who::Feed);
            } else if self.match_spins && idle < SPINS {
                idle += 1;
                // Not a bare spin: the input thread may have no other CPU than this one.
                thread::yield_now();
            } else {
                shared.beat(Who::Feed);
                self.sending.read_stamps();
                let (ring, wait) = (&self.ring, if self.match_spins { POLL } else { PARK });
                shared.bells.feed.wait(wait, || !ring.is_empty());
            }
        }
    }

    /// Takes what there is, up to a round; says whether there was anything.
    fn round(&mut self) -> bool {
        let mut taken = 0;
        while taken < ROUND {
            let Some(item) = self.ring.pop() else { break };
            taken += 1;
            match &mut self.state.anew {
                Some(anew) => anew.held.push_back(item),
                None => self.take(item),
            }
        }
        if taken > 0 {
            self.ring.popped();
        }
        if self.state.anew.is_some() {
            self.go_on_anew();
        } else if taken == 0 && self.dropped() != self.state.dropped {
            // The last items were lost, and none came that would show it.
            self.begin_anew(None);
        }
        taken > 0
    }

    fn take(&mut self, item: Item) {
        match item {
            Item::End => self.close(true),
            Item::Event(event, received) => self.take_event(&event, received, item),
        }
    }

    fn take_event(&mut self, event: &Event, received: u64, item: Item) {
        if event.seq <= self.seq {
            // The shadow book was ahead of the match thread: it is in there already.
            return;
        }
        if event.seq != self.seq + 1 {
            let lost = event.seq.saturating_sub(self.seq + 1);
            tracing::warn!(
                lost,
                behind = self.seq,
                "feed: events were lost, making the book anew"
            );
            return self.begin_anew(Some(item));
        }
        let command = (event.source, event.incarnation, event.number);
        self.close(command != self.state.command || !self.shown.goes_on(event));
        self.state.command = command;
        self.seq = event.seq;
        self.state.block.clear();
        self.state.received_unix_nanos = Some(self.unix_nanos(received));
        if let Err(strange) = self.shown.apply(event, &mut self.state.block) {
            tracing::error!(%strange, "feed: making the book anew");
            self.begin_anew(Some(item));
        }
    }

    fn unix_nanos(&self, ticks: u64) -> i64 {
        let age = self.ticker.nanos_between(ticks, Ticker::now());
        clock::unix_nanos().saturating_sub_unsigned(age)
    }

    /// Nothing more is said of event `seq`, but that the taker rests when it has come to that.
    fn close(&mut self, settle: bool) {
        let Some(received) = self.state.received_unix_nanos.take() else {
            return;
        };
        if settle {
            self.shown.settle(&mut self.state.block);
        }
        self.recent.push(received, &self.state.block);
    }

    fn dropped(&self) -> u64 {
        self.shared.feed.dropped.load(Relaxed)
    }

    fn begin_anew(&mut self, item: Option<Item>) {
        bump(&self.shared.feed.resyncs, 1);
        self.state.dropped = self.dropped();
        self.state.received_unix_nanos = None;
        self.state.anew = Some(Anew {
            reply: None,
            held: item.into_iter().collect(),
        });
    }

    fn ask(&self) -> mpsc::Receiver<Arc<Seed>> {
        let (sender, reply) = mpsc::channel();
        let seq = self.shared.seq.load(Relaxed).max(self.seq);
        // The checkpoint thread is only gone when the engine stops.
        let _ = self.requests.send(Request::Seed(seq, sender));
        self.shared.bells.checkpoint.ring();
        reply
    }

    /// Once the shadow book has answered with a seq that what is held goes on behind. A replica that is
    /// still catching up waits until it has: nobody hears it yet, and it may well be faster than its feed.
    fn go_on_anew(&mut self) {
        let Some(mut anew) = self.state.anew.take() else {
            return;
        };
        if self.shared.role() == Role::Starting {
            anew.held.clear();
            anew.reply = None;
        } else if let Some(reply) = &anew.reply {
            match reply.try_recv() {
                Ok(seed) if self.is_enough(&mut anew.held, &seed) => {
                    return self.begin_at(&seed, anew.held);
                }
                Err(mpsc::TryRecvError::Empty) => {}
                Ok(_) | Err(mpsc::TryRecvError::Disconnected) => anew.reply = None,
            }
        } else if self.state.begun_at.is_none_or(|at| at.elapsed() >= BETWEEN) {
            anew.reply = Some(self.ask());
        }
        if anew.held.len() > HELD {
            // The shadow book has them all by the time that it answers.
            anew.held.clear();
            anew.reply = None;
        }
        self.state.anew = Some(anew);
    }

    /// With nothing held, only a book that has all that was made can be gone on behind: no event may ever
    /// come that would show what is missing.
    fn is_enough(&self, held: &mut VecDeque<Item>, seed: &Seed) -> bool {
        follows(held, seed) && (!held.is_empty() || seed.seq >= self.shared.seq.load(Relaxed))
    }

    /// A large book takes longer to take in than the ring has room: it is emptied meanwhile.
    fn begin_at(&mut self, seed: &Arc<Seed>, mut held: VecDeque<Item>) {
        let started = Instant::now();
        self.shown = Shown::default();
        for orders in seed.orders.chunks(ORDERS) {
            self.shown.add(orders);
            held.extend(std::iter::from_fn(|| self.ring.pop()));
            self.ring.popped();
        }
        self.seq = seed.seq;
        self.recent.reset(seed);
        self.state.begun_at = Some(Instant::now());
        for item in held {
            match &mut self.state.anew {
                Some(anew) => anew.held.push_back(item),
                None => self.take(item),
            }
        }
        tracing::info!(seq = seed.seq, orders = seed.orders.len(), took = ?started.elapsed(), "feed: going on");
    }
}

/// Lets go of what is in the book already; says whether the rest follows it.
fn follows(held: &mut VecDeque<Item>, seed: &Seed) -> bool {
    while let Some(item) = held.front() {
        if let Item::Event(event, _) = item
            && event.seq > seed.seq
        {
            return event.seq == seed.seq + 1;
        }
        held.pop_front();
    }
    true
}
