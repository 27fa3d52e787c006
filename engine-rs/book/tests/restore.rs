//! Restoring trusts nothing: whatever the bytes, a typed error or a sound book.
#![allow(clippy::unwrap_used)]

mod common;

use common::{BUY, Market, SELL, limit, limit_maker};
use outcry_book::{Book, RestoreError};

fn some_book() -> Vec<u8> {
    let mut it = Market::open();
    for (id, price) in (1..).zip([98, 97, 98, 99]) {
        it.order(limit(id, BUY, price, 10));
    }
    for (id, price) in (10..).zip([103, 101, 103]) {
        it.order(limit_maker(id, SELL, price, 10));
    }
    it.order(limit(20, SELL, 99, 4));
    let mut bytes = Vec::new();
    it.book.snapshot(&mut bytes);
    bytes
}

#[test]
fn cut_at_any_byte_it_is_truncated() {
    let bytes = some_book();
    for end in 0..bytes.len() {
        assert!(
            matches!(
                Book::restore(&bytes[..end]),
                Err(RestoreError::Truncated(_))
            ),
            "cut at {end}"
        );
    }
}

#[test]
fn changed_at_any_byte_it_is_refused_or_still_a_sound_book() {
    let bytes = some_book();
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            if let Ok(book) = Book::restore(&changed) {
                book.check().unwrap();
                let mut again = Vec::new();
                book.snapshot(&mut again);
                assert_eq!(again, changed, "byte {at}: what is accepted is canonical");
            }
        }
    }
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
        let mut bytes = Vec::new();
        it.book.snapshot(&mut bytes);
        bytes
    };
    assert_eq!(
        snapshot(&[1, 2, 3, 4], &[1, 2]),
        snapshot(&[4, 1, 3, 2], &[2, 1])
    );
}
