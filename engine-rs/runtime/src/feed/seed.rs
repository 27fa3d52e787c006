//! Where a feed begins: the open orders of a book at one seq.

use outcry_book::{Book, OpenOrder};
use outcry_feed::message::{OrderAdded, SnapshotBegin};

use super::said::indicative;

/// A book at one seq, as far as the feed needs it.
#[derive(Clone, Debug)]
pub struct Seed {
    pub seq: u64,
    /// In the order of [`Book::open_orders`].
    pub orders: Vec<OpenOrder>,
    market: SnapshotBegin,
}

impl Seed {
    pub fn of(book: &Book) -> Self {
        let orders = book.open_orders();
        let (depth, settings) = (book.depth(0), book.settings());
        let shown = book.last_indicative().map(|auction| indicative(&auction));
        let market = SnapshotBegin {
            sequence: book.seq(),
            orders: orders.iter().filter(|order| !order.waits).count() as u64,
            band_lower: settings.map_or(0, |settings| settings.price_band_lower),
            band_upper: settings.map_or(0, |settings| settings.price_band_upper),
            trade_id: book.last_trade_id(),
            trade_price: depth.last_price,
            trade_quantity: depth.last_quantity,
            indicative_price: shown.map_or(0, |shown| shown.price),
            indicative_volume: shown.map_or(0, |shown| shown.volume),
            indicative_surplus: shown.map_or(0, |shown| shown.surplus),
            indicative_surplus_side: shown.map_or(0, |shown| shown.surplus_side),
            status: settings.map_or(0, |settings| settings.trading_status as u8),
        };
        Self {
            seq: book.seq(),
            orders,
            market,
        }
    }

    /// The book that a client would have at this seq.
    pub fn client_book(&self) -> Result<outcry_feed::Book, outcry_feed::BookError> {
        let mut book = outcry_feed::Book::of_snapshot(&self.market);
        for order in self.orders.iter().filter(|order| !order.waits) {
            book.add(&OrderAdded {
                order_id: order.order_id,
                price: order.price,
                quantity: order.displayed,
                side: order.side as u8,
            })?;
        }
        Ok(book)
    }
}
