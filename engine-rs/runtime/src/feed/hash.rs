//! A hasher for small integer keys. Nothing here is ever walked in the order of its hashes.

use std::hash::{BuildHasherDefault, Hasher};

/// For maps keyed by order ids and prices, which no outsider picks in bulk: the order service does.
pub type Mixed = BuildHasherDefault<Mixer>;

/// Folds each word in by a multiplication whose halves are added.
#[derive(Default)]
pub struct Mixer(u64);

impl Mixer {
    #[inline]
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
        #[allow(clippy::cast_possible_truncation)] // both halves are wanted
        let folded = (product >> 64) as u64 ^ product as u64;
        self.0 = folded;
    }
}

impl Hasher for Mixer {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.fold(u64::from(*byte));
        }
    }

    #[inline]
    fn write_u8(&mut self, value: u8) {
        self.fold(u64::from(value));
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.fold(value);
    }

    #[inline]
    fn write_i64(&mut self, value: i64) {
        self.fold(value.cast_unsigned());
    }
}
