//! Matching: a taker trades with the best makers, then rests or expires.

use crate::book::Book;
use crate::command::Command;
use crate::event::{EventBody, OrderExpired, Sink, TradeExecuted};
use crate::slab::NONE;
use crate::taker::Taker;
use crate::words::{ExpireReason, SelfTradePrevention, TimeInForce, TradingStatus};

/// What a trade, or a prevented one, left of a resting order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reduced {
    pub order_id: u64,
    pub user_id: u64,
    pub remaining: i64,
    /// The other leg of its OCO, still linked if the order is still open; or [`NONE`].
    pub sibling: u32,
}

impl Book {
    /// Carries out an order that passed every check.
    #[inline]
    pub(crate) fn execute(&mut self, command: &Command, mut taker: Taker, sink: &mut impl Sink) {
        if self.call_open && self.in_auction() {
            self.rest(&taker);
            return;
        }
        if taker.time_in_force == TimeInForce::Fok && !self.fills_whole(&taker) {
            return self.expire_taker(command, &taker, ExpireReason::FillOrKill, sink);
        }
        self.take(command, &mut taker, sink);
        if taker.remaining == 0 {
            self.release(&taker);
        } else if taker.may_rest() {
            self.rest(&taker);
        } else {
            self.expire_taker(command, &taker, ExpireReason::ImmediateOrCancel, sink);
        }
    }

    fn in_auction(&self) -> bool {
        self.settings
            .is_some_and(|settings| settings.trading_status == TradingStatus::Auction)
    }

    /// Trades with the best makers while they cross. What is left of the taker stands in it; 0 when it has
    /// ended, of whatever.
    #[inline]
    fn take(&mut self, command: &Command, taker: &mut Taker, sink: &mut impl Sink) {
        let maker_side = taker.side.opposite();
        while taker.remaining > 0 {
            let best = self.levels(maker_side).best();
            let Some((price, queue)) = best.filter(|&(price, _)| taker.crosses(price)) else {
                break;
            };
            let slot = queue.head;
            let wanted = if taker.by_quote {
                taker.remaining / price
            } else {
                taker.remaining
            };
            if wanted == 0 {
                break;
            }
            if taker.self_trade_prevention != SelfTradePrevention::None && self.is_own(taker, slot)
            {
                self.prevent(command, taker, (slot, price, wanted), sink);
                continue;
            }
            let quantity = wanted.min(self.shown(slot));
            self.trade(command, taker, (slot, price, quantity), sink);
        }
    }

    /// One trade of the taker with the order in `slot`, and what follows from it.
    #[inline]
    fn trade(
        &mut self,
        command: &Command,
        taker: &mut Taker,
        (slot, price, quantity): (u32, i64, i64),
        sink: &mut impl Sink,
    ) {
        taker.remaining -= taker.costs(price, quantity);
        let maker = self.reduce(slot, quantity);
        let fees = self.fees();
        let trade = TradeExecuted {
            trade_id: self.trades + 1,
            price,
            quantity,
            maker_order_id: maker.order_id,
            taker_order_id: taker.order_id,
            maker_user_id: maker.user_id,
            taker_user_id: taker.user_id,
            taker_side: taker.side,
            maker_remaining: maker.remaining,
            taker_remaining: taker.remaining,
            maker_fee_ppm: fees.0,
            taker_fee_ppm: fees.1,
        };
        self.traded(command, trade, maker.sibling, NONE, sink);
    }

    /// Tells of a trade, ends the other legs of the OCOs that traded, and shows the price to the stops.
    #[inline]
    pub(crate) fn traded(
        &mut self,
        command: &Command,
        trade: TradeExecuted,
        maker_sibling: u32,
        taker_sibling: u32,
        sink: &mut impl Sink,
    ) {
        self.trades += 1;
        self.last_price = trade.price;
        self.last_quantity = trade.quantity;
        let price = trade.price;
        self.emit(command, EventBody::TradeExecuted(trade), sink);
        let seq = self.seq;
        for sibling in [maker_sibling, taker_sibling] {
            if sibling != NONE {
                self.end_sibling(command, sibling, sink);
            }
        }
        if self.stops.hears(price) {
            self.stops.see(&mut self.slab, price, seq);
        }
    }

    /// Maker's and taker's fee rate in force.
    #[inline]
    pub(crate) fn fees(&self) -> (i32, i32) {
        self.settings
            .as_ref()
            .map_or((0, 0), |it| (it.maker_fee_ppm, it.taker_fee_ppm))
    }

    /// Lots that the order shows.
    #[inline]
    pub(crate) fn shown(&self, slot: u32) -> i64 {
        let order = self.slab.get(slot);
        if order.extra == NONE {
            order.remaining
        } else {
            order.remaining - self.slab.extra(slot).hidden
        }
    }

    /// Takes lots off what a resting order shows. It ends at 0; an iceberg's next slice goes to the back.
    #[inline]
    pub(crate) fn reduce(&mut self, slot: u32, quantity: i64) -> Reduced {
        let order = self.slab.get_mut(slot);
        if order.extra != NONE {
            return self.reduce_special(slot, quantity);
        }
        let remaining = order.remaining - quantity;
        let reduced = Reduced {
            order_id: order.order_id,
            user_id: order.user_id,
            remaining,
            sibling: NONE,
        };
        if remaining == 0 {
            self.close(slot);
        } else {
            order.remaining = remaining;
            let (side, level) = (order.side, order.level);
            self.levels_mut(side).0.reduce(level, quantity);
        }
        reduced
    }

    #[cold]
    fn reduce_special(&mut self, slot: u32, quantity: i64) -> Reduced {
        let (order, extra) = (*self.slab.get(slot), *self.slab.extra(slot));
        let remaining = order.remaining - quantity;
        let shown = remaining - extra.hidden;
        if remaining == 0 {
            self.close(slot);
        } else {
            self.slab.get_mut(slot).remaining = remaining;
            let (levels, slab) = self.levels_mut(order.side);
            levels.reduce(order.level, quantity);
            if shown == 0 {
                let slice = extra.display.min(extra.hidden);
                levels.refill(slab, slot, slice);
                if let Some(extra) = slab.extra_mut(slot) {
                    extra.hidden -= slice;
                }
            }
        }
        Reduced {
            order_id: order.order_id,
            user_id: order.user_id,
            remaining,
            sibling: extra.sibling,
        }
    }

    /// Frees what an ended taker still holds.
    #[inline]
    pub(crate) fn release(&mut self, taker: &Taker) {
        if taker.slot != NONE {
            self.forget(taker.slot);
        }
    }

    /// Ends a taker with what is left of it.
    pub(crate) fn expire_taker(
        &mut self,
        command: &Command,
        taker: &Taker,
        reason: ExpireReason,
        sink: &mut impl Sink,
    ) {
        self.release(taker);
        let expired = OrderExpired {
            order_id: taker.order_id,
            user_id: taker.user_id,
            remaining: taker.remaining,
            reason,
        };
        self.emit(command, EventBody::OrderExpired(expired), sink);
    }
}

impl Taker {
    /// What this many lots at this price take off what is left of it.
    #[inline]
    pub(crate) fn costs(&self, price: i64, quantity: i64) -> i64 {
        if self.by_quote {
            price * quantity
        } else {
            quantity
        }
    }
}
