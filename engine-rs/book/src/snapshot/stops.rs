//! Stop orders out of bytes.

use super::read::{read_extra, read_order};
use super::reader::Reader;
use super::{RestoreError, STOP_BYTES, valid};
use crate::admission::parts_fit;
use crate::book::Book;
use crate::extras::Extra;
use crate::slab::{NONE, Order};
use crate::words::{OrderType, SelfTradePrevention, Side, TimeInForce};

const PART: &str = "stops";

/// A stop as it was written.
struct Stop {
    order: Order,
    extra: Extra,
    /// While it waits, the best price since it began to track (0: it does not); once it is queued, the
    /// price at which it triggered.
    mark: i64,
    /// The other leg of its OCO; 0 for none.
    list_order_id: u64,
}

impl Book {
    pub(super) fn read_waiting(&mut self, from: &mut Reader<'_>) -> Result<(), RestoreError> {
        let mut age = 0;
        // Those that track already, by side, distance and beginning.
        let mut tracking: Vec<(i64, u32)> = Vec::new();
        for _ in 0..from.count(STOP_BYTES, PART)? {
            let stop = read_stop(from)?;
            valid(age < stop.extra.accepted, "waiting stops out of order")?;
            age = stop.extra.accepted;
            let slot = self.take_in_stop(&stop)?;
            if stop.mark == 0 {
                let begins_at_once = stop.extra.stop_price == 0 && self.last_price != 0;
                valid(!begins_at_once, "a stop that waits for no price")?;
                self.stops
                    .wait(&mut self.slab, slot, self.last_price, self.seq);
            } else {
                let tracks = stop.extra.trailing_delta != 0 && self.last_price != 0;
                valid(tracks && stop.mark > 0, "a stop that tracks nothing")?;
                tracking.push((stop.mark, slot));
            }
        }
        self.resume_tracking(tracking);
        Ok(())
    }

    /// Orders of one side and distance track in the order of their extremes: that is how they began.
    fn resume_tracking(&mut self, mut tracking: Vec<(i64, u32)>) {
        tracking.sort_by_key(|&(extreme, slot)| match self.slab.get(slot).side {
            Side::Sell => -extreme,
            Side::Buy => extreme,
        });
        for (since, (extreme, slot)) in (1..).zip(tracking) {
            self.stops.resume(&mut self.slab, slot, extreme, since);
        }
    }

    pub(super) fn read_queue(&mut self, from: &mut Reader<'_>) -> Result<(), RestoreError> {
        for _ in 0..from.count(STOP_BYTES, PART)? {
            let stop = read_stop(from)?;
            valid(stop.mark > 0, "a stop that triggered at no price")?;
            let slot = self.take_in_stop(&stop)?;
            self.stops.enqueue(&mut self.slab, slot, stop.mark);
        }
        Ok(())
    }

    fn take_in_stop(&mut self, stop: &Stop) -> Result<u32, RestoreError> {
        valid(stop.extra.accepted <= self.seq, "a stop of the future")?;
        let slot = self.take_in(stop.order)?;
        self.slab.attach(slot, stop.extra);
        self.expiry.push(&mut self.slab, slot);
        if stop.list_order_id != 0 {
            let found = self.index.get(stop.list_order_id);
            let limit = found.filter(|&limit| self.may_be_listed(limit, stop));
            let limit = limit.ok_or(RestoreError::Invalid("a list"))?;
            if self.slab.get(limit).extra == NONE {
                self.slab.attach(limit, Extra::PLAIN);
            }
            self.link(limit, slot);
        }
        Ok(slot)
    }

    fn may_be_listed(&self, limit: u32, stop: &Stop) -> bool {
        let (order, leg) = (self.slab.get(limit), &stop.order);
        let loss = matches!(
            leg.order_type,
            OrderType::StopLoss | OrderType::StopLossLimit
        );
        loss && leg.time_in_force != TimeInForce::Gtd
            && order.order_type == OrderType::LimitMaker
            && order.time_in_force == TimeInForce::Gtc
            && (order.user_id, order.side, order.quantity) == (leg.user_id, leg.side, leg.quantity)
            && self.slab.extra(limit).sibling == NONE
    }
}

fn read_stop(from: &mut Reader<'_>) -> Result<Stop, RestoreError> {
    let mut order = read_order(from)?;
    let side = Side::from_i32(i32::from(from.u8(PART)?));
    let order_type = OrderType::from_i32(i32::from(from.u8(PART)?));
    let time_in_force = TimeInForce::from_i32(i32::from(from.u8(PART)?));
    let mode = SelfTradePrevention::from_i32(i32::from(from.u8(PART)?));
    let (Some(side), Some(order_type), Some(time_in_force), Some(mode)) =
        (side, order_type, time_in_force, mode)
    else {
        return Err(RestoreError::Invalid("a stop's words"));
    };
    (order.side, order.order_type, order.time_in_force) = (side, order_type, time_in_force);
    let (stop_price, trailing_delta) = (from.i64(PART)?, from.i32(PART)?);
    let (accepted, mark) = (from.u64(PART)?, from.i64(PART)?);
    let list_order_id = from.u64(PART)?;
    let extra = Extra {
        stop_price,
        trailing_delta,
        accepted,
        self_trade_prevention: mode,
        ..read_extra(false, from)?.unwrap_or(Extra::PLAIN)
    };
    valid(order.remaining == order.quantity, "a stop that has traded")?;
    valid(is_a_stop(&order, &extra), "a stop's type and numbers")?;
    Ok(Stop {
        order,
        extra,
        mark,
        list_order_id,
    })
}

fn is_a_stop(order: &Order, extra: &Extra) -> bool {
    let words = match order.order_type {
        OrderType::StopLoss | OrderType::TakeProfit => {
            order.price == 0 && order.time_in_force == TimeInForce::Ioc
        }
        OrderType::StopLossLimit | OrderType::TakeProfitLimit => order.price >= 1,
        _ => false,
    };
    let gtd = order.time_in_force == TimeInForce::Gtd;
    words
        && parts_fit(extra.display, order.quantity)
        && (extra.display == 0 || order.time_in_force.may_rest())
        && gtd == (extra.expire_time != 0)
        && extra.stop_price >= 0
        && (0..=9_999).contains(&extra.trailing_delta)
        && (extra.stop_price != 0 || extra.trailing_delta != 0)
}
