//! Stops that wait for a price, level by level, the one that comes first at hand.

use crate::ladder::Ladder;
use crate::list::List;
use crate::slab::{NONE, Slab};

/// Which way the price has to go to meet a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// Met at the trigger price and above.
    Rising,
    /// Met at the trigger price and below.
    Falling,
}

impl Way {
    /// Whether a price meets a trigger price.
    pub fn met(self, trigger: i64, price: i64) -> bool {
        match self {
            Self::Rising => price >= trigger,
            Self::Falling => price <= trigger,
        }
    }

    /// A number that is higher for a trigger price that is met sooner.
    pub fn rank(self, trigger: i64) -> i64 {
        match self {
            Self::Rising => -trigger,
            Self::Falling => trigger,
        }
    }
}

/// The waiting stops of one way.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    way: Way,
    ladder: Ladder,
    /// By number of the level; an order knows its own.
    lists: Vec<List>,
    /// Numbers that are free.
    free: Vec<u32>,
}

impl Shelf {
    pub fn new(way: Way) -> Self {
        Self {
            way,
            ladder: Ladder::new(),
            lists: Vec::new(),
            free: Vec::new(),
        }
    }

    /// The trigger price that is met first.
    pub fn first(&self) -> Option<i64> {
        let (rank, _) = self.ladder.best()?;
        Some(self.turned(rank))
    }

    /// Takes the level that is met first away, with all its orders.
    pub fn pop(&mut self) -> Option<(i64, List)> {
        let (rank, level) = self.ladder.best()?;
        self.ladder.remove(rank);
        self.free.push(level);
        Some((self.turned(rank), self.lists[level as usize]))
    }

    pub fn push(&mut self, slab: &mut Slab, slot: u32, trigger: i64) {
        let rank = self.way.rank(trigger);
        let (lists, free) = (&mut self.lists, &mut self.free);
        let level = self.ladder.get_or_insert(rank, || opened(lists, free));
        self.lists[level as usize].push(slab, slot);
        slab.get_mut(slot).level = level;
    }

    pub fn unlink(&mut self, slab: &mut Slab, slot: u32, trigger: i64) {
        let level = slab.get(slot).level;
        let list = &mut self.lists[level as usize];
        list.unlink(slab, slot);
        if list.is_empty() {
            self.ladder.remove(self.way.rank(trigger));
            self.free.push(level);
        }
    }

    /// Every level, the one that is met first at the front.
    pub fn iter(&self) -> impl Iterator<Item = (i64, List)> {
        self.ladder
            .iter()
            .map(|(rank, level)| (self.turned(rank), self.lists[level as usize]))
    }

    fn turned(&self, rank: i64) -> i64 {
        match self.way {
            Way::Rising => -rank,
            Way::Falling => rank,
        }
    }
}

/// The number of a level without orders.
fn opened(lists: &mut Vec<List>, free: &mut Vec<u32>) -> u32 {
    if let Some(level) = free.pop() {
        lists[level as usize] = List::EMPTY;
        return level;
    }
    let level = u32::try_from(lists.len()).unwrap_or(NONE);
    lists.push(List::EMPTY);
    level
}
