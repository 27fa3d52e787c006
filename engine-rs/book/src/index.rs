//! From order id to slot: small pages of neighbouring ids in a table with a fixed hash, so that no run
//! differs from another.
//!
//! Whoever numbers orders counts, so orders that are near in time have ids that are near: a page keeps them
//! in half a cache line, and what trades and moves now stays in the cache however many orders rest. Ids that
//! are far from each other cost a page each. A page is its own entry in the table, so that a look-up waits
//! for memory once. Removal shifts later pages back instead of leaving tombstones: look-ups stay short for ever.

use crate::prefetch::prefetch;
use crate::slab::NONE;

/// Ids of a page: as many as leave room for the key in half a cache line.
const PAGE: usize = 6;
const SMALLEST: usize = 64;
/// 2^64 divided by the golden ratio: multiples of it spread numbers that count evenly.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// The key of an empty place: above those of all ids.
const NOTHING: u64 = u64::MAX;

/// Slots of neighbouring ids; [`NONE`] where no order is.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Page {
    /// What its ids have in common: an id divided by [`PAGE`].
    key: u64,
    slots: [u32; PAGE],
}

const _: () = assert!(size_of::<Page>() == 32, "two pages are one cache line");

const EMPTY: Page = Page {
    key: NOTHING,
    slots: [NONE; PAGE],
};

impl Page {
    fn is_empty(&self) -> bool {
        self.slots == [NONE; PAGE]
    }
}

/// Order id to slot.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    /// As many as a power of two.
    pages: Vec<Page>,
    /// Pages in use.
    filled: usize,
    /// Orders.
    len: usize,
    /// Shift that turns a hash into a place.
    shift: u32,
    /// A page that lost its last order just now: a cancel-replace gives it back at once.
    emptied: Option<u64>,
}

impl Index {
    pub fn with_capacity(orders: usize) -> Self {
        let places = (orders.div_ceil(PAGE) * 2)
            .next_power_of_two()
            .max(SMALLEST);
        Self {
            pages: vec![EMPTY; places],
            filled: 0,
            len: 0,
            shift: u64::BITS - places.trailing_zeros(),
            emptied: None,
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// The slot of the order with this id.
    #[inline]
    pub fn get(&self, order_id: u64) -> Option<u32> {
        let (key, within) = parts(order_id);
        let at = self.find(key).ok()?;
        let slot = self.pages[at].slots[within];
        (slot != NONE).then_some(slot)
    }

    /// Adds an order whose id is not there yet.
    #[inline]
    pub fn insert(&mut self, order_id: u64, slot: u32) {
        let new = self.insert_new(order_id, slot);
        debug_assert!(new, "Invariant: the caller looked for the id");
    }

    /// Adds an order unless its id is there already; whether it did.
    #[inline]
    pub fn insert_new(&mut self, order_id: u64, slot: u32) -> bool {
        let (key, within) = parts(order_id);
        let at = match self.find(key) {
            Ok(at) => at,
            Err(_) => self.open(key),
        };
        let place = &mut self.pages[at].slots[within];
        if *place != NONE {
            return false;
        }
        *place = slot;
        self.len += 1;
        true
    }

    /// Takes an order out, if it is there.
    #[inline]
    pub fn remove(&mut self, order_id: u64) {
        let (key, within) = parts(order_id);
        let Ok(at) = self.find(key) else { return };
        let page = &mut self.pages[at];
        if page.slots[within] == NONE {
            return;
        }
        page.slots[within] = NONE;
        let empty = page.is_empty();
        self.len -= 1;
        if empty {
            let before = self.emptied.replace(key);
            self.close(before.filter(|&before| before != key));
        }
    }

    /// Asks for the memory of an id's page.
    #[inline]
    pub fn prefetch(&self, order_id: u64) {
        prefetch(&self.pages[self.home(parts(order_id).0)]);
    }

    /// Where the key's page is, or the empty place where it would be.
    #[inline]
    fn find(&self, key: u64) -> Result<usize, usize> {
        let mask = self.pages.len() - 1;
        let mut at = self.home(key);
        loop {
            let found = self.pages[at & mask].key;
            if found == key {
                return Ok(at & mask);
            }
            if found == NOTHING {
                return Err(at & mask);
            }
            at += 1;
        }
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "fewer bits than the table's length has"
    )]
    fn home(&self, key: u64) -> usize {
        (key.wrapping_mul(GOLDEN) >> self.shift) as usize
    }

    /// An empty page for a key that has none; its place.
    fn open(&mut self, key: u64) -> usize {
        let emptied = self.emptied.take();
        self.close(emptied);
        if (self.filled + 1) * 4 > self.pages.len() * 3 {
            self.grow();
        }
        self.filled += 1;
        let at = self.find(key).unwrap_or_else(|at| at);
        self.pages[at].key = key;
        at
    }

    /// Gives up the page of a key, unless it has been used again.
    fn close(&mut self, key: Option<u64>) {
        let Some(Ok(hole)) = key.map(|key| self.find(key)) else {
            return;
        };
        if self.pages[hole].is_empty() {
            self.filled -= 1;
            self.shift_back(hole);
        }
    }

    /// Closes a hole in the table.
    fn shift_back(&mut self, mut hole: usize) {
        let mask = self.pages.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let moving = self.pages[at];
            if moving.key == NOTHING {
                break;
            }
            let wanted = self.home(moving.key);
            if at.wrapping_sub(wanted) & mask >= at.wrapping_sub(hole) & mask {
                self.pages[hole] = moving;
                hole = at;
            }
        }
        self.pages[hole] = EMPTY;
    }

    fn grow(&mut self) {
        let places = self.pages.len() * 2;
        let smaller = std::mem::replace(&mut self.pages, vec![EMPTY; places]);
        self.shift -= 1;
        for page in smaller.into_iter().filter(|page| page.key != NOTHING) {
            let at = self.find(page.key).unwrap_or_else(|at| at);
            self.pages[at] = page;
        }
    }
}

/// The key of an id's page, and the id's place within.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "less than a page")]
fn parts(order_id: u64) -> (u64, usize) {
    let page = PAGE as u64;
    (order_id / page, (order_id % page) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Ids that count, ids that step by powers of two, ids anywhere.
    fn id() -> impl Strategy<Value = u64> {
        prop_oneof![
            3 => 1..200u64,
            2 => (0..60u32, 1..50u64).prop_map(|(bits, by)| by << bits),
            1 => any::<u64>(),
        ]
    }

    proptest! {
        #[test]
        fn it_holds_what_a_tree_holds(steps in prop::collection::vec((any::<bool>(), id()), 1..2000)) {
            let (mut index, mut tree) = (Index::with_capacity(0), BTreeMap::new());
            for (slot, (adds, id)) in (0..).zip(steps) {
                if adds {
                    prop_assert_eq!(index.insert_new(id, slot), !tree.contains_key(&id));
                    tree.entry(id).or_insert(slot);
                } else {
                    index.remove(id);
                    tree.remove(&id);
                }
                prop_assert_eq!(index.get(id), tree.get(&id).copied());
                prop_assert_eq!(index.len(), tree.len());
            }
            for (&id, &slot) in &tree {
                prop_assert_eq!(index.get(id), Some(slot));
            }
        }
    }

    #[test]
    fn pages_that_emptied_are_used_again() {
        let mut index = Index::with_capacity(0);
        for round in 0..10u64 {
            let ids = (0..5_000).map(|id| (round << 40) | (id * 3));
            ids.clone().for_each(|id| index.insert(id, 7));
            ids.for_each(|id| index.remove(id));
        }
        assert_eq!(index.len(), 0);
        // The one that emptied last waits for its order to come back.
        assert_eq!(index.filled, 1);
        assert!(
            index.pages.len() <= 4 * (5_000 * 3 / PAGE),
            "{} places",
            index.pages.len()
        );
    }
}
