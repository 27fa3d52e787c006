//! The price of a call auction against the rule read aloud: every price in the band is tried.
#![allow(clippy::unwrap_used)]

mod common;

use std::cmp::Reverse;

use common::{BUY, Market, SELL, limit, settings_2};
use outcry_book::{
    AuctionPrice, Body, EventBody, Filters, NewOrder, PairSettings, Side, Tick, TradingStatus,
};
use proptest::prelude::*;

fn settings(status: TradingStatus, reference_price: i64) -> PairSettings {
    PairSettings {
        trading_status: status.as_i32(),
        price_band_lower: 80,
        price_band_upper: 120,
        filters: Filters {
            reference_price,
            ..Filters::default()
        },
        ..settings_2()
    }
}

/// Side, price, quantity and display of an order.
type Told = (bool, i64, i64, i64);

fn order(id: u64, (buys, price, quantity, display): Told) -> NewOrder {
    NewOrder {
        display_quantity: display.min(quantity),
        ..limit(id, if buys { BUY } else { SELL }, price, quantity)
    }
}

/// Largest volume, least surplus, nearest to the reference price, lowest.
fn expected(orders: &[Told], reference: i64) -> AuctionPrice {
    let at = |price: i64| {
        let sum = |wanted: &dyn Fn(&Told) -> bool| -> i64 {
            let those = orders.iter().filter(|order| wanted(order));
            those.map(|order| order.2).sum()
        };
        let bids = sum(&|order| order.0 && order.1 >= price);
        let asks = sum(&|order| !order.0 && order.1 <= price);
        (bids.min(asks), bids - asks)
    };
    let best = (80..=120i64).max_by_key(|&price| {
        let (volume, surplus) = at(price);
        let away = if reference == 0 {
            0
        } else {
            (price - reference).abs()
        };
        (volume, Reverse((surplus.abs(), away, price)))
    });
    let price = best.unwrap();
    let (volume, surplus) = at(price);
    if volume == 0 {
        return AuctionPrice {
            price: 0,
            volume: 0,
            surplus_side: None,
            surplus: 0,
        };
    }
    AuctionPrice {
        price,
        volume,
        surplus_side: match surplus.signum() {
            1 => Some(Side::Buy),
            -1 => Some(Side::Sell),
            _ => None,
        },
        surplus: surplus.abs(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_call_trades_at_the_price_that_the_rule_says(
        orders in prop::collection::vec((any::<bool>(), 80..121i64, 1..20i64, 0..8i64), 0..14),
        reference in prop_oneof![Just(0i64), 60..140i64],
    ) {
        let mut it = Market::default();
        it.settings(settings(TradingStatus::Auction, reference));
        for (id, &told) in (1..).zip(&orders) {
            prop_assert_eq!(it.tell(order(id, told)), [format!("accepted {id}")]);
        }
        let expected = expected(&orders, reference);
        let shown = it.apply(Body::Tick(Tick { time_unix_nanos: 1 }));
        prop_assert_eq!(shown, [EventBody::AuctionIndicative(expected)]);
        prop_assert_eq!(it.apply(Body::Tick(Tick { time_unix_nanos: 2 })), []);

        let events = it.settings(settings(TradingStatus::Trading, reference));
        prop_assert_eq!(events[2], EventBody::AuctionUncrossed(expected));
        let mut traded = 0;
        for event in &events[3..] {
            let EventBody::TradeExecuted(trade) = event else { panic!("{event:?}") };
            prop_assert_eq!((trade.price, trade.taker_side), (expected.price, BUY));
            prop_assert_eq!((trade.maker_fee_ppm, trade.taker_fee_ppm), (750, 750));
            traded += trade.quantity;
        }
        prop_assert_eq!(traded, expected.volume);
        prop_assert!(!it.book.is_call_open());
    }
}
