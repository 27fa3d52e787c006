//! Events of every body.

use outcry_book::{
    AmendRejected, AuctionPrice, CancelRejected, DisconnectTimerFired, DisconnectTimerRejected,
    DisconnectTimerSet, Event, EventBody, ExpireReason, FiltersChanged, MassCancelRejected,
    MassCancelled, OrderAccepted, OrderAmended, OrderCancelled, OrderExpired, OrderRejected,
    OrderTriggered, OrderType, RejectReason, SelfTradePrevented, SelfTradePrevention,
    SettingsChanged, SettingsRejected, Side, TimeInForce, TradeExecuted, TradingStatus,
};
use proptest::array::{uniform5, uniform6, uniform9};
use proptest::prelude::*;

use super::values::{natural, number, small, word};

pub fn event() -> impl Strategy<Value = Event> {
    (
        1..=u64::MAX,
        any::<u32>(),
        natural(),
        natural(),
        number(),
        body(),
    )
        .prop_map(
            |(seq, source, incarnation, number, time_unix_nanos, body)| Event {
                seq,
                source,
                incarnation,
                number,
                time_unix_nanos,
                body,
            },
        )
}

fn body() -> impl Strategy<Value = EventBody> {
    prop_oneof![
        2 => accepted().boxed(),
        2 => matched().boxed(),
        4 => of_an_order().boxed(),
        3 => of_an_account_or_the_pair().boxed(),
        2 => settings().boxed(),
    ]
}

fn accepted() -> impl Strategy<Value = EventBody> {
    (
        (natural(), natural(), natural()),
        word(Side::ALL),
        word(OrderType::ALL),
        word(TimeInForce::ALL),
        uniform6(number()),
        small(),
        prop::option::of(word(SelfTradePrevention::ALL)),
    )
        .prop_map(
            |(ids, side, order_type, time_in_force, numbers, trailing_delta, mode)| {
                let [price, quantity, quote, display, stop, expire] = numbers;
                EventBody::OrderAccepted(OrderAccepted {
                    order_id: ids.0,
                    user_id: ids.1,
                    side,
                    order_type,
                    time_in_force,
                    price,
                    quantity,
                    quote_quantity: quote,
                    display_quantity: display,
                    stop_price: stop,
                    trailing_delta,
                    expire_time_unix_nanos: expire,
                    self_trade_prevention: mode,
                    list_order_id: ids.2,
                })
            },
        )
}

/// Two orders that met: a trade, or one that was prevented.
fn matched() -> impl Strategy<Value = EventBody> {
    (
        any::<bool>(),
        uniform9(number()),
        word(Side::ALL),
        small(),
        small(),
    )
        .prop_map(|(traded, n, taker_side, maker_fee_ppm, taker_fee_ppm)| {
            let id = |at: usize| n[at].cast_unsigned();
            if traded {
                EventBody::TradeExecuted(TradeExecuted {
                    trade_id: id(0),
                    price: n[1],
                    quantity: n[2],
                    maker_order_id: id(3),
                    taker_order_id: id(4),
                    maker_user_id: id(5),
                    taker_user_id: id(6),
                    taker_side,
                    maker_remaining: n[7],
                    taker_remaining: n[8],
                    maker_fee_ppm,
                    taker_fee_ppm,
                })
            } else {
                EventBody::SelfTradePrevented(SelfTradePrevented {
                    price: n[1],
                    quantity: n[2],
                    maker_order_id: id(3),
                    taker_order_id: id(4),
                    maker_user_id: id(5),
                    taker_user_id: id(6),
                    taker_side,
                    maker_remaining: n[7],
                    taker_remaining: n[8],
                })
            }
        })
}

fn of_an_order() -> impl Strategy<Value = EventBody> {
    (
        0..7,
        natural(),
        natural(),
        number(),
        number(),
        word(RejectReason::ALL),
        word(ExpireReason::ALL),
    )
        .prop_map(
            |(kind, order_id, user_id, remaining, quantity, reason, expired)| match kind {
                0 => EventBody::OrderRejected(OrderRejected {
                    order_id,
                    user_id,
                    reason,
                }),
                1 => EventBody::CancelRejected(CancelRejected {
                    order_id,
                    user_id,
                    reason,
                }),
                2 => EventBody::AmendRejected(AmendRejected {
                    order_id,
                    user_id,
                    reason,
                }),
                3 => EventBody::OrderCancelled(OrderCancelled {
                    order_id,
                    user_id,
                    remaining,
                }),
                4 => EventBody::OrderExpired(OrderExpired {
                    order_id,
                    user_id,
                    remaining,
                    reason: expired,
                }),
                5 => EventBody::OrderTriggered(OrderTriggered {
                    order_id,
                    user_id,
                    trigger_price: quantity,
                }),
                _ => EventBody::OrderAmended(OrderAmended {
                    order_id,
                    user_id,
                    quantity,
                    remaining,
                }),
            },
        )
}

fn of_an_account_or_the_pair() -> impl Strategy<Value = EventBody> {
    (
        0..8,
        natural(),
        natural(),
        prop::array::uniform3(number()),
        word(RejectReason::ALL),
        prop::option::of(word(Side::ALL)),
    )
        .prop_map(|(kind, user_id, orders, n, reason, side)| {
            let auction = AuctionPrice {
                price: n[0],
                volume: n[1],
                surplus_side: side,
                surplus: n[2],
            };
            match kind {
                0 => EventBody::SettingsRejected(SettingsRejected { reason }),
                1 => EventBody::MassCancelled(MassCancelled {
                    user_id,
                    side,
                    orders,
                }),
                2 => EventBody::MassCancelRejected(MassCancelRejected { user_id, reason }),
                3 => EventBody::DisconnectTimerSet(DisconnectTimerSet {
                    user_id,
                    deadline_unix_nanos: n[0],
                }),
                4 => {
                    EventBody::DisconnectTimerRejected(DisconnectTimerRejected { user_id, reason })
                }
                5 => EventBody::DisconnectTimerFired(DisconnectTimerFired { user_id, orders }),
                6 => EventBody::AuctionIndicative(auction),
                _ => EventBody::AuctionUncrossed(auction),
            }
        })
}

fn settings() -> impl Strategy<Value = EventBody> {
    let changed = (
        word(TradingStatus::ALL),
        any::<u32>(),
        uniform5(number()),
        small(),
        small(),
    )
        .prop_map(
            |(trading_status, rules_version, n, maker_fee_ppm, taker_fee_ppm)| {
                EventBody::SettingsChanged(SettingsChanged {
                    trading_status,
                    rules_version,
                    price_band_lower: n[0],
                    price_band_upper: n[1],
                    min_notional: n[2],
                    maker_fee_ppm,
                    taker_fee_ppm,
                    quote_units_per_tick_lot: n[3],
                    base_units_per_lot: n[4],
                })
            },
        );
    let filters = (
        word(SelfTradePrevention::ALL),
        uniform6(number()),
        any::<bool>(),
        uniform5(any::<u32>()),
    )
        .prop_map(
            |(self_trade_prevention, n, notional_applies_to_market, limits)| {
                EventBody::FiltersChanged(FiltersChanged {
                    self_trade_prevention,
                    min_price: n[0],
                    max_price: n[1],
                    min_quantity: n[2],
                    max_quantity: n[3],
                    max_notional: n[4],
                    notional_applies_to_market,
                    reference_price: n[5],
                    bid_multiplier_up_bps: limits[0],
                    bid_multiplier_down_bps: limits[1],
                    ask_multiplier_up_bps: limits[2],
                    ask_multiplier_down_bps: limits[3],
                    max_open_orders: limits[4],
                })
            },
        );
    prop_oneof![changed.boxed(), filters.boxed()]
}
