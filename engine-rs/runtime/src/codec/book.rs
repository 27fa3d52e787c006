//! `OrderBookSnapshot`: the records of `book.{symbol}`.

use outcry_book::{Depth, Level};

use super::wire::{put, put_bytes, put_message};

/// Encodes a depth as the market-data snapshot of a pair.
#[must_use]
pub fn encode_book(symbol: &str, depth: &Depth) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + 16 * (depth.bids.len() + depth.asks.len()));
    put_bytes(&mut out, 1, symbol.as_bytes());
    put(&mut out, 2, depth.seq);
    put_levels(&mut out, 3, &depth.bids);
    put_levels(&mut out, 4, &depth.asks);
    put(&mut out, 5, depth.resting_orders);
    put(&mut out, 6, depth.last_price);
    put(&mut out, 7, depth.last_quantity);
    out
}

fn put_levels(out: &mut Vec<u8>, number: u32, levels: &[Level]) {
    for level in levels {
        put_message(out, number, |out| {
            put(out, 1, level.price);
            put(out, 2, level.quantity);
            put(out, 3, level.orders);
        });
    }
}
