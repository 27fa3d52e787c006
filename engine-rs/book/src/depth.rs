//! What the book looks like from outside, price by price.

/// One price level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Ticks.
    pub price: i64,
    /// Lots, summed over the level.
    pub quantity: i64,
    /// How many orders rest there.
    pub orders: u32,
}

/// The best levels of both sides, right after the event `seq`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Seq of the last event.
    pub seq: u64,
    /// Best (highest price) first.
    pub bids: Vec<Level>,
    /// Best (lowest price) first.
    pub asks: Vec<Level>,
    /// Orders on both sides, at all prices.
    pub resting_orders: u64,
    /// Ticks; 0 before the first trade.
    pub last_price: i64,
    /// Lots; 0 before the first trade.
    pub last_quantity: i64,
}
