//! Which new orders rules version 2 refuses, and in which order it looks: the table of `docs/matching/rejects.md`.
#![allow(clippy::unwrap_used)]

mod common;

use common::{BUY, Market, SELL, limit, settings_2};
use outcry_book::{Filters, NewOrder, OrderType, PairSettings, TradingStatus};

/// A pair with every filter on, a last price of 100, an ask at 105 and one open order (id 1, user 70).
fn filtered() -> Market {
    let mut it = Market::open_2();
    it.order(limit(8, SELL, 100, 10));
    it.order(limit(9, BUY, 100, 10));
    it.order(limit(7, SELL, 105, 10));
    let user_id = 70;
    it.order(NewOrder {
        user_id,
        ..limit(1, BUY, 60, 10)
    });
    it.settings(PairSettings {
        min_notional: 1_000,
        filters: Filters {
            min_price: 60,
            max_price: 150,
            min_quantity: 5,
            max_quantity: 1_000,
            max_notional: 50_000,
            bid_multiplier_up_bps: 11_000,
            max_open_orders: 1,
            ..Filters::default()
        },
        ..settings_2()
    });
    it
}

/// What fails first, and what is put right then.
type Step = (&'static str, fn(&mut NewOrder));

/// Rows 4 to 20, which limit orders, post-only orders and stops share.
const SHARED: &[Step] = &[
    ("InvalidOrderId", |it| it.order_id = 1),
    ("InvalidUserId", |it| it.user_id = 70),
    ("InvalidSide", |it| it.side = BUY.as_i32()),
];

const NUMBERS: &[Step] = &[
    ("InvalidTimeInForce", |it| it.time_in_force = 1),
    ("InvalidStpMode", |it| it.self_trade_prevention = 4),
    ("InvalidPrice", |it| it.price = 300),
    ("InvalidQuantity", |it| it.quantity = i64::MAX),
    ("InvalidDisplayQuantity", |it| it.display_quantity = 0),
];

const VALUES: &[Step] = &[
    ("InvalidExpireTime", |it| it.expire_time_unix_nanos = 0),
    ("Overflow", |it| it.quantity = 2),
    ("PriceOutOfBand", |it| it.price = 160),
    ("PriceFilter", |it| it.price = 120),
    ("PercentPrice", |it| it.price = 107),
    ("LotSize", |it| it.quantity = 5),
    ("NotionalTooSmall", |it| it.quantity = 900),
    ("NotionalTooLarge", |it| it.quantity = 10),
    ("DuplicateOrderId", |it| it.order_id = 2),
    ("TooManyOpenOrders", |it| it.user_id = 71),
];

/// Everything about it is wrong.
fn nonsense() -> NewOrder {
    NewOrder {
        time_in_force: 9,
        self_trade_prevention: 9,
        price: -1,
        display_quantity: -1,
        stop_price: -1,
        trailing_delta: -1,
        expire_time_unix_nanos: -1,
        ..NewOrder::default()
    }
}

fn put_right(steps: &[&[Step]]) {
    let (mut it, mut order) = (filtered(), nonsense());
    for (reason, put_right) in steps.iter().copied().flatten() {
        let wanted = format!("rejected {} {reason}", order.order_id);
        assert_eq!(it.tell(order), [wanted], "{order:?}");
        put_right(&mut order);
    }
    assert_eq!(it.tell(order), [format!("accepted {}", order.order_id)]);
}

#[test]
fn the_first_failing_check_names_the_reject_of_a_maker() {
    let of_type: &[Step] = &[("InvalidOrderType", |it| {
        it.order_type = OrderType::LimitMaker.as_i32();
    })];
    let no_stop: &[Step] = &[
        ("InvalidStopPrice", |it| it.stop_price = 0),
        ("InvalidTrailingDelta", |it| it.trailing_delta = 0),
    ];
    let last: &[Step] = &[("WouldTake", |it| it.price = 104)];
    put_right(&[SHARED, of_type, NUMBERS, no_stop, VALUES, last]);
}

#[test]
fn the_first_failing_check_names_the_reject_of_a_stop() {
    let of_type: &[Step] = &[("InvalidOrderType", |it| {
        it.order_type = OrderType::StopLossLimit.as_i32();
    })];
    let stop: &[Step] = &[
        ("InvalidStopPrice", |it| it.stop_price = 0),
        ("InvalidTrailingDelta", |it| it.trailing_delta = 0),
        ("InvalidStopPrice", |it| it.stop_price = 100),
    ];
    let last: &[Step] = &[("WouldTrigger", |it| it.stop_price = 101)];
    put_right(&[SHARED, of_type, NUMBERS, stop, VALUES, last]);
}

#[test]
fn orders_without_a_price_are_checked_too() {
    let mut it = filtered();
    let market = NewOrder {
        order_type: OrderType::Market.as_i32(),
        time_in_force: 0,
        ..limit(3, BUY, 0, 5)
    };
    let cases = [
        (NewOrder { price: 1, ..market }, "InvalidPrice"),
        (
            NewOrder {
                quantity: 0,
                ..market
            },
            "InvalidQuantity",
        ),
        (
            NewOrder {
                quote_quantity: 5,
                ..market
            },
            "InvalidQuantity",
        ),
        (
            NewOrder {
                quantity: 0,
                quote_quantity: -5,
                ..market
            },
            "InvalidQuantity",
        ),
        (
            NewOrder {
                display_quantity: 1,
                ..market
            },
            "InvalidDisplayQuantity",
        ),
        (
            NewOrder {
                quantity: i64::MAX,
                ..market
            },
            "Overflow",
        ),
        (
            NewOrder {
                quantity: 4,
                ..market
            },
            "LotSize",
        ),
        (
            NewOrder {
                time_in_force: 1,
                ..market
            },
            "InvalidTimeInForce",
        ),
    ];
    for (order, reason) in cases {
        assert_eq!(
            it.tell(order),
            [format!("rejected 3 {reason}")],
            "{order:?}"
        );
    }
    let quote = NewOrder {
        quote_quantity: 5,
        ..limit(3, BUY, 100, 10)
    };
    assert_eq!(it.tell(quote), ["rejected 3 InvalidQuantity"]);
}

#[test]
fn a_trading_status_speaks_behind_the_words_and_before_the_numbers() {
    let of_type = |order_type: OrderType, time_in_force| NewOrder {
        order_type: order_type.as_i32(),
        time_in_force,
        ..limit(3, BUY, -1, 5)
    };
    let cases = [
        (
            TradingStatus::PostOnly,
            OrderType::Limit,
            1,
            "MarketPostOnly",
        ),
        (
            TradingStatus::PostOnly,
            OrderType::StopLoss,
            0,
            "MarketPostOnly",
        ),
        (
            TradingStatus::PostOnly,
            OrderType::LimitMaker,
            0,
            "InvalidPrice",
        ),
        (
            TradingStatus::LimitOnly,
            OrderType::Market,
            0,
            "MarketLimitOnly",
        ),
        (
            TradingStatus::LimitOnly,
            OrderType::TakeProfit,
            0,
            "MarketLimitOnly",
        ),
        (
            TradingStatus::LimitOnly,
            OrderType::StopLossLimit,
            3,
            "InvalidPrice",
        ),
        (TradingStatus::Auction, OrderType::Limit, 2, "MarketAuction"),
        (
            TradingStatus::Auction,
            OrderType::LimitMaker,
            1,
            "MarketAuction",
        ),
        (
            TradingStatus::Auction,
            OrderType::Market,
            0,
            "MarketAuction",
        ),
        (TradingStatus::Auction, OrderType::Limit, 4, "InvalidPrice"),
        (
            TradingStatus::Auction,
            OrderType::TakeProfit,
            0,
            "InvalidPrice",
        ),
        (TradingStatus::Halt, OrderType::Limit, 1, "MarketHalted"),
        (
            TradingStatus::CancelOnly,
            OrderType::Limit,
            1,
            "MarketCancelOnly",
        ),
    ];
    for (status, order_type, life, reason) in cases {
        let mut it = Market::default();
        it.settings(PairSettings {
            trading_status: status.as_i32(),
            ..settings_2()
        });
        let order = of_type(order_type, life);
        assert_eq!(
            it.tell(order),
            [format!("rejected 3 {reason}")],
            "{status:?}"
        );
        let worse = NewOrder {
            self_trade_prevention: 6,
            ..order
        };
        let said = it.tell(worse)[0].clone();
        let halted = matches!(status, TradingStatus::Halt | TradingStatus::CancelOnly);
        assert_eq!(said.ends_with("InvalidStpMode"), !halted, "{status:?}");
    }
}
