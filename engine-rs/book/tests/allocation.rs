//! Once the book has been as large as it gets, it asks for no more memory.
#![allow(clippy::unwrap_used)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{BUY, SELL, limit, settings, settings_2};
use outcry_book::{
    AmendOrder, Body, Book, CancelOrder, CancelReplace, Command, Event, MassCancel, NewOco,
    NewOrder, OrderType, PairSettings, SetDisconnectTimer, Side, Sink, Tick, TimeInForce,
    TradingStatus,
};

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

/// Numbers that spread, and are the same every time.
struct Spread(u64);

impl Spread {
    fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// A number below `below`.
    fn next(&mut self, below: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        i64::try_from(self.0 >> 33).unwrap() % below
    }

    fn side(&mut self) -> Side {
        if self.next(2) == 0 { BUY } else { SELL }
    }
}

/// A book that is fed with consecutive numbers, and counts its events.
struct Fed {
    book: Book,
    number: u64,
    sink: Count,
}

impl Fed {
    fn open(settings: PairSettings) -> Self {
        let mut fed = Self {
            book: Book::new(),
            number: 0,
            sink: Count(0),
        };
        fed.apply(Body::PairSettings(PairSettings {
            price_band_lower: 1,
            price_band_upper: 100_000,
            ..settings
        }));
        fed
    }

    fn apply(&mut self, body: Body) {
        self.number += 1;
        let command = Command {
            source: 1024,
            incarnation: 1,
            number: self.number,
            time_unix_nanos: 0,
            body,
        };
        self.book.apply(&command, &mut self.sink);
    }
}

/// Orders over thousands of levels, which trade a lot.
fn orders(first_id: u64) -> impl Iterator<Item = NewOrder> {
    let mut spread = Spread::new();
    (0..30_000).map(move |at| {
        let (side, away) = (spread.side(), spread.next(0x1000));
        let price = 5_000 + if side == BUY { 50 - away } else { away - 50 };
        limit(first_id + at, side, price, 1 + away % 9)
    })
}

/// Sends all of them, then cancels all.
fn plain_pass(fed: &mut Fed, first_id: u64) {
    for order in orders(first_id) {
        fed.apply(Body::NewOrder(order));
    }
    for NewOrder {
        order_id, user_id, ..
    } in orders(first_id)
    {
        fed.apply(Body::CancelOrder(CancelOrder { order_id, user_id }));
    }
    assert_eq!(fed.book.resting_orders(), 0);
}

/// Every feature, in a stream that is the same every time but for ids and times.
fn full_pass(fed: &mut Fed, first_id: u64) {
    let (mut spread, start) = (Spread::new(), fed.book.clock_unix_nanos());
    for at in 0..12_000 {
        let body = any_body(
            &mut spread,
            first_id + at,
            first_id,
            start + at.cast_signed(),
        );
        fed.apply(body);
    }
    let status = |status: TradingStatus| {
        Body::PairSettings(PairSettings {
            trading_status: status.as_i32(),
            price_band_upper: 100_000,
            price_band_lower: 1,
            ..settings_2()
        })
    };
    fed.apply(status(TradingStatus::Auction));
    for at in 12_000..13_000 {
        let order = limit(first_id + at, spread.side(), 950 + spread.next(100), 5);
        fed.apply(Body::NewOrder(order));
    }
    let end = start + 1_000_000_000;
    fed.apply(tick(end));
    fed.apply(status(TradingStatus::Trading));
    fed.apply(Body::MassCancel(MassCancel::default()));
    assert_eq!(fed.book.totals().open_orders, 0);
}

fn tick(time_unix_nanos: i64) -> Body {
    Body::Tick(Tick { time_unix_nanos })
}

fn any_body(spread: &mut Spread, id: u64, first_id: u64, now: i64) -> Body {
    let user_id = 1 + spread.next(50).cast_unsigned();
    let (side, price) = (spread.side(), 950 + spread.next(100));
    let order = NewOrder {
        user_id,
        self_trade_prevention: i32::try_from(spread.next(6)).unwrap(),
        ..limit(id, side, price, 1 + spread.next(30))
    };
    let stop = NewOrder {
        order_type: OrderType::StopLossLimit.as_i32(),
        stop_price: 900 + spread.next(200),
        ..order
    };
    let old_id = id - spread.next(400).cast_unsigned().min(id - first_id);
    match spread.next(12) {
        0..=2 => Body::NewOrder(order),
        3 => Body::NewOrder(NewOrder {
            display_quantity: 1.max(order.quantity / 3),
            ..order
        }),
        4 => Body::NewOrder(NewOrder {
            time_in_force: TimeInForce::Gtd.as_i32(),
            expire_time_unix_nanos: now + 1 + spread.next(900),
            ..order
        }),
        5 => Body::NewOrder(stop),
        6 => Body::NewOrder(NewOrder {
            stop_price: 0,
            trailing_delta: 50 * i32::try_from(1 + spread.next(5)).unwrap(),
            ..stop
        }),
        7 => {
            let away = if side == BUY { -1 } else { 1 };
            Body::NewOco(NewOco {
                user_id,
                limit_order_id: id,
                stop_order_id: id + 500_000,
                side: side.as_i32(),
                quantity: 5,
                price: 1_000 + away * 60,
                stop_price: 1_000 - away * 60,
                ..NewOco::default()
            })
        }
        8 => Body::CancelReplace(CancelReplace {
            cancel_order_id: old_id,
            mode: 2,
            order,
        }),
        9 => Body::SetDisconnectTimer(SetDisconnectTimer {
            user_id,
            timeout_millis: 1 + spread.next(2).cast_unsigned(),
        }),
        10 => Body::AmendOrder(AmendOrder {
            order_id: old_id,
            user_id,
            quantity: 1,
        }),
        _ if spread.next(20) == 0 => Body::MassCancel(MassCancel { user_id, side: 0 }),
        _ => tick(now),
    }
}

#[test]
fn a_warm_book_asks_for_no_memory() {
    for open in [settings(), settings_2()] {
        let mut fed = Fed::open(open);
        plain_pass(&mut fed, 1);
        let (before, events) = (ASKED.get(), fed.sink.0);
        plain_pass(&mut fed, 1_000_000);
        assert_eq!(ASKED.get() - before, 0);
        assert!(fed.sink.0 - events > 60_000, "it was busy");
    }
}

#[test]
fn a_warm_book_asks_for_no_memory_whatever_it_does() {
    let mut fed = Fed::open(settings_2());
    // The first pass begins without a last price, so it is the second that the third is like.
    full_pass(&mut fed, 1);
    full_pass(&mut fed, 1_000_001);
    let (before, events) = (ASKED.get(), fed.sink.0);
    full_pass(&mut fed, 2_000_001);
    assert_eq!(ASKED.get() - before, 0);
    assert!(fed.sink.0 - events > 12_000, "it was busy");
}
