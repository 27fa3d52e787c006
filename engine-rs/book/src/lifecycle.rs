//! How an open order comes to be, and the ways in which it ends: always together with what is linked to
//! it (the other leg of an OCO, an expiry, a stop, its account's count).

use crate::book::Book;
use crate::command::Command;
use crate::event::{EventBody, OrderCancelled, OrderExpired, Sink};
use crate::extras::Extra;
use crate::levels::Levels;
use crate::slab::{NONE, Order, Place, Slab};
use crate::taker::Taker;
use crate::words::{ExpireReason, Side};

impl Book {
    #[inline]
    pub(crate) fn levels(&self, side: Side) -> &Levels {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    /// The levels of a side, and those it trades against.
    #[inline]
    pub(crate) fn both_sides(&self, side: Side) -> (&Levels, &Levels) {
        match side {
            Side::Buy => (&self.bids, &self.asks),
            Side::Sell => (&self.asks, &self.bids),
        }
    }

    #[inline]
    pub(crate) fn levels_mut(&mut self, side: Side) -> (&mut Levels, &mut Slab) {
        match side {
            Side::Buy => (&mut self.bids, &mut self.slab),
            Side::Sell => (&mut self.asks, &mut self.slab),
        }
    }

    /// Puts what is left of an order at the end of its price's queue; its slot.
    #[inline]
    pub(crate) fn rest(&mut self, taker: &Taker) -> u32 {
        let slot = self.settle(taker, Place::Resting);
        let mut hidden = 0;
        if !taker.is_plain() {
            hidden = self.equip(taker, slot);
        }
        let (levels, slab) = self.levels_mut(taker.side);
        levels.push(slab, slot, hidden);
        slot
    }

    /// What a resting order has beyond a plain one; its hidden lots.
    #[cold]
    fn equip(&mut self, taker: &Taker, slot: u32) -> i64 {
        let hidden = match taker.display {
            0 => 0,
            display => (taker.remaining - display).max(0),
        };
        let extra = Extra {
            display: taker.display,
            hidden,
            expire_time: taker.expire_time,
            trade_group: taker.trade_group,
            ..Extra::PLAIN
        };
        self.slab.attach(slot, extra);
        self.expiry.push(&mut self.slab, slot);
        hidden
    }

    /// Lets a stop wait for its price; its slot. The event of its acceptance was the last one.
    pub(crate) fn wait(&mut self, taker: &Taker) -> u32 {
        let slot = self.settle(taker, Place::Waiting);
        let extra = Extra {
            display: taker.display,
            expire_time: taker.expire_time,
            trade_group: taker.trade_group,
            stop_price: taker.stop_price,
            trailing_delta: taker.trailing_delta,
            self_trade_prevention: taker.self_trade_prevention,
            accepted: self.seq,
            ..Extra::PLAIN
        };
        self.slab.attach(slot, extra);
        self.expiry.push(&mut self.slab, slot);
        self.stops
            .wait(&mut self.slab, slot, self.last_price, self.seq);
        slot
    }

    /// Gives an order that stays open a slot and its id's entry.
    #[inline]
    fn settle(&mut self, taker: &Taker, place: Place) -> u32 {
        let order = Order {
            order_id: taker.order_id,
            user_id: taker.user_id,
            price: taker.price,
            quantity: taker.quantity,
            remaining: taker.remaining,
            prev: NONE,
            next: NONE,
            level: NONE,
            extra: NONE,
            side: taker.side,
            order_type: taker.order_type,
            time_in_force: taker.time_in_force,
            place,
        };
        self.keep(order, taker.slot)
    }

    /// Puts an order into the slot that its id names already, or gives it both.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as of `Levels::move_to`")]
    pub(crate) fn keep(&mut self, order: Order, reserved: u32) -> u32 {
        self.accounts.join(order.user_id);
        let slot = if reserved == NONE {
            self.enter(order)
        } else {
            *self.slab.get_mut(reserved) = order;
            reserved
        };
        #[cfg(debug_assertions)]
        self.audit.settle_taker(slot);
        slot
    }

    #[inline]
    fn enter(&mut self, order: Order) -> u32 {
        let order_id = order.order_id;
        let slot = self.slab.insert(order);
        self.index.insert(order_id, slot);
        slot
    }

    /// Takes an open order out of the list it is in and off everything linked to it. Its slot and its id
    /// stay taken until [`Book::forget`], or until it is settled anew.
    #[inline]
    pub(crate) fn detach(&mut self, slot: u32) -> Order {
        let order = *self.slab.get(slot);
        if order.extra == NONE {
            let (levels, slab) = self.levels_mut(order.side);
            levels.unlink(slab, slot, 0);
        } else {
            self.detach_special(slot, &order);
        }
        self.slab.get_mut(slot).place = Place::Taking;
        self.accounts.leave(order.user_id);
        order
    }

    fn detach_special(&mut self, slot: u32, order: &Order) {
        let extra = *self.slab.extra(slot);
        if order.place == Place::Resting {
            let (levels, slab) = self.levels_mut(order.side);
            levels.unlink(slab, slot, extra.hidden);
        } else {
            self.stops.unlink(&mut self.slab, slot);
        }
        self.expiry.remove(&mut self.slab, slot);
        if let Some(other) = self.sibling_mut(&extra) {
            other.sibling = NONE;
        }
        self.slab.strip(slot);
    }

    fn sibling_mut(&mut self, extra: &Extra) -> Option<&mut Extra> {
        match extra.sibling {
            NONE => None,
            sibling => self.slab.extra_mut(sibling),
        }
    }

    /// Frees the slot and the id of a detached order.
    #[inline]
    pub(crate) fn forget(&mut self, slot: u32) {
        let order_id = self.slab.get(slot).order_id;
        self.index.remove(order_id);
        self.slab.remove(slot);
    }

    /// Ends an open order without a word.
    #[inline]
    pub(crate) fn close(&mut self, slot: u32) -> Order {
        let order = self.detach(slot);
        self.forget(slot);
        order
    }

    /// Cancels an open order, and behind it the other leg of its OCO; how many orders that ended.
    pub(crate) fn cancel_open(
        &mut self,
        command: &Command,
        slot: u32,
        sink: &mut impl Sink,
    ) -> u64 {
        let sibling = self.slab.extra(slot).sibling;
        let order = self.close(slot);
        self.emit(command, cancelled(&order), sink);
        if sibling == NONE {
            return 1;
        }
        let other = self.close(sibling);
        self.emit(command, cancelled(&other), sink);
        2
    }

    /// Expires an open order, and behind it the other leg of its OCO for `sibling_reason`; how many orders
    /// that ended.
    pub(crate) fn expire_open(
        &mut self,
        command: &Command,
        slot: u32,
        (reason, sibling_reason): (ExpireReason, ExpireReason),
        sink: &mut impl Sink,
    ) -> u64 {
        let sibling = self.slab.extra(slot).sibling;
        let order = self.close(slot);
        self.emit(command, expired(&order, reason), sink);
        if sibling == NONE {
            return 1;
        }
        let other = self.close(sibling);
        self.emit(command, expired(&other, sibling_reason), sink);
        2
    }

    /// Ends a leg of an OCO because of what happened to the other.
    #[cold]
    pub(crate) fn end_sibling(&mut self, command: &Command, sibling: u32, sink: &mut impl Sink) {
        let other = self.close(sibling);
        let body = expired(&other, ExpireReason::OneCancelsOther);
        self.emit(command, body, sink);
    }
}

pub(crate) fn cancelled(order: &Order) -> EventBody {
    EventBody::OrderCancelled(OrderCancelled {
        order_id: order.order_id,
        user_id: order.user_id,
        remaining: order.remaining,
    })
}

fn expired(order: &Order, reason: ExpireReason) -> EventBody {
    EventBody::OrderExpired(OrderExpired {
        order_id: order.order_id,
        user_id: order.user_id,
        remaining: order.remaining,
        reason,
    })
}
