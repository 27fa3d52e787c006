//! Which `PairSettings` make sense, and what a change of them does.

use crate::book::Book;
use crate::command::{Command, Filters, PairSettings};
use crate::event::{EventBody, FiltersChanged, SettingsChanged, SettingsRejected, Sink};
use crate::plain::Lane;
use crate::words::{ExpireReason, RejectReason, SelfTradePrevention, TradingStatus};

const MILLION: i32 = 1_000_000;
const BY_BAND: (ExpireReason, ExpireReason) =
    (ExpireReason::PriceBand, ExpireReason::OneCancelsOther);

/// What is in force once the settings were accepted.
pub(crate) type Accepted = (SettingsChanged, FiltersChanged);

/// The settings as they will be in force, or the first check that they fail.
///
/// The rules version goes first, because what the rest means depends on it. `rules` is the version in
/// force, 0 before the first settings: the way back is closed.
pub(crate) fn checked(asked: &PairSettings, rules: u32) -> Result<Accepted, RejectReason> {
    let version = asked.rules_version;
    if !(1..=crate::RULES_VERSION).contains(&version) {
        return Err(RejectReason::Unsupported);
    }
    if version < rules {
        return Err(RejectReason::InvalidSettings);
    }
    if version == 1 && asked.filters != Filters::default() {
        return Err(RejectReason::Unsupported);
    }
    let trading_status = checked_status(asked.trading_status, version)?;
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
    let settings = SettingsChanged {
        trading_status,
        rules_version: asked.rules_version,
        price_band_lower: asked.price_band_lower,
        price_band_upper: asked.price_band_upper,
        min_notional: asked.min_notional,
        maker_fee_ppm: asked.maker_fee_ppm,
        taker_fee_ppm: asked.taker_fee_ppm,
        quote_units_per_tick_lot: asked.quote_units_per_tick_lot,
        base_units_per_lot: asked.base_units_per_lot,
    };
    Ok((
        settings,
        checked_filters(&asked.filters, asked.min_notional)?,
    ))
}

fn checked_status(number: i32, version: u32) -> Result<TradingStatus, RejectReason> {
    match TradingStatus::from_i32(number) {
        None => Err(RejectReason::InvalidSettings),
        Some(TradingStatus::PostOnly | TradingStatus::LimitOnly | TradingStatus::Auction)
            if version == 1 =>
        {
            Err(RejectReason::Unsupported)
        }
        Some(status) => Ok(status),
    }
}

fn checked_filters(asked: &Filters, min_notional: i64) -> Result<FiltersChanged, RejectReason> {
    let mode = match asked.self_trade_prevention {
        0 => Some(SelfTradePrevention::None),
        number => SelfTradePrevention::from_i32(number),
    };
    let self_trade_prevention = mode.ok_or(RejectReason::InvalidSettings)?;
    let none_below_0 = [
        asked.min_price,
        asked.max_price,
        asked.min_quantity,
        asked.max_quantity,
        asked.max_notional,
        asked.reference_price,
    ]
    .iter()
    .all(|&value| value >= 0);
    let sensible = none_below_0
        && in_order(asked.min_price, asked.max_price)
        && in_order(asked.min_quantity, asked.max_quantity)
        && in_order(min_notional, asked.max_notional)
        && in_order(asked.bid_multiplier_down_bps, asked.bid_multiplier_up_bps)
        && in_order(asked.ask_multiplier_down_bps, asked.ask_multiplier_up_bps);
    if !sensible {
        return Err(RejectReason::InvalidSettings);
    }
    Ok(FiltersChanged {
        self_trade_prevention,
        min_price: asked.min_price,
        max_price: asked.max_price,
        min_quantity: asked.min_quantity,
        max_quantity: asked.max_quantity,
        max_notional: asked.max_notional,
        notional_applies_to_market: asked.notional_applies_to_market,
        reference_price: asked.reference_price,
        bid_multiplier_up_bps: asked.bid_multiplier_up_bps,
        bid_multiplier_down_bps: asked.bid_multiplier_down_bps,
        ask_multiplier_up_bps: asked.ask_multiplier_up_bps,
        ask_multiplier_down_bps: asked.ask_multiplier_down_bps,
        max_open_orders: asked.max_open_orders,
    })
}

/// Whether two limits, each off at 0, leave anything between them.
fn in_order<T: PartialOrd + Default + Copy>(least: T, most: T) -> bool {
    most == T::default() || least <= most
}

impl Book {
    pub(crate) fn change_settings(
        &mut self,
        command: &Command,
        asked: &PairSettings,
        sink: &mut impl Sink,
    ) {
        let rules = self.settings.map_or(0, |settings| settings.rules_version);
        match checked(asked, rules) {
            Ok((settings, filters)) => {
                self.settings = Some(settings);
                self.emit(command, EventBody::SettingsChanged(settings), sink);
                if settings.rules_version > 1 {
                    self.filters = filters;
                    self.emit(command, EventBody::FiltersChanged(filters), sink);
                    self.count_accounts();
                }
                self.lane = Lane::of(&settings, &self.filters);
                self.expire_through_band(command, &settings, sink);
                self.change_call(command, settings.trading_status, sink);
            }
            Err(reason) => {
                let rejected = SettingsRejected { reason };
                self.emit(command, EventBody::SettingsRejected(rejected), sink);
            }
        }
    }

    /// Ends the orders that a new band would let trade outside it: bids above it, then asks below it.
    fn expire_through_band(
        &mut self,
        command: &Command,
        settings: &SettingsChanged,
        sink: &mut impl Sink,
    ) {
        let (lower, upper) = (settings.price_band_lower, settings.price_band_upper);
        while let Some((_, queue)) = self.bids.best().filter(|&(price, _)| price > upper) {
            let slot = queue.head;
            self.expire_open(command, slot, BY_BAND, sink);
        }
        while let Some((_, queue)) = self.asks.best().filter(|&(price, _)| price < lower) {
            let slot = queue.head;
            self.expire_open(command, slot, BY_BAND, sink);
        }
    }
}
