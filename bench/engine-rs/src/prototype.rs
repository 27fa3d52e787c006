//! The bare book: what the machine allows when nothing but price-time priority is asked for.
//!
//! An array over all prices that occur, a bitmap to find the next best one, orders of one cache line (64-bit
//! words, as every engine has them) in a slab with intrusive links, a direct index from id to slot. No
//! checks, no events: trades are told to a closure. It also carries the generator, which must know what its
//! commands do.

use crate::outcome::{Digest, Outcome};
use crate::record::{BUY, Record, SELL, kind};

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Order {
    id: u64,
    user: u64,
    left: i64,
    /// Price less the lowest one.
    level: u32,
    prev: u32,
    next: u32,
    side: u8,
}

#[derive(Clone, Copy)]
struct Queue {
    head: u32,
    tail: u32,
}

/// One fill, as the generator needs it.
pub struct Trade {
    /// The order that rested.
    pub maker_id: u64,
    /// Lots.
    pub quantity: i64,
    /// Ticks.
    pub price: u32,
    /// The maker is filled.
    pub maker_done: bool,
    /// The taker is filled.
    pub taker_done: bool,
}

/// The bare book.
pub struct Prototype {
    lowest: u32,
    queues: Vec<Queue>,
    occupied: [Bitmap; 2],
    /// Best level of each side: the highest bid, the lowest ask; [`NONE`] without one.
    best: [u32; 2],
    orders: [usize; 2],
    slab: Vec<Order>,
    free: u32,
    slots: Vec<u32>,
    trades: u64,
    volume: u64,
}

impl Prototype {
    /// A book for prices in `lowest..=highest` and ids up to `highest_id`.
    pub fn new(lowest: u32, highest: u32, highest_id: u64) -> Self {
        let levels = (highest - lowest + 1) as usize;
        let ids = usize::try_from(highest_id).map_or(0, |ids| ids + 1);
        let empty = Queue {
            head: NONE,
            tail: NONE,
        };
        Self {
            lowest,
            queues: vec![empty; levels],
            occupied: [Bitmap::new(levels), Bitmap::new(levels)],
            best: [NONE; 2],
            orders: [0; 2],
            slab: Vec::with_capacity(4096),
            free: NONE,
            slots: vec![NONE; ids],
            trades: 0,
            volume: 0,
        }
    }

    /// How many orders rest on a side.
    pub fn orders(&self, side: u8) -> usize {
        self.orders[side as usize]
    }

    /// Carries out one command; the lots of an IOC or a limit order that did not trade.
    #[inline]
    pub fn apply(&mut self, record: &Record, mut on_trade: impl FnMut(&Trade)) -> i64 {
        match record.kind {
            kind::LIMIT => {
                let left = self.take(record, i64::from(record.quantity), &mut on_trade);
                if left > 0 {
                    let slot = self.slot_for(place(record.order_id));
                    self.push(slot, record, left);
                }
                left
            }
            kind::IOC => self.take(record, i64::from(record.quantity), &mut on_trade),
            kind::CANCEL => self.change(record, |book, slot| {
                book.unlink(slot);
                book.release(slot);
                0
            }),
            kind::REDUCE => self.change(record, |book, slot| {
                let left = book.slab[slot as usize].left - i64::from(record.quantity);
                book.slab[slot as usize].left = left;
                if left == 0 {
                    book.unlink(slot);
                    book.release(slot);
                }
                left
            }),
            _ => self.change(record, |book, slot| {
                let quantity = book.slab[slot as usize].left;
                book.unlink(slot);
                let left = book.take(record, quantity, &mut on_trade);
                if left > 0 {
                    book.push(slot, record, left);
                } else {
                    book.release(slot);
                }
                left
            }),
        }
    }

    /// Changes an order that rests for the same user.
    #[inline]
    fn change(&mut self, record: &Record, change: impl FnOnce(&mut Self, u32) -> i64) -> i64 {
        let slot = self.slots[place(record.order_id)];
        if slot == NONE || self.slab[slot as usize].user != u64::from(record.user_id) {
            return 0;
        }
        change(self, slot)
    }

    /// What became of the stream.
    pub fn outcome(&self) -> Outcome {
        let mut digest = Digest::new();
        for side in [BUY, SELL] {
            let mut level = self.best[side as usize];
            while level != NONE {
                let mut slot = self.queues[level as usize].head;
                while slot != NONE {
                    let order = &self.slab[slot as usize];
                    let price = self.lowest + order.level;
                    digest.order(order.id, price.into(), order.left.unsigned_abs());
                    slot = order.next;
                }
                level = self.worse(side, level);
            }
        }
        Outcome {
            trades: self.trades,
            volume: self.volume,
            resting: (self.orders[0] + self.orders[1]) as u64,
            book: digest.value(),
        }
    }

    #[inline]
    fn take(&mut self, record: &Record, mut left: i64, on_trade: &mut impl FnMut(&Trade)) -> i64 {
        let limit = record.price - self.lowest;
        let opposite = record.side ^ 1;
        while left > 0 {
            let level = self.best[opposite as usize];
            if level == NONE
                || (record.side == BUY && level > limit)
                || (record.side == SELL && level < limit)
            {
                break;
            }
            let slot = self.queues[level as usize].head;
            let maker = &mut self.slab[slot as usize];
            let quantity = left.min(maker.left);
            left -= quantity;
            maker.left -= quantity;
            let (maker_id, maker_done) = (maker.id, maker.left == 0);
            self.trades += 1;
            self.volume += quantity.unsigned_abs();
            if maker_done {
                self.unlink(slot);
                self.release(slot);
            }
            on_trade(&Trade {
                maker_id,
                quantity,
                price: self.lowest + level,
                maker_done,
                taker_done: left == 0,
            });
        }
        left
    }

    #[inline]
    fn push(&mut self, slot: u32, record: &Record, left: i64) {
        let (side, level) = (record.side as usize, record.price - self.lowest);
        let queue = &mut self.queues[level as usize];
        let before = queue.tail;
        queue.tail = slot;
        if before == NONE {
            queue.head = slot;
            self.occupied[side].set(level);
            let best = self.best[side];
            if best == NONE
                || (record.side == BUY && level > best)
                || (record.side == SELL && level < best)
            {
                self.best[side] = level;
            }
        } else {
            self.slab[before as usize].next = slot;
        }
        self.slab[slot as usize] = Order {
            id: record.order_id,
            user: record.user_id.into(),
            left,
            level,
            prev: before,
            next: NONE,
            side: record.side,
        };
        self.orders[side] += 1;
    }

    #[inline]
    fn unlink(&mut self, slot: u32) {
        let Order {
            level,
            prev,
            next,
            side,
            ..
        } = self.slab[slot as usize];
        self.orders[side as usize] -= 1;
        let queue = &mut self.queues[level as usize];
        if prev == NONE {
            queue.head = next;
        } else {
            self.slab[prev as usize].next = next;
        }
        if next == NONE {
            queue.tail = prev;
        } else {
            self.slab[next as usize].prev = prev;
        }
        if prev == NONE && next == NONE {
            self.occupied[side as usize].clear(level);
            if self.best[side as usize] == level {
                self.best[side as usize] = self.worse(side, level);
            }
        }
    }

    fn worse(&self, side: u8, level: u32) -> u32 {
        if side == BUY {
            self.occupied[0].below(level)
        } else {
            self.occupied[1].above(level)
        }
    }

    #[inline]
    fn slot_for(&mut self, id: usize) -> u32 {
        let slot = if self.free == NONE {
            self.slab.push(Order::default());
            u32::try_from(self.slab.len() - 1).unwrap_or(NONE)
        } else {
            let slot = self.free;
            self.free = self.slab[slot as usize].next;
            slot
        };
        self.slots[id] = slot;
        slot
    }

    #[inline]
    fn release(&mut self, slot: u32) {
        let order = &mut self.slab[slot as usize];
        order.next = self.free;
        let id = order.id;
        self.slots[place(id)] = NONE;
        self.free = slot;
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the workload has a few million orders"
)]
fn place(id: u64) -> usize {
    id as usize
}

/// A set of at most 64^3 levels in three storeys of 64-bit words; the top one is a single word.
struct Bitmap {
    storeys: [Vec<u64>; 3],
}

impl Bitmap {
    fn new(levels: usize) -> Self {
        assert!(
            levels <= 64 * 64 * 64,
            "{levels} prices are more than the bitmap holds"
        );
        let words = |bits: usize| vec![0u64; bits.div_ceil(64).max(1)];
        let first = words(levels);
        let second = words(first.len());
        let third = words(second.len());
        Self {
            storeys: [first, second, third],
        }
    }

    fn set(&mut self, level: u32) {
        let mut at = level as usize;
        for storey in &mut self.storeys {
            storey[at / 64] |= 1 << (at % 64);
            at /= 64;
        }
    }

    fn clear(&mut self, level: u32) {
        let mut at = level as usize;
        for storey in &mut self.storeys {
            storey[at / 64] &= !(1 << (at % 64));
            if storey[at / 64] != 0 {
                return;
            }
            at /= 64;
        }
    }

    fn above(&self, level: u32) -> u32 {
        self.next(
            level as usize,
            |word, bit| {
                let rest = word & (!1u64 << bit);
                (rest != 0).then(|| rest.trailing_zeros())
            },
            u64::trailing_zeros,
        )
    }

    fn below(&self, level: u32) -> u32 {
        self.next(
            level as usize,
            |word, bit| {
                let rest = word & ((1u64 << bit) - 1);
                (rest != 0).then(|| rest.ilog2())
            },
            u64::ilog2,
        )
    }

    /// Up the storeys until one has a further bit, then down along the nearest bits.
    #[expect(clippy::cast_possible_truncation, reason = "levels fit into 32 bits")]
    fn next(
        &self,
        level: usize,
        further: impl Fn(u64, u32) -> Option<u32>,
        nearest: impl Fn(u64) -> u32,
    ) -> u32 {
        let mut at = level;
        for storey in 0..self.storeys.len() {
            if let Some(bit) = further(self.storeys[storey][at / 64], (at % 64) as u32) {
                at = at / 64 * 64 + bit as usize;
                for lower in (0..storey).rev() {
                    at = at * 64 + nearest(self.storeys[lower][at]) as usize;
                }
                return at as u32;
            }
            at /= 64;
        }
        NONE
    }
}
