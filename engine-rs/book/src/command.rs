//! The inputs of the core. Plain `Copy` data of fixed size; enums are the raw numbers of the schema,
//! because a number that the schema does not know deserves a named reject and not a decoding error.

/// One input of the core, made idempotent by `(source, incarnation, number)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// Who sent it: 0..1023 order shards, 1024 the operator, 1025 the clock, from 2048 generators.
    pub source: u32,
    /// Raised when the source's store was restored or promoted.
    pub incarnation: u64,
    /// From 1, rising within an incarnation.
    pub number: u64,
    /// For display alone: nothing is decided by it.
    pub time_unix_nanos: i64,
    /// What is asked.
    pub body: Body,
}

/// What a command asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// A new order.
    NewOrder(NewOrder),
    /// The end of a resting order.
    CancelOrder(CancelOrder),
    /// The pair's rules from here on.
    PairSettings(PairSettings),
    /// The clock that expires orders.
    Tick(Tick),
    /// Less of an open order, which keeps its place.
    AmendOrder(AmendOrder),
    /// The end of an open order and a new one, in one step.
    CancelReplace(CancelReplace),
    /// Two orders of which one ends the other.
    NewOco(NewOco),
    /// The end of many open orders.
    MassCancel(MassCancel),
    /// Moves the time at which an account's open orders end unless it moves that time again.
    SetDisconnectTimer(SetDisconnectTimer),
}

/// A new order. Enums are raw numbers of `outcry.v1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewOrder {
    /// Not 0; refused while an order of that id rests.
    pub order_id: u64,
    /// Not 0.
    pub user_id: u64,
    /// [`crate::Side`].
    pub side: i32,
    /// [`crate::OrderType`]; the schema's field `type`.
    pub order_type: i32,
    /// [`crate::TimeInForce`]; 0 lets MARKET and `LIMIT_MAKER` take the only one they can have.
    pub time_in_force: i32,
    /// Ticks; 0 for MARKET, `STOP_LOSS` and `TAKE_PROFIT`.
    pub price: i64,
    /// Lots; 0 for MARKET by quote.
    pub quantity: i64,
    /// Tick-lots that a MARKET order may spend, or is to earn; 0 for every other order.
    pub quote_quantity: i64,
    /// Lots of an iceberg that the book shows at a time; 0 shows all.
    pub display_quantity: i64,
    /// Ticks; 0 for none.
    pub stop_price: i64,
    /// Basis points between the best price since tracking began and the trigger; 0 for none.
    pub trailing_delta: i32,
    /// [`crate::SelfTradePrevention`]; 0 takes the pair's.
    pub self_trade_prevention: i32,
    /// Accounts of one group do not trade with each other; 0 for none.
    pub trade_group: u64,
    /// GTD: ends at the first tick that is not before it. Unix nanoseconds; 0 for every other order.
    pub expire_time_unix_nanos: i64,
}

/// Cancels an open order of the same user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CancelOrder {
    /// The order to cancel.
    pub order_id: u64,
    /// Its owner.
    pub user_id: u64,
}

/// What the core must know of the pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairSettings {
    /// [`crate::TradingStatus`].
    pub trading_status: i32,
    /// Matching semantics in force from here on.
    pub rules_version: u32,
    /// Ticks, inclusive.
    pub price_band_lower: i64,
    /// Ticks, inclusive.
    pub price_band_upper: i64,
    /// Tick-lots.
    pub min_notional: i64,
    /// Millionths of the traded amount; negative is a rebate.
    pub maker_fee_ppm: i32,
    /// Millionths of the traded amount.
    pub taker_fee_ppm: i32,
    /// Ledger units of the quote asset in one tick-lot; carried for settlement.
    pub quote_units_per_tick_lot: i64,
    /// Ledger units of the base asset in one lot; carried for settlement.
    pub base_units_per_lot: i64,
    /// What else an order must pass; all zero under rules version 1.
    pub filters: Filters,
}

/// The filters of a pair. Rules version 2; a field of 0 is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// [`crate::SelfTradePrevention`] of orders that name none; 0 is NONE.
    pub self_trade_prevention: i32,
    /// Ticks.
    pub min_price: i64,
    /// Ticks.
    pub max_price: i64,
    /// Lots.
    pub min_quantity: i64,
    /// Lots.
    pub max_quantity: i64,
    /// Tick-lots.
    pub max_notional: i64,
    /// Whether the notional limits hold for orders without a price, valued at the reference price.
    pub notional_applies_to_market: bool,
    /// The reference price before the first trade. Ticks.
    pub reference_price: i64,
    /// A buy's highest price, in basis points of the reference price.
    pub bid_multiplier_up_bps: u32,
    /// A buy's lowest price, in basis points of the reference price.
    pub bid_multiplier_down_bps: u32,
    /// A sell's highest price, in basis points of the reference price.
    pub ask_multiplier_up_bps: u32,
    /// A sell's lowest price, in basis points of the reference price.
    pub ask_multiplier_down_bps: u32,
    /// Open orders that an account may have.
    pub max_open_orders: u32,
}

/// Advances the book's clock, which never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// Unix time in nanoseconds.
    pub time_unix_nanos: i64,
}

/// Lowers the quantity of an open order of the same user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AmendOrder {
    /// The order to amend.
    pub order_id: u64,
    /// Its owner.
    pub user_id: u64,
    /// Its new quantity, what has traded included. Lots.
    pub quantity: i64,
}

/// Cancels an open order and enters a new one of the same user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CancelReplace {
    /// The order to cancel.
    pub cancel_order_id: u64,
    /// [`crate::CancelReplaceMode`].
    pub mode: i32,
    /// The order that takes its place; its id may be the cancelled one's.
    pub order: NewOrder,
}

/// One cancels the other: a `LIMIT_MAKER` order and a stop order of one side and quantity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewOco {
    /// Owner of both.
    pub user_id: u64,
    /// The limit leg's id.
    pub limit_order_id: u64,
    /// The stop leg's id.
    pub stop_order_id: u64,
    /// [`crate::Side`] of both.
    pub side: i32,
    /// Lots of each.
    pub quantity: i64,
    /// Ticks, of the limit leg.
    pub price: i64,
    /// Lots of the limit leg that the book shows at a time; 0 shows all.
    pub display_quantity: i64,
    /// Ticks, of the stop leg; 0 for none.
    pub stop_price: i64,
    /// Ticks: the stop leg is `STOP_LOSS_LIMIT` at this price; 0: it is `STOP_LOSS`.
    pub stop_limit_price: i64,
    /// [`crate::TimeInForce`] of the stop leg; 0 takes GTC with a limit price and IOC without.
    pub stop_time_in_force: i32,
    /// Basis points, of the stop leg; 0 for none.
    pub trailing_delta: i32,
    /// [`crate::SelfTradePrevention`]; 0 takes the pair's.
    pub self_trade_prevention: i32,
    /// As in [`NewOrder`].
    pub trade_group: u64,
}

/// Cancels every open order of an account, or of the pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MassCancel {
    /// The account; 0 is every account, which the operator alone may ask for.
    pub user_id: u64,
    /// [`crate::Side`]; 0 is both.
    pub side: i32,
}

/// Cancel-on-disconnect: each one moves the deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetDisconnectTimer {
    /// The account.
    pub user_id: u64,
    /// From the book's clock; 0 takes the timer away.
    pub timeout_millis: u64,
}
