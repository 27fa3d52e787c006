//! Old logs replay as they were: events and snapshots of a long stream under rules version 1, as one number
//! that was the same before version 2 was there.
#![allow(clippy::unwrap_used)]

mod common;

use common::{limit, settings, short};
use outcry_book::{
    AmendOrder, Body, Book, CancelOrder, CancelReplace, Command, Event, MassCancel, NewOco,
    NewOrder, PairSettings, Tick,
};

/// Numbers that spread, and are the same every time.
struct Spread(u64);

impl Spread {
    /// A number below `below`.
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % below
    }

    fn lots(&mut self, below: u64) -> i64 {
        self.next(below).cast_signed()
    }

    fn word(&mut self, below: u64) -> i32 {
        i32::try_from(self.next(below)).unwrap()
    }

    /// Whether something happens once in so many times.
    fn rarely(&mut self, times: u64) -> bool {
        self.next(times) == 0
    }
}

/// FNV-1a.
struct Hash(u64);

impl Hash {
    fn mix(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

fn body(spread: &mut Spread) -> Body {
    match spread.next(40) {
        0 => {
            let lower = 80 + spread.lots(20);
            Body::PairSettings(PairSettings {
                trading_status: if spread.rarely(5) { spread.word(8) } else { 1 },
                rules_version: if spread.rarely(10) { 3 } else { 1 },
                price_band_lower: lower,
                price_band_upper: lower + spread.lots(40),
                min_notional: spread.lots(3) * 100,
                ..settings()
            })
        }
        1 => Body::Tick(Tick {
            time_unix_nanos: spread.lots(1_000_000),
        }),
        2..=9 => {
            let order_id = spread.next(300);
            let user_id = if spread.rarely(9) { 7 } else { order_id * 10 };
            Body::CancelOrder(CancelOrder { order_id, user_id })
        }
        10 => Body::MassCancel(MassCancel::default()),
        11 => Body::AmendOrder(AmendOrder::default()),
        12 => Body::CancelReplace(CancelReplace::default()),
        13 => Body::NewOco(NewOco::default()),
        _ => Body::NewOrder(order(spread)),
    }
}

/// A limit order two times of three, else anything, with a word of version 2 in it at times.
fn order(spread: &mut Spread) -> NewOrder {
    let (id, side) = (spread.next(300), spread.word(3));
    let order_type = if spread.rarely(3) { spread.word(9) } else { 1 };
    let priced = order_type != 2 || spread.rarely(9);
    NewOrder {
        side,
        order_type,
        time_in_force: if spread.rarely(3) { spread.word(6) } else { 1 },
        price: if priced { 85 + spread.lots(30) } else { 0 },
        display_quantity: spread.lots(30) / 29,
        trade_group: spread.next(30) / 29,
        ..limit(id, outcry_book::Side::Buy, 0, spread.lots(20))
    }
}

#[test]
fn a_long_stream_says_what_it_always_said() {
    let (mut spread, mut hash) = (Spread(0x9e37_79b9_7f4a_7c15), Hash(0xcbf2_9ce4_8422_2325));
    let mut book = Book::new();
    for number in 1..=40_000 {
        let mut events: Vec<Event> = Vec::new();
        let command = Command {
            source: 2048,
            incarnation: 1,
            number,
            time_unix_nanos: 0,
            body: body(&mut spread),
        };
        book.apply(&command, &mut events);
        for event in &events {
            hash.mix(short(&event.body).as_bytes());
        }
        if number % 500 == 0 {
            let mut bytes = Vec::new();
            book.snapshot(&mut bytes);
            hash.mix(&bytes);
            book = Book::restore(&bytes).unwrap();
        }
    }
    assert_eq!((hash.0, book.seq()), (15_003_788_535_712_252_872, 44_578));
}
