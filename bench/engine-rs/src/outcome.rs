//! What engines must agree on: how much traded, and who rests in which order at the end.

/// The result of a whole stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Trades, of fill and timed part.
    pub trades: u64,
    /// Lots traded.
    pub volume: u64,
    /// Orders that rest at the end.
    pub resting: u64,
    /// Digest of the bids, best price and oldest order first, then the asks.
    pub book: u64,
}

/// FNV-1a over 64-bit words: short enough to be the same in every language.
pub struct Digest(u64);

impl Digest {
    /// Of nothing.
    pub fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds the next order of the book.
    pub fn order(&mut self, order_id: u64, price: u64, left: u64) {
        for word in [order_id, price, left] {
            self.0 = (self.0 ^ word).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The digest of all that was added.
    pub fn value(&self) -> u64 {
        self.0
    }
}
