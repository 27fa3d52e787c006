//! From order id to slot: an open-addressing table with a fixed hash, so that no run differs from another.
//!
//! An entry is the upper half of the id's hash and the slot, so most probes end without touching the
//! slab. Removal shifts later entries back instead of leaving tombstones: look-ups stay short for ever.

use crate::slab::Slab;

/// Marks an empty place. No entry equals it: a slot is never `u32::MAX`.
const EMPTY: u64 = u64::MAX;
const SMALLEST: usize = 64;

/// Order id to slot.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    entries: Vec<u64>,
    len: usize,
    /// Shift that turns the upper half of a hash into a place.
    shift: u32,
}

impl Index {
    pub fn with_capacity(orders: usize) -> Self {
        Self::with_places((orders * 2).next_power_of_two().max(SMALLEST))
    }

    fn with_places(places: usize) -> Self {
        Self {
            entries: vec![EMPTY; places],
            len: 0,
            shift: 32 - places.trailing_zeros(),
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// The slot of the order with this id.
    pub fn get(&self, slab: &Slab, order_id: u64) -> Option<u32> {
        self.find(slab, order_id)
            .map(|place| slot_of(self.entries[place]))
    }

    /// Adds an order whose id is not there yet.
    pub fn insert(&mut self, order_id: u64, slot: u32) {
        if (self.len + 1) * 2 > self.entries.len() {
            self.grow();
        }
        self.place(entry(order_id, slot));
        self.len += 1;
    }

    /// Adds an order unless its id is there already; whether it did.
    pub fn insert_new(&mut self, slab: &Slab, order_id: u64, slot: u32) -> bool {
        if (self.len + 1) * 2 > self.entries.len() {
            self.grow();
        }
        let mask = self.entries.len() - 1;
        let wanted = entry(order_id, slot);
        let mut at = self.home(wanted);
        while self.entries[at] != EMPTY {
            let found = self.entries[at];
            if found >> 32 == wanted >> 32 && slab.get(slot_of(found)).order_id == order_id {
                return false;
            }
            at = (at + 1) & mask;
        }
        self.entries[at] = wanted;
        self.len += 1;
        true
    }

    /// Takes an order out, if it is there.
    pub fn remove(&mut self, slab: &Slab, order_id: u64) {
        let Some(mut hole) = self.find(slab, order_id) else {
            return;
        };
        let mask = self.entries.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let moving = self.entries[at];
            if moving == EMPTY {
                break;
            }
            let wanted = self.home(moving);
            if at.wrapping_sub(wanted) & mask >= at.wrapping_sub(hole) & mask {
                self.entries[hole] = moving;
                hole = at;
            }
        }
        self.entries[hole] = EMPTY;
        self.len -= 1;
    }

    fn find(&self, slab: &Slab, order_id: u64) -> Option<usize> {
        let mask = self.entries.len() - 1;
        let wanted = entry(order_id, 0);
        let mut at = self.home(wanted);
        loop {
            let found = self.entries[at];
            if found == EMPTY {
                return None;
            }
            if found >> 32 == wanted >> 32 && slab.get(slot_of(found)).order_id == order_id {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    fn home(&self, entry: u64) -> usize {
        (entry >> 32 >> self.shift) as usize
    }

    fn place(&mut self, entry: u64) {
        let mask = self.entries.len() - 1;
        let mut at = self.home(entry);
        while self.entries[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.entries[at] = entry;
    }

    fn grow(&mut self) {
        let mut larger = Self::with_places(self.entries.len() * 2);
        for &entry in self.entries.iter().filter(|&&entry| entry != EMPTY) {
            larger.place(entry);
        }
        larger.len = self.len;
        *self = larger;
    }
}

fn entry(order_id: u64, slot: u32) -> u64 {
    hash(order_id) & 0xffff_ffff_0000_0000 | u64::from(slot)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the lower half is the slot"
)]
fn slot_of(entry: u64) -> u32 {
    entry as u32
}

/// A folded multiplication: cheap, and every bit of the id reaches the upper half.
#[expect(
    clippy::cast_possible_truncation,
    reason = "both halves are folded together"
)]
fn hash(order_id: u64) -> u64 {
    let product = u128::from(order_id ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
    (product >> 64) as u64 ^ product as u64
}
