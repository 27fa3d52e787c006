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
}

/// A new order. Enums are raw numbers of `outcry.v1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Ticks; 0 for MARKET.
    pub price: i64,
    /// Lots.
    pub quantity: i64,
}

/// Cancels a resting order of the same user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelOrder {
    /// The order to cancel.
    pub order_id: u64,
    /// Its owner.
    pub user_id: u64,
}

/// What the core must know of the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

/// Advances the book's clock, which never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Unix time in nanoseconds.
    pub time_unix_nanos: i64,
}
