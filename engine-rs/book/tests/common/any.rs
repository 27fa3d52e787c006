//! Random commands over every feature, near enough to each other that they meet.

use outcry_book::{
    AmendOrder, Body, CancelOrder, CancelReplace, Filters, MassCancel, NewOco, NewOrder, OrderType,
    PairSettings, SetDisconnectTimer, Side, Tick, TimeInForce, TradingStatus,
};
use proptest::prelude::*;

use super::settings_2;

/// Milliseconds between two ticks of a random stream, at most.
pub const STEP_MILLIS: i64 = 40;

fn side() -> impl Strategy<Value = i32> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)].prop_map(Side::as_i32)
}

/// Mostly 0, sometimes what is given.
fn at_times<T: Strategy<Value = i64>>(weight: u32, some: T) -> impl Strategy<Value = i64> {
    prop_oneof![10 => Just(0), weight => some]
}

fn order_type() -> impl Strategy<Value = OrderType> {
    prop_oneof![
        10 => Just(OrderType::Limit),
        3 => Just(OrderType::Market),
        2 => Just(OrderType::LimitMaker),
        3 => Just(OrderType::StopLoss),
        3 => Just(OrderType::StopLossLimit),
        2 => Just(OrderType::TakeProfit),
        3 => Just(OrderType::TakeProfitLimit),
    ]
}

fn life() -> impl Strategy<Value = TimeInForce> {
    prop_oneof![
        8 => Just(TimeInForce::Gtc),
        2 => Just(TimeInForce::Ioc),
        2 => Just(TimeInForce::Fok),
        3 => Just(TimeInForce::Gtd),
    ]
}

/// The user that mostly has this order.
fn user_of(order_id: u64) -> u64 {
    1 + order_id % 5
}

/// Trade group and self-trade prevention.
fn belongs() -> impl Strategy<Value = (u64, i32)> {
    let group = prop_oneof![4 => Just(0u64), 1 => 1..3u64];
    let mode = prop_oneof![4 => Just(0), 4 => 1..6i32];
    (group, mode)
}

/// An order that makes sense most of the time.
pub fn any_order() -> impl Strategy<Value = NewOrder> {
    let numbers = (95..106i64, 1..20i64, at_times(4, 1..20i64), 96..105i64);
    let rest = (
        1..400i64,
        prop_oneof![3 => Just(0), 1 => 50..800i32],
        0..20u8,
    );
    (
        1..40u64,
        belongs(),
        side(),
        order_type(),
        life(),
        numbers,
        rest,
    )
        .prop_map(
            |(order_id, (trade_group, mode), side, order_type, life, numbers, rest)| {
                let (price, quantity, display, stop) = numbers;
                let (expiry, delta, odd) = rest;
                let stops = !matches!(
                    order_type,
                    OrderType::Limit | OrderType::Market | OrderType::LimitMaker
                );
                let priced = !matches!(
                    order_type,
                    OrderType::Market | OrderType::StopLoss | OrderType::TakeProfit
                );
                let life = match order_type {
                    _ if !priced => None,
                    OrderType::LimitMaker if life != TimeInForce::Gtd => Some(TimeInForce::Gtc),
                    _ => Some(life),
                };
                let lives = matches!(life, Some(TimeInForce::Gtc | TimeInForce::Gtd));
                let by_quote = order_type == OrderType::Market && odd % 2 == 0;
                NewOrder {
                    order_id,
                    user_id: user_of(order_id),
                    side,
                    order_type: order_type.as_i32(),
                    time_in_force: life.map_or(0, TimeInForce::as_i32),
                    price: if priced { price } else { 0 },
                    quantity: if by_quote { 0 } else { quantity },
                    quote_quantity: if by_quote { price * quantity + 7 } else { 0 },
                    display_quantity: if lives { display.min(quantity) } else { 0 },
                    stop_price: if stops && !(delta != 0 && odd < 10) {
                        stop
                    } else {
                        0
                    },
                    trailing_delta: if stops { delta } else { 0 },
                    self_trade_prevention: mode,
                    trade_group,
                    expire_time_unix_nanos: if life == Some(TimeInForce::Gtd) {
                        expiry
                    } else {
                        0
                    },
                }
            },
        )
}

fn any_oco() -> impl Strategy<Value = NewOco> {
    let ids = (1..40u64, 1..40u64);
    let numbers = (1..20i64, 1..6i64, -1..6i64, at_times(4, 1..9i64));
    let stop = (
        0..3i32,
        prop_oneof![3 => Just(0), 1 => 50..800i32],
        any::<bool>(),
    );
    (ids, belongs(), side(), numbers, stop).prop_map(
        |(ids, (trade_group, mode), side, numbers, (life, delta, limited))| {
            let (quantity, above, below, display) = numbers;
            let away = if side == Side::Sell.as_i32() { 1 } else { -1 };
            NewOco {
                user_id: user_of(ids.0),
                limit_order_id: ids.0,
                stop_order_id: ids.1,
                side,
                quantity,
                price: 100 + away * above,
                display_quantity: display.min(quantity),
                stop_price: 100 - away * below,
                stop_limit_price: if limited { 100 - away * below } else { 0 },
                stop_time_in_force: if limited { life } else { 0 },
                trailing_delta: delta,
                self_trade_prevention: mode,
                trade_group,
            }
        },
    )
}

fn any_settings() -> impl Strategy<Value = PairSettings> {
    let status = prop_oneof![
        12 => Just(TradingStatus::Trading),
        1 => Just(TradingStatus::Halt),
        1 => Just(TradingStatus::CancelOnly),
        1 => Just(TradingStatus::PostOnly),
        1 => Just(TradingStatus::LimitOnly),
        4 => Just(TradingStatus::Auction),
    ];
    let most = prop_oneof![2 => Just(0u32), 1 => 1..6u32];
    (status, 90..98i64, 101..112i64, 0..6i32, most, 0..3i64).prop_map(
        |(status, lower, upper, mode, max_open_orders, odd)| PairSettings {
            trading_status: status.as_i32(),
            price_band_lower: lower,
            price_band_upper: upper,
            filters: Filters {
                self_trade_prevention: mode,
                max_open_orders,
                reference_price: 100 * (odd % 2),
                min_quantity: odd,
                bid_multiplier_up_bps: if odd == 2 { 10_300 } else { 0 },
                ..Filters::default()
            },
            ..settings_2()
        },
    )
}

/// Any command; ticks move time on by what they carry, see [`STEP_MILLIS`].
pub fn any_body() -> impl Strategy<Value = Body> {
    // Mostly the owner, at times somebody else.
    let owned = (1..40u64, 0..10u64).prop_map(|(order_id, odd)| {
        let user_id = if odd == 0 { 9 } else { user_of(order_id) };
        (order_id, user_id)
    });
    let cancel = owned
        .clone()
        .prop_map(|(order_id, user_id)| Body::CancelOrder(CancelOrder { order_id, user_id }));
    let replace = (1..40u64, 0..9i32, any::<bool>(), any_order()).prop_map(
        |(cancel_order_id, mode, same, order)| {
            let cancel_order_id = if same {
                order.order_id
            } else {
                cancel_order_id
            };
            Body::CancelReplace(CancelReplace {
                cancel_order_id,
                mode: (mode + 2) / 4,
                order,
            })
        },
    );
    let amend = (owned, 0..15i64).prop_map(|((order_id, user_id), quantity)| {
        Body::AmendOrder(AmendOrder {
            order_id,
            user_id,
            quantity,
        })
    });
    let mass = (0..6u64, 0..3i32)
        .prop_map(|(user_id, side)| Body::MassCancel(MassCancel { user_id, side }));
    let timer = (0..6u64, 0..200u64).prop_map(|(user_id, timeout_millis)| {
        Body::SetDisconnectTimer(SetDisconnectTimer {
            user_id,
            timeout_millis,
        })
    });
    let tick = (0..STEP_MILLIS).prop_map(|time_unix_nanos| Body::Tick(Tick { time_unix_nanos }));
    prop_oneof![
        80 => any_order().prop_map(Body::NewOrder),
        10 => cancel,
        8 => replace,
        12 => amend,
        8 => any_oco().prop_map(Body::NewOco),
        2 => mass,
        3 => timer,
        6 => tick,
        4 => any_settings().prop_map(Body::PairSettings),
    ]
}
