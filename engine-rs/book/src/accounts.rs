//! How many open orders each account has. Counted only while the pair limits them, so that a pair
//! without a limit pays nothing.

use crate::book::Book;
use crate::users::Users;

/// Open orders by account, while `on`.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    pub on: bool,
    counts: Users,
}

impl Accounts {
    pub fn new() -> Self {
        Self {
            on: false,
            counts: Users::new(),
        }
    }

    pub fn open_orders(&self, user_id: u64) -> i64 {
        self.counts.get(user_id).unwrap_or(0)
    }

    /// Open orders of all accounts.
    pub fn total(&self) -> u64 {
        let counts = self.counts.iter().map(|(_, count)| count.unsigned_abs());
        counts.sum()
    }

    #[inline]
    pub fn join(&mut self, user_id: u64) {
        if self.on {
            *self.counts.entry(user_id) += 1;
        }
    }

    #[inline]
    pub fn leave(&mut self, user_id: u64) {
        if self.on {
            self.left(user_id);
        }
    }

    fn left(&mut self, user_id: u64) {
        let count = self.counts.entry(user_id);
        *count -= 1;
        if *count == 0 {
            self.counts.remove(user_id);
        }
    }
}

impl Book {
    /// Starts or ends counting, as the settings in force ask.
    pub(crate) fn count_accounts(&mut self) {
        let wanted = self.filters.max_open_orders != 0;
        if wanted == self.accounts.on {
            return;
        }
        self.accounts.on = wanted;
        self.accounts.counts.clear();
        if wanted {
            for slot in self.slab.open_slots() {
                self.accounts.join(self.slab.get(slot).user_id);
            }
        }
    }
}
