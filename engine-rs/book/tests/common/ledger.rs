//! What every order has left, by what the events say alone: quantity is neither made nor lost.

use std::collections::BTreeMap;

use outcry_book::{Book, Event, EventBody};

/// One open order, by its events.
#[derive(Clone, Copy, Debug)]
struct Held {
    quantity: i64,
    left: i64,
    by_quote: bool,
}

/// Open orders by id.
#[derive(Default)]
pub struct Ledger {
    held: BTreeMap<u64, Held>,
    seq: u64,
    trades: u64,
}

impl Ledger {
    /// Takes one event in, or says what is wrong with it.
    pub fn follow(&mut self, event: &Event) {
        self.seq += 1;
        assert_eq!(event.seq, self.seq, "seq is consecutive");
        match event.body {
            EventBody::OrderAccepted(it) => {
                let by_quote = it.quote_quantity != 0;
                let left = if by_quote {
                    it.quote_quantity
                } else {
                    it.quantity
                };
                let held = Held {
                    quantity: it.quantity,
                    left,
                    by_quote,
                };
                assert!(self.held.insert(it.order_id, held).is_none(), "{event:?}");
            }
            EventBody::TradeExecuted(it) => {
                self.trades += 1;
                assert_eq!(it.trade_id, self.trades);
                self.take(
                    it.maker_order_id,
                    (it.price, it.quantity),
                    it.maker_remaining,
                );
                self.take(
                    it.taker_order_id,
                    (it.price, it.quantity),
                    it.taker_remaining,
                );
            }
            EventBody::SelfTradePrevented(it) => {
                self.take(
                    it.maker_order_id,
                    (it.price, it.quantity),
                    it.maker_remaining,
                );
                self.take(
                    it.taker_order_id,
                    (it.price, it.quantity),
                    it.taker_remaining,
                );
            }
            EventBody::OrderCancelled(it) => self.end(it.order_id, it.remaining),
            EventBody::OrderExpired(it) => self.end(it.order_id, it.remaining),
            EventBody::OrderTriggered(it) => assert!(self.held.contains_key(&it.order_id)),
            EventBody::OrderAmended(it) => {
                let held = self.held.get_mut(&it.order_id).unwrap();
                let gone = held.quantity - held.left;
                (held.quantity, held.left) = (it.quantity, it.quantity - gone);
                assert_eq!(held.left, it.remaining, "{event:?}");
            }
            _ => {}
        }
    }

    fn take(&mut self, id: u64, (price, quantity): (i64, i64), remaining: i64) {
        assert!(quantity > 0);
        let held = self.held.get_mut(&id).unwrap();
        held.left -= if held.by_quote {
            price * quantity
        } else {
            quantity
        };
        assert_eq!(held.left, remaining, "order {id}");
        assert!(remaining >= 0, "order {id}");
        if remaining == 0 {
            self.held.remove(&id);
        }
    }

    fn end(&mut self, id: u64, remaining: i64) {
        let held = self.held.remove(&id);
        assert_eq!(held.map(|held| held.left), Some(remaining), "order {id}");
    }

    /// The book holds what the events say, between two commands.
    pub fn agrees_with(&self, book: &Book) {
        assert_eq!(book.seq(), self.seq);
        assert_eq!(book.totals().open_orders, self.held.len() as u64);
        for (&id, held) in &self.held {
            let order = book.order(id).unwrap();
            assert_eq!(
                (order.quantity, order.remaining),
                (held.quantity, held.left),
                "order {id}"
            );
        }
    }
}
