//! The closed sets of words shared by commands, events and snapshots, numbered as in `outcry.v1`.
//!
//! None of them has an "unspecified" member: a number that is not a word here never becomes one, it
//! becomes a named reject.

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $value:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$variant_meta])* $variant = $value,)+ }

        impl $name {
            /// Every word, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word with this number, or `None` when the schema has no such word.
            #[must_use]
            pub const fn from_i32(number: i32) -> Option<Self> {
                match number { $($value => Some(Self::$variant),)+ _ => None }
            }

            /// The word's number in `outcry.v1`.
            #[must_use]
            pub const fn as_i32(self) -> i32 { self as i32 }
        }
    };
}

words! {
    /// Which side of the book an order is for.
    Side {
        /// Bids: the highest price is best.
        Buy = 1,
        /// Asks: the lowest price is best.
        Sell = 2,
    }
}

impl Side {
    /// The side that an order of this side trades against.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

words! {
    /// What kind of order it is.
    OrderType {
        /// Trades at its price or better.
        Limit = 1,
        /// Trades at any price inside the band and never rests.
        Market = 2,
        /// Rests or is rejected: never takes.
        LimitMaker = 3,
        /// Known to the schema, not carried out by rules version 1.
        StopLoss = 4,
        /// Known to the schema, not carried out by rules version 1.
        StopLossLimit = 5,
        /// Known to the schema, not carried out by rules version 1.
        TakeProfit = 6,
        /// Known to the schema, not carried out by rules version 1.
        TakeProfitLimit = 7,
    }
}

words! {
    /// How long an order lives.
    TimeInForce {
        /// Rests until it is filled or cancelled.
        Gtc = 1,
        /// What does not trade at once expires.
        Ioc = 2,
        /// Trades whole at once or expires whole.
        Fok = 3,
        /// Known to the schema, not carried out by rules version 1.
        Gtd = 4,
    }
}

words! {
    /// What the pair accepts at present.
    TradingStatus {
        /// Everything.
        Trading = 1,
        /// Neither orders nor cancels.
        Halt = 2,
        /// Cancels alone.
        CancelOnly = 3,
        /// Known to the schema, not carried out by rules version 1.
        PostOnly = 4,
        /// Known to the schema, not carried out by rules version 1.
        LimitOnly = 5,
        /// Known to the schema, not carried out by rules version 1.
        Auction = 6,
    }
}

words! {
    /// Why a command was refused.
    RejectReason {
        /// No accepted `PairSettings` yet.
        NoSettings = 1,
        /// The order id is 0.
        InvalidOrderId = 2,
        /// The user id is 0.
        InvalidUserId = 3,
        /// Neither buy nor sell.
        InvalidSide = 4,
        /// No type of the schema.
        InvalidOrderType = 5,
        /// No time in force of the schema, or one that this order type cannot have.
        InvalidTimeInForce = 6,
        /// Below 1, or a price on a market order.
        InvalidPrice = 7,
        /// Below 1.
        InvalidQuantity = 8,
        /// A product or total leaves the range of its integer.
        Overflow = 9,
        /// The price is outside the band.
        PriceOutOfBand = 10,
        /// price x quantity is below the pair's minimum.
        NotionalTooSmall = 11,
        /// An order of that id rests.
        DuplicateOrderId = 12,
        /// The pair is halted.
        MarketHalted = 13,
        /// The pair takes cancels alone.
        MarketCancelOnly = 14,
        /// A `LIMIT_MAKER` order that would trade at once.
        WouldTake = 15,
        /// No order of that id rests.
        UnknownOrder = 16,
        /// The order belongs to another user.
        NotOwner = 17,
        /// Settings that make no sense.
        InvalidSettings = 18,
        /// A known word of the schema that these rules do not carry out.
        Unsupported = 19,
    }
}

words! {
    /// Why the engine ended an order.
    ExpireReason {
        /// The remainder of an IOC or MARKET order.
        ImmediateOrCancel = 1,
        /// An FOK order that could not be filled whole.
        FillOrKill = 2,
        /// It rested on the wrong side of a new price band.
        PriceBand = 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_comes_back_from_its_number() {
        for &word in RejectReason::ALL {
            assert_eq!(RejectReason::from_i32(word.as_i32()), Some(word));
        }
        assert_eq!(RejectReason::ALL.len(), 19);
    }

    #[test]
    fn numbers_outside_the_schema_are_no_words() {
        for number in [0, -1, 3, i32::MIN, i32::MAX] {
            assert_eq!(Side::from_i32(number), None);
        }
    }
}
