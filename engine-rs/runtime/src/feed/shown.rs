//! What the market may see of the book, derived from the core's events alone.
//!
//! Each event becomes one block of messages, possibly empty, that is a pure function of the events up
//! to it: both replicas make the same block for the same seq. The one thing that events don't say is
//! when a taker comes to rest; it does so when its command goes on to something else or ends, and the
//! block of the event before that says it. So the block of the newest event stays open until the next
//! event or the end of its command.

use std::collections::HashMap;

use outcry_book::{
    Event, EventBody, OpenOrder, OrderAccepted, OrderAmended, OrderType, SelfTradePrevented, Side,
    TimeInForce, TradeExecuted,
};
use outcry_feed::message::{
    LevelChanged, OrderAdded, OrderDeleted, OrderExecuted, OrderRefilled, Trade, TradingStatus,
};

use super::hash::Mixed;
use super::said::{indicative, put, reduced, side_number, uncrossed};

/// Events that this book can't have: it was not told all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} is about order {order_id}, which is not open here")]
pub struct Strange {
    pub seq: u64,
    pub order_id: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    side: Side,
    price: i64,
    /// Displayed and hidden.
    remaining: i64,
    /// Displayed; 0 unless it rests.
    shown: i64,
    /// What an iceberg shows at a time; 0 shows all.
    slice: i64,
    may_rest: bool,
    rests: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Level {
    quantity: i64,
    orders: u32,
}

/// The displayed book, the stops that wait, and the order that is being executed.
#[derive(Debug, Default)]
pub struct Shown {
    open: HashMap<u64, Open, Mixed>,
    levels: HashMap<(i64, bool), Level, Mixed>,
    /// The order that came or was triggered, until it rests or ends.
    taker: Option<(u64, Open)>,
}

impl Shown {
    /// Takes in orders that were open before anything was told.
    pub fn add(&mut self, orders: &[OpenOrder]) {
        let mut nothing = Vec::new();
        for order in orders {
            let open = Open {
                side: order.side,
                price: order.price,
                remaining: order.remaining,
                shown: order.displayed,
                slice: order.display_quantity,
                may_rest: order.may_rest,
                rests: !order.waits,
            };
            if open.rests {
                nothing.clear();
                self.change_level(open.side, open.price, open.shown, 1, &mut nothing);
            }
            self.open.insert(order.order_id, open);
        }
    }

    /// Whether the event belongs to what the taker is doing, so that it can't rest before it.
    pub fn goes_on(&self, event: &Event) -> bool {
        let Some((taker, _)) = self.taker else {
            return true;
        };
        match &event.body {
            EventBody::TradeExecuted(trade) => trade.taker_order_id == taker,
            EventBody::SelfTradePrevented(prevented) => prevented.taker_order_id == taker,
            EventBody::OrderExpired(_) => true,
            _ => false,
        }
    }

    /// Lets the taker rest, if it may and has anything left; `block` is the newest event's.
    pub fn settle(&mut self, block: &mut Vec<u8>) {
        let Some((order_id, taker)) = self.taker.take() else {
            return;
        };
        if !taker.may_rest || taker.remaining == 0 {
            return;
        }
        let order = Open {
            shown: slice_of(&taker),
            rests: true,
            ..taker
        };
        put(
            OrderAdded {
                order_id,
                price: order.price,
                quantity: order.shown,
                side: side_number(order.side),
            },
            block,
        );
        self.open.insert(order_id, order);
        self.change_level(order.side, order.price, order.shown, 1, block);
    }

    /// Appends what the event shows.
    pub fn apply(&mut self, event: &Event, block: &mut Vec<u8>) -> Result<(), Strange> {
        let seq = event.seq;
        match &event.body {
            EventBody::OrderAccepted(accepted) => self.accept(accepted),
            EventBody::OrderTriggered(triggered) => {
                let order_id = triggered.order_id;
                let order = self.open.remove(&order_id);
                self.taker = Some((order_id, order.ok_or(Strange { seq, order_id })?));
            }
            EventBody::TradeExecuted(trade) => return self.trade(seq, trade, block),
            EventBody::SelfTradePrevented(prevented) => {
                return self.prevent(seq, prevented, block);
            }
            EventBody::OrderCancelled(cancelled) => {
                return self.end(seq, cancelled.order_id, block);
            }
            EventBody::OrderExpired(expired) => return self.end(seq, expired.order_id, block),
            EventBody::OrderAmended(amended) => return self.amend(seq, amended, block),
            EventBody::SettingsChanged(settings) => put(
                TradingStatus {
                    band_lower: settings.price_band_lower,
                    band_upper: settings.price_band_upper,
                    status: settings.trading_status as u8,
                },
                block,
            ),
            EventBody::AuctionIndicative(auction) => put(indicative(auction), block),
            EventBody::AuctionUncrossed(auction) => put(uncrossed(auction), block),
            EventBody::OrderRejected(_)
            | EventBody::CancelRejected(_)
            | EventBody::SettingsRejected(_)
            | EventBody::FiltersChanged(_)
            | EventBody::AmendRejected(_)
            | EventBody::MassCancelled(_)
            | EventBody::MassCancelRejected(_)
            | EventBody::DisconnectTimerSet(_)
            | EventBody::DisconnectTimerRejected(_)
            | EventBody::DisconnectTimerFired(_) => {}
        }
        Ok(())
    }

    fn accept(&mut self, accepted: &OrderAccepted) {
        let order = Open {
            side: accepted.side,
            price: accepted.price,
            remaining: accepted.quantity,
            shown: 0,
            slice: accepted.display_quantity,
            may_rest: accepted.price != 0
                && matches!(accepted.time_in_force, TimeInForce::Gtc | TimeInForce::Gtd),
            rests: false,
        };
        match accepted.order_type {
            OrderType::Limit | OrderType::LimitMaker | OrderType::Market => {
                self.taker = Some((accepted.order_id, order));
            }
            OrderType::StopLoss
            | OrderType::StopLossLimit
            | OrderType::TakeProfit
            | OrderType::TakeProfitLimit => {
                self.open.insert(accepted.order_id, order);
            }
        }
    }

    fn trade(
        &mut self,
        seq: u64,
        trade: &TradeExecuted,
        block: &mut Vec<u8>,
    ) -> Result<(), Strange> {
        let by_taker = self.is_taker(trade.taker_order_id);
        put(
            Trade {
                trade_id: trade.trade_id,
                price: trade.price,
                quantity: trade.quantity,
                taker_side: if by_taker {
                    side_number(trade.taker_side)
                } else {
                    0
                },
            },
            block,
        );
        let executed = Some((trade.trade_id, trade.quantity));
        self.take(
            seq,
            trade.maker_order_id,
            trade.quantity,
            trade.maker_remaining,
            executed,
            block,
        )?;
        if by_taker {
            self.taker_has(trade.taker_remaining);
            return Ok(());
        }
        // An auction: both rest.
        self.take(
            seq,
            trade.taker_order_id,
            trade.quantity,
            trade.taker_remaining,
            executed,
            block,
        )
    }

    fn prevent(
        &mut self,
        seq: u64,
        prevented: &SelfTradePrevented,
        block: &mut Vec<u8>,
    ) -> Result<(), Strange> {
        let SelfTradePrevented {
            maker_order_id,
            quantity,
            maker_remaining,
            ..
        } = *prevented;
        self.take(seq, maker_order_id, quantity, maker_remaining, None, block)?;
        if self.is_taker(prevented.taker_order_id) {
            self.taker_has(prevented.taker_remaining);
        }
        Ok(())
    }

    fn is_taker(&self, order_id: u64) -> bool {
        self.taker.is_some_and(|(taker, _)| taker == order_id)
    }

    fn taker_has(&mut self, remaining: i64) {
        if let Some((_, taker)) = &mut self.taker {
            taker.remaining = remaining;
        }
        if remaining == 0 {
            self.taker = None;
        }
    }

    /// Takes lots off what a resting order shows, by a trade or without one.
    fn take(
        &mut self,
        seq: u64,
        order_id: u64,
        quantity: i64,
        remaining: i64,
        trade: Option<(u64, i64)>,
        block: &mut Vec<u8>,
    ) -> Result<(), Strange> {
        let strange = Strange { seq, order_id };
        let order = self.open.get_mut(&order_id).filter(|order| order.rests);
        let order = order.ok_or(strange)?;
        order.remaining = remaining;
        order.shown -= quantity;
        let left = *order;
        match trade {
            Some((trade_id, executed)) => put(
                OrderExecuted {
                    order_id,
                    trade_id,
                    executed,
                    quantity: left.shown,
                },
                block,
            ),
            None if left.shown == 0 => put(OrderDeleted { order_id }, block),
            None => put(reduced(order_id, left.shown), block),
        }
        let refill = if left.shown == 0 { slice_of(&left) } else { 0 };
        if refill > 0 {
            order.shown = refill;
            put(
                OrderRefilled {
                    order_id,
                    price: left.price,
                    quantity: refill,
                    side: side_number(left.side),
                },
                block,
            );
        }
        let ended = left.shown == 0 && refill == 0;
        if ended {
            self.open.remove(&order_id);
        }
        let orders = if ended { -1 } else { 0 };
        self.change_level(left.side, left.price, refill - quantity, orders, block);
        Ok(())
    }

    fn end(&mut self, seq: u64, order_id: u64, block: &mut Vec<u8>) -> Result<(), Strange> {
        if self.is_taker(order_id) {
            self.taker = None;
            return Ok(());
        }
        let order = self.open.remove(&order_id);
        let order = order.ok_or(Strange { seq, order_id })?;
        if order.rests {
            put(OrderDeleted { order_id }, block);
            self.change_level(order.side, order.price, -order.shown, -1, block);
        }
        Ok(())
    }

    /// The hidden part shrinks first.
    fn amend(
        &mut self,
        seq: u64,
        amended: &OrderAmended,
        block: &mut Vec<u8>,
    ) -> Result<(), Strange> {
        let order_id = amended.order_id;
        let order = self.open.get_mut(&order_id);
        let order = order.ok_or(Strange { seq, order_id })?;
        order.remaining = amended.remaining;
        let shown = order.shown.min(order.remaining);
        let cut = order.shown - shown;
        order.shown = shown;
        if cut > 0 {
            let order = *order;
            put(reduced(order_id, shown), block);
            self.change_level(order.side, order.price, -cut, 0, block);
        }
        Ok(())
    }

    fn change_level(
        &mut self,
        side: Side,
        price: i64,
        quantity: i64,
        orders: i32,
        block: &mut Vec<u8>,
    ) {
        let key = (price, side == Side::Buy);
        let level = self.levels.entry(key).or_default();
        level.quantity += quantity;
        level.orders = level.orders.wrapping_add_signed(orders);
        let now = *level;
        if now.orders == 0 {
            self.levels.remove(&key);
        }
        put(
            LevelChanged {
                price,
                quantity: now.quantity,
                orders: now.orders,
                side: side_number(side),
            },
            block,
        );
    }
}

/// What an order shows when it comes to rest or is refilled.
fn slice_of(order: &Open) -> i64 {
    if order.slice == 0 {
        order.remaining
    } else {
        order.slice.min(order.remaining)
    }
}
