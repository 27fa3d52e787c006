//! What is refused, what the settings change, what is ignored: the other rules of `docs/matching.md`.
#![allow(clippy::unwrap_used, clippy::too_many_lines)]

mod common;

use common::{BUY, Market, SELL, limit, limit_maker, market, settings};
use outcry_book::{Body, Command, NewOrder, Outcome, PairSettings, Tick, TradingStatus};

#[test]
fn nothing_is_accepted_before_settings() {
    let mut it = Market::default();
    assert_eq!(it.tell(limit(1, BUY, 100, 5)), ["rejected 1 NoSettings"]);
    assert_eq!(it.cancel(1), ["cancel rejected 1 NoSettings"]);
}

#[test]
fn prices_outside_the_band_are_rejected() {
    let mut it = Market::open();
    assert_eq!(it.tell(limit(1, BUY, 49, 1)), ["rejected 1 PriceOutOfBand"]);
    assert_eq!(
        it.tell(limit(2, SELL, 201, 1)),
        ["rejected 2 PriceOutOfBand"]
    );
    assert_eq!(it.tell(limit(3, BUY, 50, 1)), ["accepted 3"]);
    assert_eq!(it.tell(limit(4, SELL, 200, 1)), ["accepted 4"]);
}

#[test]
fn small_notionals_are_rejected() {
    let mut it = Market::open();
    it.settings(PairSettings {
        min_notional: 1_000,
        ..settings()
    });
    assert_eq!(
        it.tell(limit(1, BUY, 100, 9)),
        ["rejected 1 NotionalTooSmall"]
    );
    assert_eq!(it.tell(limit(2, BUY, 100, 10)), ["accepted 2"]);
    assert_eq!(
        it.tell(market(3, SELL, 1))[0],
        "accepted 3",
        "a market order has no price to multiply"
    );
}

#[test]
fn an_id_that_rests_is_taken() {
    let mut it = Market::open();
    it.tell(limit(1, BUY, 100, 5));
    assert_eq!(
        it.tell(limit(1, BUY, 100, 5)),
        ["rejected 1 DuplicateOrderId"]
    );
    it.cancel(1);
    assert_eq!(
        it.tell(limit(1, BUY, 100, 5)),
        ["accepted 1"],
        "the core only knows what rests"
    );
}

#[test]
fn products_and_totals_never_wrap() {
    let mut it = Market::open();
    it.settings(PairSettings {
        price_band_lower: 1,
        price_band_upper: i64::MAX,
        ..settings()
    });
    assert_eq!(it.tell(limit(1, BUY, i64::MAX, 2)), ["rejected 1 Overflow"]);
    assert_eq!(it.tell(limit(2, BUY, 1, i64::MAX)), ["accepted 2"]);
    assert_eq!(
        it.tell(limit(3, BUY, 1, 1)),
        ["rejected 3 Overflow"],
        "the level's total"
    );
    assert_eq!(
        it.tell(market(4, BUY, 2)),
        ["rejected 4 Overflow"],
        "quantity at the upper band"
    );
    assert_eq!(it.tell(limit(5, BUY, 2, i64::MAX / 2))[0], "accepted 5");
}

#[test]
fn words_and_numbers_that_are_none_are_rejected_by_name() {
    let good = limit(1, BUY, 100, 5);
    let cases = [
        (
            NewOrder {
                order_id: 0,
                ..good
            },
            "InvalidOrderId",
        ),
        (NewOrder { user_id: 0, ..good }, "InvalidUserId"),
        (NewOrder { side: 0, ..good }, "InvalidSide"),
        (NewOrder { side: 3, ..good }, "InvalidSide"),
        (
            NewOrder {
                order_type: 0,
                ..good
            },
            "InvalidOrderType",
        ),
        (
            NewOrder {
                order_type: -1,
                ..good
            },
            "InvalidOrderType",
        ),
        (
            NewOrder {
                order_type: 4,
                ..good
            },
            "Unsupported",
        ),
        (
            NewOrder {
                time_in_force: 0,
                ..good
            },
            "InvalidTimeInForce",
        ),
        (
            NewOrder {
                time_in_force: i32::MAX,
                ..good
            },
            "InvalidTimeInForce",
        ),
        (
            NewOrder {
                time_in_force: 4,
                ..good
            },
            "Unsupported",
        ),
        (
            NewOrder {
                time_in_force: 1,
                ..market(1, BUY, 5)
            },
            "InvalidTimeInForce",
        ),
        (
            NewOrder {
                time_in_force: 9,
                ..market(1, BUY, 5)
            },
            "InvalidTimeInForce",
        ),
        (
            NewOrder {
                time_in_force: 2,
                ..limit_maker(1, BUY, 100, 5)
            },
            "InvalidTimeInForce",
        ),
        (NewOrder { price: 0, ..good }, "InvalidPrice"),
        (
            NewOrder {
                price: i64::MIN,
                ..good
            },
            "InvalidPrice",
        ),
        (
            NewOrder {
                price: 1,
                ..market(1, BUY, 5)
            },
            "InvalidPrice",
        ),
        (
            NewOrder {
                quantity: 0,
                ..good
            },
            "InvalidQuantity",
        ),
        (
            NewOrder {
                quantity: i64::MIN,
                ..good
            },
            "InvalidQuantity",
        ),
        (
            NewOrder {
                quantity: i64::MAX,
                ..good
            },
            "Overflow",
        ),
    ];
    for (order, reason) in cases {
        let mut it = Market::open();
        assert_eq!(
            it.tell(order),
            [format!("rejected {} {reason}", order.order_id)],
            "{order:?}"
        );
        assert_eq!(it.shown(), " | ");
    }
}

#[test]
fn the_first_failing_check_names_the_reject() {
    let nonsense = NewOrder {
        order_id: 0,
        user_id: 0,
        side: 0,
        order_type: 0,
        time_in_force: 0,
        price: -1,
        quantity: -1,
        ..NewOrder::default()
    };
    let mut it = Market::default();
    assert_eq!(it.tell(nonsense), ["rejected 0 NoSettings"]);
    it.status(TradingStatus::Halt);
    assert_eq!(it.tell(nonsense), ["rejected 0 MarketHalted"]);
    it.status(TradingStatus::Trading);
    assert_eq!(it.tell(nonsense), ["rejected 0 InvalidOrderId"]);
    it.settings(PairSettings {
        min_notional: 1_000,
        ..settings()
    });
    it.tell(limit(1, BUY, 100, 10));
    assert_eq!(
        it.tell(limit(1, BUY, 300, 1)),
        ["rejected 1 PriceOutOfBand"]
    );
    assert_eq!(
        it.tell(limit(1, BUY, 100, 1)),
        ["rejected 1 NotionalTooSmall"]
    );
    assert_eq!(
        it.tell(limit_maker(1, SELL, 100, 10)),
        ["rejected 1 DuplicateOrderId"]
    );
}

#[test]
fn a_tick_is_silent_and_time_never_goes_back() {
    let mut it = Market::open();
    assert_eq!(
        it.apply(Body::Tick(Tick {
            time_unix_nanos: 70
        })),
        []
    );
    assert_eq!(
        it.apply(Body::Tick(Tick {
            time_unix_nanos: 60
        })),
        []
    );
    assert_eq!((it.book.clock_unix_nanos(), it.book.seq()), (70, 1));
}

#[test]
fn a_repeated_command_does_nothing() {
    let mut it = Market::open();
    it.tell(limit(1, BUY, 100, 5));
    let mut before = Vec::new();
    it.book.snapshot(&mut before);
    for (incarnation, number) in [(1, 2), (1, 1), (0, 99), (7, 0)] {
        let body = Body::NewOrder(limit(9, BUY, 100, 5));
        let again = Command {
            source: 2048,
            incarnation,
            number,
            time_unix_nanos: 5,
            body,
        };
        assert_eq!(it.book.apply(&again, &mut it.events), Outcome::Repeated);
    }
    let mut after = Vec::new();
    it.book.snapshot(&mut after);
    assert_eq!((it.events.len(), before), (2, after));
}

#[test]
fn a_rejected_command_counts_as_seen() {
    let mut it = Market::default();
    it.tell(limit(1, BUY, 100, 5));
    let body = Body::PairSettings(settings());
    let again = Command {
        source: 2048,
        incarnation: 1,
        number: 1,
        time_unix_nanos: 0,
        body,
    };
    assert_eq!(it.book.apply(&again, &mut it.events), Outcome::Repeated);
}
