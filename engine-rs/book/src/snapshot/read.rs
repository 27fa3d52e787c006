//! A book out of bytes, which are not trusted.

use super::reader::Reader;
use super::{
    FULL, MAGIC, ORDER_BYTES, PLAIN, RestoreError, SOURCE_BYTES, TIMER_BYTES, flags, valid,
};
use crate::admission::parts_fit;
use crate::book::Book;
use crate::command::{Filters, PairSettings};
use crate::event::AuctionPrice;
use crate::extras::Extra;
use crate::plain::Lane;
use crate::settings;
use crate::slab::{NONE, Order, Place};
use crate::words::{OrderType, Side, TimeInForce};

impl Book {
    /// A book from bytes that [`Book::snapshot`] wrote. Anything else is a typed error, never a panic.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn restore(bytes: &[u8]) -> Result<Self, RestoreError> {
        let mut from = Reader { bytes };
        if from.u32("magic")? != MAGIC {
            return Err(RestoreError::NotABook);
        }
        let version = from.u32("version")?;
        if version != PLAIN && version != FULL {
            return Err(RestoreError::UnknownVersion(version));
        }
        let full = version == FULL;
        let mut book = Self::with_capacity(from.bytes.len() / ORDER_BYTES);
        book.read_counters(&mut from)?;
        book.read_settings(full, &mut from)?;
        if full {
            book.read_call(&mut from)?;
        }
        book.read_sources(&mut from)?;
        book.read_side(Side::Buy, full, &mut from)?;
        book.read_side(Side::Sell, full, &mut from)?;
        if full {
            book.read_waiting(&mut from)?;
            book.read_queue(&mut from)?;
            book.read_timers(&mut from)?;
        }
        if !from.bytes.is_empty() {
            return Err(RestoreError::TrailingBytes(from.bytes.len()));
        }
        book.count_accounts();
        book.check_restored()?;
        Ok(book)
    }

    /// What the records say together. What follows from putting them in one by one (links, ids, totals)
    /// is not looked at again.
    fn check_restored(&self) -> Result<(), RestoreError> {
        let sound = self.check_settings().is_ok() && self.check_stops().is_ok();
        let ahead = self.expiry.first();
        valid(
            sound && ahead.is_none_or(|(time, _)| time > self.clock),
            "orders cross, or stand outside what settings, last price or clock allow",
        )?;
        debug_assert!(self.check().is_ok(), "Invariant: {:?}", self.check());
        Ok(())
    }

    fn read_counters(&mut self, from: &mut Reader<'_>) -> Result<(), RestoreError> {
        self.seq = from.u64("counters")?;
        self.trades = from.u64("counters")?;
        self.clock = from.i64("counters")?;
        self.last_price = from.i64("counters")?;
        self.last_quantity = from.i64("counters")?;
        let traded = self.trades > 0;
        let lasts = [self.last_price, self.last_quantity];
        let sound = self.clock >= 0
            && lasts
                .iter()
                .all(|&last| if traded { last > 0 } else { last == 0 });
        // Half of all numbers are left for what comes: no book has ever used up the other half.
        let numbers_left = self.seq <= u64::MAX / 2;
        valid(
            sound && numbers_left && self.trades <= self.seq,
            "counters contradict each other",
        )
    }

    fn read_settings(&mut self, full: bool, from: &mut Reader<'_>) -> Result<(), RestoreError> {
        if !from.flag("settings")? {
            return valid(!full, "rules without settings");
        }
        let mut read = PairSettings {
            trading_status: from.i32("settings")?,
            rules_version: from.u32("settings")?,
            price_band_lower: from.i64("settings")?,
            price_band_upper: from.i64("settings")?,
            min_notional: from.i64("settings")?,
            maker_fee_ppm: from.i32("settings")?,
            taker_fee_ppm: from.i32("settings")?,
            quote_units_per_tick_lot: from.i64("settings")?,
            base_units_per_lot: from.i64("settings")?,
            ..PairSettings::default()
        };
        valid(full == (read.rules_version > 1), "rules of another version")?;
        if full {
            read.filters = read_filters(from)?;
            valid(
                read.filters.self_trade_prevention != 0,
                "filters without a mode",
            )?;
        }
        let (settings, filters) =
            settings::checked(&read, 0).map_err(|_| RestoreError::Invalid("settings"))?;
        self.settings = Some(settings);
        self.filters = filters;
        self.lane = Lane::of(&settings, &filters);
        Ok(())
    }

    fn read_call(&mut self, from: &mut Reader<'_>) -> Result<(), RestoreError> {
        self.call_open = from.flag("call")?;
        if !from.flag("call")? {
            return Ok(());
        }
        let (price, volume) = (from.i64("call")?, from.i64("call")?);
        let side = i32::from(from.u8("call")?);
        let surplus = from.i64("call")?;
        let surplus_side = Side::from_i32(side);
        let sound = if volume == 0 {
            price == 0 && side == 0 && surplus == 0
        } else {
            volume > 0 && price > 0 && surplus >= 0 && (surplus == 0) == (side == 0)
        };
        let a_side = side == 0 || surplus_side.is_some();
        valid(sound && a_side && self.call_open, "an indicative price")?;
        self.indicative = Some(AuctionPrice {
            price,
            volume,
            surplus_side,
            surplus,
        });
        Ok(())
    }

    fn read_sources(&mut self, from: &mut Reader<'_>) -> Result<(), RestoreError> {
        let mut last = None;
        for _ in 0..from.count(SOURCE_BYTES, "sources")? {
            let source = from.u32("sources")?;
            let (incarnation, number) = (from.u64("sources")?, from.u64("sources")?);
            valid(last < Some(source), "sources out of order")?;
            valid(
                self.sources.advance(source, incarnation, number),
                "a source that sent nothing",
            )?;
            last = Some(source);
        }
        Ok(())
    }

    fn read_side(
        &mut self,
        side: Side,
        full: bool,
        from: &mut Reader<'_>,
    ) -> Result<(), RestoreError> {
        // Price and number of the level that the last order went to.
        let mut last: Option<(i64, u32)> = None;
        for _ in 0..from.count(ORDER_BYTES, "orders")? {
            let (order, extra) = read_resting(side, full, from)?;
            let in_order = last.is_none_or(|(price, _)| match side {
                Side::Buy => order.price <= price,
                Side::Sell => order.price >= price,
            });
            valid(in_order, "levels out of order")?;
            let level = last.filter(|&(price, _)| price == order.price);
            let level = level.map_or(NONE, |(_, level)| level);
            valid(
                self.levels(side).has_room(level, order.remaining),
                "a level's total overflows",
            )?;
            let slot = self.take_in(order)?;
            if let Some(extra) = extra {
                self.slab.attach(slot, extra);
                self.expiry.push(&mut self.slab, slot);
            }
            let hidden = extra.map_or(0, |extra| extra.hidden);
            let (levels, slab) = self.levels_mut(side);
            levels.push_to(slab, slot, hidden, level);
            last = Some((order.price, self.slab.get(slot).level));
        }
        Ok(())
    }

    /// Gives an order a slot and an entry in the index.
    pub(super) fn take_in(&mut self, order: Order) -> Result<u32, RestoreError> {
        valid(!self.slab.is_full(1), "more orders than there are numbers")?;
        let slot = self.slab.insert(order);
        let new = self.index.insert_new(order.order_id, slot);
        valid(new, "an order id twice")?;
        #[cfg(debug_assertions)]
        self.audit.settle(slot, order.quantity - order.remaining);
        Ok(slot)
    }

    fn read_timers(&mut self, from: &mut Reader<'_>) -> Result<(), RestoreError> {
        let mut last = 0;
        for _ in 0..from.count(TIMER_BYTES, "timers")? {
            let (user_id, deadline) = (from.u64("timers")?, from.i64("timers")?);
            valid(last < user_id, "timers out of order")?;
            let ahead = deadline > self.clock || deadline == i64::MAX;
            valid(ahead, "a timer that has run out")?;
            self.timers.set(user_id, deadline);
            last = user_id;
        }
        Ok(())
    }
}

fn read_filters(from: &mut Reader<'_>) -> Result<Filters, RestoreError> {
    const PART: &str = "filters";
    Ok(Filters {
        self_trade_prevention: from.i32(PART)?,
        min_price: from.i64(PART)?,
        max_price: from.i64(PART)?,
        min_quantity: from.i64(PART)?,
        max_quantity: from.i64(PART)?,
        max_notional: from.i64(PART)?,
        reference_price: from.i64(PART)?,
        notional_applies_to_market: from.flag(PART)?,
        bid_multiplier_up_bps: from.u32(PART)?,
        bid_multiplier_down_bps: from.u32(PART)?,
        ask_multiplier_up_bps: from.u32(PART)?,
        ask_multiplier_down_bps: from.u32(PART)?,
        max_open_orders: from.u32(PART)?,
    })
}

fn read_resting(
    side: Side,
    full: bool,
    from: &mut Reader<'_>,
) -> Result<(Order, Option<Extra>), RestoreError> {
    let mut order = read_order(from)?;
    order.side = side;
    let order_type = OrderType::from_i32(i32::from(from.u8("orders")?));
    let may_rest = order_type.filter(|word| match word {
        OrderType::Limit | OrderType::LimitMaker => true,
        OrderType::StopLossLimit | OrderType::TakeProfitLimit => full,
        _ => false,
    });
    order.order_type =
        may_rest.ok_or(RestoreError::Invalid("an order of a type that never rests"))?;
    valid(order.price >= 1, "an order's price")?;
    if !full {
        return Ok((order, None));
    }
    let extra = read_extra(true, from)?;
    if let Some(extra) = extra {
        let shown = order.remaining - extra.hidden;
        let sliced = extra.display == 0 || (1..=extra.display).contains(&shown);
        valid(sliced, "an iceberg's slice")?;
        valid(
            parts_fit(extra.display, order.quantity),
            "an iceberg's parts",
        )?;
        if extra.expire_time != 0 {
            order.time_in_force = TimeInForce::Gtd;
        }
    }
    Ok((order, extra))
}

/// The numbers that every order has; its words are still to be told.
pub(super) fn read_order(from: &mut Reader<'_>) -> Result<Order, RestoreError> {
    let order_id = from.u64("orders")?;
    let user_id = from.u64("orders")?;
    let price = from.i64("orders")?;
    let quantity = from.i64("orders")?;
    let remaining = from.i64("orders")?;
    valid(order_id != 0 && user_id != 0, "an order without id or user")?;
    valid(
        price >= 0 && (1..=quantity).contains(&remaining),
        "an order's price or quantity",
    )?;
    valid(price.checked_mul(quantity).is_some(), "an order's notional")?;
    Ok(Order {
        order_id,
        user_id,
        price,
        quantity,
        remaining,
        prev: NONE,
        next: NONE,
        level: NONE,
        extra: NONE,
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        place: Place::Resting,
    })
}

/// What follows the record of an order that is not plain; `None` for a plain one.
pub(super) fn read_extra(
    rests: bool,
    from: &mut Reader<'_>,
) -> Result<Option<Extra>, RestoreError> {
    const PART: &str = "orders";
    let has = from.u8(PART)?;
    valid(
        has & !(flags::ICEBERG | flags::EXPIRES | flags::GROUP) == 0,
        "an order's flags",
    )?;
    let mut extra = Extra::PLAIN;
    if has & flags::ICEBERG != 0 {
        extra.display = from.i64(PART)?;
        extra.hidden = if rests { from.i64(PART)? } else { 0 };
        valid(extra.display > 0 && extra.hidden >= 0, "an iceberg")?;
    }
    if has & flags::EXPIRES != 0 {
        extra.expire_time = from.i64(PART)?;
        valid(extra.expire_time > 0, "an order's expiry")?;
    }
    if has & flags::GROUP != 0 {
        extra.trade_group = from.u64(PART)?;
        valid(extra.trade_group != 0, "an order's trade group")?;
    }
    Ok((has != 0).then_some(extra))
}
