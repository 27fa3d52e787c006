//! The prices of one side: an array around the touch, and a [`Ladder`] for those far behind it.
//!
//! Nearly everything happens within some thousand ticks of the best price. There, a price is one step in an
//! array, the next best one a step or two in a bitmap. The array moves with the touch, rarely and by
//! much: what it leaves behind goes into the ladder, what it comes over is taken out of it.

use crate::ladder::Ladder;
use crate::slab::NONE;

/// Ranks that the array holds.
const SPAN: usize = 1 << 14;
/// Where the best rank is put when the array moves, at three quarters of it: most levels are below.
const ANCHOR: i64 = 3 << 12;
/// A best rank nearer to the array's lower end than this moves the array when something falls behind it.
const LOW: usize = SPAN / 4;
const WORD: usize = 64;

/// Rank to number of a level; the higher rank is the better one.
#[derive(Clone, Debug)]
pub(crate) struct Touch {
    /// The rank of the array's first place.
    base: i64,
    /// Numbers of levels by rank less `base`; [`NONE`] where there is none.
    near: Box<[u32; SPAN]>,
    /// One bit a place, and one bit a word of those.
    occupied: Box<[u64; SPAN / WORD]>,
    words: [u64; SPAN / WORD / WORD],
    /// The highest rank and its level; [`NONE`] in an empty one. It is in the array.
    best: (i64, u32),
    /// All ranks below `base`.
    far: Ladder,
}

impl Touch {
    pub fn new() -> Self {
        Self {
            base: 0,
            #[expect(clippy::large_stack_arrays, reason = "64 KiB, twice for a book")]
            near: Box::new([NONE; SPAN]),
            occupied: Box::new([0; SPAN / WORD]),
            words: [0; SPAN / WORD / WORD],
            best: (0, NONE),
            far: Ladder::new(),
        }
    }

    /// The highest rank and its level.
    #[inline]
    pub fn best(&self) -> Option<(i64, u32)> {
        (self.best.1 != NONE).then_some(self.best)
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call costs as much as what it does")]
    pub fn get(&self, rank: i64) -> Option<u32> {
        match self.place(rank) {
            Some(at) => Some(self.near[at]).filter(|&level| level != NONE),
            None => self.get_far(rank),
        }
    }

    #[cold]
    fn get_far(&self, rank: i64) -> Option<u32> {
        self.far.get(rank)
    }

    /// The level of a rank around the touch; [`NONE`] when it has none, or is far from it.
    #[inline]
    pub fn near(&self, rank: i64) -> u32 {
        self.place(rank).map_or(NONE, |at| self.near[at])
    }

    /// The level of this rank, a new one when there was none.
    #[inline]
    pub fn get_or_insert(&mut self, rank: i64, new: impl FnOnce() -> u32) -> u32 {
        if let Some(at) = self.place(rank) {
            let level = self.near[at];
            if level != NONE {
                return level;
            }
            let level = new();
            self.put(at, level);
            if self.best.1 == NONE || rank > self.best.0 {
                self.best = (rank, level);
            }
            return level;
        }
        self.insert_outside(rank, new)
    }

    /// Takes a rank out, if it is there.
    #[inline]
    pub fn remove(&mut self, rank: i64) {
        let Some(at) = self.place(rank) else {
            return self.remove_far(rank);
        };
        self.take(at);
        if rank == self.best.0 {
            self.step_down(at);
        }
    }

    #[cold]
    fn remove_far(&mut self, rank: i64) {
        self.far.remove(rank);
    }

    /// The best rank, which was at this place, is gone.
    fn step_down(&mut self, at: usize) {
        self.best = match self.below(at) {
            Some(next) => (self.rank(next), self.near[next]),
            None => self.come_down(),
        };
    }

    /// Every rank and its level, the highest first.
    pub fn iter(&self) -> impl Iterator<Item = (i64, u32)> {
        let near = std::iter::successors(self.place_of_best(), |&at| self.below(at));
        near.map(|at| (self.rank(at), self.near[at]))
            .chain(self.far.iter())
    }

    fn place_of_best(&self) -> Option<usize> {
        self.best().and_then(|(rank, _)| self.place(rank))
    }

    /// Where in the array a rank is, when it is within.
    #[inline]
    fn place(&self, rank: i64) -> Option<usize> {
        let at = rank.wrapping_sub(self.base).cast_unsigned();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "compared with the span first"
        )]
        (at < SPAN as u64).then_some(at as usize)
    }

    #[expect(clippy::cast_possible_wrap, reason = "a place is less than the span")]
    fn rank(&self, at: usize) -> i64 {
        self.base + at as i64
    }

    #[inline]
    fn put(&mut self, at: usize, level: u32) {
        self.near[at] = level;
        self.occupied[at / WORD] |= 1 << (at % WORD);
        self.words[at / WORD / WORD] |= 1 << (at / WORD % WORD);
    }

    #[inline]
    fn take(&mut self, at: usize) -> u32 {
        let word = &mut self.occupied[at / WORD];
        *word &= !(1 << (at % WORD));
        if *word == 0 {
            self.words[at / WORD / WORD] &= !(1 << (at / WORD % WORD));
        }
        std::mem::replace(&mut self.near[at], NONE)
    }

    /// The next occupied place below.
    #[inline]
    fn below(&self, at: usize) -> Option<usize> {
        let word = at / WORD;
        let here = self.occupied[word] & !(u64::MAX << (at % WORD));
        if here != 0 {
            return Some(word * WORD + here.ilog2() as usize);
        }
        let mut group = word / WORD;
        let mut words = self.words[group] & !(u64::MAX << (word % WORD));
        while words == 0 {
            group = group.checked_sub(1)?;
            words = self.words[group];
        }
        let word = group * WORD + words.ilog2() as usize;
        Some(word * WORD + self.occupied[word].ilog2() as usize)
    }

    /// The first occupied place from this one on.
    fn above(&self, at: usize) -> Option<usize> {
        let first = self.occupied.get(at / WORD)? & (u64::MAX << (at % WORD));
        let mut words = self.occupied.iter().skip(at / WORD + 1);
        let mut word = (at / WORD, first);
        while word.1 == 0 {
            word = (word.0 + 1, *words.next()?);
        }
        Some(word.0 * WORD + word.1.trailing_zeros() as usize)
    }

    /// A rank that the array doesn't cover.
    #[cold]
    fn insert_outside(&mut self, rank: i64, new: impl FnOnce() -> u32) -> u32 {
        match self.place_of_best() {
            Some(best) if rank < self.base => {
                if best >= LOW {
                    return self.far.get_or_insert(rank, new);
                }
                self.move_down(self.best.0);
            }
            Some(_) => self.move_up(rank),
            None => self.base = rank.saturating_sub(ANCHOR),
        }
        if self.place(rank).is_none() {
            return self.far.get_or_insert(rank, new);
        }
        self.get_or_insert(rank, new)
    }

    /// Nothing is left in the array: it moves to the best of what is behind it.
    #[cold]
    fn come_down(&mut self) -> (i64, u32) {
        self.best = (0, NONE);
        let Some(best) = self.far.best() else {
            return (0, NONE);
        };
        self.move_down(best.0);
        best
    }

    /// Moves the array so that `best`, which nothing in it is above, stands at its anchor.
    fn move_down(&mut self, best: i64) {
        let base = best.saturating_sub(ANCHOR);
        let by = usize::try_from(self.base.saturating_sub(base)).unwrap_or(SPAN);
        let mut next = self.place_of_best();
        while let Some(at) = next {
            next = self.below(at);
            let level = self.take(at);
            self.put(at + by, level);
        }
        self.base = base;
        while let Some((rank, level)) = self.far.best() {
            let Some(at) = self.place(rank) else { break };
            self.far.remove(rank);
            self.put(at, level);
        }
    }

    /// Moves the array so that a new best rank stands at its anchor.
    fn move_up(&mut self, best: i64) {
        let base = best.saturating_sub(ANCHOR);
        let mut next = self.above(0);
        while let Some(at) = next {
            next = self.above(at + 1);
            let (rank, level) = (self.rank(at), self.take(at));
            match usize::try_from(rank.saturating_sub(base)) {
                Ok(at) => self.put(at, level),
                Err(_) => {
                    self.far.get_or_insert(rank, || level);
                }
            }
        }
        self.base = base;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Ranks around a touch that wanders over many spans, and some anywhere.
    fn rank() -> impl Strategy<Value = i64> {
        let span = i64::try_from(SPAN).unwrap_or(i64::MAX);
        prop_oneof![
            6 => -50..50i64,
            3 => (-4..4i64, -20..20i64).prop_map(move |(spans, by)| spans * span / 2 + by),
            1 => any::<i64>().prop_filter("a price's rank", |&rank| rank != i64::MIN),
        ]
    }

    proptest! {
        #[test]
        fn it_holds_what_a_tree_holds(steps in prop::collection::vec((0..3u8, rank()), 1..300)) {
            let (mut touch, mut tree) = (Touch::new(), BTreeMap::new());
            for (step, (kind, rank)) in (1..).zip(steps) {
                let best = tree.last_key_value().map(|(&rank, _)| rank);
                match (kind, best) {
                    (0, _) => {
                        let level = touch.get_or_insert(rank, || step);
                        prop_assert_eq!(level, *tree.entry(rank).or_insert(step));
                    }
                    (1, Some(best)) => {
                        touch.remove(best);
                        tree.remove(&best);
                    }
                    _ => if tree.remove(&rank).is_some() {
                        touch.remove(rank);
                    },
                }
                let best = tree.last_key_value().map(|(&rank, &step)| (rank, step));
                prop_assert_eq!(touch.best(), best);
                prop_assert_eq!(touch.get(rank), tree.get(&rank).copied());
            }
            let shown: Vec<_> = touch.iter().collect();
            let wanted: Vec<_> = tree.iter().rev().map(|(&rank, &step)| (rank, step)).collect();
            prop_assert_eq!(shown, wanted);
        }
    }
}
