//! Triggered stops become active, one after the other, a bounded number for each command.

use crate::book::Book;
use crate::command::Command;
use crate::event::{EventBody, OrderTriggered, Sink};
use crate::slab::NONE;
use crate::taker::Taker;
use crate::words::{ExpireReason, Side, TradingStatus};

/// Stops that one command may activate, so that no command takes longer than a bound. What is left in
/// the queue comes first at the next one.
pub const MAX_ACTIVATIONS: u32 = 64;

impl Book {
    /// Activates from the head of the queue while the pair trades and the budget lasts.
    #[cold]
    pub(crate) fn activate_queued(
        &mut self,
        command: &Command,
        budget: &mut u32,
        sink: &mut impl Sink,
    ) {
        while *budget > 0 && !self.stops.queue.is_empty() && self.trades_now() {
            *budget -= 1;
            self.activate(command, self.stops.queue.head, sink);
        }
    }

    fn trades_now(&self) -> bool {
        self.settings
            .is_some_and(|settings| settings.trading_status == TradingStatus::Trading)
    }

    fn activate(&mut self, command: &Command, slot: u32, sink: &mut impl Sink) {
        let sibling = self.slab.extra(slot).sibling;
        if sibling != NONE {
            self.end_sibling(command, sibling, sink);
        }
        let extra = *self.slab.extra(slot);
        let order = self.detach(slot);
        let triggered = OrderTriggered {
            order_id: order.order_id,
            user_id: order.user_id,
            trigger_price: extra.trigger_price,
        };
        self.emit(command, EventBody::OrderTriggered(triggered), sink);
        let taker = Taker {
            order_id: order.order_id,
            user_id: order.user_id,
            side: order.side,
            order_type: order.order_type,
            time_in_force: order.time_in_force,
            price: order.price,
            limit: self.limit_of(order.side, order.price),
            quantity: order.quantity,
            remaining: order.remaining,
            by_quote: false,
            display: extra.display,
            expire_time: extra.expire_time,
            stop_price: 0,
            trailing_delta: 0,
            self_trade_prevention: extra.self_trade_prevention,
            trade_group: extra.trade_group,
            slot,
        };
        match self.refused_at_last(&taker) {
            Some(reason) => self.expire_taker(command, &taker, reason, sink),
            None => self.execute(command, taker, sink),
        }
    }

    /// Why a stop that has become active may not go on: the band or its level has changed since it came.
    fn refused_at_last(&self, taker: &Taker) -> Option<ExpireReason> {
        if taker.price == 0 {
            return None;
        }
        let settings = self.settings.as_ref()?;
        if !(settings.price_band_lower..=settings.price_band_upper).contains(&taker.price) {
            return Some(ExpireReason::PriceBand);
        }
        let overflows = taker.may_rest() && !self.fits_its_level(taker);
        overflows.then_some(ExpireReason::Overflow)
    }

    /// The worst price that an order may trade at: its own, or the edge of the band.
    pub(crate) fn limit_of(&self, side: Side, price: i64) -> i64 {
        match (price, &self.settings) {
            (0, Some(settings)) => match side {
                Side::Buy => settings.price_band_upper,
                Side::Sell => settings.price_band_lower,
            },
            _ => price,
        }
    }
}
