//! A list of orders through the slab: constant time to add at the end and to take out anywhere.

use crate::slab::{NONE, Slab};

/// First and last slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct List {
    pub head: u32,
    pub tail: u32,
}

impl List {
    pub const EMPTY: Self = Self {
        head: NONE,
        tail: NONE,
    };

    pub fn is_empty(self) -> bool {
        self.head == NONE
    }

    pub fn push(&mut self, slab: &mut Slab, slot: u32) {
        let before = std::mem::replace(&mut self.tail, slot);
        if before == NONE {
            self.head = slot;
        } else {
            slab.get_mut(before).next = slot;
        }
        let order = slab.get_mut(slot);
        (order.prev, order.next) = (before, NONE);
    }

    pub fn unlink(&mut self, slab: &mut Slab, slot: u32) {
        let (prev, next) = (slab.get(slot).prev, slab.get(slot).next);
        if prev == NONE {
            self.head = next;
        } else {
            slab.get_mut(prev).next = next;
        }
        if next == NONE {
            self.tail = prev;
        } else {
            slab.get_mut(next).prev = prev;
        }
    }

    /// Puts all of `other` behind what is here.
    pub fn append(&mut self, slab: &mut Slab, other: Self) {
        if other.is_empty() {
            return;
        }
        if self.is_empty() {
            *self = other;
            return;
        }
        slab.get_mut(self.tail).next = other.head;
        slab.get_mut(other.head).prev = self.tail;
        self.tail = other.tail;
    }

    pub fn iter(self, slab: &Slab) -> impl Iterator<Item = u32> {
        let some = |slot: u32| (slot != NONE).then_some(slot);
        std::iter::successors(some(self.head), move |&slot| some(slab.get(slot).next))
    }
}
