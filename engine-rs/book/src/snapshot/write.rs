//! A book into bytes.

use super::{FULL, MAGIC, ORDER_BYTES, PLAIN, flags};
use crate::book::Book;
use crate::event::{AuctionPrice, SettingsChanged};
use crate::extras::Extra;
use crate::levels::Levels;
use crate::slab::Order;
use crate::views::id_of;

impl Book {
    /// Appends the whole state to `out`.
    pub fn snapshot(&self, out: &mut Vec<u8>) {
        let full = self
            .settings
            .is_some_and(|settings| settings.rules_version > 1);
        out.reserve(512 + (ORDER_BYTES + 1) * self.slab.len());
        out.extend(MAGIC.to_le_bytes());
        out.extend(if full { FULL } else { PLAIN }.to_le_bytes());
        out.extend(self.seq.to_le_bytes());
        out.extend(self.trades.to_le_bytes());
        for number in [self.clock, self.last_price, self.last_quantity] {
            out.extend(number.to_le_bytes());
        }
        out.push(u8::from(self.settings.is_some()));
        if let Some(settings) = &self.settings {
            write_settings(settings, out);
        }
        if full {
            self.write_filters(out);
            self.write_call(out);
        }
        self.write_sources(out);
        self.write_side(&self.bids, full, out);
        self.write_side(&self.asks, full, out);
        if full {
            self.write_waiting(out);
            self.write_queue(out);
            self.write_timers(out);
        }
    }

    fn write_filters(&self, out: &mut Vec<u8>) {
        let filters = &self.filters;
        out.extend(filters.self_trade_prevention.as_i32().to_le_bytes());
        for number in [
            filters.min_price,
            filters.max_price,
            filters.min_quantity,
            filters.max_quantity,
            filters.max_notional,
            filters.reference_price,
        ] {
            out.extend(number.to_le_bytes());
        }
        out.push(u8::from(filters.notional_applies_to_market));
        for number in [
            filters.bid_multiplier_up_bps,
            filters.bid_multiplier_down_bps,
            filters.ask_multiplier_up_bps,
            filters.ask_multiplier_down_bps,
            filters.max_open_orders,
        ] {
            out.extend(number.to_le_bytes());
        }
    }

    fn write_call(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.call_open));
        out.push(u8::from(self.indicative.is_some()));
        if let Some(shown) = self.indicative {
            let AuctionPrice {
                price,
                volume,
                surplus_side,
                surplus,
            } = shown;
            out.extend(price.to_le_bytes());
            out.extend(volume.to_le_bytes());
            out.push(surplus_side.map_or(0, |side| side as u8));
            out.extend(surplus.to_le_bytes());
        }
    }

    fn write_sources(&self, out: &mut Vec<u8>) {
        out.extend((self.sources.iter().count() as u64).to_le_bytes());
        for (source, cursor) in self.sources.iter() {
            out.extend(source.to_le_bytes());
            out.extend(cursor.incarnation.to_le_bytes());
            out.extend(cursor.number.to_le_bytes());
        }
    }

    fn write_side(&self, levels: &Levels, full: bool, out: &mut Vec<u8>) {
        let orders = levels.iter().map(|(_, queue)| u64::from(queue.orders));
        out.extend(orders.sum::<u64>().to_le_bytes());
        for (_, queue) in levels.iter() {
            for slot in queue.list().iter(&self.slab) {
                let order = self.slab.get(slot);
                write_order(order, out);
                out.push(order.order_type as u8);
                if full {
                    write_extra(self.slab.extra(slot), true, out);
                }
            }
        }
    }

    /// Waiting stops by age, each with the best price since it began to track, 0 when it does not.
    fn write_waiting(&self, out: &mut Vec<u8>) {
        out.extend((self.stops.waiting as u64).to_le_bytes());
        for slot in self.waiting_by_age() {
            let extreme = match self.slab.extra(slot).tracking_since {
                0 => 0,
                _ => self.stops.trailing.extreme(&self.slab, slot),
            };
            self.write_stop(slot, extreme, out);
        }
    }

    /// Queued stops in order, each with the price at which it triggered.
    fn write_queue(&self, out: &mut Vec<u8>) {
        out.extend((self.stops.queued as u64).to_le_bytes());
        for slot in self.stops.queue.iter(&self.slab) {
            self.write_stop(slot, self.slab.extra(slot).trigger_price, out);
        }
    }

    fn write_stop(&self, slot: u32, mark: i64, out: &mut Vec<u8>) {
        let (order, extra) = (self.slab.get(slot), self.slab.extra(slot));
        write_order(order, out);
        out.push(order.side as u8);
        out.push(order.order_type as u8);
        out.push(order.time_in_force as u8);
        out.push(extra.self_trade_prevention as u8);
        out.extend(extra.stop_price.to_le_bytes());
        out.extend(extra.trailing_delta.to_le_bytes());
        out.extend(extra.accepted.to_le_bytes());
        out.extend(mark.to_le_bytes());
        out.extend(id_of(&self.slab, extra.sibling).to_le_bytes());
        write_extra(extra, false, out);
    }

    fn write_timers(&self, out: &mut Vec<u8>) {
        let mut timers: Vec<(u64, i64)> = self.timers.iter().collect();
        timers.sort_unstable();
        out.extend((timers.len() as u64).to_le_bytes());
        for (user_id, deadline) in timers {
            out.extend(user_id.to_le_bytes());
            out.extend(deadline.to_le_bytes());
        }
    }
}

fn write_settings(settings: &SettingsChanged, out: &mut Vec<u8>) {
    out.extend(settings.trading_status.as_i32().to_le_bytes());
    out.extend(settings.rules_version.to_le_bytes());
    out.extend(settings.price_band_lower.to_le_bytes());
    out.extend(settings.price_band_upper.to_le_bytes());
    out.extend(settings.min_notional.to_le_bytes());
    out.extend(settings.maker_fee_ppm.to_le_bytes());
    out.extend(settings.taker_fee_ppm.to_le_bytes());
    out.extend(settings.quote_units_per_tick_lot.to_le_bytes());
    out.extend(settings.base_units_per_lot.to_le_bytes());
}

fn write_order(order: &Order, out: &mut Vec<u8>) {
    out.extend(order.order_id.to_le_bytes());
    out.extend(order.user_id.to_le_bytes());
    out.extend(order.price.to_le_bytes());
    out.extend(order.quantity.to_le_bytes());
    out.extend(order.remaining.to_le_bytes());
}

/// What the order has beyond a plain one; the hidden lots only where there can be some.
fn write_extra(extra: &Extra, rests: bool, out: &mut Vec<u8>) {
    let mut has = 0;
    for (there, flag) in [
        (extra.display != 0, flags::ICEBERG),
        (extra.expire_time != 0, flags::EXPIRES),
        (extra.trade_group != 0, flags::GROUP),
    ] {
        has |= if there { flag } else { 0 };
    }
    out.push(has);
    if extra.display != 0 {
        out.extend(extra.display.to_le_bytes());
        if rests {
            out.extend(extra.hidden.to_le_bytes());
        }
    }
    if extra.expire_time != 0 {
        out.extend(extra.expire_time.to_le_bytes());
    }
    if extra.trade_group != 0 {
        out.extend(extra.trade_group.to_le_bytes());
    }
}
