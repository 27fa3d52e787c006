//! The output thread: takes the events that the match thread makes, and publishes them when this
//! replica is hot, or holds them against the published ones when it is not.

mod follow;
mod gate;
mod letters;
mod publish;
mod tail;

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use std::time::Duration;

use outcry_book::Event;

pub use follow::{Follower, published_up_to};
pub use gate::Gate;
pub use letters::write_dead_letter;
pub use publish::Publishing;
use tail::Tail;

use crate::kafka::{Side, watermarks};
use crate::ring::Receiver;
use crate::shared::{Mark, Shared, Who, lock};
use crate::status::Role;

/// How long a silent replica waits for published events between two looks at its own.
const FOLLOW_WAIT: Duration = Duration::from_millis(5);
/// How long a publishing one parks when it has nothing to do.
const HOT_WAIT: Duration = Duration::from_millis(5);
/// The same when the match thread spins and therefore rings no bell.
const POLL_WAIT: Duration = Duration::from_micros(50);
/// Events taken from the ring in one round.
const ROUND: usize = 4096;
/// Between two questions of which one was refused.
const ASK_AGAIN: Duration = Duration::from_millis(50);
/// How long the end of `events` is waited for while taking over, before it is asked again.
const END_TIMEOUT: Duration = Duration::from_millis(500);

pub struct Output {
    pub shared: Arc<Shared>,
    pub gate: Arc<Gate>,
    pub ring: Receiver<Event>,
    pub tail: Tail,
    pub follower: Follower,
    pub publishing: Publishing,
    pub side: Arc<Side>,
    pub match_spins: bool,
    /// Last seq taken from the ring while publishing.
    made: u64,
    /// Taking over: the end of `events`, once asked.
    end: Option<i64>,
    /// Taking over: the end of the input, asked when own events were missing.
    input_end: Option<i64>,
}

impl Output {
    #[allow(clippy::too_many_arguments)] // put together once, from parts made in different places
    pub fn new(
        shared: Arc<Shared>,
        gate: Arc<Gate>,
        ring: Receiver<Event>,
        follower: Follower,
        publishing: Publishing,
        side: Arc<Side>,
        match_spins: bool,
    ) -> Self {
        let tail = Tail::new(&shared.settings.symbol);
        Self {
            shared,
            gate,
            ring,
            tail,
            follower,
            publishing,
            side,
            match_spins,
            made: 0,
            end: None,
            input_end: None,
        }
    }

    pub fn run(mut self) {
        let mark = self.follower.mark();
        self.follow_from(mark);
        while !self.shared.is_stopping() {
            self.shared.beat(Who::Output);
            match self.shared.role() {
                Role::Starting | Role::Warm => self.follow_round(),
                Role::TakingOver => self.take_over_round(),
                Role::Hot => self.hot(),
                Role::Diverged | Role::Failed => self
                    .shared
                    .bells
                    .output
                    .wait(Duration::from_millis(100), || false),
            }
        }
    }

    fn follow_from(&mut self, mark: Mark) {
        if let Err(error) = self.follower.start(mark) {
            self.shared.fail(&format!(
                "reading {}: {error}",
                self.shared.settings.topics.events
            ));
        }
        self.report(self.follower.mark());
    }

    /// One round of a replica that doesn't publish.
    fn follow_round(&mut self) {
        self.take_own();
        let wait = if self.ring.is_empty() || self.tail.is_full() {
            FOLLOW_WAIT
        } else {
            Duration::ZERO
        };
        self.follower.read(wait, &mut self.tail);
        if let Some(lost) = self.follower.take_lost() {
            self.shared.fail(&lost);
        }
        if let Some(divergence) = self.follower.take_divergence() {
            let words = divergence.words();
            tracing::error!(words, "diverged");
            self.shared.set_role(Role::Diverged, &words);
        }
        self.report(self.follower.mark());
    }

    fn take_own(&mut self) {
        if !self.tail.is_full() {
            let (tail, follower) = (&mut self.tail, &mut self.follower);
            self.ring.take_while(ROUND, |event| {
                follower.made(event, tail);
                !tail.is_full()
            });
        }
        self.ring.popped();
        self.shared.tail_full.store(self.tail.is_full(), Relaxed);
    }

    fn report(&self, mark: Mark) {
        self.shared.set_mark(mark);
        self.shared.follow_offset.store(mark.offset, Relaxed);
        self.shared
            .counters
            .tail_events
            .store(self.tail.events() as u64, Relaxed);
        self.shared
            .counters
            .tail_bytes
            .store(self.tail.bytes() as u64, Relaxed);
    }

    /// One round of a replica that holds the lock and is not yet at the end of `events`.
    fn take_over_round(&mut self) {
        if self.end.is_none() {
            self.end = self.ask_end(&self.shared.settings.topics.events.clone());
        }
        self.follow_round();
        let Some(end) = self.end else { return };
        if self.follower.mark().offset < end {
            return;
        }
        if self.follower.is_ahead() {
            self.check_input_reaches();
            return;
        }
        self.become_hot();
    }

    fn ask_end(&self, topic: &str) -> Option<i64> {
        match watermarks(&self.side.client(), topic, END_TIMEOUT) {
            Ok((_, end)) => Some(end),
            Err(error) => {
                tracing::warn!(topic, %error, "taking over: Kafka did not say where the topic ends");
                // A client that knows of no leader says so at once.
                self.shared.bells.output.wait(ASK_AGAIN, || false);
                None
            }
        }
    }

    /// Events were published that the whole input, as it stands now, doesn't make: the input lost records.
    fn check_input_reaches(&mut self) {
        let topic = self.shared.settings.topics.input.clone();
        if self.input_end.is_none() {
            self.input_end = self.ask_end(&topic);
        }
        let applied = self.shared.applied_offset.load(Acquire);
        let made_all = self.ring.is_empty() && self.input_end.is_some_and(|end| applied >= end);
        if made_all && self.follower.is_ahead() {
            let (seen, made) = (self.follower.mark().seq, self.shared.seq.load(Relaxed));
            if made < seen {
                self.shared.fail(&format!(
                    "events are published up to seq {seen}, but {topic} up to its end {applied} makes only {made}: \
                     the input has lost records"
                ));
            }
        }
    }

    fn become_hot(&mut self) {
        (self.end, self.input_end) = (None, None);
        let mark = self.follower.mark();
        self.tail.trim_to(mark.seq);
        self.tail.unsend();
        // Withdrawn meanwhile: the role is another one, or soon will be.
        let Some(asked) = lock(&self.shared.orders).promote else {
            return;
        };
        let epoch = asked.max(self.shared.last_epoch.load(Relaxed) + 1);
        self.publishing.begin(epoch, mark);
        self.shared.feed_from.store(mark.seq + 1, SeqCst);
        if !self.gate.open(&self.shared, &self.publishing, asked, epoch) {
            return;
        }
        self.follower.stop();
        self.made = self.follower.made_seq();
        letters::write_kept(&self.side, &self.shared);
    }

    /// Publishes until something or somebody ends it.
    fn hot(&mut self) {
        while self.shared.role() == Role::Hot && !self.shared.is_stopping() {
            self.shared.beat(Who::Output);
            let busy = self.hot_round();
            if !busy && self.shared.role() == Role::Hot {
                self.park();
            }
        }
        if !self.shared.is_stopping() {
            self.fall_silent();
        }
    }

    fn park(&self) {
        let ring = &self.ring;
        let wait = if self.match_spins {
            POLL_WAIT
        } else {
            HOT_WAIT
        };
        self.shared
            .bells
            .output
            .wait(wait, || !ring.is_empty() && !self.tail.is_full());
    }

    /// Says whether there may be more to do at once.
    fn hot_round(&mut self) -> bool {
        let shared = Arc::clone(&self.shared);
        self.publishing.heal(&mut self.tail);
        let mark = self.publishing.mark();
        self.tail.trim_to(mark.seq);
        let mut taken = 0;
        if !self.tail.is_full() {
            let (tail, made) = (&mut self.tail, &mut self.made);
            taken = self.ring.take_while(ROUND, |event| {
                tail.push(event);
                *made = event.seq;
                tail.has_room_in_record() && !tail.is_full()
            });
        }
        self.ring.popped();
        shared.tail_full.store(self.tail.is_full(), Relaxed);
        let sent = self.publishing.send(&self.gate, &mut self.tail);
        shared
            .oldest_unacked
            .set(self.publishing.waiting_since(&self.tail));
        self.report(mark);
        self.publishing
            .step_down_when_unanswered(&self.gate, &self.tail);
        self.publishing
            .watch_for_others(&self.gate, &mut self.follower, &self.tail);
        taken > 0 && sent
    }

    /// From publishing back to following.
    fn fall_silent(&mut self) {
        self.gate.close(&self.shared, "");
        let mark = self.publishing.end();
        self.shared.oldest_unacked.set(None);
        self.tail.trim_to(mark.seq);
        self.tail.unsend();
        self.follower.resume(self.made, mark);
        self.follow_from(mark);
    }
}
