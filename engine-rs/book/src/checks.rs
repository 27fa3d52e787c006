//! The invariants of a book, checked one by one. Debug builds check them after every command.

use std::fmt;

use crate::book::Book;
use crate::levels::{Levels, Queue};
use crate::slab::{NONE, Place};
use crate::words::{Side, TradingStatus};

/// A broken invariant, in words: always a bug of this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvariantError(pub(crate) String);

impl fmt::Display for InvariantError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the order book is inconsistent: {}", self.0)
    }
}

impl std::error::Error for InvariantError {}

/// Books up to this many orders are checked after every command in debug builds.
#[cfg(debug_assertions)]
const SMALL: usize = 512;
/// Larger ones after every so many events, or a debug build would crawl.
#[cfg(debug_assertions)]
const STRIDE: u64 = 1024;

impl Book {
    /// Checks everything that must hold between two commands.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn check(&self) -> Result<(), InvariantError> {
        self.check_settings()?;
        let resting =
            self.check_side(Side::Buy, &self.bids)? + self.check_side(Side::Sell, &self.asks)?;
        let orders = resting + self.check_stops()?;
        ensure(orders == self.slab.len(), || {
            format!("{orders} linked orders, {} slots in use", self.slab.len())
        })?;
        ensure(orders == self.index.len(), || {
            format!("{orders} linked orders, {} ids", self.index.len())
        })?;
        self.check_linked()?;
        ensure(self.trades <= self.seq, || {
            format!("{} trades in {} events", self.trades, self.seq)
        })
    }

    #[cfg(debug_assertions)]
    pub(crate) fn check_often(&self) {
        if self.slab.len() <= SMALL || self.seq.is_multiple_of(STRIDE) {
            let checked = self.check();
            debug_assert!(checked.is_ok(), "Invariant: {checked:?}");
        }
    }

    pub(crate) fn check_settings(&self) -> Result<(), InvariantError> {
        let Some(settings) = self.settings else {
            return ensure(self.slab.len() == 0, || {
                "orders are open without settings".to_owned()
            });
        };
        let (bid, ask) = (self.bids.best(), self.asks.best());
        let (bid, ask) = (bid.map(|(bid, _)| bid), ask.map(|(ask, _)| ask));
        if let (Some(bid), Some(ask), false) = (bid, ask, self.call_open) {
            ensure(bid < ask, || format!("bid {bid} meets ask {ask}"))?;
        }
        let inside = bid.is_none_or(|bid| bid <= settings.price_band_upper)
            && ask.is_none_or(|ask| ask >= settings.price_band_lower);
        ensure(inside, || {
            "an order rests through the price band".to_owned()
        })?;
        let call_fits = match settings.trading_status {
            TradingStatus::Auction => self.call_open,
            TradingStatus::Halt | TradingStatus::CancelOnly => {
                !self.call_open || settings.rules_version > 1
            }
            TradingStatus::Trading | TradingStatus::PostOnly | TradingStatus::LimitOnly => {
                !self.call_open
            }
        };
        ensure(call_fits, || {
            "the call does not fit the trading status".to_owned()
        })
    }

    fn check_side(&self, side: Side, levels: &Levels) -> Result<usize, InvariantError> {
        let mut orders = 0;
        let mut better: Option<i64> = None;
        for (price, queue) in levels.iter() {
            let in_order = better.is_none_or(|better| match side {
                Side::Buy => price < better,
                Side::Sell => price > better,
            });
            ensure(in_order, || {
                format!("{side:?} level {price} after {better:?}")
            })?;
            orders += self.check_queue(side, price, queue)?;
            better = Some(price);
        }
        Ok(orders)
    }

    fn check_queue(&self, side: Side, price: i64, queue: &Queue) -> Result<usize, InvariantError> {
        let (mut orders, mut total, mut hidden) = (0u32, 0i64, 0i64);
        let (mut before, mut slot) = (NONE, queue.head);
        while slot != NONE {
            let order = self.slab.get(slot);
            let here = || format!("order {} at {side:?} {price}", order.order_id);
            let here_by_right =
                (order.side, order.price, order.place) == (side, price, Place::Resting);
            ensure(here_by_right, || format!("{}: is elsewhere", here()))?;
            ensure(order.prev == before, || format!("{}: broken link", here()))?;
            self.check_order(slot)?;
            orders += 1;
            hidden += self.slab.extra(slot).hidden;
            total = total
                .checked_add(order.remaining)
                .ok_or_else(|| InvariantError(here() + ": total overflows"))?;
            (before, slot) = (slot, order.next);
        }
        ensure(queue.tail == before, || {
            format!("{side:?} level {price}: broken tail")
        })?;
        let sums = (orders, total - hidden, hidden);
        ensure(
            orders > 0 && sums == (queue.orders, queue.quantity, queue.hidden),
            || format!("{side:?} level {price}: counted {sums:?}, level says {queue:?}"),
        )?;
        Ok(orders as usize)
    }
}

pub(crate) fn ensure(
    holds: bool,
    otherwise: impl FnOnce() -> String,
) -> Result<(), InvariantError> {
    if holds {
        Ok(())
    } else {
        Err(InvariantError(otherwise()))
    }
}
