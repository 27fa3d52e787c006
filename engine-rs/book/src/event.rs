//! The outputs of the core. Plain `Copy` data of fixed size, so that they can be written into a ring.

use crate::words::{
    ExpireReason, OrderType, RejectReason, SelfTradePrevention, Side, TimeInForce, TradingStatus,
};

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

const _: () = assert!(
    size_of::<Event>() <= 136,
    "an event is copied into the ring whole"
);

/// Events that the ring between the book and whoever takes them is to hold, a power of two: 256 KiB.
/// Several rounds fit, and a larger one pushes the book out of the processor's cache.
pub const EVENT_RING: usize = 1 << 11;

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
    /// The pair's filters from here on.
    FiltersChanged(FiltersChanged),
    /// A stop became active.
    OrderTriggered(OrderTriggered),
    /// The order is smaller and kept its place.
    OrderAmended(OrderAmended),
    /// The amendment failed a check; nothing changed.
    AmendRejected(AmendRejected),
    /// Two orders of one account or trade group lost what they would have traded.
    SelfTradePrevented(SelfTradePrevented),
    /// The end of a mass cancel.
    MassCancelled(MassCancelled),
    /// The mass cancel failed a check; nothing changed.
    MassCancelRejected(MassCancelRejected),
    /// When an account's open orders end unless it moves that time.
    DisconnectTimerSet(DisconnectTimerSet),
    /// The timer failed a check; nothing changed.
    DisconnectTimerRejected(DisconnectTimerRejected),
    /// An account's open orders ended because its timer ran out.
    DisconnectTimerFired(DisconnectTimerFired),
    /// Where the open call would trade now.
    AuctionIndicative(AuctionPrice),
    /// Where the call trades: its trades follow.
    AuctionUncrossed(AuctionPrice),
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
    /// Ticks; 0 for an order without one.
    pub price: i64,
    /// Lots; 0 for MARKET by quote.
    pub quantity: i64,
    /// Tick-lots of a MARKET order by quote; what it has left is in tick-lots too.
    pub quote_quantity: i64,
    /// Lots that the book shows at a time; 0 shows all.
    pub display_quantity: i64,
    /// Ticks; 0 for none.
    pub stop_price: i64,
    /// Basis points; 0 for none.
    pub trailing_delta: i32,
    /// Unix nanoseconds; 0 unless GTD.
    pub expire_time_unix_nanos: i64,
    /// The mode in force, the pair's when the order named none. `None` under rules version 1.
    pub self_trade_prevention: Option<SelfTradePrevention>,
    /// The other leg of its OCO; 0 for none.
    pub list_order_id: u64,
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

/// The filters in force from this event on. Fields as in [`crate::Filters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FiltersChanged {
    /// Mode of orders that name none.
    pub self_trade_prevention: SelfTradePrevention,
    /// Ticks; 0 is off.
    pub min_price: i64,
    /// Ticks; 0 is off.
    pub max_price: i64,
    /// Lots; 0 is off.
    pub min_quantity: i64,
    /// Lots; 0 is off.
    pub max_quantity: i64,
    /// Tick-lots; 0 is off.
    pub max_notional: i64,
    /// Whether the notional limits hold for orders without a price.
    pub notional_applies_to_market: bool,
    /// Ticks; 0 is none.
    pub reference_price: i64,
    /// Basis points of the reference price; 0 is off.
    pub bid_multiplier_up_bps: u32,
    /// Basis points of the reference price; 0 is off.
    pub bid_multiplier_down_bps: u32,
    /// Basis points of the reference price; 0 is off.
    pub ask_multiplier_up_bps: u32,
    /// Basis points of the reference price; 0 is off.
    pub ask_multiplier_down_bps: u32,
    /// Open orders that an account may have; 0 is off.
    pub max_open_orders: u32,
}

/// A stop became active; its trades and, if it may not rest, its expiry follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderTriggered {
    /// The order.
    pub order_id: u64,
    /// Its owner.
    pub user_id: u64,
    /// The stop price, or the price that trailing made of it. Ticks.
    pub trigger_price: i64,
}

/// The order is smaller and kept its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderAmended {
    /// The order.
    pub order_id: u64,
    /// Its owner.
    pub user_id: u64,
    /// Lots, what has traded included.
    pub quantity: i64,
    /// Lots left.
    pub remaining: i64,
}

/// The amendment was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmendRejected {
    /// As the command said.
    pub order_id: u64,
    /// As the command said.
    pub user_id: u64,
    /// The first check that failed.
    pub reason: RejectReason,
}

/// No trade: both orders lost the quantity, and one of them ended (0 left: `EXPIRED_IN_MATCH`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfTradePrevented {
    /// Where they would have traded. Ticks.
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
    /// Lots left of the maker.
    pub maker_remaining: i64,
    /// Left of the taker: lots, or tick-lots by quote.
    pub taker_remaining: i64,
}

/// The end of a mass cancel, behind the cancelled orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MassCancelled {
    /// As the command said; 0 is every account.
    pub user_id: u64,
    /// `None` is both.
    pub side: Option<Side>,
    /// How many orders it ended.
    pub orders: u64,
}

/// The mass cancel was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MassCancelRejected {
    /// As the command said.
    pub user_id: u64,
    /// The first check that failed.
    pub reason: RejectReason,
}

/// When an account's open orders end unless it moves that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisconnectTimerSet {
    /// The account.
    pub user_id: u64,
    /// Of the book's clock; 0: there is no timer any more.
    pub deadline_unix_nanos: i64,
}

/// The timer was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisconnectTimerRejected {
    /// As the command said.
    pub user_id: u64,
    /// The first check that failed.
    pub reason: RejectReason,
}

/// The end of what a disconnect timer did, behind the expired orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisconnectTimerFired {
    /// The account.
    pub user_id: u64,
    /// How many orders it ended.
    pub orders: u64,
}

/// The price of a call auction, and what it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuctionPrice {
    /// Ticks; 0 when nothing would trade.
    pub price: i64,
    /// Lots.
    pub volume: i64,
    /// The side that has more at this price; `None` when neither has.
    pub surplus_side: Option<Side>,
    /// Lots by which it has more.
    pub surplus: i64,
}
