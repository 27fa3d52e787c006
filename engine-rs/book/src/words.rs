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
        /// Waits until the price moves against it, then is a market order. Rules version 2.
        StopLoss = 4,
        /// Waits until the price moves against it, then is a limit order. Rules version 2.
        StopLossLimit = 5,
        /// Waits until the price moves its way, then is a market order. Rules version 2.
        TakeProfit = 6,
        /// Waits until the price moves its way, then is a limit order. Rules version 2.
        TakeProfitLimit = 7,
    }
}

impl OrderType {
    /// Whether it waits for a price before it is active.
    #[must_use]
    pub const fn is_stop(self) -> bool {
        !matches!(self, Self::Limit | Self::Market | Self::LimitMaker)
    }

    /// Whether it names the worst price that it may trade at.
    #[must_use]
    pub const fn has_price(self) -> bool {
        !matches!(self, Self::Market | Self::StopLoss | Self::TakeProfit)
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
        /// Rests until it is filled, cancelled or its time has come. Rules version 2.
        Gtd = 4,
    }
}

impl TimeInForce {
    /// Whether what does not trade at once may rest.
    #[must_use]
    pub const fn may_rest(self) -> bool {
        matches!(self, Self::Gtc | Self::Gtd)
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
        /// Orders that never take, and cancels. Rules version 2.
        PostOnly = 4,
        /// Orders with a price, and cancels. Rules version 2.
        LimitOnly = 5,
        /// A call: orders rest, even crossed, and trade together when it ends. Rules version 2.
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
        /// No self-trade prevention mode of the schema.
        InvalidStpMode = 20,
        /// The pair takes `LIMIT_MAKER` orders alone.
        MarketPostOnly = 21,
        /// The pair takes orders with a price alone.
        MarketLimitOnly = 22,
        /// The pair holds a call auction, which this order cannot take part in.
        MarketAuction = 23,
        /// An iceberg's displayed quantity that makes no sense.
        InvalidDisplayQuantity = 24,
        /// A stop price that is missing, out of place or below 0.
        InvalidStopPrice = 25,
        /// Basis points outside 1 to 9999, or on an order that is no stop.
        InvalidTrailingDelta = 26,
        /// Not in the future, or on an order that is not GTD.
        InvalidExpireTime = 27,
        /// Below the least or above the highest price of the pair.
        PriceFilter = 28,
        /// Too far from the reference price.
        PercentPrice = 29,
        /// Below the least or above the highest quantity of the pair.
        LotSize = 30,
        /// price x quantity is above the pair's maximum.
        NotionalTooLarge = 31,
        /// The account has as many open orders as it may have.
        TooManyOpenOrders = 32,
        /// The stop's condition holds already.
        WouldTrigger = 33,
        /// The legs of an OCO contradict each other.
        InvalidList = 34,
        /// The order is a leg of an OCO, which cannot be amended.
        PartOfList = 35,
        /// No cancel-replace mode of the schema.
        InvalidMode = 36,
        /// The cancel before it failed.
        NotAttempted = 37,
        /// A disconnect timer of more than a day.
        InvalidTimeout = 38,
    }
}

words! {
    /// Why the engine ended an order.
    ExpireReason {
        /// The remainder of an IOC or MARKET order.
        ImmediateOrCancel = 1,
        /// An FOK order that could not be filled whole.
        FillOrKill = 2,
        /// It rested on the wrong side of a new price band, or became active outside the band.
        PriceBand = 3,
        /// It met an order of the same account or trade group.
        SelfTrade = 4,
        /// The other leg of its OCO traded, became active or ended.
        OneCancelsOther = 5,
        /// Its time had come.
        GoodTillDate = 6,
        /// Its account's disconnect timer ran out.
        Disconnected = 7,
        /// It became active, and a total of its level would leave the range of its integer.
        Overflow = 8,
    }
}

words! {
    /// What happens when an order would trade with one of the same account or trade group. The
    /// taker's mode decides.
    SelfTradePrevention {
        /// They trade.
        None = 1,
        /// What is left of the taker expires.
        ExpireTaker = 2,
        /// The maker expires.
        ExpireMaker = 3,
        /// Both expire.
        ExpireBoth = 4,
        /// Both lose what they would have traded.
        Decrement = 5,
    }
}

words! {
    /// What becomes of the new order when the cancel of a cancel-replace fails.
    CancelReplaceMode {
        /// It is rejected.
        StopOnFailure = 1,
        /// It goes on.
        AllowFailure = 2,
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
        assert_eq!(RejectReason::ALL.len(), 38);
    }

    #[test]
    fn numbers_outside_the_schema_are_no_words() {
        for number in [0, -1, 3, i32::MIN, i32::MAX] {
            assert_eq!(Side::from_i32(number), None);
        }
    }
}
