//! Once the book has been as large as it gets, it asks for no more memory.
#![allow(clippy::unwrap_used)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{BUY, SELL, limit, settings};
use outcry_book::{Body, Book, CancelOrder, Command, Event, NewOrder, Side, Sink};

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

/// Counts how often this thread asks for memory.
struct Counting;

// SAFETY: everything is the system allocator's own work; the counter beside it allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get() + 1);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

struct Count(u64);

impl Sink for Count {
    fn emit(&mut self, _: &Event) {
        self.0 += 1;
    }
}

/// Prices and sides that spread over thousands of levels, trade a lot, and are the same every time.
fn orders(first_id: u64) -> impl Iterator<Item = NewOrder> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..30_000).map(move |at| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let side: Side = if state >> 63 == 0 { BUY } else { SELL };
        let spread = i64::try_from(state >> 40 & 0xfff).unwrap();
        let price = 5_000
            + if side == BUY {
                50 - spread
            } else {
                spread - 50
            };
        limit(first_id + at, side, price, 1 + spread % 9)
    })
}

/// Sends all of them, then cancels all.
fn pass(book: &mut Book, number: &mut u64, first_id: u64, sink: &mut Count) {
    let mut apply = |book: &mut Book, body| {
        *number += 1;
        let command = Command {
            source: 2048,
            incarnation: 1,
            number: *number,
            time_unix_nanos: 0,
            body,
        };
        book.apply(&command, sink);
    };
    for order in orders(first_id) {
        apply(book, Body::NewOrder(order));
    }
    for NewOrder {
        order_id, user_id, ..
    } in orders(first_id)
    {
        apply(book, Body::CancelOrder(CancelOrder { order_id, user_id }));
    }
    assert_eq!(book.resting_orders(), 0);
}

#[test]
fn a_warm_book_asks_for_no_memory() {
    let (mut book, mut number, mut sink) = (Book::new(), 1, Count(0));
    let open = outcry_book::PairSettings {
        price_band_lower: 1,
        price_band_upper: 100_000,
        ..settings()
    };
    let command = Command {
        source: 2048,
        incarnation: 1,
        number,
        time_unix_nanos: 0,
        body: Body::PairSettings(open),
    };
    book.apply(&command, &mut sink);
    pass(&mut book, &mut number, 1, &mut sink);
    let (before, events) = (ASKED.get(), sink.0);
    pass(&mut book, &mut number, 1_000_000, &mut sink);
    assert_eq!(ASKED.get() - before, 0);
    assert!(sink.0 - events > 60_000, "it was busy");
}
