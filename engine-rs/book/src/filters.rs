//! What an order is worth, against the integers and the pair's filters: rows 17 and 18 of the table.

use crate::book::Book;
use crate::event::{FiltersChanged, SettingsChanged};
use crate::taker::Taker;
use crate::words::{RejectReason, SelfTradePrevention, Side};

/// Basis points of the whole.
const WHOLE: i128 = 10_000;

/// No filter at all: what holds before the first settings, and under rules version 1.
pub(crate) const OFF: FiltersChanged = FiltersChanged {
    self_trade_prevention: SelfTradePrevention::None,
    min_price: 0,
    max_price: 0,
    min_quantity: 0,
    max_quantity: 0,
    max_notional: 0,
    notional_applies_to_market: false,
    reference_price: 0,
    bid_multiplier_up_bps: 0,
    bid_multiplier_down_bps: 0,
    ask_multiplier_up_bps: 0,
    ask_multiplier_down_bps: 0,
    max_open_orders: 0,
};

impl Book {
    /// The price that stands for the market: that of the last trade, before the first trade the
    /// settings' own; 0 for none. Ticks.
    pub(crate) fn reference(&self) -> i64 {
        match self.last_price {
            0 => self.filters.reference_price,
            last => last,
        }
    }

    #[inline]
    pub(crate) fn check_filters(
        &self,
        taker: &Taker,
        settings: &SettingsChanged,
    ) -> Result<(), RejectReason> {
        if taker.price == 0 {
            return self.check_unpriced(taker, settings);
        }
        let notional = taker
            .price
            .checked_mul(taker.quantity)
            .ok_or(RejectReason::Overflow)?;
        if taker.price < settings.price_band_lower || taker.price > settings.price_band_upper {
            return Err(RejectReason::PriceOutOfBand);
        }
        let filters = &self.filters;
        if taker.price < filters.min_price || above(taker.price, filters.max_price) {
            return Err(RejectReason::PriceFilter);
        }
        self.check_percent(taker.side, taker.price)?;
        check_lot(taker.quantity, filters)?;
        if notional < settings.min_notional {
            return Err(RejectReason::NotionalTooSmall);
        }
        if above(notional, filters.max_notional) {
            return Err(RejectReason::NotionalTooLarge);
        }
        Ok(())
    }

    /// An order without a price: its quantity counts at the upper edge of the band against the integers,
    /// and at the reference price against the notional limits, where the pair wants that.
    #[cold]
    fn check_unpriced(
        &self,
        taker: &Taker,
        settings: &SettingsChanged,
    ) -> Result<(), RejectReason> {
        let filters = &self.filters;
        let (mut notional, mut known) = (i128::from(taker.remaining), true);
        if !taker.by_quote {
            let dearest = settings.price_band_upper.checked_mul(taker.quantity);
            dearest.ok_or(RejectReason::Overflow)?;
            check_lot(taker.quantity, filters)?;
            notional *= i128::from(self.reference());
            known = self.reference() != 0;
        }
        if !known || !filters.notional_applies_to_market {
            return Ok(());
        }
        if notional < i128::from(settings.min_notional) {
            return Err(RejectReason::NotionalTooSmall);
        }
        if filters.max_notional != 0 && notional > i128::from(filters.max_notional) {
            return Err(RejectReason::NotionalTooLarge);
        }
        Ok(())
    }

    /// `PERCENT_PRICE_BY_SIDE`: how far a price may be from the reference price.
    #[inline]
    pub(crate) fn check_percent(&self, side: Side, price: i64) -> Result<(), RejectReason> {
        let filters = &self.filters;
        let (up, down) = match side {
            Side::Buy => (
                filters.bid_multiplier_up_bps,
                filters.bid_multiplier_down_bps,
            ),
            Side::Sell => (
                filters.ask_multiplier_up_bps,
                filters.ask_multiplier_down_bps,
            ),
        };
        let reference = i128::from(self.reference());
        if (up == 0 && down == 0) || reference == 0 {
            return Ok(());
        }
        let scaled = i128::from(price) * WHOLE;
        let too_high = up != 0 && scaled > reference * i128::from(up);
        let too_low = down != 0 && scaled < reference * i128::from(down);
        if too_high || too_low {
            return Err(RejectReason::PercentPrice);
        }
        Ok(())
    }
}

#[inline]
fn check_lot(quantity: i64, filters: &FiltersChanged) -> Result<(), RejectReason> {
    if quantity < filters.min_quantity || above(quantity, filters.max_quantity) {
        return Err(RejectReason::LotSize);
    }
    Ok(())
}

/// Above a limit, where 0 is none.
#[inline]
fn above(value: i64, limit: i64) -> bool {
    limit != 0 && value > limit
}
