//! Cancel-on-disconnect: a deadline for each account that asked for one, moved by each heartbeat.

use crate::book::Book;
use crate::command::{Command, SetDisconnectTimer};
use crate::event::{
    DisconnectTimerFired, DisconnectTimerRejected, DisconnectTimerSet, EventBody, Sink,
};
use crate::users::Users;
use crate::words::{ExpireReason, RejectReason};

/// A day.
const LONGEST_MILLIS: u64 = 86_400_000;
const NANOS_PER_MILLI: i64 = 1_000_000;
const DISCONNECTED: (ExpireReason, ExpireReason) =
    (ExpireReason::Disconnected, ExpireReason::Disconnected);

/// Deadlines by account.
#[derive(Clone, Debug)]
pub(crate) struct Timers {
    deadlines: Users,
    /// No deadline is before this one. A heartbeat does not look for the next: the tick that reaches
    /// this time does.
    earliest: i64,
    /// What one tick fires; kept for its memory.
    due: Vec<(i64, u64)>,
}

impl Timers {
    pub fn new() -> Self {
        Self {
            deadlines: Users::new(),
            earliest: i64::MAX,
            due: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.deadlines.len()
    }

    pub fn set(&mut self, user_id: u64, deadline: i64) {
        *self.deadlines.entry(user_id) = deadline;
        self.earliest = self.earliest.min(deadline);
    }

    /// Whether no deadline is before the earliest that is known.
    pub fn is_sound(&self) -> bool {
        self.iter().all(|(_, deadline)| deadline >= self.earliest)
    }

    /// Every account with its deadline, in no order that may decide anything.
    pub fn iter(&self) -> impl Iterator<Item = (u64, i64)> {
        self.deadlines.iter()
    }

    /// Takes the timers away that have run out; they stand in `due` by deadline and account.
    fn run_out(&mut self, clock: i64) {
        self.due.clear();
        if clock < self.earliest {
            return;
        }
        self.earliest = i64::MAX;
        for (user_id, deadline) in self.deadlines.iter() {
            if deadline <= clock {
                self.due.push((deadline, user_id));
            } else {
                self.earliest = self.earliest.min(deadline);
            }
        }
        self.due.sort_unstable();
        for &(_, user_id) in &self.due {
            self.deadlines.remove(user_id);
        }
    }
}

impl Book {
    pub(crate) fn set_timer(
        &mut self,
        command: &Command,
        asked: &SetDisconnectTimer,
        sink: &mut impl Sink,
    ) {
        let SetDisconnectTimer {
            user_id,
            timeout_millis,
        } = *asked;
        let reason = match (user_id, i64::try_from(timeout_millis)) {
            (0, _) => RejectReason::InvalidUserId,
            (_, Ok(0)) => {
                self.timers.deadlines.remove(user_id);
                return self.tell_timer(command, user_id, 0, sink);
            }
            (_, Ok(millis)) if timeout_millis <= LONGEST_MILLIS => {
                let deadline = self.clock.saturating_add(millis * NANOS_PER_MILLI);
                self.timers.set(user_id, deadline);
                return self.tell_timer(command, user_id, deadline, sink);
            }
            _ => RejectReason::InvalidTimeout,
        };
        let rejected = DisconnectTimerRejected { user_id, reason };
        self.emit(command, EventBody::DisconnectTimerRejected(rejected), sink);
    }

    fn tell_timer(
        &mut self,
        command: &Command,
        user_id: u64,
        deadline_unix_nanos: i64,
        sink: &mut impl Sink,
    ) {
        let set = DisconnectTimerSet {
            user_id,
            deadline_unix_nanos,
        };
        self.emit(command, EventBody::DisconnectTimerSet(set), sink);
    }

    /// Ends the open orders of every account whose timer has run out.
    pub(crate) fn fire_timers(&mut self, command: &Command, sink: &mut impl Sink) {
        self.timers.run_out(self.clock);
        for at in 0..self.timers.due.len() {
            let (_, user_id) = self.timers.due[at];
            self.gather(user_id, None);
            let orders = self.for_each_gathered(|book, slot| {
                book.expire_open(command, slot, DISCONNECTED, sink)
            });
            let fired = DisconnectTimerFired { user_id, orders };
            self.emit(command, EventBody::DisconnectTimerFired(fired), sink);
        }
    }
}
