//! An order on its way into the book: its words are known, its numbers make sense.

use crate::slab::NONE;
use crate::words::{OrderType, SelfTradePrevention, Side, TimeInForce};

/// An order that is about to match, rest or wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taker {
    pub order_id: u64,
    pub user_id: u64,
    pub side: Side,
    pub order_type: OrderType,
    pub time_in_force: TimeInForce,
    /// Ticks; 0 for an order without one.
    pub price: i64,
    /// The worst price it may trade at: its own, or the edge of the band.
    pub limit: i64,
    /// Lots; 0 by quote.
    pub quantity: i64,
    /// Lots left; by quote, tick-lots left.
    pub remaining: i64,
    pub by_quote: bool,
    /// Lots that the book may show at a time; 0 shows all.
    pub display: i64,
    /// GTD: Unix nanoseconds; 0 for every other order.
    pub expire_time: i64,
    /// Ticks; 0 for none.
    pub stop_price: i64,
    /// Basis points; 0 for none.
    pub trailing_delta: i32,
    pub self_trade_prevention: SelfTradePrevention,
    pub trade_group: u64,
    /// The slot that its id names already (a stop that became active, a replacement under the same
    /// id), or [`NONE`].
    pub slot: u32,
}

impl Taker {
    /// Whether it would trade at this price.
    #[inline]
    pub fn crosses(&self, maker_price: i64) -> bool {
        match self.side {
            Side::Buy => maker_price <= self.limit,
            Side::Sell => maker_price >= self.limit,
        }
    }

    /// Whether what does not trade may rest.
    #[inline]
    pub fn may_rest(&self) -> bool {
        self.price != 0 && self.time_in_force.may_rest()
    }

    /// Whether it is still to be triggered.
    #[inline]
    pub fn is_stop(&self) -> bool {
        self.order_type.is_stop()
    }

    /// Whether it is still open when its command has been carried out, if nothing trades.
    pub fn may_stay_open(&self) -> bool {
        self.is_stop() || self.may_rest()
    }

    /// Whether it has anything that a plain order lacks.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.display == 0 && self.expire_time == 0 && self.trade_group == 0
    }

    /// An order of rules version 1, plain in every way.
    pub fn plain(order_id: u64, user_id: u64, side: Side, order_type: OrderType) -> Self {
        Self {
            order_id,
            user_id,
            side,
            order_type,
            time_in_force: TimeInForce::Gtc,
            price: 0,
            limit: 0,
            quantity: 0,
            remaining: 0,
            by_quote: false,
            display: 0,
            expire_time: 0,
            stop_price: 0,
            trailing_delta: 0,
            self_trade_prevention: SelfTradePrevention::None,
            trade_group: 0,
            slot: NONE,
        }
    }
}
