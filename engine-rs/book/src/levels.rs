//! The price levels of one side, best first.
//!
//! Inside, a level is known by its rank: the price for bids, its negative for asks, so that the higher
//! rank is better on both sides.

use crate::ladder::Ladder;
use crate::slab::{NONE, Order, Slab};
use crate::words::Side;

/// The orders at one price: a queue through the slab and its totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Queue {
    /// The oldest order, first to trade.
    pub head: u32,
    /// The youngest order.
    pub tail: u32,
    pub orders: u32,
    /// Lots, summed over the orders.
    pub quantity: i64,
}

impl Queue {
    /// Of a level that is about to get its first order.
    pub const EMPTY: Self = Self {
        head: NONE,
        tail: NONE,
        orders: 0,
        quantity: 0,
    };
}

/// One side of the book.
#[derive(Clone, Debug)]
pub(crate) struct Levels {
    side: Side,
    queues: Ladder,
}

impl Levels {
    pub fn new(side: Side) -> Self {
        Self {
            side,
            queues: Ladder::new(),
        }
    }

    /// The best price and its queue.
    pub fn best(&self) -> Option<(i64, &Queue)> {
        self.queues
            .best()
            .map(|(rank, queue)| (self.turned(rank), queue))
    }

    /// Lots resting at a price.
    pub fn quantity_at(&self, price: i64) -> i64 {
        self.queues
            .get(self.turned(price))
            .map_or(0, |queue| queue.quantity)
    }

    /// Every level, best first.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &Queue)> {
        self.queues
            .iter()
            .map(|(rank, queue)| (self.turned(rank), queue))
    }

    /// Puts the order in `slot` at the end of its price's queue. The caller made sure that the total fits.
    pub fn push(&mut self, slab: &mut Slab, slot: u32) {
        let Order {
            price, remaining, ..
        } = *slab.get(slot);
        let rank = self.turned(price);
        let queue = self.queues.entry(rank);
        let before = queue.tail;
        queue.tail = slot;
        queue.orders += 1;
        queue.quantity += remaining;
        if before == NONE {
            queue.head = slot;
        } else {
            slab.get_mut(before).next = slot;
        }
        let order = slab.get_mut(slot);
        order.prev = before;
        order.next = NONE;
    }

    /// Takes the order in `slot` out of its queue, and the level away when it was the last one there.
    pub fn unlink(&mut self, slab: &mut Slab, slot: u32) {
        let Order {
            price,
            remaining,
            prev,
            next,
            ..
        } = *slab.get(slot);
        let rank = self.turned(price);
        let Some(queue) = self.queues.get_mut(rank) else {
            debug_assert!(false, "Invariant: a resting order has a level");
            return;
        };
        queue.orders -= 1;
        queue.quantity -= remaining;
        if prev == NONE {
            queue.head = next;
        } else {
            slab.get_mut(prev).next = next;
        }
        if next == NONE {
            queue.tail = prev;
        } else {
            slab.get_mut(next).prev = prev;
        }
        if queue.orders == 0 {
            self.queues.remove(rank);
        }
    }

    /// Takes traded lots off the best level's total.
    pub fn reduce_best(&mut self, quantity: i64) {
        if let Some(best) = self.queues.best_mut() {
            best.quantity -= quantity;
        }
    }

    fn turned(&self, value: i64) -> i64 {
        match self.side {
            Side::Buy => value,
            Side::Sell => -value,
        }
    }
}
