//! From order id to slot: small pages of neighbouring ids, found through a table with a fixed hash, so
//! that no run differs from another.
//!
//! Whoever numbers orders counts, so orders that are near in time have ids that are near: a page keeps them
//! in half a cache line, and what trades and moves now stays in the cache however many orders rest. Ids that
//! are far from each other cost a page each. In the table removal shifts later entries back instead of
//! leaving tombstones: look-ups stay short for ever.

use crate::prefetch::prefetch;
use crate::slab::NONE;

/// Ids of a page.
const PAGE: usize = 8;
const PAGE_BITS: u32 = PAGE.trailing_zeros();
const SMALLEST: usize = 64;
/// 2^64 divided by the golden ratio: multiples of it spread numbers that count evenly.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Slots of neighbouring ids; [`NONE`] where no order is. A free page has the next free one in its first place.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Page([u32; PAGE]);

/// Where a page is.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The upper bits of the page's ids.
    key: u64,
    /// The page's number; [`NONE`] in an empty place.
    page: u32,
    /// Orders in the page.
    used: u32,
}

const EMPTY: Entry = Entry {
    key: 0,
    page: NONE,
    used: 0,
};

/// Order id to slot.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    entries: Vec<Entry>,
    /// Pages in the table.
    filled: usize,
    pages: Vec<Page>,
    free: u32,
    /// Orders.
    len: usize,
    /// Shift that turns a hash into a place.
    shift: u32,
    /// A page that lost its last order just now: a cancel-replace gives it back at once.
    emptied: Option<u64>,
}

impl Index {
    pub fn with_capacity(orders: usize) -> Self {
        let pages = orders.div_ceil(PAGE);
        let places = (pages * 2).next_power_of_two().max(SMALLEST);
        Self {
            entries: vec![EMPTY; places],
            filled: 0,
            pages: Vec::with_capacity(pages),
            free: NONE,
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
        let at = self.find(key(order_id)).ok()?;
        let slot = self.pages[self.entries[at].page as usize].0[within(order_id)];
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
        let key = key(order_id);
        let at = match self.find(key) {
            Ok(at) => at,
            Err(_) => self.open(key),
        };
        let Entry { page, used, .. } = &mut self.entries[at];
        let place = &mut self.pages[*page as usize].0[within(order_id)];
        if *place != NONE {
            return false;
        }
        *place = slot;
        *used += 1;
        self.len += 1;
        true
    }

    /// Takes an order out, if it is there.
    #[inline]
    pub fn remove(&mut self, order_id: u64) {
        let key = key(order_id);
        let Ok(at) = self.find(key) else { return };
        let Entry { page, used, .. } = &mut self.entries[at];
        let slot = &mut self.pages[*page as usize].0[within(order_id)];
        if *slot == NONE {
            return;
        }
        *slot = NONE;
        *used -= 1;
        self.len -= 1;
        if *used == 0 {
            let before = self.emptied.replace(key);
            self.close(before.filter(|&before| before != key));
        }
    }

    /// Asks for the entry's memory.
    #[inline]
    pub fn prefetch_entry(&self, order_id: u64) {
        prefetch(&self.entries[self.home(key(order_id))]);
    }

    /// Asks for the page's memory; its entry should have come by now.
    #[inline]
    pub fn prefetch_page(&self, order_id: u64) {
        if let Ok(at) = self.find(key(order_id)) {
            prefetch(&self.pages[self.entries[at].page as usize]);
        }
    }

    /// Where the key's entry is, or the empty place where it would be.
    #[inline]
    fn find(&self, key: u64) -> Result<usize, usize> {
        let mask = self.entries.len() - 1;
        let mut at = self.home(key);
        loop {
            let entry = &self.entries[at & mask];
            if entry.page == NONE {
                return Err(at & mask);
            }
            if entry.key == key {
                return Ok(at & mask);
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

    /// An entry with an empty page for a key that has none; its place.
    fn open(&mut self, key: u64) -> usize {
        let emptied = self.emptied.take();
        self.close(emptied);
        if (self.filled + 1) * 4 > self.entries.len() * 3 {
            self.grow();
        }
        let page = self.fresh();
        self.filled += 1;
        let at = self.find(key).unwrap_or_else(|at| at);
        self.entries[at] = Entry { key, page, used: 0 };
        at
    }

    /// Gives up the page of a key, unless it has been used again.
    fn close(&mut self, key: Option<u64>) {
        let Some(Ok(hole)) = key.map(|key| self.find(key)) else {
            return;
        };
        let Entry { page, used, .. } = self.entries[hole];
        if used > 0 {
            return;
        }
        self.pages[page as usize].0[0] = self.free;
        self.free = page;
        self.filled -= 1;
        self.shift_back(hole);
    }

    /// Closes a hole in the table.
    fn shift_back(&mut self, mut hole: usize) {
        let mask = self.entries.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let moving = self.entries[at];
            if moving.page == NONE {
                break;
            }
            let wanted = self.home(moving.key);
            if at.wrapping_sub(wanted) & mask >= at.wrapping_sub(hole) & mask {
                self.entries[hole] = moving;
                hole = at;
            }
        }
        self.entries[hole] = EMPTY;
    }

    fn fresh(&mut self) -> u32 {
        let page = self.free;
        if page != NONE {
            let cells = &mut self.pages[page as usize].0;
            self.free = std::mem::replace(&mut cells[0], NONE);
            return page;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "there are no more pages than orders, which the slab numbers in 32 bits"
        )]
        let page = self.pages.len() as u32;
        self.pages.push(Page([NONE; PAGE]));
        page
    }

    fn grow(&mut self) {
        let places = self.entries.len() * 2;
        let smaller = std::mem::replace(&mut self.entries, vec![EMPTY; places]);
        self.shift -= 1;
        for entry in smaller.into_iter().filter(|entry| entry.page != NONE) {
            let at = self.find(entry.key).unwrap_or_else(|at| at);
            self.entries[at] = entry;
        }
    }
}

#[inline]
fn key(order_id: u64) -> u64 {
    order_id >> PAGE_BITS
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "less than a page")]
fn within(order_id: u64) -> usize {
    (order_id % PAGE as u64) as usize
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
            index.pages.len() <= 5_000 * 3 / PAGE + 2,
            "{} pages",
            index.pages.len()
        );
    }
}
