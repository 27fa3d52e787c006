//! How orders trade, rest and end: the rules of `docs/matching.md`, looked at from more sides than the
//! page's own examples, which `page.rs` runs.
#![allow(clippy::unwrap_used)]

mod common;

use common::{BUY, Market, SELL, limit, limit_maker, market, settings, with_life};
use outcry_book::{EventBody, NewOrder, PairSettings, TimeInForce};

#[test]
fn better_price_trades_first() {
    let mut it = Market::open();
    it.tell(limit(1, SELL, 101, 5));
    it.tell(limit(2, SELL, 100, 5));
    let told = it.tell(limit(3, BUY, 101, 7));
    assert_eq!(
        told,
        [
            "accepted 3",
            "trade 100x5 maker 2 left 0 taker 3 left 2",
            "trade 101x2 maker 1 left 3 taker 3 left 0"
        ]
    );
}

#[test]
fn earlier_order_trades_first_at_one_price() {
    let mut it = Market::open();
    it.tell(limit(1, BUY, 100, 5));
    it.tell(limit(2, BUY, 100, 5));
    assert_eq!(
        it.tell(limit(3, SELL, 100, 5)),
        ["accepted 3", "trade 100x5 maker 1 left 0 taker 3 left 0"]
    );
    assert_eq!(
        it.tell(limit(4, SELL, 100, 3)),
        ["accepted 4", "trade 100x3 maker 2 left 2 taker 4 left 0"]
    );
}

#[test]
fn a_partial_fill_keeps_its_place() {
    let mut it = Market::open();
    it.tell(limit(1, SELL, 100, 5));
    it.tell(limit(2, SELL, 100, 5));
    it.tell(limit(3, BUY, 100, 2));
    assert_eq!(
        it.tell(limit(4, BUY, 100, 3)),
        ["accepted 4", "trade 100x3 maker 1 left 0 taker 4 left 0"]
    );
}

#[test]
fn trades_at_the_makers_price_with_both_fees() {
    let mut it = Market::open();
    it.order(limit(1, SELL, 100, 5));
    let events = it.order(limit(2, BUY, 120, 5));
    let EventBody::TradeExecuted(trade) = events[1] else {
        panic!("{events:?}")
    };
    assert_eq!((trade.trade_id, trade.price, trade.quantity), (1, 100, 5));
    assert_eq!(
        (trade.maker_user_id, trade.taker_user_id, trade.taker_side),
        (10, 20, BUY)
    );
    assert_eq!((trade.maker_fee_ppm, trade.taker_fee_ppm), (-100, 750));
}

#[test]
fn what_is_left_of_a_gtc_order_rests() {
    let mut it = Market::open();
    it.tell(limit(1, SELL, 100, 5));
    it.tell(limit(2, BUY, 100, 8));
    assert_eq!(it.shown(), "100x3(1) | ");
}

#[test]
fn what_is_left_of_an_ioc_order_expires() {
    let mut it = Market::open();
    it.tell(limit(1, SELL, 100, 5));
    let told = it.tell(with_life(TimeInForce::Ioc, limit(2, BUY, 100, 8)));
    assert_eq!(
        told,
        [
            "accepted 2",
            "trade 100x5 maker 1 left 0 taker 2 left 3",
            "expired 2 left 3 ImmediateOrCancel"
        ]
    );
    assert_eq!(it.shown(), " | ");
}

#[test]
fn an_fok_order_fills_whole() {
    let mut it = Market::open();
    it.tell(limit(1, SELL, 100, 5));
    it.tell(limit(2, SELL, 101, 5));
    let told = it.tell(with_life(TimeInForce::Fok, limit(3, BUY, 101, 10)));
    assert_eq!(
        told.last().unwrap(),
        "trade 101x5 maker 2 left 0 taker 3 left 0"
    );
}

#[test]
fn an_fok_order_that_cannot_fill_whole_expires_without_a_trade() {
    let mut it = Market::open();
    it.tell(limit(1, SELL, 100, 5));
    it.tell(limit(2, SELL, 102, 5));
    let told = it.tell(with_life(TimeInForce::Fok, limit(3, BUY, 101, 6)));
    assert_eq!(told, ["accepted 3", "expired 3 left 6 FillOrKill"]);
    assert_eq!(it.shown(), " | 100x5(1) 102x5(1)");
}

#[test]
fn a_market_order_takes_and_the_rest_expires() {
    let mut it = Market::open();
    it.tell(limit(1, BUY, 100, 5));
    it.tell(limit(2, BUY, 90, 5));
    let told = it.tell(market(3, SELL, 12));
    assert_eq!(
        told,
        [
            "accepted 3",
            "trade 100x5 maker 1 left 0 taker 3 left 7",
            "trade 90x5 maker 2 left 0 taker 3 left 2",
            "expired 3 left 2 ImmediateOrCancel"
        ]
    );
}

#[test]
fn a_market_order_in_an_empty_book_expires() {
    let mut it = Market::open();
    assert_eq!(
        it.tell(market(1, BUY, 1)),
        ["accepted 1", "expired 1 left 1 ImmediateOrCancel"]
    );
}

#[test]
fn a_market_order_stops_at_the_band() {
    let mut it = Market::open();
    it.tell(limit(1, SELL, 150, 5));
    it.tell(limit(2, SELL, 199, 5));
    it.settings(PairSettings {
        price_band_upper: 160,
        ..settings()
    });
    let told = it.tell(market(3, BUY, 8));
    assert_eq!(
        told,
        [
            "accepted 3",
            "trade 150x5 maker 1 left 0 taker 3 left 3",
            "expired 3 left 3 ImmediateOrCancel"
        ]
    );
    assert_eq!(
        it.shown(),
        " | 199x5(1)",
        "an ask above the band only waits: nothing can reach it"
    );
}

#[test]
fn a_limit_maker_order_rests() {
    let mut it = Market::open();
    it.tell(limit(1, SELL, 101, 5));
    assert_eq!(it.tell(limit_maker(2, BUY, 100, 5)), ["accepted 2"]);
    assert_eq!(it.shown(), "100x5(1) | 101x5(1)");
}

#[test]
fn a_limit_maker_order_that_would_take_is_rejected() {
    let mut it = Market::open();
    it.tell(limit(1, SELL, 101, 5));
    assert_eq!(
        it.tell(limit_maker(2, BUY, 101, 5)),
        ["rejected 2 WouldTake"]
    );
    assert_eq!(it.shown(), " | 101x5(1)");
}

#[test]
fn an_order_trades_with_its_own_user() {
    let mut it = Market::open();
    it.tell(limit(1, SELL, 100, 5));
    let own = NewOrder {
        user_id: 10,
        ..limit(2, BUY, 100, 5)
    };
    assert_eq!(
        it.tell(own),
        ["accepted 2", "trade 100x5 maker 1 left 0 taker 2 left 0"]
    );
}

#[test]
fn a_cancel_ends_what_rests() {
    let mut it = Market::open();
    it.tell(limit(1, BUY, 100, 5));
    it.tell(limit(2, BUY, 100, 5));
    it.tell(limit(3, SELL, 100, 2));
    assert_eq!(it.cancel(1), ["cancelled 1 left 3"]);
    assert_eq!(it.shown(), "100x5(1) | ");
}

#[test]
fn a_cancel_of_nothing_is_rejected() {
    let mut it = Market::open();
    it.tell(limit(1, BUY, 100, 5));
    it.tell(limit(2, SELL, 100, 5));
    assert_eq!(it.cancel(1), ["cancel rejected 1 UnknownOrder"], "filled");
    assert_eq!(
        it.cancel(7),
        ["cancel rejected 7 UnknownOrder"],
        "never seen"
    );
    assert_eq!(it.cancel_as(0, 1), ["cancel rejected 0 InvalidOrderId"]);
    assert_eq!(it.cancel_as(1, 0), ["cancel rejected 1 InvalidUserId"]);
}

#[test]
fn a_cancel_by_another_user_is_rejected() {
    let mut it = Market::open();
    it.tell(limit(1, BUY, 100, 5));
    assert_eq!(it.cancel_as(1, 11), ["cancel rejected 1 NotOwner"]);
    assert_eq!(it.shown(), "100x5(1) | ");
}
