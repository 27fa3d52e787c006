//! A call auction: orders rest, even crossed, and trade together at one price when the call ends.
//!
//! `cargo run -p outcry-book --example auction`

use outcry_book::{
    Body, Book, Command, Event, EventBody, Filters, NewOrder, OrderType, PairSettings, Side, Tick,
    TimeInForce, TradingStatus,
};

fn settings(status: TradingStatus) -> Body {
    Body::PairSettings(PairSettings {
        trading_status: status.as_i32(),
        rules_version: 2,
        price_band_lower: 1,
        price_band_upper: 1_000_000,
        quote_units_per_tick_lot: 1,
        base_units_per_lot: 1,
        filters: Filters {
            reference_price: 101,
            ..Filters::default()
        },
        ..PairSettings::default()
    })
}

fn order(order_id: u64, side: Side, price: i64, quantity: i64) -> Body {
    Body::NewOrder(NewOrder {
        order_id,
        user_id: order_id,
        side: side.as_i32(),
        order_type: OrderType::Limit.as_i32(),
        time_in_force: TimeInForce::Gtc.as_i32(),
        price,
        quantity,
        ..NewOrder::default()
    })
}

/// What the call said of its price: the indicative one, then the one at which it ended.
fn prices() -> Vec<(i64, i64)> {
    let bodies = [
        settings(TradingStatus::Auction),
        order(1, Side::Buy, 105, 10),
        order(2, Side::Buy, 100, 10),
        order(3, Side::Sell, 99, 10),
        Body::Tick(Tick { time_unix_nanos: 1 }),
        order(4, Side::Sell, 100, 5),
        settings(TradingStatus::Trading),
    ];
    let mut book = Book::new();
    let mut events: Vec<Event> = Vec::new();
    for (number, body) in (1..).zip(bodies) {
        let command = Command {
            source: 1024,
            incarnation: 1,
            number,
            time_unix_nanos: 0,
            body,
        };
        book.apply(&command, &mut events);
    }
    let told = events.iter().filter_map(|event| match event.body {
        EventBody::AuctionIndicative(it) | EventBody::AuctionUncrossed(it) => {
            Some((it.price, it.volume))
        }
        _ => None,
    });
    told.collect()
}

fn main() {
    for (price, volume) in prices() {
        println!("{volume} lots at {price}");
    }
}

#[test]
fn the_largest_volume_decides_then_the_surplus_then_the_reference() {
    assert_eq!(prices(), [(101, 10), (100, 15)]);
}
