//! What one command and one level may come to at most.
#![allow(clippy::unwrap_used)]

mod common;

use common::teller::Teller;
use common::{BUY, Market, SELL, limit, settings_2};
use outcry_book::{NewOrder, OrderType, PairSettings};

#[test]
fn a_levels_total_never_wraps_not_even_when_a_stop_becomes_active() {
    let mut it = Market::default();
    it.settings(PairSettings {
        price_band_lower: 1,
        price_band_upper: i64::MAX,
        ..settings_2()
    });
    it.order(NewOrder {
        display_quantity: i64::MAX / 2,
        ..limit(1, BUY, 1, i64::MAX)
    });
    assert_eq!(it.tell(limit(2, BUY, 1, 1)), ["rejected 2 Overflow"]);
    let stop = NewOrder {
        order_type: OrderType::StopLossLimit.as_i32(),
        stop_price: 5,
        ..limit(3, BUY, 1, 1)
    };
    assert_eq!(it.tell(stop), ["accepted 3"]);
    it.tell(limit(4, SELL, 6, 1));
    assert_eq!(
        it.tell(limit(5, BUY, 6, 1)),
        [
            "accepted 5",
            "trade 6x1 maker 4 left 0 taker 5 left 0",
            "triggered 3 at 5",
            "expired 3 left 1 Overflow"
        ]
    );
}

#[test]
fn one_command_activates_so_many_stops_and_no_more() {
    let mut teller = Teller::new(2);
    for id in 1..=100 {
        teller.tell(&format!("sell {id}: 1 stop-loss 100"));
    }
    teller.tell("buy 200: 1 at 100");
    let triggered = |told: &[String]| {
        let of_stops = told.iter().filter(|event| event.starts_with("triggered"));
        of_stops.count()
    };
    let first = teller.tell("sell 201: 1 at 100");
    assert_eq!(triggered(&first), outcry_book::MAX_ACTIVATIONS as usize);
    assert_eq!(teller.book().totals().queued, 36);
    assert!(teller.book().needs_ticks());
    let second = teller.tell("sell 202: 1 at 150");
    assert_eq!(second[0], "triggered 65 at 100", "before the command's own");
    assert_eq!(second.last().unwrap(), "accepted 202");
    assert_eq!(triggered(&second), 36);
}
