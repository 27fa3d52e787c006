//! What rules version 2 refuses, and in which order it looks: the tables of `docs/matching/rejects.md`.
#![allow(clippy::unwrap_used)]

mod common;

use common::teller::Teller;
use common::{BUY, Market, SELL, limit, settings, settings_2, short};
use outcry_book::{
    AmendOrder, Body, CancelReplace, Filters, MassCancel, NewOco, NewOrder, OrderType,
    PairSettings, SelfTradePrevention, SetDisconnectTimer, TradingStatus,
};

fn told(it: &mut Market, body: Body) -> Vec<String> {
    it.apply(body).iter().map(short).collect()
}

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

#[test]
fn amendments_are_refused_in_order() {
    let mut it = Market::default();
    let amend = |order_id, user_id, quantity| {
        Body::AmendOrder(AmendOrder {
            order_id,
            user_id,
            quantity,
        })
    };
    let reason = |it: &mut Market, body| {
        let told = told(it, body);
        told[0].rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(reason(&mut it, amend(0, 0, 0)), "NoSettings");
    for (status, wanted) in [
        (TradingStatus::Halt, "MarketHalted"),
        (TradingStatus::CancelOnly, "MarketCancelOnly"),
        (TradingStatus::PostOnly, "InvalidOrderId"),
    ] {
        it.settings(PairSettings {
            trading_status: status.as_i32(),
            ..settings_2()
        });
        assert_eq!(reason(&mut it, amend(0, 0, 0)), wanted);
    }
    assert_eq!(reason(&mut it, amend(1, 0, 0)), "InvalidUserId");
    assert_eq!(reason(&mut it, amend(1, 70, 0)), "UnknownOrder");
    it.settings(settings_2());
    it.order(limit(1, BUY, 100, 10));
    assert_eq!(reason(&mut it, amend(1, 70, 0)), "NotOwner");
    assert_eq!(reason(&mut it, amend(1, 10, 0)), "InvalidQuantity");
    assert_eq!(reason(&mut it, amend(1, 10, i64::MIN)), "InvalidQuantity");
    assert_eq!(reason(&mut it, amend(1, 10, 10)), "InvalidQuantity");
}

#[test]
fn mass_cancels_and_timers_are_refused_by_name() {
    let mut it = Market::open_2();
    let cases = [
        (
            Body::MassCancel(MassCancel {
                user_id: 0,
                side: 9,
            }),
            "mass cancel rejected 0 InvalidUserId",
        ),
        (
            Body::MassCancel(MassCancel {
                user_id: 7,
                side: 3,
            }),
            "mass cancel rejected 7 InvalidSide",
        ),
        (
            Body::SetDisconnectTimer(SetDisconnectTimer {
                user_id: 0,
                timeout_millis: u64::MAX,
            }),
            "timer rejected 0 InvalidUserId",
        ),
        (
            Body::SetDisconnectTimer(SetDisconnectTimer {
                user_id: 7,
                timeout_millis: u64::MAX,
            }),
            "timer rejected 7 InvalidTimeout",
        ),
    ];
    for (body, wanted) in cases {
        assert_eq!(told(&mut it, body), [wanted]);
    }
}

#[test]
fn commands_of_version_2_are_refused_whole_before_it() {
    let bodies = [
        Body::AmendOrder(AmendOrder::default()),
        Body::CancelReplace(CancelReplace::default()),
        Body::NewOco(NewOco::default()),
        Body::MassCancel(MassCancel::default()),
        Body::SetDisconnectTimer(SetDisconnectTimer::default()),
    ];
    let (mut without, mut first) = (Market::default(), Market::open());
    for body in bodies {
        for (it, reason) in [(&mut without, "NoSettings"), (&mut first, "Unsupported")] {
            let told = told(it, body);
            assert!(!told.is_empty());
            assert!(told.iter().all(|event| event.ends_with(reason)), "{told:?}");
        }
    }
}

#[test]
fn filters_that_make_no_sense_are_refused() {
    let off = Filters::default();
    let cases = [
        Filters {
            self_trade_prevention: 6,
            ..off
        },
        Filters {
            self_trade_prevention: -1,
            ..off
        },
        Filters {
            min_price: -1,
            ..off
        },
        Filters {
            max_price: -1,
            ..off
        },
        Filters {
            min_quantity: -1,
            ..off
        },
        Filters {
            max_quantity: -1,
            ..off
        },
        Filters {
            max_notional: -1,
            ..off
        },
        Filters {
            reference_price: -1,
            ..off
        },
        Filters {
            min_price: 2,
            max_price: 1,
            ..off
        },
        Filters {
            min_quantity: 2,
            max_quantity: 1,
            ..off
        },
        Filters {
            bid_multiplier_up_bps: 1,
            bid_multiplier_down_bps: 2,
            ..off
        },
        Filters {
            ask_multiplier_up_bps: 1,
            ask_multiplier_down_bps: 2,
            ..off
        },
    ];
    for filters in cases {
        let mut it = Market::open_2();
        let asked = PairSettings {
            filters,
            ..settings_2()
        };
        let told: Vec<String> = it.settings(asked).iter().map(short).collect();
        assert_eq!(told, ["settings rejected InvalidSettings"], "{filters:?}");
        assert_eq!(
            it.book.filters().self_trade_prevention,
            SelfTradePrevention::None
        );
        let mut first = Market::open();
        let asked = PairSettings {
            filters,
            ..settings()
        };
        let told: Vec<String> = first.settings(asked).iter().map(short).collect();
        assert_eq!(
            told,
            ["settings rejected Unsupported"],
            "version 1: {filters:?}"
        );
    }
}
