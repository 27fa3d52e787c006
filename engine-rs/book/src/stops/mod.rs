//! Stop orders: those that wait for a price, those that follow it, and the queue of those that it has met.

pub(crate) mod activation;
pub(crate) mod shelf;
pub(crate) mod trailing;

use crate::list::List;
use crate::slab::{Place, Slab};
use crate::stops::shelf::{Shelf, Way};
use crate::stops::trailing::Trailing;
use crate::words::{OrderType, Side};

/// The way in which the price meets the stop price of an order.
pub(crate) fn way(order_type: OrderType, side: Side) -> Way {
    let loss = matches!(order_type, OrderType::StopLoss | OrderType::StopLossLimit);
    if loss == (side == Side::Buy) {
        Way::Rising
    } else {
        Way::Falling
    }
}

/// No price is this low; the highest there can be is heard for nothing.
const SILENCE: (i64, i64) = (i64::MIN, i64::MAX);

/// An order that a trade triggers. The order of the fields is the order in which they are queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Triggered {
    way: Way,
    /// The trigger price for rising ones, its negative for falling ones.
    from_lowest: i64,
    accepted: u64,
    slot: u32,
}

/// Every stop that is open.
#[derive(Clone, Debug)]
pub(crate) struct Stops {
    pub rising: Shelf,
    pub falling: Shelf,
    pub trailing: Trailing,
    /// Triggered, in the order in which they become active.
    pub queue: List,
    pub waiting: usize,
    pub queued: usize,
    /// Only a trade at the first of these prices or below, or at the second or above, changes anything
    /// here. What lies between may be narrower than it could be, never wider.
    heard: (i64, i64),
    /// What one trade triggers; kept for its memory.
    triggered: Vec<Triggered>,
}

impl Stops {
    pub fn new() -> Self {
        Self {
            rising: Shelf::new(Way::Rising),
            falling: Shelf::new(Way::Falling),
            trailing: Trailing::default(),
            queue: List::EMPTY,
            waiting: 0,
            queued: 0,
            heard: SILENCE,
            triggered: Vec::new(),
        }
    }

    /// Whether a trade at this price may change something here: one comparison when no stop is near.
    #[inline]
    pub fn hears(&self, price: i64) -> bool {
        price <= self.heard.0 || price >= self.heard.1
    }

    /// Lets the stop in `slot` wait. `last` is the price of the last trade, `seq` of the acceptance.
    pub fn wait(&mut self, slab: &mut Slab, slot: u32, last: i64, seq: u64) {
        let extra = *slab.extra(slot);
        slab.get_mut(slot).place = Place::Waiting;
        self.waiting += 1;
        if extra.stop_price == 0 && last != 0 {
            self.trailing.begin(slab, slot, last, seq);
        } else {
            let (way, trigger) = key(slab, slot);
            self.shelf(way).push(slab, slot, trigger);
        }
        self.listen();
    }

    /// Puts a waiting stop back that tracked already: `extreme` is the best price since.
    pub fn resume(&mut self, slab: &mut Slab, slot: u32, extreme: i64, since: u64) {
        slab.get_mut(slot).place = Place::Waiting;
        self.waiting += 1;
        self.trailing.begin(slab, slot, extreme, since);
        self.listen();
    }

    /// Puts a triggered order at the end of the queue.
    pub fn enqueue(&mut self, slab: &mut Slab, slot: u32, trigger_price: i64) {
        slab.get_mut(slot).place = Place::Queued;
        if let Some(extra) = slab.extra_mut(slot) {
            extra.trigger_price = trigger_price;
        }
        self.queue.push(slab, slot);
        self.queued += 1;
    }

    /// Takes an order out of wherever it waits.
    pub fn unlink(&mut self, slab: &mut Slab, slot: u32) {
        if slab.get(slot).place == Place::Queued {
            self.queue.unlink(slab, slot);
            self.queued -= 1;
            return;
        }
        self.waiting -= 1;
        if slab.extra(slot).tracking_since != 0 {
            self.trailing.unlink(slab, slot);
        } else {
            let (way, trigger) = key(slab, slot);
            self.shelf(way).unlink(slab, slot, trigger);
        }
    }

    /// Shows every waiting stop the price of a trade, whose event has this seq.
    #[cold]
    pub fn see(&mut self, slab: &mut Slab, price: i64, seq: u64) {
        let triggered = &mut self.triggered;
        triggered.clear();
        self.trailing.see(slab, price, |slab, way, trigger, list| {
            triggered.extend(list.iter(slab).map(|slot| told(slab, slot, way, trigger)));
        });
        for way in [Way::Rising, Way::Falling] {
            while let Some((trigger, list)) = self.met(way, price) {
                self.leave(slab, list, way, trigger, (price, seq));
            }
        }
        self.triggered.sort_unstable();
        self.waiting -= self.triggered.len();
        for at in 0..self.triggered.len() {
            let Triggered {
                way,
                from_lowest,
                slot,
                ..
            } = self.triggered[at];
            let trigger_price = match way {
                Way::Rising => from_lowest,
                Way::Falling => -from_lowest,
            };
            self.enqueue(slab, slot, trigger_price);
        }
        self.listen();
    }

    /// The next level of this way that the price meets.
    fn met(&mut self, way: Way, price: i64) -> Option<(i64, List)> {
        let stops = self.shelf(way);
        let first = stops.first()?;
        if way.met(first, price) {
            stops.pop()
        } else {
            None
        }
    }

    /// Orders whose stop price was met trigger, or begin to track at the price of the trade.
    fn leave(&mut self, slab: &mut Slab, list: List, way: Way, trigger: i64, trade: (i64, u64)) {
        let mut next = list.head;
        while next != crate::slab::NONE {
            let slot = next;
            next = slab.get(slot).next;
            if slab.extra(slot).trailing_delta == 0 {
                self.triggered.push(told(slab, slot, way, trigger));
            } else {
                self.trailing.begin(slab, slot, trade.0, trade.1);
            }
        }
    }

    fn listen(&mut self) {
        let falling = self.falling.first().unwrap_or(SILENCE.0);
        let rising = self.rising.first().unwrap_or(SILENCE.1);
        self.heard = self.trailing.heard((falling, rising));
    }

    fn shelf(&mut self, way: Way) -> &mut Shelf {
        match way {
            Way::Rising => &mut self.rising,
            Way::Falling => &mut self.falling,
        }
    }
}

/// Where a stop that does not track yet waits. One without a stop price waits for the first trade,
/// which any price is: it waits for 0 to be reached from below.
fn key(slab: &Slab, slot: u32) -> (Way, i64) {
    let order = slab.get(slot);
    match slab.extra(slot).stop_price {
        0 => (Way::Rising, 0),
        stop_price => (way(order.order_type, order.side), stop_price),
    }
}

fn told(slab: &Slab, slot: u32, way: Way, trigger: i64) -> Triggered {
    let from_lowest = match way {
        Way::Rising => trigger,
        Way::Falling => -trigger,
    };
    Triggered {
        way,
        from_lowest,
        accepted: slab.extra(slot).accepted,
        slot,
    }
}
