//! orderbook-rs behind the same records.

use std::sync::{Arc, Mutex, PoisonError};

use orderbook_rs::{DefaultOrderBook, TradeResult};
use pricelevel::{Id, OrderUpdate, Price, Quantity, Side, TimeInForce};

use crate::engine::Engine;
use crate::outcome::{Digest, Outcome};
use crate::record::{BUY, Record, SELL, kind};

/// What its trade listener has seen.
struct Seen {
    trades: u64,
    volume: u64,
    makers: Option<Digest>,
}

impl Seen {
    fn add(&mut self, result: &TradeResult) {
        for trade in result.match_result.trades().as_vec() {
            let quantity = trade.quantity().as_u64();
            self.trades += 1;
            self.volume += quantity;
            if let (Some(makers), Id::Sequential(maker)) =
                (&mut self.makers, trade.maker_order_id())
            {
                let price = u64::try_from(trade.price().as_u128()).unwrap_or(u64::MAX);
                makers.order(maker, price, quantity);
            }
        }
    }
}

/// orderbook-rs with a trade listener.
pub struct OrderbookRs {
    book: DefaultOrderBook,
    seen: Arc<Mutex<Seen>>,
    lowest: u32,
    highest: u32,
}

impl OrderbookRs {
    /// An IOC that is left with something answers with an error; its trades reach the listener all the same.
    fn limit(&self, record: &Record, time_in_force: TimeInForce) {
        let side = if record.side == BUY {
            Side::Buy
        } else {
            Side::Sell
        };
        let result = self.book.add_limit_order(
            Id::Sequential(record.order_id),
            record.price.into(),
            record.quantity.into(),
            side,
            time_in_force,
            None,
        );
        debug_assert!(result.is_ok() || time_in_force == TimeInForce::Ioc);
    }

    fn update(&self, update: OrderUpdate) {
        let result = self.book.update_order(update);
        debug_assert!(matches!(result, Ok(Some(_))), "{result:?}");
    }
}

impl Engine for OrderbookRs {
    fn open((lowest, highest, _): (u32, u32, u64)) -> Self {
        let seen = Arc::new(Mutex::new(Seen {
            trades: 0,
            volume: 0,
            makers: None,
        }));
        let shared = Arc::clone(&seen);
        let listener = move |result: &TradeResult| {
            shared
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .add(result);
        };
        Self {
            book: DefaultOrderBook::with_trade_listener("BENCH", Arc::new(listener)),
            seen,
            lowest,
            highest,
        }
    }

    fn apply(&mut self, record: &Record) {
        let order_id = Id::Sequential(record.order_id);
        match record.kind {
            kind::LIMIT => self.limit(record, TimeInForce::Gtc),
            kind::IOC => self.limit(record, TimeInForce::Ioc),
            kind::CANCEL => self.update(OrderUpdate::Cancel { order_id }),
            kind::REDUCE => self.update(OrderUpdate::UpdateQuantity {
                order_id,
                new_quantity: Quantity::new(record.left.into()),
            }),
            _ => self.update(OrderUpdate::UpdatePrice {
                order_id,
                new_price: Price::new(record.price.into()),
            }),
        }
    }

    /// Two orders through the whole book tell who rested, in the order of priority.
    fn outcome(self) -> Outcome {
        let resting = self.book.get_all_orders().len() as u64;
        let (trades, volume) = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.makers = Some(Digest::new());
            (seen.trades, seen.volume)
        };
        for (order_id, side, price) in [
            (u64::MAX - 1, SELL, self.lowest),
            (u64::MAX, BUY, self.highest),
        ] {
            let all = Record {
                order_id,
                side,
                price,
                quantity: u32::MAX,
                ..Record::default()
            };
            self.limit(&all, TimeInForce::Ioc);
        }
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Outcome {
            trades,
            volume,
            resting,
            book: seen.makers.as_ref().map_or(0, Digest::value),
        }
    }
}
