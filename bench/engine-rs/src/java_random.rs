//! `java.util.Random`, whose published algorithm makes the peers' workload the same everywhere.

const MULTIPLIER: u64 = 0x5_DEEC_E66D;
const MASK: u64 = (1 << 48) - 1;

/// The 48-bit linear congruential generator of the Java class library.
pub struct JavaRandom {
    state: u64,
}

impl JavaRandom {
    /// As `new Random(seed)`.
    pub fn new(seed: i64) -> Self {
        Self {
            state: (seed.cast_unsigned() ^ MULTIPLIER) & MASK,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the upper bits of 48, as an int has them"
    )]
    fn next(&mut self, bits: u32) -> i32 {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(0xB) & MASK;
        (self.state >> (48 - bits)) as i32
    }

    /// As `nextInt(bound)`: uniform in `0..bound`; the bound is positive.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "31 bits of a product that was shifted down"
    )]
    pub fn int(&mut self, bound: i32) -> i32 {
        debug_assert!(bound > 0, "Invariant: nextInt takes a positive bound");
        if bound & -bound == bound {
            return ((i64::from(bound) * i64::from(self.next(31))) >> 31) as i32;
        }
        loop {
            let bits = self.next(31);
            let value = bits % bound;
            if bits.wrapping_sub(value).wrapping_add(bound - 1) >= 0 {
                return value;
            }
        }
    }

    /// As `nextDouble()`: uniform in `0..1`, 53 bits.
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits are what an f64 holds exactly"
    )]
    pub fn double(&mut self) -> f64 {
        let high = i64::from(self.next(26)) << 27;
        (high + i64::from(self.next(27))) as f64 / (1_i64 << 53) as f64
    }
}

/// As `Objects.hash(first, second)` over two ints.
pub fn objects_hash(first: i32, second: i32) -> i32 {
    31_i32
        .wrapping_add(first)
        .wrapping_mul(31)
        .wrapping_add(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `new Random(42)` says in any JVM.
    #[test]
    fn it_says_what_java_says() {
        let mut random = JavaRandom::new(42);
        assert_eq!([random.int(10), random.int(10), random.int(10)], [0, 3, 8]);
        assert_eq!(JavaRandom::new(42).int(16), 11);
        assert!((JavaRandom::new(42).double() - 0.727_563_680_032_868_2).abs() < 1e-15);
        assert_eq!(objects_hash(1, 2), 994);
    }
}
