//! The dead-letter topic: records that no replica could decode, whole, with their origin.

use rdkafka::message::{Header, OwnedHeaders};

use crate::clock;
use crate::kafka::Side;
use crate::shared::{DeadLetter, Shared, lock};

/// A replica that takes over writes those of the last moments again: its predecessor may not have.
const AGAIN_NANOS: u64 = 30_000_000_000;

/// Writes one, keyed by the pair's symbol.
pub fn write_dead_letter(side: &Side, shared: &Shared, letter: &DeadLetter) {
    let (offset, reason) = (letter.offset.to_string(), letter.reason.to_string());
    let settings = &shared.settings;
    let fields = [
        ("topic", settings.topics.input.as_str()),
        ("partition", "0"),
        ("offset", &offset),
        ("reason", &reason),
        ("name", letter.reason.name()),
        ("replica", &settings.replica),
    ];
    let mut headers = OwnedHeaders::new_with_capacity(fields.len());
    for (key, value) in fields {
        headers = headers.insert(Header {
            key,
            value: Some(value),
        });
    }
    side.dead_letter(
        &settings.topics.dead_letter,
        &settings.symbol,
        &letter.value,
        headers,
    );
}

/// Writes those that came while this replica was silent, the recent ones.
pub fn write_kept(side: &Side, shared: &Shared) {
    let now = clock::nanos();
    for letter in lock(&shared.dead_letters).drain(..) {
        if now.saturating_sub(letter.seen_at) < AGAIN_NANOS {
            write_dead_letter(side, shared, &letter);
        }
    }
}
