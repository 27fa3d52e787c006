//! What a caller may leave out.

use outcry_book as core;
use outcry_book::{Body, EventBody, OrderType, TimeInForce};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::commands::Command;
use super::words::Word;
use crate::errors::SettingsError;

/// A new order of the arguments that are named like its fields.
macro_rules! order {
    ($type:expr, $time_in_force:expr; $($field:ident),+) => {
        outcry_book::NewOrder {
            order_type: $type,
            time_in_force: $time_in_force.unwrap_or_else(|| $crate::book::defaults::usual_time_in_force($type)),
            $($field),+
        }
    };
}

/// An OCO of the arguments that are named like its fields.
macro_rules! oco {
    ($($field:ident),+) => {
        outcry_book::NewOco { $($field),+ }
    };
}

pub(super) use {oco, order};

/// The settings in a command object.
///
/// # Errors
/// `TypeError` when it is another command.
pub fn pair_settings(command: &Bound<'_, Command>) -> PyResult<core::PairSettings> {
    match command.get().body {
        Body::PairSettings(settings) => Ok(settings),
        _ => Err(PyTypeError::new_err("settings: PairSettings are needed")),
    }
}

/// Whether a book's first settings were taken.
///
/// # Errors
/// [`SettingsError`] with the first check that they failed.
pub fn none_refused(py: Python<'_>, events: &[core::Event]) -> PyResult<()> {
    match events.first().map(|event| event.body) {
        Some(EventBody::SettingsRejected(refused)) => {
            let name = refused.reason.member(py)?.getattr(py, "name")?;
            Err(SettingsError::new_err(format!(
                "the settings were refused: {name}"
            )))
        }
        _ => Ok(()),
    }
}

/// What `PairSettings()` says.
pub fn default_settings() -> core::PairSettings {
    core::PairSettings {
        trading_status: core::TradingStatus::Trading.as_i32(),
        rules_version: 2,
        price_band_lower: 1,
        price_band_upper: 1_000_000_000,
        quote_units_per_tick_lot: 1,
        base_units_per_lot: 1,
        ..core::PairSettings::default()
    }
}

/// The settings in force as the command that would make them so; `None` before the first.
pub fn in_force(book: &core::Book) -> Option<core::PairSettings> {
    let (settings, filters) = (book.settings()?, book.filters());
    Some(core::PairSettings {
        trading_status: settings.trading_status.as_i32(),
        rules_version: settings.rules_version,
        price_band_lower: settings.price_band_lower,
        price_band_upper: settings.price_band_upper,
        min_notional: settings.min_notional,
        maker_fee_ppm: settings.maker_fee_ppm,
        taker_fee_ppm: settings.taker_fee_ppm,
        quote_units_per_tick_lot: settings.quote_units_per_tick_lot,
        base_units_per_lot: settings.base_units_per_lot,
        filters: core::Filters {
            self_trade_prevention: match filters.self_trade_prevention {
                // What a pair says that names no mode.
                core::SelfTradePrevention::None => 0,
                mode => mode.as_i32(),
            },
            min_price: filters.min_price,
            max_price: filters.max_price,
            min_quantity: filters.min_quantity,
            max_quantity: filters.max_quantity,
            max_notional: filters.max_notional,
            notional_applies_to_market: filters.notional_applies_to_market,
            reference_price: filters.reference_price,
            bid_multiplier_up_bps: filters.bid_multiplier_up_bps,
            bid_multiplier_down_bps: filters.bid_multiplier_down_bps,
            ask_multiplier_up_bps: filters.ask_multiplier_up_bps,
            ask_multiplier_down_bps: filters.ask_multiplier_down_bps,
            max_open_orders: filters.max_open_orders,
        },
    })
}

/// GTC for the types that must say how long they live, none for the others.
pub fn usual_time_in_force(order_type: i32) -> i32 {
    match OrderType::from_i32(order_type) {
        Some(OrderType::Limit | OrderType::StopLossLimit | OrderType::TakeProfitLimit) => {
            TimeInForce::Gtc.as_i32()
        }
        _ => 0,
    }
}
