//! A book as bytes, and a second one out of them that goes on as the first does.
//!
//! `cargo run -p outcry-book --example snapshot`

use outcry_book::{
    Body, Book, Command, Event, NewOrder, OrderType, PairSettings, RestoreError, Side, TimeInForce,
    TradingStatus,
};

fn command(number: u64, body: Body) -> Command {
    Command {
        source: 2048,
        incarnation: 1,
        number,
        time_unix_nanos: 0,
        body,
    }
}

fn settings() -> Body {
    Body::PairSettings(PairSettings {
        trading_status: TradingStatus::Trading.as_i32(),
        rules_version: 2,
        price_band_lower: 1,
        price_band_upper: 1_000_000,
        quote_units_per_tick_lot: 1,
        base_units_per_lot: 1,
        ..PairSettings::default()
    })
}

/// An iceberg of 10 lots that shows 3.
fn iceberg(order_id: u64, side: Side) -> Body {
    Body::NewOrder(NewOrder {
        order_id,
        user_id: order_id,
        side: side.as_i32(),
        order_type: OrderType::Limit.as_i32(),
        time_in_force: TimeInForce::Gtc.as_i32(),
        price: 100,
        quantity: 10,
        display_quantity: 3,
        ..NewOrder::default()
    })
}

/// What the first book and the restored one say of the same command.
fn both() -> Result<(Vec<Event>, Vec<Event>), RestoreError> {
    let mut first = Book::new();
    let mut earlier: Vec<Event> = Vec::new();
    first.apply(&command(1, settings()), &mut earlier);
    first.apply(&command(2, iceberg(1, Side::Sell)), &mut earlier);

    let mut bytes = Vec::new();
    first.snapshot(&mut bytes);
    let mut second = Book::restore(&bytes)?;

    let next = command(3, iceberg(2, Side::Buy));
    let (mut one, mut other) = (Vec::new(), Vec::new());
    first.apply(&next, &mut one);
    second.apply(&next, &mut other);
    Ok((one, other))
}

fn main() -> Result<(), RestoreError> {
    let (one, other) = both()?;
    println!("{} events, the same: {}", one.len(), one == other);
    Ok(())
}

#[test]
fn the_restored_book_says_the_same() {
    assert_eq!(both().map(|(one, other)| one == other), Ok(true));
    assert_eq!(both().map(|(one, _)| one.len()), Ok(5));
}
