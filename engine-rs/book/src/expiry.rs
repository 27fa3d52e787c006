//! GTD orders by the time at which they end: a binary heap that knows where each order stands, so that
//! an order that ends before its time leaves at once.

use crate::slab::{NONE, Slab};

/// When an order ends. The order of the fields is the order in which orders expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    /// Unix nanoseconds.
    time: i64,
    order_id: u64,
    slot: u32,
}

/// Every open GTD order.
#[derive(Clone, Debug)]
pub(crate) struct Expiry {
    heap: Vec<Due>,
}

impl Expiry {
    pub fn new() -> Self {
        Self { heap: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Time and slot of the order that ends first.
    pub fn first(&self) -> Option<(i64, u32)> {
        self.heap.first().map(|due| (due.time, due.slot))
    }

    /// Takes the order in `slot` up if it is GTD.
    pub fn push(&mut self, slab: &mut Slab, slot: u32) {
        let time = slab.extra(slot).expire_time;
        if time == 0 {
            return;
        }
        let order_id = slab.get(slot).order_id;
        self.heap.push(Due {
            time,
            order_id,
            slot,
        });
        self.rise(slab, self.heap.len() - 1);
    }

    /// Takes the order in `slot` out, if it is here.
    pub fn remove(&mut self, slab: &mut Slab, slot: u32) {
        let at = slab.extra(slot).expiry_at;
        if at == NONE {
            return;
        }
        let at = at as usize;
        self.heap.swap_remove(at);
        if at < self.heap.len() {
            let at = self.rise(slab, at);
            self.sink(slab, at);
        }
    }

    /// Whether every order stands where its extra says, no earlier than the one above it.
    pub fn is_sound(&self, slab: &Slab) -> bool {
        (0..).zip(&self.heap).all(|(at, due): (usize, &Due)| {
            let extra = slab.extra(due.slot);
            extra.expiry_at as usize == at
                && extra.expire_time == due.time
                && slab.get(due.slot).order_id == due.order_id
                && (at == 0 || self.heap[(at - 1) / 2] < *due)
        })
    }

    fn rise(&mut self, slab: &mut Slab, mut at: usize) -> usize {
        while at > 0 && self.heap[at] < self.heap[(at - 1) / 2] {
            self.heap.swap(at, (at - 1) / 2);
            self.note(slab, at);
            at = (at - 1) / 2;
        }
        self.note(slab, at);
        at
    }

    fn sink(&mut self, slab: &mut Slab, mut at: usize) {
        loop {
            let below = [2 * at + 1, 2 * at + 2].into_iter();
            let first = below
                .filter(|&child| child < self.heap.len())
                .min_by_key(|&child| self.heap[child]);
            let Some(child) = first.filter(|&child| self.heap[child] < self.heap[at]) else {
                break;
            };
            self.heap.swap(at, child);
            self.note(slab, at);
            at = child;
        }
        self.note(slab, at);
    }

    fn note(&self, slab: &mut Slab, at: usize) {
        if let Some(extra) = slab.extra_mut(self.heap[at].slot) {
            extra.expiry_at = u32::try_from(at).unwrap_or(NONE);
        }
    }
}
