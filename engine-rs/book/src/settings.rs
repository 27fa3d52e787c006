//! Which `PairSettings` make sense.

use crate::command::{Filters, PairSettings};
use crate::event::SettingsChanged;
use crate::words::{RejectReason, TradingStatus};

const MILLION: i32 = 1_000_000;

/// The settings as they will be in force, or the first check that they fail.
///
/// The rules version goes first, because what the rest means depends on it.
pub(crate) fn checked(asked: &PairSettings) -> Result<SettingsChanged, RejectReason> {
    if asked.rules_version != crate::RULES_VERSION {
        return Err(RejectReason::Unsupported);
    }
    if asked.filters != Filters::default() {
        return Err(RejectReason::Unsupported);
    }
    let trading_status = checked_status(asked.trading_status)?;
    let sensible = asked.price_band_lower >= 1
        && asked.price_band_upper >= asked.price_band_lower
        && asked.min_notional >= 0
        && (-MILLION..=MILLION).contains(&asked.maker_fee_ppm)
        && (0..=MILLION).contains(&asked.taker_fee_ppm)
        && asked.quote_units_per_tick_lot >= 1
        && asked.base_units_per_lot >= 1;
    if !sensible {
        return Err(RejectReason::InvalidSettings);
    }
    Ok(SettingsChanged {
        trading_status,
        rules_version: asked.rules_version,
        price_band_lower: asked.price_band_lower,
        price_band_upper: asked.price_band_upper,
        min_notional: asked.min_notional,
        maker_fee_ppm: asked.maker_fee_ppm,
        taker_fee_ppm: asked.taker_fee_ppm,
        quote_units_per_tick_lot: asked.quote_units_per_tick_lot,
        base_units_per_lot: asked.base_units_per_lot,
    })
}

fn checked_status(number: i32) -> Result<TradingStatus, RejectReason> {
    match TradingStatus::from_i32(number) {
        None => Err(RejectReason::InvalidSettings),
        Some(
            status @ (TradingStatus::Trading | TradingStatus::Halt | TradingStatus::CancelOnly),
        ) => Ok(status),
        Some(TradingStatus::PostOnly | TradingStatus::LimitOnly | TradingStatus::Auction) => {
            Err(RejectReason::Unsupported)
        }
    }
}
