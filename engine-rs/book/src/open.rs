//! Every open order, for whoever keeps a book of its own: never asked for while matching.

use crate::book::Book;
use crate::event::AuctionPrice;
use crate::slab::Place;
use crate::words::Side;

/// An open order as far as its further events depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// Its id.
    pub order_id: u64,
    /// Its side.
    pub side: Side,
    /// Ticks; 0 for an order without one.
    pub price: i64,
    /// Lots left, displayed and hidden.
    pub remaining: i64,
    /// Lots displayed; 0 while it waits as a stop.
    pub displayed: i64,
    /// Lots that the book shows at a time; 0 shows all.
    pub display_quantity: i64,
    /// It may come to rest: GTC or GTD, with a price.
    pub may_rest: bool,
    /// It is a stop that waits, or is queued to become active.
    pub waits: bool,
}

impl Book {
    /// Every open order: resting bids, then asks, best price first, in the order of their queues; then
    /// the stops that wait, by age; then those that are queued, in the order in which they become active.
    #[must_use]
    pub fn open_orders(&self) -> Vec<OpenOrder> {
        let mut open = Vec::with_capacity(self.slab.len());
        for side in [Side::Buy, Side::Sell] {
            for (_, queue) in self.levels(side).iter() {
                open.extend(queue.list().iter(&self.slab).map(|slot| self.opened(slot)));
            }
        }
        open.extend(
            self.waiting_by_age()
                .into_iter()
                .map(|slot| self.opened(slot)),
        );
        let queued = self.stops.queue.iter(&self.slab);
        open.extend(queued.map(|slot| self.opened(slot)));
        open
    }

    /// The slots of the stops that wait, the oldest first.
    pub(crate) fn waiting_by_age(&self) -> Vec<u32> {
        if self.stops.waiting == 0 {
            return Vec::new();
        }
        let waits = |&slot: &u32| self.slab.get(slot).place == Place::Waiting;
        let mut slots: Vec<u32> = self.slab.open_slots().filter(waits).collect();
        slots.sort_unstable_by_key(|&slot| self.slab.extra(slot).accepted);
        slots
    }

    fn opened(&self, slot: u32) -> OpenOrder {
        let (order, extra) = (self.slab.get(slot), self.slab.extra(slot));
        let waits = order.place != Place::Resting;
        OpenOrder {
            order_id: order.order_id,
            side: order.side,
            price: order.price,
            remaining: order.remaining,
            displayed: if waits {
                0
            } else {
                order.remaining - extra.hidden
            },
            display_quantity: extra.display,
            may_rest: order.price != 0 && order.time_in_force.may_rest(),
            waits,
        }
    }

    /// Whether anything in it waits for time to pass, or for the next command: an order that expires, a
    /// timer, a triggered stop, an open call.
    #[must_use]
    pub fn needs_ticks(&self) -> bool {
        self.expiry.len() > 0 || self.timers.len() > 0 || self.stops.queued > 0 || self.call_open
    }

    /// Number of the last trade; 0 before the first.
    #[must_use]
    pub fn last_trade_id(&self) -> u64 {
        self.trades
    }

    /// The indicative price shown last since the call opened.
    #[must_use]
    pub fn last_indicative(&self) -> Option<AuctionPrice> {
        self.indicative
    }
}
