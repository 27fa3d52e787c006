//! Restoring trusts nothing: whatever the bytes, a typed error or a sound book.
#![allow(clippy::unwrap_used)]

mod common;

use common::teller::Teller;
use common::{BUY, Market, SELL, limit, limit_maker, settings_2};
use outcry_book::{Book, RestoreError, Stage};

/// Everything that a book under rules version 2 can hold at once: stops that wait, track and are queued,
/// both legs of an OCO, icebergs, expiries, trade groups, timers.
const FULL: &[&str] = &[
    "tick 1000",
    "filter max-open-orders 20",
    "filter prevent ExpireMaker",
    "filter reference 100",
    "buy 1: 9 at 98 show 2",
    "buy 2: 9 at 98 until 5000 group 3",
    "sell 3: 9 at 104 show 3 group 3 by 10",
    "sell 4: 9 at 103 maker",
    "oco sell 5/6: 7 at 110 stop 90 limit 89",
    "oco sell 7/8: 7 at 111 stop 88 trail 100 show 2",
    "buy 9: 4 stop-loss 105 at 106 until 7000 show 1 by 10",
    "sell 10: 4 take-profit 120 trail 250",
    "sell 11: 4 stop-loss 0 trail 2000",
    "buy 12: 4 stop-loss 0 trail 3000",
    "sell 13: 5 at 98",
    "sell 14: 4 stop-loss 0 trail 300 prevent Decrement",
    "heartbeat 10 5000ms",
    "heartbeat 20 6000ms",
];

/// Leaves a queued stop and an open call with an indicative price.
const CALL: &[&str] = &[
    "buy 15: 2 stop-loss 103",
    "status LimitOnly",
    "buy 16: 1 at 103",
    "status Auction",
    "buy 17: 5 at 104",
    "tick 2000",
];

fn told(parts: &[&[&str]]) -> Book {
    let mut teller = Teller::new(2);
    for line in parts.iter().copied().flatten() {
        let told = teller.tell(line);
        let refused = told.iter().find(|event| event.contains("rejected"));
        assert_eq!(refused, None, "{line}");
    }
    teller.book().clone()
}

fn bytes_of(book: &Book) -> Vec<u8> {
    let mut bytes = Vec::new();
    book.snapshot(&mut bytes);
    bytes
}

/// One book of each version of the format, and one in an open call.
fn books() -> [Vec<u8>; 3] {
    [
        some_book(),
        bytes_of(&told(&[FULL])),
        bytes_of(&told(&[FULL, CALL])),
    ]
}

fn some_book() -> Vec<u8> {
    let mut it = Market::open();
    for (id, price) in (1..).zip([98, 97, 98, 99]) {
        it.order(limit(id, BUY, price, 10));
    }
    for (id, price) in (10..).zip([103, 101, 103]) {
        it.order(limit_maker(id, SELL, price, 10));
    }
    it.order(limit(20, SELL, 99, 4));
    bytes_of(&it.book)
}

#[test]
fn a_restored_book_is_the_book() {
    for bytes in books() {
        let book = Book::restore(&bytes).unwrap();
        book.check().unwrap();
        assert_eq!(bytes_of(&book), bytes);
    }
    let (book, restored) = (told(&[FULL, CALL]), Book::restore(&books()[2]).unwrap());
    assert_eq!(book.open_orders(), restored.open_orders());
    assert_eq!(book.totals(), restored.totals());
    assert_eq!(book.filters(), restored.filters());
    assert!(restored.is_call_open() && restored.last_indicative().is_some());
    for id in 1..18 {
        assert_eq!(book.order(id), restored.order(id));
    }
    let totals = restored.totals();
    assert_eq!((totals.queued, totals.timers), (1, 2));
    assert_eq!(restored.order(15).unwrap().stage, Stage::Queued);
}

#[test]
fn cut_at_any_byte_it_is_truncated() {
    for bytes in books() {
        for end in 0..bytes.len() {
            let restored = Book::restore(&bytes[..end]);
            assert!(
                matches!(restored, Err(RestoreError::Truncated(_))),
                "cut at {end}: {:?}",
                restored.err()
            );
        }
    }
}

#[test]
fn changed_at_any_byte_it_is_refused_or_still_a_sound_book() {
    for bytes in books() {
        for at in 0..bytes.len() {
            for flip in [0x01, 0x02, 0x04, 0x10, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                if let Ok(book) = Book::restore(&changed) {
                    book.check().unwrap();
                    let again = bytes_of(&book);
                    assert_eq!(again, changed, "byte {at}: what is accepted is canonical");
                }
            }
        }
    }
}

/// The shapes that a book takes over its life are all restored: one event after the other goes on as if
/// nothing had been.
#[test]
fn a_book_restored_after_every_command_goes_on_as_the_whole() {
    let lines: Vec<&str> = [FULL, CALL].concat();
    let rest = [
        "status Trading",
        "sell 18: 9 at 95 prevent Decrement by 10",
        "cancel 7",
        "amend 4 to 3",
        "tick 9000",
        "operator mass-cancel",
    ];
    let (mut whole, mut resumed) = (Teller::new(2), Teller::new(2));
    for line in lines.into_iter().chain(rest) {
        let bytes = bytes_of(resumed.book());
        *resumed.book_mut() = Book::restore(&bytes).unwrap();
        assert_eq!(whole.tell(line), resumed.tell(line), "{line}");
        assert_eq!(bytes_of(whole.book()), bytes_of(resumed.book()), "{line}");
    }
    assert_eq!(whole.book().totals().open_orders, 0);
}

#[test]
fn what_is_no_snapshot_is_named() {
    let mut other_version = some_book();
    other_version[4] = 9;
    let mut longer = some_book();
    longer.push(0);
    assert_eq!(
        Book::restore(&other_version).unwrap_err(),
        RestoreError::UnknownVersion(9)
    );
    assert_eq!(
        Book::restore(&longer).unwrap_err(),
        RestoreError::TrailingBytes(1)
    );
    assert_eq!(
        Book::restore(b"this is not a book").unwrap_err(),
        RestoreError::NotABook
    );
    assert!(
        Book::restore(&[])
            .unwrap_err()
            .to_string()
            .contains("ends inside its magic")
    );
}

#[test]
fn a_book_without_a_number_for_the_next_event_is_refused() {
    let mut bytes = some_book();
    bytes[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    let error = Book::restore(&bytes).expect_err("no number is left");
    assert_eq!(
        error.to_string(),
        "book snapshot is inconsistent: counters contradict each other"
    );
}

#[test]
fn an_absurd_count_asks_for_no_memory() {
    let mut bytes = some_book();
    let end = bytes.len();
    let asks = end - 8 - 3 * 41;
    bytes[asks..asks + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(
        Book::restore(&bytes).unwrap_err(),
        RestoreError::Truncated("orders")
    );
}

#[test]
fn equal_states_give_equal_bytes_after_different_histories() {
    let snapshot = |orders: &[u64], gone: &[u64]| {
        let mut it = Market::open();
        for &id in orders {
            it.order(limit(id, BUY, 90 + i64::try_from(id).unwrap(), 10));
        }
        for &id in gone {
            it.cancel(id);
        }
        bytes_of(&it.book)
    };
    assert_eq!(
        snapshot(&[1, 2, 3, 4], &[1, 2]),
        snapshot(&[4, 1, 3, 2], &[2, 1])
    );
}

#[test]
fn what_only_some_orders_have_leaves_no_trace_when_it_ends() {
    let plain = |extra: bool| {
        let mut it = Market::default();
        it.settings(settings_2());
        for id in [1, 2, 3] {
            it.order(limit(id, BUY, 90, 10));
        }
        if extra {
            let mut iceberg = limit(4, BUY, 90, 10);
            (iceberg.display_quantity, iceberg.trade_group) = (2, 7);
            it.order(iceberg);
        } else {
            it.order(limit(4, BUY, 90, 10));
        }
        it.cancel(4);
        bytes_of(&it.book)
    };
    assert_eq!(plain(false), plain(true));
}
