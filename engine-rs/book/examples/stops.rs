//! A cascade: one trade triggers a stop, whose trade triggers the next.
//!
//! `cargo run -p outcry-book --example stops`

use outcry_book::{
    Body, Book, Command, Event, EventBody, NewOrder, OrderType, PairSettings, Side, TimeInForce,
    TradingStatus,
};

/// Numbers the commands of one source.
#[derive(Default)]
struct Source {
    number: u64,
}

impl Source {
    fn command(&mut self, body: Body) -> Command {
        self.number += 1;
        Command {
            source: 2048,
            incarnation: 1,
            number: self.number,
            time_unix_nanos: 0,
            body,
        }
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

fn bid(order_id: u64, price: i64) -> Body {
    Body::NewOrder(NewOrder {
        order_id,
        user_id: 1,
        side: Side::Buy.as_i32(),
        order_type: OrderType::Limit.as_i32(),
        time_in_force: TimeInForce::Gtc.as_i32(),
        price,
        quantity: 1,
        ..NewOrder::default()
    })
}

fn stop(order_id: u64, stop_price: i64) -> Body {
    Body::NewOrder(NewOrder {
        order_id,
        user_id: 2,
        side: Side::Sell.as_i32(),
        order_type: OrderType::StopLoss.as_i32(),
        quantity: 1,
        stop_price,
        ..NewOrder::default()
    })
}

fn market_sell(order_id: u64) -> Body {
    Body::NewOrder(NewOrder {
        order_id,
        user_id: 3,
        side: Side::Sell.as_i32(),
        order_type: OrderType::Market.as_i32(),
        quantity: 1,
        ..NewOrder::default()
    })
}

/// Every price at which something traded, in order.
fn cascade() -> Vec<i64> {
    let (mut book, mut source) = (Book::new(), Source::default());
    let mut events: Vec<Event> = Vec::new();
    let before = [
        settings(),
        bid(1, 100),
        bid(2, 98),
        bid(3, 96),
        stop(4, 99),
        stop(5, 100),
    ];
    for body in before {
        book.apply(&source.command(body), &mut events);
    }
    events.clear();
    book.apply(&source.command(market_sell(6)), &mut events);
    let prices = events.iter().filter_map(|event| match event.body {
        EventBody::TradeExecuted(trade) => Some(trade.price),
        _ => None,
    });
    prices.collect()
}

fn main() {
    for price in cascade() {
        println!("traded at {price}");
    }
}

#[test]
fn each_trade_triggers_the_next_stop() {
    assert_eq!(cascade(), [100, 98, 96]);
}
