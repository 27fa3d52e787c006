//! Whatever the numbers, a command is answered: nothing wraps, nothing panics, and the book stays sound.
#![allow(clippy::unwrap_used)]

mod common;

use common::ledger::Ledger;
use common::settings_2;
use outcry_book::{
    AmendOrder, Body, Book, CancelOrder, CancelReplace, Command, Event, EventBody, Filters,
    MassCancel, NewOco, NewOrder, PairSettings, SetDisconnectTimer, Tick,
};
use proptest::prelude::*;

/// Small numbers, and those at which integers end.
fn number() -> BoxedStrategy<i64> {
    prop_oneof![
        8 => 1..6i64,
        1 => Just(0),
        1 => -3..0i64,
        2 => Just(i64::MAX),
        1 => Just(i64::MAX - 1),
        1 => Just(i64::MAX / 2),
        1 => Just(i64::MIN),
        1 => any::<i64>(),
    ]
    .boxed()
}

/// Mostly off.
fn rare() -> BoxedStrategy<i64> {
    prop_oneof![4 => Just(0), 1 => number()].boxed()
}

fn word(most: i32) -> BoxedStrategy<i32> {
    prop_oneof![20 => 1..=most, 2 => Just(0), 1 => any::<i32>()].boxed()
}

fn delta() -> BoxedStrategy<i32> {
    prop_oneof![4 => Just(0), 2 => 1..10_000i32, 1 => Just(9_999), 1 => any::<i32>()].boxed()
}

fn any_order() -> BoxedStrategy<NewOrder> {
    let words = (
        word(2),
        word(7),
        word(4),
        prop_oneof![3 => Just(0), 1 => word(5)],
    );
    let numbers = (number(), number(), rare(), rare(), rare(), rare());
    (1..12u64, 0..4u64, words, numbers, delta(), 0..2u64)
        .prop_map(
            |(order_id, user_id, words, numbers, trailing_delta, trade_group)| NewOrder {
                order_id,
                user_id,
                side: words.0,
                order_type: words.1,
                time_in_force: words.2,
                self_trade_prevention: words.3,
                price: if matches!(words.1, 2 | 4 | 6) {
                    0
                } else {
                    numbers.0
                },
                quantity: if numbers.2 == 0 { numbers.1 } else { 0 },
                quote_quantity: if words.1 == 2 { numbers.2 } else { 0 },
                display_quantity: numbers.3,
                stop_price: if words.1 > 3 { numbers.4.max(1) } else { 0 },
                trailing_delta: if words.1 > 3 { trailing_delta } else { 0 },
                trade_group,
                expire_time_unix_nanos: if words.2 == 4 { numbers.5 } else { 0 },
            },
        )
        .boxed()
}

fn any_oco() -> BoxedStrategy<NewOco> {
    let numbers = (number(), number(), number(), rare(), rare());
    (1..12u64, 1..12u64, 0..4u64, word(2), numbers, delta())
        .prop_map(
            |(limit_order_id, stop_order_id, user_id, side, numbers, trailing_delta)| NewOco {
                user_id,
                limit_order_id,
                stop_order_id,
                side,
                quantity: numbers.0,
                price: numbers.1,
                display_quantity: numbers.3,
                stop_price: numbers.2,
                stop_limit_price: numbers.4,
                trailing_delta,
                ..NewOco::default()
            },
        )
        .boxed()
}

fn any_settings() -> BoxedStrategy<PairSettings> {
    let multiplier = || prop_oneof![3 => Just(0u32), 1 => any::<u32>()];
    let filters = (rare(), rare(), rare(), multiplier(), multiplier());
    (word(6), number(), filters, 0..6i32)
        .prop_map(|(status, upper, filters, mode)| PairSettings {
            trading_status: status,
            price_band_lower: 1,
            price_band_upper: upper,
            filters: Filters {
                self_trade_prevention: mode,
                max_notional: filters.0,
                reference_price: filters.1,
                max_quantity: filters.2,
                notional_applies_to_market: mode % 2 == 0,
                bid_multiplier_up_bps: filters.3,
                ask_multiplier_up_bps: filters.4,
                ..Filters::default()
            },
            ..settings_2()
        })
        .boxed()
}

fn any_body() -> BoxedStrategy<Body> {
    let id = || 1..12u64;
    prop_oneof![
        20 => any_order().prop_map(Body::NewOrder),
        4 => any_oco().prop_map(Body::NewOco),
        2 => (id(), 1..4u64, number()).prop_map(|(order_id, user_id, quantity)| {
            Body::AmendOrder(AmendOrder { order_id, user_id, quantity })
        }),
        2 => (id(), 1..4u64).prop_map(|(order_id, user_id)| {
            Body::CancelOrder(CancelOrder { order_id, user_id })
        }),
        2 => (id(), word(2), any_order()).prop_map(|(cancel_order_id, mode, order)| {
            Body::CancelReplace(CancelReplace { cancel_order_id, mode, order })
        }),
        1 => (0..4u64, 0..4i32).prop_map(|(user_id, side)| {
            Body::MassCancel(MassCancel { user_id, side })
        }),
        1 => (0..4u64, any::<u64>()).prop_map(|(user_id, timeout)| {
            let timeout_millis = timeout % 100_000_000;
            Body::SetDisconnectTimer(SetDisconnectTimer { user_id, timeout_millis })
        }),
        2 => number().prop_map(|time_unix_nanos| Body::Tick(Tick { time_unix_nanos })),
        1 => any_settings().prop_map(Body::PairSettings),
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_numbers_at_all_are_answered(bodies in prop::collection::vec(any_body(), 1..120)) {
        let open = PairSettings { price_band_lower: 1, price_band_upper: i64::MAX, ..settings_2() };
        let (mut book, mut ledger) = (Book::new(), Ledger::default());
        let mut events: Vec<Event> = Vec::new();
        for (number, body) in (1..).zip([Body::PairSettings(open)].into_iter().chain(bodies)) {
            events.clear();
            let command = Command { source: 1024, incarnation: 1, number, time_unix_nanos: 0, body };
            book.apply(&command, &mut events);
            prop_assert_eq!(book.check(), Ok(()), "{:?}", command);
            for event in &events {
                ledger.follow(event);
                if let EventBody::TradeExecuted(trade) = event.body {
                    prop_assert!(trade.price >= 1 && trade.quantity >= 1);
                }
            }
            ledger.agrees_with(&book);
            let mut bytes = Vec::new();
            book.snapshot(&mut bytes);
            let restored = Book::restore(&bytes);
            prop_assert!(restored.is_ok(), "{:?} after {:?}", restored.err(), command);
        }
    }
}
