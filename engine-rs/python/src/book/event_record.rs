//! Events as records.

use outcry_book as core;
use outcry_book::{EventBody, Side};

use super::layout::EventRecord;

impl EventRecord {
    /// Writes an event into a record of zeros.
    #[inline]
    pub fn fill(&mut self, event: &core::Event) {
        self.seq = event.seq;
        self.number = event.number;
        self.put(&event.body);
    }

    #[inline]
    fn put(&mut self, body: &EventBody) {
        match body {
            EventBody::OrderAccepted(body) => self.put_accepted(body),
            EventBody::OrderRejected(body) => {
                self.put_refused(7, body.order_id, body.user_id, body.reason);
            }
            EventBody::TradeExecuted(body) => self.put_trade(body),
            EventBody::OrderCancelled(body) => {
                self.put_order(9, body.order_id, body.user_id);
                self.remaining = body.remaining;
            }
            EventBody::OrderExpired(body) => {
                self.put_order(10, body.order_id, body.user_id);
                self.remaining = body.remaining;
                self.reason = body.reason as u8;
            }
            EventBody::CancelRejected(body) => {
                self.put_refused(11, body.order_id, body.user_id, body.reason);
            }
            EventBody::OrderTriggered(body) => {
                self.put_order(15, body.order_id, body.user_id);
                self.price = body.trigger_price;
            }
            EventBody::OrderAmended(body) => {
                self.put_order(16, body.order_id, body.user_id);
                self.quantity = body.quantity;
                self.remaining = body.remaining;
            }
            EventBody::AmendRejected(body) => {
                self.put_refused(17, body.order_id, body.user_id, body.reason);
            }
            EventBody::SelfTradePrevented(body) => self.put_prevented(body),
            _ => self.put_account_or_pair(body),
        }
    }

    #[allow(clippy::cast_possible_wrap)] // a count of orders
    fn put_account_or_pair(&mut self, body: &EventBody) {
        match body {
            EventBody::MassCancelled(body) => {
                self.put_order(19, 0, body.user_id);
                self.side = side(body.side);
                self.quantity = body.orders as i64;
            }
            EventBody::MassCancelRejected(body) => {
                self.put_refused(20, 0, body.user_id, body.reason);
            }
            EventBody::DisconnectTimerSet(body) => {
                self.put_order(21, 0, body.user_id);
                self.expire_time_unix_nanos = body.deadline_unix_nanos;
            }
            EventBody::DisconnectTimerRejected(body) => {
                self.put_refused(22, 0, body.user_id, body.reason);
            }
            EventBody::DisconnectTimerFired(body) => {
                self.put_order(23, 0, body.user_id);
                self.quantity = body.orders as i64;
            }
            EventBody::AuctionIndicative(body) => self.put_auction(24, body),
            EventBody::AuctionUncrossed(body) => self.put_auction(25, body),
            // An array of commands holds no settings, so none of these comes out of one.
            EventBody::SettingsChanged(_) => self.kind = 12,
            EventBody::SettingsRejected(body) => self.put_refused(13, 0, 0, body.reason),
            _ => self.kind = 14,
        }
    }

    fn put_order(&mut self, kind: u8, order_id: u64, user_id: u64) {
        self.kind = kind;
        self.order_id = order_id;
        self.user_id = user_id;
    }

    fn put_refused(&mut self, kind: u8, order_id: u64, user_id: u64, reason: core::RejectReason) {
        self.put_order(kind, order_id, user_id);
        self.reason = reason as u8;
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // accepted: 0 to 9999
    fn put_accepted(&mut self, body: &core::OrderAccepted) {
        self.put_order(6, body.order_id, body.user_id);
        self.side = body.side as u8;
        self.order_type = body.order_type as u8;
        self.time_in_force = body.time_in_force as u8;
        self.self_trade_prevention = body.self_trade_prevention.map_or(0, |mode| mode as u8);
        self.trailing_delta = body.trailing_delta as u16;
        self.price = body.price;
        self.quantity = body.quantity;
        self.quote_quantity = body.quote_quantity;
        self.display_quantity = body.display_quantity;
        self.stop_price = body.stop_price;
        self.expire_time_unix_nanos = body.expire_time_unix_nanos;
        self.list_order_id = body.list_order_id;
    }

    fn put_trade(&mut self, body: &core::TradeExecuted) {
        self.put_order(8, body.taker_order_id, body.taker_user_id);
        self.side = body.taker_side as u8;
        self.price = body.price;
        self.quantity = body.quantity;
        self.remaining = body.taker_remaining;
        self.maker_order_id = body.maker_order_id;
        self.maker_user_id = body.maker_user_id;
        self.maker_remaining = body.maker_remaining;
        self.trade_id = body.trade_id;
        self.maker_fee_ppm = body.maker_fee_ppm;
        self.taker_fee_ppm = body.taker_fee_ppm;
    }

    fn put_prevented(&mut self, body: &core::SelfTradePrevented) {
        self.put_order(18, body.taker_order_id, body.taker_user_id);
        self.side = body.taker_side as u8;
        self.price = body.price;
        self.quantity = body.quantity;
        self.remaining = body.taker_remaining;
        self.maker_order_id = body.maker_order_id;
        self.maker_user_id = body.maker_user_id;
        self.maker_remaining = body.maker_remaining;
    }

    fn put_auction(&mut self, kind: u8, body: &core::AuctionPrice) {
        self.put_order(kind, 0, 0);
        self.side = side(body.surplus_side);
        self.price = body.price;
        self.quantity = body.volume;
        self.remaining = body.surplus;
    }
}

fn side(side: Option<Side>) -> u8 {
    side.map_or(0, |side| side as u8)
}
