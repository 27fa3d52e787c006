//! The invariants of what is linked to an order: its id, a stop's place, an OCO, an expiry, its account.

use crate::book::Book;
use crate::checks::{InvariantError, ensure};
use crate::list::List;
use crate::slab::{NONE, Place};
use crate::stops::{self, shelf::Way, trailing};
use crate::words::Side;

/// Books up to this many orders have every account counted one by one.
const FEW: usize = 48;

impl Book {
    /// What holds for every open order wherever it is.
    pub(crate) fn check_order(&self, slot: u32) -> Result<(), InvariantError> {
        let (order, extra) = (self.slab.get(slot), self.slab.extra(slot));
        let here = || format!("order {}", order.order_id);
        ensure((1..=order.quantity).contains(&order.remaining), || {
            format!("{}: {} left of {}", here(), order.remaining, order.quantity)
        })?;
        let shown = order.remaining - extra.hidden;
        let sliced = match (order.place, extra.display) {
            (Place::Resting, 1..) => extra.hidden >= 0 && (1..=extra.display).contains(&shown),
            _ => extra.hidden == 0,
        };
        ensure(sliced, || format!("{}: shows {shown} of {extra:?}", here()))?;
        #[cfg(debug_assertions)]
        self.check_conserved(slot)?;
        let found = self.index.get(order.order_id);
        ensure(found == Some(slot), || {
            format!("{}: index says {found:?}, not {slot}", here())
        })
    }

    /// Every waiting and queued stop is where it belongs, and none of the waiting ones has met its price;
    /// how many there are.
    pub(crate) fn check_stops(&self) -> Result<usize, InvariantError> {
        let shelves = [
            (Way::Rising, &self.stops.rising),
            (Way::Falling, &self.stops.falling),
        ];
        let mut waiting = 0;
        for (way, shelf) in shelves {
            for (trigger, list) in shelf.iter() {
                self.check_unmet(way, trigger)?;
                waiting += self.check_list(list, Place::Waiting)?;
                for slot in list.iter(&self.slab) {
                    self.check_shelved(slot, way, trigger)?;
                }
            }
        }
        let mut tracking = 0;
        for (side, extreme, trigger, list) in self.stops.trailing.iter() {
            let behind = match side {
                Side::Sell => extreme < self.last_price,
                Side::Buy => extreme > self.last_price,
            };
            ensure(!behind, || format!("{side:?} stop follows {extreme}"))?;
            if let Ok(trigger) = i64::try_from(trigger) {
                self.check_unmet(trailing::way(side), trigger)?;
            }
            tracking += self.check_list(list, Place::Waiting)?;
        }
        ensure(tracking == self.stops.trailing.len(), || {
            format!("{tracking} orders track")
        })?;
        waiting += tracking;
        let queued = self.check_list(self.stops.queue, Place::Queued)?;
        let counted = (self.stops.waiting, self.stops.queued);
        ensure((waiting, queued) == counted, || {
            format!("{waiting} stops wait and {queued} are queued, not {counted:?}")
        })?;
        Ok(waiting + queued)
    }

    fn check_unmet(&self, way: Way, trigger: i64) -> Result<(), InvariantError> {
        let met = self.last_price != 0 && way.met(trigger, self.last_price);
        ensure(!met, || {
            format!("a stop waits for {trigger}, last was {}", self.last_price)
        })
    }

    fn check_shelved(&self, slot: u32, way: Way, trigger: i64) -> Result<(), InvariantError> {
        let (order, extra) = (self.slab.get(slot), self.slab.extra(slot));
        let wanted = match extra.stop_price {
            0 => (Way::Rising, 0),
            stop_price => (stops::way(order.order_type, order.side), stop_price),
        };
        ensure(
            (way, trigger) == wanted && extra.tracking_since == 0,
            || format!("order {} waits for {trigger}", order.order_id),
        )
    }

    fn check_list(&self, list: List, place: Place) -> Result<usize, InvariantError> {
        let (mut orders, mut before) = (0, NONE);
        for slot in list.iter(&self.slab) {
            let order = self.slab.get(slot);
            self.check_order(slot)?;
            ensure(order.place == place && order.prev == before, || {
                format!("order {}: broken link", order.order_id)
            })?;
            (orders, before) = (orders + 1, slot);
        }
        ensure(list.tail == before, || {
            "a list with a broken tail".to_owned()
        })?;
        Ok(orders)
    }

    /// OCO, expiry and account of every open order.
    pub(crate) fn check_linked(&self) -> Result<(), InvariantError> {
        let mut expiring = 0;
        for slot in self.slab.open_slots() {
            let extra = self.slab.extra(slot);
            expiring += usize::from(extra.expire_time != 0);
            self.check_sibling(slot, extra.sibling)?;
        }
        let ahead = self
            .expiry
            .first()
            .is_none_or(|(time, _)| time > self.clock);
        ensure(
            ahead && expiring == self.expiry.len() && self.expiry.is_sound(&self.slab),
            || format!("{expiring} orders expire, {} are known", self.expiry.len()),
        )?;
        ensure(self.timers.is_sound(), || "a timer is forgotten".to_owned())?;
        self.check_accounts()
    }

    fn check_sibling(&self, slot: u32, sibling: u32) -> Result<(), InvariantError> {
        if sibling == NONE {
            return Ok(());
        }
        let (one, other) = (self.slab.get(slot), self.slab.get(sibling));
        let mutual = self.slab.extra(sibling).sibling == slot
            && (one.user_id, one.side) == (other.user_id, other.side)
            && (one.place == Place::Resting) != (other.place == Place::Resting);
        ensure(mutual, || {
            format!("orders {} and {} are no list", one.order_id, other.order_id)
        })
    }

    fn check_accounts(&self) -> Result<(), InvariantError> {
        let limited = self.filters.max_open_orders != 0;
        ensure(self.accounts.on == limited, || {
            "accounts are counted for nothing, or not at all".to_owned()
        })?;
        if !limited {
            return Ok(());
        }
        let counted = self.accounts.total();
        ensure(counted == self.slab.len() as u64, || {
            format!(
                "accounts have {counted} orders, {} are open",
                self.slab.len()
            )
        })?;
        let few = if self.slab.len() <= FEW { FEW } else { 0 };
        for slot in self.slab.open_slots().take(few) {
            let user_id = self.slab.get(slot).user_id;
            let orders = self.slab.slots_of(user_id).count();
            let counted = self.accounts.open_orders(user_id);
            ensure(i64::try_from(orders) == Ok(counted), || {
                format!("user {user_id} has {orders} open orders, not {counted}")
            })?;
        }
        Ok(())
    }
}
