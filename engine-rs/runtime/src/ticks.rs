//! Time in the log: a hot replica appends ticks to the input while anything in the book waits for time.
//!
//! They go the way of every command, through Kafka, so that all replicas expire the same orders at the
//! same place. A replica that was succeeded and doesn't know it yet harms nothing: its ticks carry its
//! epoch as incarnation, and the core drops what is older than the newest.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::{Duration, Instant};

use outcry_book::{Body, Command, Tick};

use crate::clock;
use crate::codec::encode_commands;
use crate::histogram::bump;
use crate::kafka::Side;
use crate::shared::Shared;
use crate::status::Role;

/// The clock's number among the sources of commands.
const CLOCK_SOURCE: u32 = 1025;
/// A little below the 100 ms that are promised, because whoever calls comes round every 10 ms.
const TICK_EVERY: Duration = Duration::from_millis(80);
/// One tick moves the clock by no more than this, in nanoseconds.
const FARTHEST: i64 = 60_000_000_000;
/// A clock that stood still for long is brought up in records of so many ticks, ...
const MOST_TICKS: usize = 1024;
/// ... the next one when the one before has been applied, or after this, as if it had been lost.
const LOST_AFTER: Duration = Duration::from_secs(1);
/// A clock farther than this from the broker's, in nanoseconds, tells nobody the time.
const CLOCK_LIMIT: u64 = 1_000_000_000;

/// What a replica has sent under one epoch.
#[derive(Debug, Default)]
struct Sent {
    epoch: u64,
    number: u64,
    /// Of the newest tick.
    time: i64,
    at: Option<Instant>,
}

/// Makes ticks; used by the probe thread alone.
pub struct Ticks {
    shared: Arc<Shared>,
    sent: Sent,
    looked_at: Option<Instant>,
    refusing: bool,
}

impl Ticks {
    pub fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            sent: Sent::default(),
            looked_at: None,
            refusing: false,
        }
    }

    /// Sends the next record of ticks when it is due and wanted, and no other is on its way.
    pub fn send_when_due(&mut self, side: &Side) {
        let shared = Arc::clone(&self.shared);
        let wanted = shared.role() == Role::Hot
            && shared.waits_for_time.load(Relaxed)
            && !shared.intake_paused.load(SeqCst);
        let early = self.looked_at.is_some_and(|at| at.elapsed() < TICK_EVERY);
        if !wanted || early || side.is_ticking() {
            return;
        }
        self.looked_at = Some(Instant::now());
        if !self.clock_is_right() {
            return;
        }
        let (symbol, topic) = (&shared.settings.symbol, &shared.settings.topics.input);
        let ticks = self.sent.next(
            shared.epoch.load(Relaxed),
            shared.book_clock.load(Relaxed),
            clock::unix_nanos(),
        );
        if !ticks.is_empty() && side.tick(topic, symbol, &encode_commands(symbol, &ticks)) {
            bump(&shared.counters.ticks, ticks.len() as u64);
        }
    }

    fn clock_is_right(&mut self) -> bool {
        let offset = self.shared.clock_offset_now();
        let right = offset.is_some_and(|offset| offset.unsigned_abs() <= CLOCK_LIMIT);
        if !right {
            bump(&self.shared.counters.ticks_refused, 1);
        }
        if !right && !self.refusing {
            #[allow(clippy::cast_precision_loss)] // a clock that is years off needs no nanoseconds
            let offset_seconds = offset.map(|offset| offset as f64 / 1e9);
            tracing::error!(
                offset_seconds,
                "no ticks: this clock is more than a second off the broker's, or the broker's is unknown; \
                 orders don't expire until that is mended or another replica is hot"
            );
        }
        self.refusing = !right;
        right
    }
}

impl Sent {
    /// The ticks of the next record, counted from the book's clock: whatever of the earlier ones was lost or
    /// is still on its way to the book, none of these is too far ahead of what stands before it in the log.
    fn next(&mut self, epoch: u64, book_clock: i64, now: i64) -> Vec<Command> {
        if self.epoch != epoch {
            *self = Self {
                epoch,
                ..Self::default()
            };
        }
        let times: Vec<i64> = steps(book_clock, now).collect();
        let applied = book_clock >= self.time;
        let waits = !applied && self.at.is_some_and(|at| at.elapsed() < LOST_AFTER);
        if times.len() > 1 && waits {
            return Vec::new();
        }
        self.at = Some(Instant::now());
        let ticks = times.into_iter().map(|time_unix_nanos| {
            self.number += 1;
            self.time = time_unix_nanos;
            Command {
                source: CLOCK_SOURCE,
                incarnation: epoch,
                number: self.number,
                time_unix_nanos,
                body: Body::Tick(Tick { time_unix_nanos }),
            }
        });
        ticks.collect()
    }
}

/// Times from `last` to `now`, each at most [`FARTHEST`] ahead of the one before; the last time once more
/// when `now` is not beyond it, because what is queued waits for a command and not for a later hour.
fn steps(last: i64, now: i64) -> impl Iterator<Item = i64> {
    let mut at = last;
    let mut done = false;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        at = if at == 0 {
            now
        } else {
            now.clamp(at, at.saturating_add(FARTHEST))
        };
        done = at >= now;
        Some(at)
    })
    .take(MOST_TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::side_config;
    use crate::settings::Settings;

    const SECOND: i64 = 1_000_000_000;

    fn times(ticks: &[Command]) -> Vec<i64> {
        ticks.iter().map(|tick| tick.time_unix_nanos).collect()
    }

    #[test]
    fn the_first_tick_of_all_is_now() {
        assert_eq!(steps(0, 5 * SECOND).collect::<Vec<_>>(), [5 * SECOND]);
    }

    #[test]
    fn no_tick_is_farther_ahead_than_a_minute() {
        let from = 1_000 * SECOND;
        let to = from + 150 * SECOND;
        let seconds: Vec<i64> = steps(from, to).map(|at| (at - from) / SECOND).collect();
        assert_eq!(seconds, [60, 120, 150]);
    }

    #[test]
    fn a_clock_behind_the_log_repeats_the_log_s_time() {
        assert_eq!(
            steps(9 * SECOND, 8 * SECOND).collect::<Vec<_>>(),
            [9 * SECOND]
        );
    }

    #[test]
    fn a_long_silence_is_made_up_for_in_bounded_records_one_at_a_time() {
        let (from, days) = (SECOND, 3 * 86_400 * SECOND);
        let mut sent = Sent::default();
        let first = sent.next(1, from, from + days);
        assert_eq!(first.len(), MOST_TICKS);
        assert!(sent.next(1, from, from + days).is_empty(), "not applied");
        let reached = first.last().expect("ticks").time_unix_nanos;
        let second = sent.next(1, reached, from + days);
        assert_eq!(second[0].time_unix_nanos, reached + FARTHEST);
        assert_eq!(second[0].number, MOST_TICKS as u64 + 1);
    }

    #[test]
    fn a_backlog_in_the_input_keeps_no_single_tick_back() {
        let mut sent = Sent::default();
        assert_eq!(times(&sent.next(1, SECOND, 2 * SECOND)), [2 * SECOND]);
        assert_eq!(times(&sent.next(1, SECOND, 3 * SECOND)), [3 * SECOND]);
    }

    #[test]
    fn another_epoch_counts_anew_and_goes_on_from_the_book_s_clock() {
        let mut sent = Sent::default();
        sent.next(3, 0, 50 * SECOND);
        assert_eq!(
            times(&sent.next(3, 50 * SECOND, 51 * SECOND)),
            [51 * SECOND]
        );
        let ticks = sent.next(4, 51 * SECOND, 52 * SECOND);
        assert_eq!((ticks[0].incarnation, ticks[0].number), (4, 1));
        assert_eq!(times(&ticks), [52 * SECOND]);
    }

    fn hot() -> (Arc<Shared>, Side) {
        let settings = Settings::new("BTC-USDT", "a", "127.0.0.1:1", std::env::temp_dir());
        let side = Side::new(&side_config(&settings), Box::new(|_| {})).expect("a client");
        let shared = Arc::new(Shared::new(settings));
        shared.set_role(Role::Hot, "");
        shared.waits_for_time.store(true, Relaxed);
        (shared, side)
    }

    fn counted(shared: &Shared) -> (u64, u64) {
        let counters = &shared.counters;
        (
            counters.ticks.load(Relaxed),
            counters.ticks_refused.load(Relaxed),
        )
    }

    #[test]
    fn a_clock_off_the_broker_s_or_never_compared_with_it_ticks_not() {
        for offset in [None, Some(2 * SECOND), Some(-2 * SECOND)] {
            let (shared, side) = hot();
            if let Some(nanos) = offset {
                shared.set_clock_offset(nanos);
            }
            Ticks::new(&shared).send_when_due(&side);
            assert_eq!(counted(&shared), (0, 1), "{offset:?}");
        }
    }

    #[test]
    fn only_a_hot_replica_whose_book_waits_ticks_and_one_at_a_time() {
        let (shared, side) = hot();
        shared.set_clock_offset(SECOND / 2);
        let mut ticks = Ticks::new(&shared);
        shared.waits_for_time.store(false, Relaxed);
        ticks.send_when_due(&side);
        shared.waits_for_time.store(true, Relaxed);
        shared.set_role(Role::Warm, "");
        ticks.send_when_due(&side);
        assert_eq!(counted(&shared), (0, 0));
        shared.set_role(Role::Hot, "");
        ticks.send_when_due(&side);
        ticks.looked_at = None;
        ticks.send_when_due(&side);
        assert_eq!(counted(&shared), (1, 0), "the first is still under way");
    }
}
