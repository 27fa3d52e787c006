//! Resting orders in one block of memory, linked into the queues of their levels by slot numbers.

use crate::words::{OrderType, Side};

/// No slot: the end of a queue or of the free list.
pub(crate) const NONE: u32 = u32::MAX;

/// As many as the id index can hold at half load.
const MOST_ORDERS: usize = 1 << 31;

/// A resting order and its neighbours in the queue of its price level.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "the schema's own words")]
pub(crate) struct Order {
    pub order_id: u64,
    pub user_id: u64,
    pub price: i64,
    /// Lots asked for when it came.
    pub quantity: i64,
    /// Lots left, from 1.
    pub remaining: i64,
    /// The order before it in the queue, or [`NONE`].
    pub prev: u32,
    /// The order behind it in the queue, or [`NONE`]; in a free slot, the next free slot.
    pub next: u32,
    /// The number of its price level, set when it comes to rest.
    pub level: u32,
    pub side: Side,
    pub order_type: OrderType,
}

/// Slots that are reused last-in first-out. Which slot an order gets decides nothing.
#[derive(Clone, Debug)]
pub(crate) struct Slab {
    slots: Vec<Order>,
    free: u32,
    used: usize,
}

impl Slab {
    pub fn with_capacity(orders: usize) -> Self {
        Self {
            slots: Vec::with_capacity(orders),
            free: NONE,
            used: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.used
    }

    /// Whether no further order can be numbered.
    pub fn is_full(&self) -> bool {
        self.free == NONE && self.slots.len() >= MOST_ORDERS
    }

    pub fn get(&self, slot: u32) -> &Order {
        &self.slots[slot as usize]
    }

    pub fn get_mut(&mut self, slot: u32) -> &mut Order {
        &mut self.slots[slot as usize]
    }

    /// Puts an order into a free slot. The slab must not be full.
    pub fn insert(&mut self, order: Order) -> u32 {
        self.used += 1;
        if self.free != NONE {
            let slot = self.free;
            let place = self.get_mut(slot);
            let next_free = place.next;
            *place = order;
            self.free = next_free;
            return slot;
        }
        debug_assert!(
            !self.is_full(),
            "Invariant: the caller asked is_full() first"
        );
        #[expect(
            clippy::cast_possible_truncation,
            reason = "is_full() keeps the length within MOST_ORDERS"
        )]
        let slot = self.slots.len() as u32;
        self.slots.push(order);
        slot
    }

    /// Frees a slot.
    pub fn remove(&mut self, slot: u32) {
        self.used -= 1;
        let next_free = self.free;
        self.get_mut(slot).next = next_free;
        self.free = slot;
    }
}
