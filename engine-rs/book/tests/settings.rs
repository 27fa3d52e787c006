//! What a pair's settings change, and which of them are refused.
#![allow(clippy::unwrap_used, clippy::too_many_lines)]

mod common;

use common::{BUY, Market, SELL, limit, settings, short};
use outcry_book::{PairSettings, TradingStatus};

#[test]
fn a_halted_pair_takes_neither_orders_nor_cancels() {
    let mut it = Market::open();
    it.tell(limit(1, BUY, 100, 5));
    it.status(TradingStatus::Halt);
    assert_eq!(it.tell(limit(2, BUY, 100, 5)), ["rejected 2 MarketHalted"]);
    assert_eq!(it.cancel(1), ["cancel rejected 1 MarketHalted"]);
    it.status(TradingStatus::Trading);
    assert_eq!(it.cancel(1), ["cancelled 1 left 5"]);
}

#[test]
fn a_cancel_only_pair_takes_cancels_alone() {
    let mut it = Market::open();
    it.tell(limit(1, BUY, 100, 5));
    it.status(TradingStatus::CancelOnly);
    assert_eq!(
        it.tell(limit(2, BUY, 100, 5)),
        ["rejected 2 MarketCancelOnly"]
    );
    assert_eq!(it.cancel(1), ["cancelled 1 left 5"]);
}

#[test]
fn a_moved_band_expires_what_could_trade_outside_it() {
    let mut it = Market::open();
    it.tell(limit(1, BUY, 60, 5));
    it.tell(limit(2, BUY, 90, 5));
    it.tell(limit(3, BUY, 90, 6));
    it.tell(limit(4, SELL, 150, 5));
    let told = it.settings(PairSettings {
        price_band_lower: 70,
        price_band_upper: 80,
        ..settings()
    });
    let told: Vec<String> = told.iter().map(short).collect();
    assert_eq!(
        told,
        [
            "settings Trading",
            "expired 2 left 5 PriceBand",
            "expired 3 left 6 PriceBand"
        ]
    );
    assert_eq!(it.shown(), "60x5(1) | 150x5(1)");
    let told = it.settings(PairSettings {
        price_band_lower: 160,
        price_band_upper: 180,
        ..settings()
    });
    assert_eq!(
        told.iter().map(short).collect::<Vec<_>>(),
        ["settings Trading", "expired 4 left 5 PriceBand"]
    );
}

#[test]
fn settings_that_make_no_sense_are_rejected_and_change_nothing() {
    let good = settings();
    let cases = [
        (
            PairSettings {
                rules_version: 0,
                ..good
            },
            "Unsupported",
        ),
        (
            PairSettings {
                rules_version: 3,
                trading_status: 77,
                ..good
            },
            "Unsupported",
        ),
        (
            PairSettings {
                trading_status: 0,
                ..good
            },
            "InvalidSettings",
        ),
        (
            PairSettings {
                trading_status: 77,
                ..good
            },
            "InvalidSettings",
        ),
        (
            PairSettings {
                trading_status: TradingStatus::Auction.as_i32(),
                ..good
            },
            "Unsupported",
        ),
        (
            PairSettings {
                price_band_lower: 0,
                ..good
            },
            "InvalidSettings",
        ),
        (
            PairSettings {
                price_band_upper: 49,
                ..good
            },
            "InvalidSettings",
        ),
        (
            PairSettings {
                min_notional: -1,
                ..good
            },
            "InvalidSettings",
        ),
        (
            PairSettings {
                maker_fee_ppm: 1_000_001,
                ..good
            },
            "InvalidSettings",
        ),
        (
            PairSettings {
                taker_fee_ppm: -1,
                ..good
            },
            "InvalidSettings",
        ),
        (
            PairSettings {
                quote_units_per_tick_lot: 0,
                ..good
            },
            "InvalidSettings",
        ),
        (
            PairSettings {
                base_units_per_lot: 0,
                ..good
            },
            "InvalidSettings",
        ),
    ];
    for (asked, reason) in cases {
        let mut it = Market::open();
        let before = *it.book.settings().unwrap();
        let told: Vec<String> = it.settings(asked).iter().map(short).collect();
        assert_eq!(told, [format!("settings rejected {reason}")], "{asked:?}");
        assert_eq!(*it.book.settings().unwrap(), before);
    }
}
