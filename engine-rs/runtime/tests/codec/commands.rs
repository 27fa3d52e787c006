//! Commands of every body.

use outcry_book::{
    AmendOrder, Body, CancelOrder, CancelReplace, Command, Filters, MassCancel, NewOco, NewOrder,
    PairSettings, SetDisconnectTimer, Tick,
};
use proptest::array::{uniform3, uniform4, uniform5, uniform6};
use proptest::prelude::*;

use super::values::{natural, number, small};

pub fn command() -> impl Strategy<Value = Command> {
    (any::<u32>(), natural(), natural(), number(), body()).prop_map(
        |(source, incarnation, number, time_unix_nanos, body)| Command {
            source,
            incarnation,
            number,
            time_unix_nanos,
            body,
        },
    )
}

// Boxed, because a union keeps all its arms' values on the stack.
fn body() -> impl Strategy<Value = Body> {
    let replace = (natural(), small(), order()).prop_map(|(cancel_order_id, mode, order)| {
        Body::CancelReplace(CancelReplace {
            cancel_order_id,
            mode,
            order,
        })
    });
    prop_oneof![
        4 => order().prop_map(Body::NewOrder).boxed(),
        2 => replace.boxed(),
        2 => oco().boxed(),
        2 => settings().boxed(),
        4 => plain().boxed(),
    ]
}

/// The bodies of a few fields.
fn plain() -> impl Strategy<Value = Body> {
    (0..5, natural(), natural(), number(), small()).prop_map(
        |(kind, order_id, user_id, quantity, side)| match kind {
            0 => Body::CancelOrder(CancelOrder { order_id, user_id }),
            1 => Body::AmendOrder(AmendOrder {
                order_id,
                user_id,
                quantity,
            }),
            2 => Body::MassCancel(MassCancel { user_id, side }),
            3 => Body::SetDisconnectTimer(SetDisconnectTimer {
                user_id,
                timeout_millis: order_id,
            }),
            _ => Body::Tick(Tick {
                time_unix_nanos: quantity,
            }),
        },
    )
}

fn order() -> impl Strategy<Value = NewOrder> {
    (uniform3(natural()), uniform5(small()), uniform6(number())).prop_map(
        |(ids, words, numbers)| NewOrder {
            order_id: ids[0],
            user_id: ids[1],
            trade_group: ids[2],
            side: words[0],
            order_type: words[1],
            time_in_force: words[2],
            trailing_delta: words[3],
            self_trade_prevention: words[4],
            price: numbers[0],
            quantity: numbers[1],
            quote_quantity: numbers[2],
            display_quantity: numbers[3],
            stop_price: numbers[4],
            expire_time_unix_nanos: numbers[5],
        },
    )
}

fn oco() -> impl Strategy<Value = Body> {
    (uniform4(natural()), uniform4(small()), uniform5(number())).prop_map(
        |(ids, words, numbers)| {
            Body::NewOco(NewOco {
                user_id: ids[0],
                limit_order_id: ids[1],
                stop_order_id: ids[2],
                trade_group: ids[3],
                side: words[0],
                stop_time_in_force: words[1],
                trailing_delta: words[2],
                self_trade_prevention: words[3],
                quantity: numbers[0],
                price: numbers[1],
                display_quantity: numbers[2],
                stop_price: numbers[3],
                stop_limit_price: numbers[4],
            })
        },
    )
}

fn settings() -> impl Strategy<Value = Body> {
    (
        uniform3(small()),
        any::<u32>(),
        uniform5(number()),
        prop_oneof![Just(Filters::default()).boxed(), filters().boxed()],
    )
        .prop_map(|(words, rules_version, numbers, filters)| {
            Body::PairSettings(PairSettings {
                trading_status: words[0],
                rules_version,
                price_band_lower: numbers[0],
                price_band_upper: numbers[1],
                min_notional: numbers[2],
                maker_fee_ppm: words[1],
                taker_fee_ppm: words[2],
                quote_units_per_tick_lot: numbers[3],
                base_units_per_lot: numbers[4],
                filters,
            })
        })
}

fn filters() -> impl Strategy<Value = Filters> {
    (
        small(),
        uniform6(number()),
        any::<bool>(),
        uniform5(any::<u32>()),
    )
        .prop_map(
            |(mode, numbers, notional_applies_to_market, limits)| Filters {
                self_trade_prevention: mode,
                min_price: numbers[0],
                max_price: numbers[1],
                min_quantity: numbers[2],
                max_quantity: numbers[3],
                max_notional: numbers[4],
                reference_price: numbers[5],
                notional_applies_to_market,
                bid_multiplier_up_bps: limits[0],
                bid_multiplier_down_bps: limits[1],
                ask_multiplier_up_bps: limits[2],
                ask_multiplier_down_bps: limits[3],
                max_open_orders: limits[4],
            },
        )
}
