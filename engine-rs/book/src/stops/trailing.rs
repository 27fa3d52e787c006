//! Stops that follow the price at a distance.
//!
//! Orders of one side and one distance form a group. A new order starts at the price of the moment,
//! and every trade drags along those that are behind it; so the extremes of a group, from the order
//! that began first to the one that began last, only ever fall for sells and rise for buys. The group
//! is a queue of steps: a trade merges steps at the end that began last, and triggers at the other.
//! A step covers a run of beginnings, which is how an order finds its step however often it merged.

use std::collections::VecDeque;

use crate::list::List;
use crate::slab::Slab;
use crate::stops::shelf::Way;
use crate::words::Side;

/// Basis points of the whole.
const WHOLE: i128 = 10_000;

/// The price at which an order that tracks triggers; beyond `i64` it is out of reach.
pub(crate) fn trigger_price(side: Side, extreme: i64, delta: i32) -> i128 {
    let (extreme, delta) = (i128::from(extreme), i128::from(delta));
    match side {
        Side::Sell => extreme * (WHOLE - delta) / WHOLE,
        Side::Buy => (extreme * (WHOLE + delta) + WHOLE - 1) / WHOLE,
    }
}

/// Which way an order of this side triggers once it tracks.
pub(crate) fn way(side: Side) -> Way {
    match side {
        Side::Sell => Way::Falling,
        Side::Buy => Way::Rising,
    }
}

/// Orders with one extreme.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// The first beginning that it covers.
    since: u64,
    extreme: i64,
    list: List,
}

/// Orders of one side and one distance that track, by beginning.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    side: Side,
    delta: i32,
    steps: VecDeque<Step>,
}

impl Group {
    /// A trade at the first of these prices or below, or at the second or above, changes something.
    fn heard(&self) -> Option<(i64, i64)> {
        let (first, last) = (self.steps.front()?, self.steps.back()?);
        let trigger = trigger_price(self.side, first.extreme, self.delta);
        let trigger = i64::try_from(trigger).unwrap_or(i64::MAX);
        Some(match self.side {
            Side::Sell => (trigger, last.extreme.saturating_add(1)),
            Side::Buy => (last.extreme - 1, trigger),
        })
    }

    /// Drags along every order that is behind the price.
    fn follow(&mut self, slab: &mut Slab, price: i64) {
        let Some(last) = self.steps.back() else {
            return;
        };
        if !self.passed(last.extreme, price) {
            return;
        }
        let mut merged = Step {
            since: last.since,
            extreme: price,
            list: List::EMPTY,
        };
        while let Some(step) = self.steps.back().copied() {
            if !self.passed(step.extreme, price) && step.extreme != price {
                break;
            }
            merged.since = step.since;
            merged.list.append(slab, step.list);
            self.steps.pop_back();
        }
        self.steps.push_back(merged);
    }

    fn passed(&self, extreme: i64, price: i64) -> bool {
        match self.side {
            Side::Sell => price > extreme,
            Side::Buy => price < extreme,
        }
    }

    fn begin(&mut self, slab: &mut Slab, slot: u32, price: i64, since: u64) {
        match self.steps.back_mut() {
            Some(last) if last.extreme == price => last.list.push(slab, slot),
            _ => {
                let mut list = List::EMPTY;
                list.push(slab, slot);
                self.steps.push_back(Step {
                    since,
                    extreme: price,
                    list,
                });
            }
        }
    }

    /// Takes away the step that triggers at this price, if one does.
    fn triggered(&mut self, price: i64) -> Option<(i64, List)> {
        let first = self.steps.front()?;
        let trigger = trigger_price(self.side, first.extreme, self.delta);
        let trigger = i64::try_from(trigger).ok()?;
        if !way(self.side).met(trigger, price) {
            return None;
        }
        self.steps.pop_front().map(|step| (trigger, step.list))
    }

    /// The number of the step that covers this beginning.
    fn step_of(&self, since: u64) -> usize {
        let behind = self.steps.partition_point(|step| step.since <= since);
        behind.saturating_sub(1)
    }
}

/// Every order that tracks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trailing {
    /// By side and distance; none is empty.
    groups: Vec<Group>,
    /// Queues of groups that emptied, for those to come.
    spare: Vec<VecDeque<Step>>,
    /// How many orders track.
    len: usize,
}

impl Trailing {
    pub fn len(&self) -> usize {
        self.len
    }

    /// Starts tracking at a price; `since` rises from beginning to beginning.
    pub fn begin(&mut self, slab: &mut Slab, slot: u32, price: i64, since: u64) {
        let (side, delta) = (slab.get(slot).side, slab.extra(slot).trailing_delta);
        let found = self.find(side, delta);
        let at = found.unwrap_or_else(|at| {
            let steps = self.spare.pop().unwrap_or_default();
            self.groups.insert(at, Group { side, delta, steps });
            at
        });
        self.groups[at].begin(slab, slot, price, since);
        if let Some(extra) = slab.extra_mut(slot) {
            extra.tracking_since = since;
        }
        self.len += 1;
    }

    pub fn unlink(&mut self, slab: &mut Slab, slot: u32) {
        let (side, extra) = (slab.get(slot).side, *slab.extra(slot));
        let Ok(at) = self.find(side, extra.trailing_delta) else {
            return;
        };
        let group = &mut self.groups[at];
        let step = group.step_of(extra.tracking_since);
        group.steps[step].list.unlink(slab, slot);
        if group.steps[step].list.is_empty() {
            group.steps.remove(step);
        }
        if group.steps.is_empty() {
            let emptied = self.groups.remove(at);
            self.spare.push(emptied.steps);
        }
        self.len -= 1;
    }

    /// The best price since the order in `slot` began to track.
    pub fn extreme(&self, slab: &Slab, slot: u32) -> i64 {
        let (side, extra) = (slab.get(slot).side, slab.extra(slot));
        let group = self.find(side, extra.trailing_delta);
        group.map_or(0, |at| {
            let group = &self.groups[at];
            group.steps[group.step_of(extra.tracking_since)].extreme
        })
    }

    /// Follows a trade, and hands over the lists that it triggers.
    pub fn see(
        &mut self,
        slab: &mut Slab,
        price: i64,
        mut triggers: impl FnMut(&Slab, Way, i64, List),
    ) {
        if self.len == 0 {
            return;
        }
        for group in &mut self.groups {
            group.follow(slab, price);
            while let Some((trigger, list)) = group.triggered(price) {
                self.len -= list.iter(slab).count();
                triggers(slab, way(group.side), trigger, list);
            }
        }
        let spare = &mut self.spare;
        self.groups.retain_mut(|group| {
            let emptied = group.steps.is_empty();
            if emptied {
                spare.push(std::mem::take(&mut group.steps));
            }
            !emptied
        });
    }

    /// Widens what is heard to what changes something here.
    pub fn heard(&self, heard: (i64, i64)) -> (i64, i64) {
        let each = self.groups.iter().filter_map(Group::heard);
        each.fold(heard, |heard, group| {
            (heard.0.max(group.0), heard.1.min(group.1))
        })
    }

    /// Every step of every group: side, extreme, trigger price, orders.
    pub fn iter(&self) -> impl Iterator<Item = (Side, i64, i128, List)> {
        self.groups.iter().flat_map(|group| {
            let (side, delta) = (group.side, group.delta);
            group.steps.iter().map(move |step| {
                let trigger = trigger_price(side, step.extreme, delta);
                (side, step.extreme, trigger, step.list)
            })
        })
    }

    fn find(&self, side: Side, delta: i32) -> Result<usize, usize> {
        self.groups
            .binary_search_by_key(&(side, delta), |group| (group.side, group.delta))
    }
}
