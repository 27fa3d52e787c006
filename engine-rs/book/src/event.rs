//! The outputs of the core. Plain `Copy` data of fixed size, so that they can be written into a ring.

use crate::words::{ExpireReason, OrderType, RejectReason, Side, TimeInForce, TradingStatus};

/// Where events go, in the order of their `seq`.
pub trait Sink {
    /// Takes the next event.
    fn emit(&mut self, event: &Event);
}

impl Sink for Vec<Event> {
    fn emit(&mut self, event: &Event) {
        self.push(*event);
    }
}

/// One output of the core, with the command that caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Consecutive from 1 for the life of the pair.
    pub seq: u64,
    /// The causing command's.
    pub source: u32,
    /// The causing command's.
    pub incarnation: u64,
    /// The causing command's.
    pub number: u64,
    /// The causing command's.
    pub time_unix_nanos: i64,
    /// What happened.
    pub body: EventBody,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventBody {
    /// The order passed every check.
    OrderAccepted(OrderAccepted),
    /// The order failed a check; nothing changed.
    OrderRejected(OrderRejected),
    /// Two orders traded.
    TradeExecuted(TradeExecuted),
    /// Its owner ended the order.
    OrderCancelled(OrderCancelled),
    /// The engine ended the order.
    OrderExpired(OrderExpired),
    /// The cancel failed a check; nothing changed.
    CancelRejected(CancelRejected),
    /// The pair's rules from here on.
    SettingsChanged(SettingsChanged),
    /// The settings made no sense; nothing changed.
    SettingsRejected(SettingsRejected),
}

/// The order passed every check; its trades and, if it may not rest, its expiry follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderAccepted {
    /// The order.
    pub order_id: u64,
    /// Its owner.
    pub user_id: u64,
    /// Its side.
    pub side: Side,
    /// Its type; the schema's field `type`.
    pub order_type: OrderType,
    /// The one in force: IOC for MARKET, GTC for `LIMIT_MAKER`.
    pub time_in_force: TimeInForce,
    /// Ticks; 0 for MARKET.
    pub price: i64,
    /// Lots.
    pub quantity: i64,
}

/// The order was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRejected {
    /// As the command said.
    pub order_id: u64,
    /// As the command said.
    pub user_id: u64,
    /// The first check that failed.
    pub reason: RejectReason,
}

/// One fill: a maker and a taker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradeExecuted {
    /// Consecutive from 1 for the life of the pair.
    pub trade_id: u64,
    /// The maker's price, in ticks.
    pub price: i64,
    /// Lots.
    pub quantity: i64,
    /// The order that rested.
    pub maker_order_id: u64,
    /// The order that came.
    pub taker_order_id: u64,
    /// The maker's owner.
    pub maker_user_id: u64,
    /// The taker's owner.
    pub taker_user_id: u64,
    /// The side of the order that came.
    pub taker_side: Side,
    /// Lots left of the maker after this trade.
    pub maker_remaining: i64,
    /// Lots left of the taker after this trade.
    pub taker_remaining: i64,
    /// From the settings in force.
    pub maker_fee_ppm: i32,
    /// From the settings in force.
    pub taker_fee_ppm: i32,
}

/// Its owner ended the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderCancelled {
    /// The order.
    pub order_id: u64,
    /// Its owner.
    pub user_id: u64,
    /// Lots that had not traded.
    pub remaining: i64,
}

/// The engine ended the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderExpired {
    /// The order.
    pub order_id: u64,
    /// Its owner.
    pub user_id: u64,
    /// Lots that had not traded.
    pub remaining: i64,
    /// Why.
    pub reason: ExpireReason,
}

/// The cancel was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelRejected {
    /// As the command said.
    pub order_id: u64,
    /// As the command said.
    pub user_id: u64,
    /// The first check that failed.
    pub reason: RejectReason,
}

/// The settings in force from this event on. Fields as in [`crate::PairSettings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingsChanged {
    /// What the pair accepts.
    pub trading_status: TradingStatus,
    /// Matching semantics.
    pub rules_version: u32,
    /// Ticks, inclusive.
    pub price_band_lower: i64,
    /// Ticks, inclusive.
    pub price_band_upper: i64,
    /// Tick-lots.
    pub min_notional: i64,
    /// Millionths of the traded amount.
    pub maker_fee_ppm: i32,
    /// Millionths of the traded amount.
    pub taker_fee_ppm: i32,
    /// Ledger units of the quote asset in one tick-lot.
    pub quote_units_per_tick_lot: i64,
    /// Ledger units of the base asset in one lot.
    pub base_units_per_lot: i64,
}

/// The settings were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingsRejected {
    /// The first check that failed.
    pub reason: RejectReason,
}
