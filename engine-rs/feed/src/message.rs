//! The messages, as `schema/feed.xml` has them. Prices are ticks, quantities lots, times Unix
//! nanoseconds. Quantities of orders and levels are what the book shows: an iceberg's reserve and a
//! waiting stop are on no message.

use crate::wire::messages;

/// A buy, or the bids.
pub const BUY: u8 = 1;
/// A sell, or the asks.
pub const SELL: u8 = 2;

messages! {
    /// An order came to rest, behind the others of its price.
    OrderAdded = 1 {
        /// The order.
        order_id: u64,
        /// Ticks.
        price: i64,
        /// Lots shown.
        quantity: i64,
        /// [`BUY`] or [`SELL`].
        side: u8,
    }
    /// A resting order traded and keeps its place; with nothing left of what it showed it is gone.
    OrderExecuted = 2 {
        /// The order.
        order_id: u64,
        /// The trade, whose [`Trade`] came before in the same event.
        trade_id: u64,
        /// Lots that traded.
        executed: i64,
        /// Lots that it shows now; 0: it is gone.
        quantity: i64,
    }
    /// A resting order shows less and keeps its place.
    OrderReduced = 3 {
        /// The order.
        order_id: u64,
        /// Lots that it shows now, at least 1.
        quantity: i64,
    }
    /// A resting order is gone without a trade.
    OrderDeleted = 4 {
        /// The order.
        order_id: u64,
    }
    /// An order that is gone by a message before this one, in the same event, comes back behind the
    /// others of its price: an iceberg shows its next slice.
    OrderRefilled = 5 {
        /// The order.
        order_id: u64,
        /// Ticks.
        price: i64,
        /// Lots that it shows now.
        quantity: i64,
        /// [`BUY`] or [`SELL`].
        side: u8,
    }
    /// What a price level shows now.
    LevelChanged = 6 {
        /// Ticks.
        price: i64,
        /// Lots shown; 0 when the level is gone.
        quantity: i64,
        /// Orders; 0 when the level is gone.
        orders: u32,
        /// [`BUY`] or [`SELL`].
        side: u8,
    }
    /// Two orders traded.
    Trade = 7 {
        /// Consecutive from 1 for the life of the pair.
        trade_id: u64,
        /// Ticks.
        price: i64,
        /// Lots.
        quantity: i64,
        /// Side of the order that took; 0 when an auction traded.
        taker_side: u8,
    }
    /// What the pair accepts from here on.
    TradingStatus = 8 {
        /// Lowest price of an order or trade. Ticks.
        band_lower: i64,
        /// Highest price of an order or trade. Ticks.
        band_upper: i64,
        /// 1 TRADING, 2 HALT, 3 `CANCEL_ONLY`, 4 `POST_ONLY`, 5 `LIMIT_ONLY`, 6 AUCTION.
        status: u8,
    }
    /// Where the open call would trade now.
    AuctionIndicative = 9 {
        /// Ticks; 0 when nothing would trade.
        price: i64,
        /// Lots that would trade.
        volume: i64,
        /// Lots by which one side has more.
        surplus: i64,
        /// That side; 0 when neither has more.
        surplus_side: u8,
    }
    /// Where the call traded; its trades follow.
    AuctionUncrossed = 10 {
        /// Ticks; 0 when nothing trades.
        price: i64,
        /// Lots.
        volume: i64,
        /// Lots by which one side had more.
        surplus: i64,
        /// That side; 0 when neither had more.
        surplus_side: u8,
    }
    /// Recovery: the server's first words.
    Hello = 20 {
        /// The feed's session.
        session: [u8; 10],
        /// The pair, padded with zeros.
        symbol: [u8; 32],
        /// The lowest sequence number that a gap request can have.
        first: u64,
        /// The next sequence number.
        next: u64,
        /// 1 when this replica sends the feed, else 0.
        hot: u8,
    }
    /// Recovery: asks for the events from `first` on, up to the newest.
    GapRequest = 21 {
        /// The first one wanted.
        first: u64,
        /// The first one not wanted any more; 0: everything there is.
        end: u64,
    }
    /// Recovery: asks for the whole book.
    SnapshotRequest = 22 {
    }
    /// Recovery: the book right after event `sequence`; its orders follow as [`OrderAdded`], bids
    /// before asks, best price first, in the order of their queues.
    SnapshotBegin = 23 {
        /// The last event in it.
        sequence: u64,
        /// How many orders follow.
        orders: u64,
        /// As in [`TradingStatus`]; 0 before the first.
        band_lower: i64,
        /// As in [`TradingStatus`].
        band_upper: i64,
        /// The last trade; 0 before the first.
        trade_id: u64,
        /// Its price.
        trade_price: i64,
        /// Its quantity.
        trade_quantity: i64,
        /// As in [`AuctionIndicative`], all 0 when none was shown since the call opened.
        indicative_price: i64,
        /// As in [`AuctionIndicative`].
        indicative_volume: i64,
        /// As in [`AuctionIndicative`].
        indicative_surplus: i64,
        /// As in [`AuctionIndicative`].
        indicative_surplus_side: u8,
        /// As in [`TradingStatus`].
        status: u8,
    }
    /// Recovery: all orders of the snapshot have gone before.
    SnapshotEnd = 24 {
        /// As in its [`SnapshotBegin`].
        sequence: u64,
    }
    /// Recovery: all packets of the gap have gone before.
    GapEnd = 25 {
        /// The next event, which was not among them.
        next: u64,
    }
    /// Recovery: the request, or the connection, is refused.
    Refused = 26 {
        /// A [`crate::Refusal`].
        reason: u8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Field, HEADER, Malformed};

    fn added() -> Message {
        OrderAdded {
            order_id: 7,
            price: -3,
            quantity: 1 << 40,
            side: SELL,
        }
        .into()
    }

    #[test]
    fn a_message_comes_back_and_the_bytes_behind_it_stay() {
        let mut bytes = Vec::new();
        added().encode(&mut bytes);
        assert_eq!(bytes.len(), HEADER + usize::from(OrderAdded::BLOCK));
        bytes.push(9);
        let mut rest = &bytes[..];
        assert_eq!(Message::decode(&mut rest), Ok(Some(added())));
        assert_eq!(rest, [9]);
    }

    #[test]
    fn fields_and_templates_of_a_later_version_are_passed_over() {
        let mut bytes = Vec::new();
        (OrderDeleted::BLOCK + 3).put(&mut bytes);
        for number in [OrderDeleted::TEMPLATE, crate::wire::SCHEMA_ID, 2] {
            number.put(&mut bytes);
        }
        5u64.put(&mut bytes);
        bytes.extend([1, 2, 3]);
        for number in [2, 999, crate::wire::SCHEMA_ID, 2, 0xffff] {
            u16::put(&number, &mut bytes);
        }
        let mut rest = &bytes[..];
        let deleted = OrderDeleted { order_id: 5 }.into();
        assert_eq!(Message::decode(&mut rest), Ok(Some(deleted)));
        assert_eq!(Message::decode(&mut rest), Ok(None));
        assert!(rest.is_empty());
    }

    #[test]
    fn no_prefix_of_a_message_is_one_and_another_schema_s_is_none() {
        let mut bytes = Vec::new();
        added().encode(&mut bytes);
        for end in 0..bytes.len() {
            let cut = Message::decode(&mut &bytes[..end]);
            assert!(
                matches!(cut, Err(Malformed::Truncated(_))),
                "{end}: {cut:?}"
            );
        }
        bytes[0] -= 1;
        assert!(matches!(
            Message::decode(&mut &bytes[..]),
            Err(Malformed::Short { template: 1, .. })
        ));
        bytes[4] += 1;
        assert_eq!(
            Message::decode(&mut &bytes[..]),
            Err(Malformed::Schema(crate::wire::SCHEMA_ID + 1))
        );
    }
}
