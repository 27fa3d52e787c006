//! What a caller may leave out.

use outcry_book as core;
use outcry_book::{Body, OrderType, TimeInForce};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::commands::Command;

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

/// GTC for the types that must say how long they live, none for the others.
pub fn usual_time_in_force(order_type: i32) -> i32 {
    match OrderType::from_i32(order_type) {
        Some(OrderType::Limit | OrderType::StopLossLimit | OrderType::TakeProfitLimit) => {
            TimeInForce::Gtc.as_i32()
        }
        _ => 0,
    }
}
