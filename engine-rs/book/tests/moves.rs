//! A cancel-replace under the order's own id does what a cancel and a new order do one after the other.
#![allow(clippy::unwrap_used)]

mod common;

use common::{BUY, SELL, limit, settings};
use outcry_book::{
    Body, Book, CancelOrder, CancelReplace, CancelReplaceMode, Command, Event, EventBody, Filters,
    NewOrder, PairSettings, TimeInForce,
};
use proptest::prelude::*;

const ORDERS: u64 = 12;

/// An order that may rest or trade, cross its own side's queue, or fail a check.
fn order() -> impl Strategy<Value = NewOrder> {
    let numbers = (
        1..=ORDERS,
        prop_oneof![Just(BUY), Just(SELL)],
        90..112i64,
        0..9i64,
    );
    let special = prop_oneof![9 => Just((TimeInForce::Gtc, 0)), 1 => Just((TimeInForce::Ioc, 0)), 1 => Just((TimeInForce::Gtc, 2))];
    (numbers, special).prop_map(|((id, side, price, quantity), (time_in_force, display))| {
        NewOrder {
            user_id: id % 3 + 1,
            time_in_force: time_in_force.as_i32(),
            display_quantity: display,
            ..limit(id, side, price, quantity)
        }
    })
}

/// Without filters, and with some that the short way must leave to the long one.
fn filters() -> impl Strategy<Value = Filters> {
    let filters =
        (0..4u32, 0..3i64, 0..2u32).prop_map(|(max_open_orders, min_quantity, percent)| Filters {
            max_open_orders,
            min_quantity,
            bid_multiplier_up_bps: percent * 10_200,
            reference_price: 100,
            ..Filters::default()
        });
    prop_oneof![Just(Filters::default()), filters]
}

struct Line {
    book: Book,
    number: u64,
    events: Vec<Event>,
}

impl Line {
    fn new(filters: Filters) -> Self {
        let mut line = Self {
            book: Book::new(),
            number: 0,
            events: Vec::new(),
        };
        line.send(Body::PairSettings(PairSettings {
            rules_version: 2,
            price_band_lower: 92,
            price_band_upper: 110,
            filters,
            ..settings()
        }));
        line
    }

    fn send(&mut self, body: Body) {
        self.number += 1;
        let command = Command {
            source: 3,
            incarnation: 1,
            number: self.number,
            time_unix_nanos: 0,
            body,
        };
        self.book.apply(&command, &mut self.events);
    }

    fn bodies(&self) -> Vec<EventBody> {
        self.events.iter().map(|event| event.body).collect()
    }
}

proptest! {
    #[test]
    fn in_one_step_or_in_two(filters in filters(), orders in prop::collection::vec(order(), 1..80)) {
        let (mut one, mut two) = (Line::new(filters), Line::new(filters));
        for order in orders {
            one.send(Body::CancelReplace(CancelReplace {
                cancel_order_id: order.order_id,
                mode: CancelReplaceMode::AllowFailure.as_i32(),
                order,
            }));
            two.send(Body::CancelOrder(CancelOrder { order_id: order.order_id, user_id: order.user_id }));
            two.send(Body::NewOrder(order));
            prop_assert_eq!(one.bodies(), two.bodies());
            prop_assert_eq!(one.book.check().is_ok(), true);
        }
        prop_assert_eq!(one.book.open_orders(), two.book.open_orders());
    }
}
