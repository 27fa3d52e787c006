//! Open orders in one block of memory, linked into lists by slot numbers.
//!
//! A plain order is one cache line and nothing else. What only some orders have (an iceberg's hidden
//! part, an expiry, a stop, the other leg of an OCO) lies in [`crate::extras`], named by one number.

use crate::extras::{Extra, Extras};
use crate::prefetch::prefetch;
use crate::words::{OrderType, Side, TimeInForce};

/// No slot: the end of a list or of the free list; or no extra.
pub(crate) const NONE: u32 = u32::MAX;

/// A number below [`NONE`] for each, with room to spare.
const MOST_ORDERS: usize = 1 << 31;

/// Where an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Place {
    /// Nowhere: the slot is free.
    Free,
    /// In the queue of its price level.
    Resting,
    /// A stop whose price has not come.
    Waiting,
    /// A stop whose price has come, before it became active.
    Queued,
    /// In no list: it is matching, or about to be replaced under its own id.
    Taking,
}

/// An open order and its neighbours in the list that it is in.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "the schema's own words")]
#[repr(align(64))]
pub(crate) struct Order {
    pub order_id: u64,
    pub user_id: u64,
    pub price: i64,
    /// Lots asked for when it came, less what amendments took away.
    pub quantity: i64,
    /// Lots left, from 1: displayed and hidden.
    pub remaining: i64,
    /// The order before it in its list, or [`NONE`].
    pub prev: u32,
    /// The order behind it in its list, or [`NONE`]; in a free slot, the next free slot.
    pub next: u32,
    /// The number of its price level, set when it comes to rest; of its stop level while it waits.
    pub level: u32,
    /// Where its [`Extra`] lies, or [`NONE`]: a plain order.
    pub extra: u32,
    pub side: Side,
    pub order_type: OrderType,
    pub time_in_force: TimeInForce,
    pub place: Place,
}

const _: () = assert!(size_of::<Order>() == 64, "an order is one cache line");

impl Order {
    /// What is in a slot that was never used.
    const NOTHING: Self = Self {
        order_id: 0,
        user_id: 0,
        price: 0,
        quantity: 0,
        remaining: 0,
        prev: NONE,
        next: NONE,
        level: NONE,
        extra: NONE,
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        place: Place::Free,
    };
}

/// Slots that are reused last-in first-out. Which slot an order gets decides nothing.
#[derive(Clone, Debug)]
pub(crate) struct Slab {
    slots: Vec<Order>,
    /// By slot, a hash of its last order's user: finding an account's orders reads four bytes a slot.
    owners: Vec<u32>,
    extras: Extras,
    free: u32,
    used: usize,
}

impl Slab {
    pub fn with_capacity(orders: usize) -> Self {
        Self {
            slots: Vec::with_capacity(orders),
            owners: Vec::with_capacity(orders),
            extras: Extras::new(),
            free: NONE,
            used: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.used
    }

    /// Whether there is no number for this many further orders.
    pub fn is_full(&self, orders: usize) -> bool {
        self.used + orders > MOST_ORDERS
    }

    #[inline]
    pub fn get(&self, slot: u32) -> &Order {
        &self.slots[slot as usize]
    }

    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut Order {
        &mut self.slots[slot as usize]
    }

    /// Asks for a slot's memory, if it is one.
    #[inline]
    pub fn prefetch(&self, slot: u32) {
        if let Some(order) = self.slots.get(slot as usize) {
            prefetch(order);
        }
    }

    /// Puts an order into a free slot. The slab must not be full.
    #[inline]
    pub fn insert(&mut self, order: Order) -> u32 {
        self.used += 1;
        if self.free == NONE {
            self.extend();
        }
        let slot = self.free;
        self.owners[slot as usize] = owner_hash(order.user_id);
        let place = self.get_mut(slot);
        let next_free = place.next;
        *place = order;
        self.free = next_free;
        slot
    }

    /// Makes one more slot, a free one.
    #[cold]
    fn extend(&mut self) {
        debug_assert!(
            self.slots.len() < MOST_ORDERS,
            "Invariant: the caller asked is_full() first"
        );
        #[expect(
            clippy::cast_possible_truncation,
            reason = "is_full() keeps the length within MOST_ORDERS"
        )]
        let slot = self.slots.len() as u32;
        self.slots.push(Order::NOTHING);
        self.owners.push(0);
        self.free = slot;
    }

    /// Frees a slot.
    #[inline]
    pub fn remove(&mut self, slot: u32) {
        self.used -= 1;
        let next_free = self.free;
        let order = self.get_mut(slot);
        order.next = next_free;
        order.place = Place::Free;
        self.free = slot;
    }

    /// What the order has beyond a plain one; [`Extra::PLAIN`] when nothing.
    #[inline]
    pub fn extra(&self, slot: u32) -> &Extra {
        match self.get(slot).extra {
            NONE => &Extra::PLAIN,
            extra => self.extras.get(extra),
        }
    }

    /// As [`Slab::extra`], to change.
    pub fn extra_mut(&mut self, slot: u32) -> Option<&mut Extra> {
        match self.get(slot).extra {
            NONE => None,
            extra => Some(self.extras.get_mut(extra)),
        }
    }

    /// Gives a plain order an extra.
    pub fn attach(&mut self, slot: u32, extra: Extra) {
        let at = self.extras.insert(extra);
        self.get_mut(slot).extra = at;
    }

    /// Makes an order plain.
    pub fn strip(&mut self, slot: u32) {
        let extra = std::mem::replace(&mut self.get_mut(slot).extra, NONE);
        if extra != NONE {
            self.extras.remove(extra);
        }
    }

    /// Every open order of an account, in the order of slots, which decides nothing.
    pub fn slots_of(&self, user_id: u64) -> impl Iterator<Item = u32> {
        let hash = owner_hash(user_id);
        (0u32..)
            .zip(&self.owners)
            .filter(move |&(slot, &owner)| {
                let order = || self.get(slot);
                owner == hash && order().place != Place::Free && order().user_id == user_id
            })
            .map(|(slot, _)| slot)
    }

    /// Every open order, in the order of slots, which decides nothing.
    pub fn open_slots(&self) -> impl Iterator<Item = u32> {
        (0u32..)
            .zip(&self.slots)
            .filter(|(_, order)| order.place != Place::Free)
            .map(|(slot, _)| slot)
    }
}

/// A folded multiplication: every bit of the id counts.
#[inline]
fn owner_hash(user_id: u64) -> u32 {
    (user_id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}
