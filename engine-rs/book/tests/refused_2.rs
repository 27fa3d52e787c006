//! What rules version 2 refuses beside new orders: amendments, mass cancels, timers, filters; and how
//! version 1 refuses what only version 2 knows.
#![allow(clippy::unwrap_used)]

mod common;

use common::{BUY, Market, limit, settings, settings_2, short};
use outcry_book::{
    AmendOrder, Body, CancelReplace, Filters, MassCancel, NewOco, PairSettings,
    SelfTradePrevention, SetDisconnectTimer, TradingStatus,
};

fn told(it: &mut Market, body: Body) -> Vec<String> {
    it.apply(body).iter().map(short).collect()
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
