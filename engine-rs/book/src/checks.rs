//! The invariants of a book, checked one by one. Debug builds check them after every command.

use std::fmt;

use crate::book::Book;
use crate::levels::{Levels, Queue};
use crate::slab::NONE;
use crate::words::Side;

/// A broken invariant, in words: always a bug of this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvariantError(String);

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
        self.check_uncrossed()?;
        let orders =
            self.check_side(Side::Buy, &self.bids)? + self.check_side(Side::Sell, &self.asks)?;
        ensure(orders == self.slab.len(), || {
            format!("{orders} linked orders, {} slots in use", self.slab.len())
        })?;
        ensure(orders == self.index.len(), || {
            format!("{orders} linked orders, {} ids", self.index.len())
        })?;
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

    fn check_uncrossed(&self) -> Result<(), InvariantError> {
        if let (Some((bid, _)), Some((ask, _))) = (self.bids.best(), self.asks.best()) {
            ensure(bid < ask, || format!("bid {bid} meets ask {ask}"))?;
        }
        let Some(settings) = self.settings else {
            return ensure(self.slab.len() == 0, || {
                "orders rest without settings".to_owned()
            });
        };
        let bid_inside = self
            .bids
            .best()
            .is_none_or(|(bid, _)| bid <= settings.price_band_upper);
        let ask_inside = self
            .asks
            .best()
            .is_none_or(|(ask, _)| ask >= settings.price_band_lower);
        ensure(bid_inside && ask_inside, || {
            "an order rests through the price band".to_owned()
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
        let (mut orders, mut quantity, mut before, mut slot) = (0u32, 0i64, NONE, queue.head);
        while slot != NONE {
            let order = self.slab.get(slot);
            let here = || format!("order {} at {side:?} {price}", order.order_id);
            ensure(order.side == side && order.price == price, || {
                format!("{}: is elsewhere", here())
            })?;
            ensure(order.prev == before, || format!("{}: broken link", here()))?;
            ensure((1..=order.quantity).contains(&order.remaining), || {
                format!("{}: {} left of {}", here(), order.remaining, order.quantity)
            })?;
            let found = self.index.get(&self.slab, order.order_id);
            ensure(found == Some(slot), || {
                format!("{}: index says {found:?}, not {slot}", here())
            })?;
            orders += 1;
            quantity = quantity
                .checked_add(order.remaining)
                .ok_or_else(|| InvariantError(here() + ": total overflows"))?;
            (before, slot) = (slot, order.next);
        }
        ensure(queue.tail == before, || {
            format!("{side:?} level {price}: broken tail")
        })?;
        ensure(
            orders > 0 && orders == queue.orders && quantity == queue.quantity,
            || {
                format!(
                    "{side:?} level {price}: {orders} orders of {quantity} in all, level says {queue:?}"
                )
            },
        )?;
        Ok(orders as usize)
    }
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), InvariantError> {
    if holds {
        Ok(())
    } else {
        Err(InvariantError(otherwise()))
    }
}
