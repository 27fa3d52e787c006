//! A sorted map from rank to level that asks for no memory once it has been as large as it gets.
//!
//! Ranks stand in rising order in blocks of a few cache lines, the best of all at the very end: what
//! comes and goes near the best price moves next to nothing, and emptied blocks are used again.

/// Entries of a block.
const BLOCK: usize = 64;
/// Two neighbours that together hold no more than this become one.
const MERGED: usize = BLOCK / 2;
/// Blocks that a new ladder has in hand.
const SPARE: usize = 4;

#[derive(Clone, Debug)]
struct Block {
    len: usize,
    ranks: [i64; BLOCK],
    levels: [u32; BLOCK],
}

impl Block {
    fn empty() -> Box<Self> {
        Box::new(Self {
            len: 0,
            ranks: [0; BLOCK],
            levels: [0; BLOCK],
        })
    }

    fn ranks(&self) -> &[i64] {
        &self.ranks[..self.len]
    }

    fn insert(&mut self, at: usize, rank: i64, level: u32) {
        self.ranks.copy_within(at..self.len, at + 1);
        self.levels.copy_within(at..self.len, at + 1);
        (self.ranks[at], self.levels[at]) = (rank, level);
        self.len += 1;
    }

    fn remove(&mut self, at: usize) {
        self.ranks.copy_within(at + 1..self.len, at);
        self.levels.copy_within(at + 1..self.len, at);
        self.len -= 1;
    }

    /// Takes over all entries of the block behind this one.
    fn append(&mut self, next: &Self) {
        self.ranks[self.len..self.len + next.len].copy_from_slice(next.ranks());
        self.levels[self.len..self.len + next.len].copy_from_slice(&next.levels[..next.len]);
        self.len += next.len;
    }
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    block: usize,
    at: usize,
}

/// Rank to number of a level; the higher rank is the better one.
#[derive(Clone, Debug)]
#[expect(
    clippy::vec_box,
    reason = "blocks change places, and a block is most of a kilobyte"
)]
pub(crate) struct Ladder {
    blocks: Vec<Box<Block>>,
    spare: Vec<Box<Block>>,
}

impl Ladder {
    pub fn new() -> Self {
        Self {
            blocks: Vec::with_capacity(SPARE),
            spare: (0..SPARE).map(|_| Block::empty()).collect(),
        }
    }

    /// The highest rank and its level.
    pub fn best(&self) -> Option<(i64, u32)> {
        let block = self.blocks.last()?;
        Some((block.ranks[block.len - 1], block.levels[block.len - 1]))
    }

    pub fn get(&self, rank: i64) -> Option<u32> {
        let place = self.find(rank).ok()?;
        Some(self.blocks[place.block].levels[place.at])
    }

    /// The level of this rank, a new one when there was none.
    pub fn get_or_insert(&mut self, rank: i64, new: impl FnOnce() -> u32) -> u32 {
        match self.find(rank) {
            Ok(place) => self.blocks[place.block].levels[place.at],
            Err(place) => {
                let (place, level) = (self.with_room(place), new());
                self.blocks[place.block].insert(place.at, rank, level);
                level
            }
        }
    }

    /// Takes a rank out, if it is there.
    pub fn remove(&mut self, rank: i64) {
        let Ok(Place { block, at }) = self.find(rank) else {
            return;
        };
        self.blocks[block].remove(at);
        if self.blocks[block].len == 0 {
            let emptied = self.blocks.remove(block);
            self.spare.push(emptied);
        } else if !self.merged_with_next(block) && block > 0 {
            self.merged_with_next(block - 1);
        }
    }

    /// Every rank and its level, the highest first.
    pub fn iter(&self) -> impl Iterator<Item = (i64, u32)> {
        self.blocks.iter().rev().flat_map(|block| {
            let ranks = block.ranks().iter().copied();
            ranks.zip(block.levels).rev()
        })
    }

    /// Where the rank stands, or where it would.
    fn find(&self, rank: i64) -> Result<Place, Place> {
        let behind = match self.blocks.last() {
            None => return Err(Place { block: 0, at: 0 }),
            // Most of what happens is near the best price.
            Some(last) if last.ranks[0] <= rank => self.blocks.len(),
            Some(_) => self.blocks.partition_point(|block| block.ranks[0] <= rank),
        };
        let block = behind.saturating_sub(1);
        match self.blocks[block].ranks().binary_search(&rank) {
            Ok(at) => Ok(Place { block, at }),
            Err(at) => Err(Place { block, at }),
        }
    }

    /// Makes sure that one more entry fits at `place`; the place moves when its block had to be split.
    fn with_room(&mut self, place: Place) -> Place {
        let Place { block, at } = place;
        if self.blocks.is_empty() {
            let first = self.fresh();
            self.blocks.push(first);
        }
        if self.blocks[block].len < BLOCK {
            return place;
        }
        let mut upper = self.fresh();
        let lower = &mut self.blocks[block];
        let half = BLOCK / 2;
        upper.ranks[..half].copy_from_slice(&lower.ranks[half..]);
        upper.levels[..half].copy_from_slice(&lower.levels[half..]);
        (upper.len, lower.len) = (half, half);
        self.blocks.insert(block + 1, upper);
        if at <= half {
            place
        } else {
            Place {
                block: block + 1,
                at: at - half,
            }
        }
    }

    /// Keeps the blocks from becoming many and nearly empty.
    fn merged_with_next(&mut self, block: usize) -> bool {
        let next = self.blocks.get(block + 1).map(|next| next.len);
        let fits = next.is_some_and(|next| self.blocks[block].len + next <= MERGED);
        if fits {
            let next = self.blocks.remove(block + 1);
            self.blocks[block].append(&next);
            self.spare.push(next);
        }
        fits
    }

    fn fresh(&mut self) -> Box<Block> {
        let mut block = self.spare.pop().unwrap_or_else(Block::empty);
        block.len = 0;
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn shown(ladder: &Ladder) -> Vec<(i64, u32)> {
        ladder.iter().collect()
    }

    proptest! {
        #[test]
        fn it_holds_what_a_tree_holds(steps in prop::collection::vec((any::<bool>(), -150i64..150), 1..2000)) {
            let (mut ladder, mut tree) = (Ladder::new(), BTreeMap::new());
            for (step, (adds, rank)) in (1..).zip(steps) {
                if adds {
                    let level = ladder.get_or_insert(rank, || step);
                    prop_assert_eq!(level, *tree.entry(rank).or_insert(step));
                } else {
                    ladder.remove(rank);
                    tree.remove(&rank);
                }
                let best = tree.last_key_value().map(|(&rank, &step)| (rank, step));
                prop_assert_eq!(ladder.best(), best);
                prop_assert_eq!(ladder.get(rank), tree.get(&rank).copied());
            }
            let wanted: Vec<_> = tree.iter().rev().map(|(&rank, &step)| (rank, step)).collect();
            prop_assert_eq!(shown(&ladder), wanted);
        }
    }

    #[test]
    fn thousands_of_ranks_come_and_go_from_either_end() {
        for order in [1, -1] {
            let mut ladder = Ladder::new();
            for rank in 0..5_000 {
                ladder.get_or_insert(order * rank, || 7);
            }
            assert_eq!(shown(&ladder).len(), 5_000);
            assert!(shown(&ladder).is_sorted_by(|better, worse| better.0 > worse.0));
            for rank in 0..5_000 {
                ladder.remove(order * rank);
            }
            assert_eq!((shown(&ladder), ladder.blocks.len()), (vec![], 0));
        }
    }

    #[test]
    fn blocks_that_emptied_are_used_again() {
        let mut ladder = Ladder::new();
        for rank in 0..1_000 {
            ladder.get_or_insert(rank, || 7);
        }
        let held = ladder.blocks.len() + ladder.spare.len();
        (0..1_000)
            .filter(|rank| rank % 50 != 0)
            .for_each(|rank| ladder.remove(rank));
        assert!(ladder.blocks.len() <= 2, "{} blocks", ladder.blocks.len());
        (0..1_000).for_each(|rank| {
            ladder.get_or_insert(rank, || 7);
        });
        assert_eq!(ladder.blocks.len() + ladder.spare.len(), held);
    }
}
