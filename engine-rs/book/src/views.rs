//! What the book looks like from outside: for the shell, never on the way of a command.

use crate::book::Book;
use crate::depth::{Depth, Level};
use crate::event::{FiltersChanged, SettingsChanged};
use crate::levels::{Levels, Queue};
use crate::list::List;
use crate::slab::{NONE, Place, Slab};
use crate::words::{OrderType, Side, TimeInForce};

/// Where an open order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// In the queue of its price.
    Resting,
    /// A stop whose price has not come.
    Waiting,
    /// A stop whose price has come; it becomes active with one of the next commands.
    Queued,
}

/// An open order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// Its id.
    pub order_id: u64,
    /// Its owner.
    pub user_id: u64,
    /// Its side.
    pub side: Side,
    /// Its type, also once a stop became active.
    pub order_type: OrderType,
    /// How long it lives; of a stop, once it is active.
    pub time_in_force: TimeInForce,
    /// Ticks; 0 for a stop without a limit price.
    pub price: i64,
    /// Lots asked for, less what amendments took away.
    pub quantity: i64,
    /// Lots left.
    pub remaining: i64,
    /// Lots that the book shows; 0 unless it rests.
    pub displayed: i64,
    /// Ticks; 0 for none, and once the stop is active.
    pub stop_price: i64,
    /// Where it is.
    pub stage: Stage,
    /// The other leg of its OCO; 0 for none.
    pub list_order_id: u64,
    /// Unix nanoseconds; 0 unless GTD.
    pub expire_time_unix_nanos: i64,
}

/// Sums over the whole book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All of them: resting, waiting and queued.
    pub open_orders: u64,
    /// In the queues of both sides.
    pub resting: u64,
    /// Stops whose price has not come.
    pub waiting: u64,
    /// Stops that become active with one of the next commands.
    pub queued: u64,
    /// Lots that bids show.
    pub bids_displayed: i128,
    /// Lots that bids hide.
    pub bids_hidden: i128,
    /// Lots that asks show.
    pub asks_displayed: i128,
    /// Lots that asks hide.
    pub asks_hidden: i128,
    /// Accounts with a disconnect timer.
    pub timers: u64,
}

impl Book {
    /// Seq of the last event; 0 before the first.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// How many orders rest on both sides.
    #[must_use]
    pub fn resting_orders(&self) -> usize {
        self.slab.len() - self.stops.waiting - self.stops.queued
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> Option<&SettingsChanged> {
        self.settings.as_ref()
    }

    /// The filters in force; all off before the first settings of rules version 2.
    #[must_use]
    pub fn filters(&self) -> &FiltersChanged {
        &self.filters
    }

    /// Unix nanoseconds of the latest tick; 0 before the first.
    #[must_use]
    pub fn clock_unix_nanos(&self) -> i64 {
        self.clock
    }

    /// Whether a call auction has begun and not yet uncrossed.
    #[must_use]
    pub fn is_call_open(&self) -> bool {
        self.call_open
    }

    /// The best `levels` levels of each side: what they show.
    #[must_use]
    pub fn depth(&self, levels: usize) -> Depth {
        let side = |side: &Levels| {
            let best_first = side.iter().take(levels);
            best_first
                .map(|(price, queue)| Level {
                    price,
                    quantity: queue.quantity,
                    orders: queue.orders,
                })
                .collect()
        };
        Depth {
            seq: self.seq,
            bids: side(&self.bids),
            asks: side(&self.asks),
            resting_orders: self.resting_orders() as u64,
            last_price: self.last_price,
            last_quantity: self.last_quantity,
        }
    }

    /// An open order by its id.
    #[must_use]
    pub fn order(&self, order_id: u64) -> Option<OrderView> {
        let slot = self.index.get(order_id)?;
        Some(self.viewed(slot))
    }

    /// The orders at one price, first to trade first.
    #[must_use]
    pub fn orders_at(&self, side: Side, price: i64) -> Vec<OrderView> {
        let queue = self.levels(side).at(price);
        let list = queue.map_or(List::EMPTY, Queue::list);
        list.iter(&self.slab)
            .map(|slot| self.viewed(slot))
            .collect()
    }

    /// Sums over the whole book. Looks at every level.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let sum = |levels: &Levels| {
            levels.iter().fold((0, 0), |(shown, hidden), (_, queue)| {
                let queued = (i128::from(queue.quantity), i128::from(queue.hidden));
                (shown + queued.0, hidden + queued.1)
            })
        };
        let ((bids_displayed, bids_hidden), (asks_displayed, asks_hidden)) =
            (sum(&self.bids), sum(&self.asks));
        Totals {
            open_orders: self.slab.len() as u64,
            resting: self.resting_orders() as u64,
            waiting: self.stops.waiting as u64,
            queued: self.stops.queued as u64,
            bids_displayed,
            bids_hidden,
            asks_displayed,
            asks_hidden,
            timers: self.timers.len() as u64,
        }
    }

    fn viewed(&self, slot: u32) -> OrderView {
        let (order, extra) = (self.slab.get(slot), self.slab.extra(slot));
        let stage = match order.place {
            Place::Waiting => Stage::Waiting,
            Place::Queued => Stage::Queued,
            Place::Resting | Place::Taking | Place::Free => Stage::Resting,
        };
        OrderView {
            order_id: order.order_id,
            user_id: order.user_id,
            side: order.side,
            order_type: order.order_type,
            time_in_force: order.time_in_force,
            price: order.price,
            quantity: order.quantity,
            remaining: order.remaining,
            displayed: if stage == Stage::Resting {
                order.remaining - extra.hidden
            } else {
                0
            },
            stop_price: extra.stop_price,
            stage,
            list_order_id: id_of(&self.slab, extra.sibling),
            expire_time_unix_nanos: extra.expire_time,
        }
    }
}

/// The id of the order in a slot; 0 for [`NONE`].
pub(crate) fn id_of(slab: &Slab, slot: u32) -> u64 {
    match slot {
        NONE => 0,
        slot => slab.get(slot).order_id,
    }
}
