//! The price levels of one side, best first.
//!
//! Inside, a level is known by its rank: the price for bids, its negative for asks, so that the higher
//! rank is better on both sides.

use crate::list::List;
use crate::prefetch::prefetch;
use crate::slab::{NONE, Order, Slab};
use crate::touch::Touch;
use crate::words::{OrderType, Side, TimeInForce};

/// The orders at one price: a queue through the slab and its totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Queue {
    /// The oldest order, first to trade.
    pub head: u32,
    /// The youngest order.
    pub tail: u32,
    pub orders: u32,
    /// Displayed lots, summed over the orders.
    pub quantity: i64,
    /// Hidden lots, summed over the orders.
    pub hidden: i64,
}

impl Queue {
    const EMPTY: Self = Self {
        head: NONE,
        tail: NONE,
        orders: 0,
        quantity: 0,
        hidden: 0,
    };

    /// Lots, displayed and hidden.
    pub fn total(&self) -> i64 {
        self.quantity + self.hidden
    }

    /// The orders, first to trade first.
    pub fn list(&self) -> List {
        List {
            head: self.head,
            tail: self.tail,
        }
    }
}

/// One side of the book.
#[derive(Clone, Debug)]
pub(crate) struct Levels {
    /// 0 for bids, -1 for asks: what turns a price into a rank without a branch.
    flip: i64,
    prices: Touch,
    /// By number of the level. A level keeps its number while it has orders, and they know it: what
    /// happens to a resting order needs no search for its price.
    queues: Vec<Queue>,
    /// Numbers that are free.
    free: Vec<u32>,
}

impl Levels {
    pub fn new(side: Side) -> Self {
        Self {
            flip: match side {
                Side::Buy => 0,
                Side::Sell => -1,
            },
            prices: Touch::new(),
            queues: Vec::new(),
            free: Vec::new(),
        }
    }

    /// The best price and its queue.
    #[inline]
    pub fn best(&self) -> Option<(i64, &Queue)> {
        let (rank, level) = self.prices.best()?;
        Some((self.turned(rank), &self.queues[level as usize]))
    }

    /// Whether an order of the other side at this price would trade.
    #[inline]
    pub fn reaches(&self, price: i64) -> bool {
        let best = self.prices.best();
        best.is_some_and(|(rank, _)| rank >= self.turned(price))
    }

    /// The number of a price's level, or [`NONE`].
    #[inline]
    pub fn find(&self, price: i64) -> u32 {
        self.prices.get(self.turned(price)).unwrap_or(NONE)
    }

    /// Asks for a level's memory.
    #[inline]
    pub fn prefetch_level(&self, level: u32) {
        if let Some(queue) = self.queues.get(level as usize) {
            prefetch(queue);
        }
    }

    /// Asks for the memory of the queue at a price around the touch.
    #[inline]
    pub fn prefetch_queue(&self, price: i64) {
        self.prefetch_level(self.prices.near(self.turned(price)));
    }

    /// Asks for the memory of the youngest order there; the queue should have come by now.
    #[inline]
    pub fn prefetch_tail(&self, slab: &Slab, price: i64) {
        let level = self.prices.near(self.turned(price));
        if let Some(queue) = self.queues.get(level as usize) {
            slab.prefetch(queue.tail);
        }
    }

    /// The queue at a price.
    #[inline]
    pub fn at(&self, price: i64) -> Option<&Queue> {
        let level = self.prices.get(self.turned(price))?;
        Some(&self.queues[level as usize])
    }

    /// Every level, best first.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &Queue)> {
        self.prices
            .iter()
            .map(|(rank, level)| (self.turned(rank), &self.queues[level as usize]))
    }

    /// Whether so many more lots leave a level's total within its integer; [`NONE`] is a level to come.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as of `move_to`")]
    pub fn has_room(&self, level: u32, quantity: i64) -> bool {
        level == NONE
            || self.queues[level as usize]
                .total()
                .checked_add(quantity)
                .is_some()
    }

    /// Puts the order in `slot`, of which `hidden` lots are not shown, at the end of its price's queue.
    /// The caller made sure that the total fits.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as of `move_to`")]
    pub fn push(&mut self, slab: &mut Slab, slot: u32, hidden: i64) {
        let rank = self.turned(slab.get(slot).price);
        let (queues, free) = (&mut self.queues, &mut self.free);
        let level = self.prices.get_or_insert(rank, || opened(queues, free));
        self.push_at(slab, slot, hidden, level);
    }

    /// As [`Levels::push`], where the number of the order's level is known: [`NONE`] when there is none yet.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as of `move_to`")]
    pub fn push_to(&mut self, slab: &mut Slab, slot: u32, hidden: i64, level: u32) {
        if level == NONE {
            self.push(slab, slot, hidden);
        } else {
            self.push_at(slab, slot, hidden, level);
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as of `move_to`")]
    fn push_at(&mut self, slab: &mut Slab, slot: u32, hidden: i64, level: u32) {
        let remaining = slab.get(slot).remaining;
        let queue = &mut self.queues[level as usize];
        let before = queue.tail;
        queue.tail = slot;
        queue.orders += 1;
        queue.quantity += remaining - hidden;
        queue.hidden += hidden;
        if before == NONE {
            queue.head = slot;
        } else {
            slab.get_mut(before).next = slot;
        }
        let order = slab.get_mut(slot);
        order.prev = before;
        order.next = NONE;
        order.level = level;
    }

    /// Puts a plain order that rests to the end of another price's queue, or of its own, with another
    /// quantity, all of it left. `level` is that price's, or [`NONE`] when it has no order.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "most commands do this, and calls cost a tenth of it"
    )]
    pub fn move_to(
        &mut self,
        slab: &mut Slab,
        slot: u32,
        (price, quantity): (i64, i64),
        level: u32,
    ) {
        let order = slab.get_mut(slot);
        let alone = order.level == level && self.queues[level as usize].orders == 1;
        if alone {
            self.queues[level as usize].quantity = quantity;
        } else {
            self.unlink(slab, slot, 0);
        }
        let order = slab.get_mut(slot);
        order.price = price;
        order.quantity = quantity;
        order.remaining = quantity;
        order.order_type = OrderType::Limit;
        order.time_in_force = TimeInForce::Gtc;
        if alone {
            return;
        }
        self.push_to(slab, slot, 0, level);
    }

    /// Takes the order in `slot` out of its queue, and the level away when it was the last one there.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as of `move_to`")]
    pub fn unlink(&mut self, slab: &mut Slab, slot: u32, hidden: i64) {
        let Order {
            price,
            remaining,
            prev,
            next,
            level,
            ..
        } = *slab.get(slot);
        let queue = &mut self.queues[level as usize];
        queue.orders -= 1;
        queue.quantity -= remaining - hidden;
        queue.hidden -= hidden;
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
            self.prices.remove(self.turned(price));
            self.free.push(level);
        }
    }

    /// Takes displayed lots off a level's total.
    #[inline]
    pub fn reduce(&mut self, level: u32, quantity: i64) {
        self.queues[level as usize].quantity -= quantity;
    }

    /// Takes hidden lots off a level's total.
    pub fn reduce_hidden(&mut self, level: u32, quantity: i64) {
        self.queues[level as usize].hidden -= quantity;
    }

    /// Puts an iceberg whose slice is used up at the end of its queue, showing `shown` of its hidden lots.
    pub fn refill(&mut self, slab: &mut Slab, slot: u32, shown: i64) {
        let queue = &mut self.queues[slab.get(slot).level as usize];
        queue.hidden -= shown;
        queue.quantity += shown;
        let mut list = queue.list();
        list.unlink(slab, slot);
        list.push(slab, slot);
        (queue.head, queue.tail) = (list.head, list.tail);
    }

    /// The value, or its negative. Looking ahead, a price is turned that nobody has checked; the lowest has
    /// no negative.
    #[inline]
    fn turned(&self, value: i64) -> i64 {
        (value ^ self.flip).wrapping_sub(self.flip)
    }
}

/// The number of a level without orders.
#[inline]
fn opened(queues: &mut Vec<Queue>, free: &mut Vec<u32>) -> u32 {
    if let Some(level) = free.pop() {
        queues[level as usize] = Queue::EMPTY;
        return level;
    }
    opened_anew(queues)
}

#[cold]
fn opened_anew(queues: &mut Vec<Queue>) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "there are no more levels than orders, which the slab numbers in 32 bits"
    )]
    let level = queues.len() as u32;
    queues.push(Queue::EMPTY);
    level
}
