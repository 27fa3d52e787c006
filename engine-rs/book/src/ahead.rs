//! Many commands in one call, looking ahead: while one is carried out, what those behind it will need is
//! on its way from memory.
//!
//! With a million orders at rest, what a command costs is the wait for its order, its neighbours in the
//! queue and the queue where it goes. Each step needs the one before it, so each is asked for so many
//! commands before its turn that it has arrived when the next step needs it.

use crate::book::{Book, Outcome};
use crate::command::{Body, Command};
use crate::event::Sink;
use crate::levels::Levels;
use crate::slab::NONE;
use crate::words::Side;

/// How many commands before its own turn each step is taken.
const ENTRY: usize = 12;
const PAGE: usize = 9;
const ORDER: usize = 6;
const NEIGHBOURS: usize = 3;
/// Places for the slots found at [`ORDER`] until [`NEIGHBOURS`].
const SLOTS: usize = 8;
/// Books of fewer orders are in the cache as they are.
const LARGE: usize = 1 << 14;

impl Book {
    /// Carries out the commands one after the other, each as [`Book::apply`] does; how many were new.
    pub fn apply_all(&mut self, commands: &[Command], sink: &mut impl Sink) -> usize {
        let mut applied = 0;
        let mut slots = [NONE; SLOTS];
        for (at, command) in commands.iter().enumerate() {
            if self.resting_orders() >= LARGE {
                self.look_ahead(&commands[at..], at, &mut slots);
            }
            applied += usize::from(self.apply(command, sink) == Outcome::Applied);
        }
        applied
    }

    /// `slots` are those of the orders that the commands up to [`ORDER`] ahead are about, as they were when
    /// they were looked up; `at` is the turn of the first of the commands.
    #[inline]
    fn look_ahead(&self, commands: &[Command], at: usize, slots: &mut [u32; SLOTS]) {
        if let Some(order_id) = commands.get(ENTRY).and_then(existing) {
            self.index.prefetch_entry(order_id);
        }
        if let Some(order_id) = commands.get(PAGE).and_then(existing) {
            self.index.prefetch_page(order_id);
        }
        if let Some(command) = commands.get(ORDER) {
            let slot = existing(command).and_then(|id| self.index.get(id));
            let slot = slot.unwrap_or(NONE);
            self.slab.prefetch(slot);
            slots[(at + ORDER) % SLOTS] = slot;
            if let Some((levels, price)) = self.bound_for(command) {
                levels.prefetch_queue(price);
            }
        }
        if let Some(command) = commands.get(NEIGHBOURS) {
            let slot = slots[(at + NEIGHBOURS) % SLOTS];
            if slot != NONE {
                let order = self.slab.get(slot);
                self.slab.prefetch(order.prev);
                self.slab.prefetch(order.next);
                self.levels(order.side).prefetch_level(order.level);
            }
            if let Some((levels, price)) = self.bound_for(command) {
                levels.prefetch_tail(&self.slab, price);
            }
        }
    }

    /// Where a command's order comes to rest if it does not trade.
    #[inline]
    fn bound_for(&self, command: &Command) -> Option<(&Levels, i64)> {
        let order = match &command.body {
            Body::NewOrder(order) => order,
            Body::CancelReplace(replace) => &replace.order,
            _ => return None,
        };
        Some((self.levels(Side::from_i32(order.side)?), order.price))
    }
}

/// The open order that a command is about.
#[inline]
fn existing(command: &Command) -> Option<u64> {
    match &command.body {
        Body::CancelReplace(replace) => Some(replace.cancel_order_id),
        Body::CancelOrder(cancel) => Some(cancel.order_id),
        Body::AmendOrder(amend) => Some(amend.order_id),
        _ => None,
    }
}
