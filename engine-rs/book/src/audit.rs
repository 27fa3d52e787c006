//! Conservation of quantity, in debug builds: what an order lost is what its events say it lost.
//!
//! Matching changes what is left of an order; this counts what trades and prevented trades took, from the
//! events alone, and [`Book::check`] compares: quantity less what is left is what was counted. An amendment
//! lowers both by the same.

use crate::book::Book;
use crate::checks::{InvariantError, ensure};
use crate::event::EventBody;
use crate::slab::Place;

/// Lots that open orders have lost, by slot, and those of the order that is taking.
#[derive(Clone, Debug, Default)]
pub(crate) struct Audit {
    taker: i64,
    lost: Vec<i64>,
}

impl Audit {
    /// An order settles in a slot, having lost this much.
    pub fn settle(&mut self, slot: u32, lost: i64) {
        let at = slot as usize;
        if self.lost.len() <= at {
            self.lost.resize(at + 1, 0);
        }
        self.lost[at] = lost;
    }

    /// As [`Audit::settle`], for the order that was taking.
    pub fn settle_taker(&mut self, slot: u32) {
        self.settle(slot, self.taker);
    }
}

impl Book {
    /// Counts what an event takes from the orders that it names.
    pub(crate) fn audit(&mut self, body: &EventBody) {
        match body {
            EventBody::OrderAccepted(_) | EventBody::OrderTriggered(_) => self.audit.taker = 0,
            EventBody::TradeExecuted(it) => {
                self.lose_if_open(it.maker_order_id, it.maker_remaining, it.quantity);
                self.lose(it.taker_order_id, it.quantity);
            }
            EventBody::SelfTradePrevented(it) => {
                self.lose_if_open(it.maker_order_id, it.maker_remaining, it.quantity);
                self.lose(it.taker_order_id, it.quantity);
            }
            _ => {}
        }
    }

    fn lose_if_open(&mut self, order_id: u64, remaining: i64, quantity: i64) {
        if remaining != 0 {
            self.lose(order_id, quantity);
        }
    }

    /// An order that rests has a count of its own; one that does not is the taker, or has ended as the
    /// buy of an uncross.
    fn lose(&mut self, order_id: u64, quantity: i64) {
        let found = self.index.get(order_id);
        let rests = |&slot: &u32| self.slab.get(slot).place == Place::Resting;
        match found.filter(rests) {
            Some(slot) => self.audit.lost[slot as usize] += quantity,
            None => self.audit.taker = self.audit.taker.wrapping_add(quantity),
        }
    }

    pub(crate) fn check_conserved(&self, slot: u32) -> Result<(), InvariantError> {
        let order = self.slab.get(slot);
        let lost = order.quantity - order.remaining;
        let counted = self.audit.lost[slot as usize];
        ensure(lost == counted, || {
            format!(
                "order {}: {lost} lots gone, events say {counted}",
                order.order_id
            )
        })
    }
}
