//! A number for some users: open addressing with a fixed hash, so that no run differs from another.
//!
//! Removal shifts later entries back instead of leaving tombstones, as in [`crate::index`].

const SMALLEST: usize = 64;

/// User id (never 0) to a number.
#[derive(Clone, Debug)]
pub(crate) struct Users {
    /// 0 marks an empty place.
    entries: Vec<(u64, i64)>,
    len: usize,
}

impl Users {
    pub fn new() -> Self {
        Self {
            entries: vec![(0, 0); SMALLEST],
            len: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn get(&self, user_id: u64) -> Option<i64> {
        let (found, value) = self.entries[self.find(user_id)];
        (found == user_id).then_some(value)
    }

    /// The user's number, to change: 0 when it had none.
    pub fn entry(&mut self, user_id: u64) -> &mut i64 {
        let mut at = self.find(user_id);
        if self.entries[at].0 == 0 {
            if (self.len + 1) * 2 > self.entries.len() {
                self.grow();
                at = self.find(user_id);
            }
            self.entries[at] = (user_id, 0);
            self.len += 1;
        }
        &mut self.entries[at].1
    }

    pub fn remove(&mut self, user_id: u64) {
        let mut hole = self.find(user_id);
        if self.entries[hole].0 == 0 {
            return;
        }
        let mask = self.entries.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let moving = self.entries[at];
            if moving.0 == 0 {
                break;
            }
            let wanted = self.home(moving.0);
            if at.wrapping_sub(wanted) & mask >= at.wrapping_sub(hole) & mask {
                self.entries[hole] = moving;
                hole = at;
            }
        }
        self.entries[hole] = (0, 0);
        self.len -= 1;
    }

    pub fn clear(&mut self) {
        self.entries.fill((0, 0));
        self.len = 0;
    }

    /// Every user and its number, in no order that may decide anything.
    pub fn iter(&self) -> impl Iterator<Item = (u64, i64)> {
        self.entries.iter().copied().filter(|&(user, _)| user != 0)
    }

    /// Where the user stands, or the empty place where it would.
    fn find(&self, user_id: u64) -> usize {
        let mask = self.entries.len() - 1;
        let mut at = self.home(user_id);
        while self.entries[at].0 != user_id && self.entries[at].0 != 0 {
            at = (at + 1) & mask;
        }
        at
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "shifted down to the number of places"
    )]
    fn home(&self, user_id: u64) -> usize {
        let shift = 64 - self.entries.len().trailing_zeros();
        (user_id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift) as usize
    }

    fn grow(&mut self) {
        let larger = vec![(0, 0); self.entries.len() * 2];
        let smaller = std::mem::replace(&mut self.entries, larger);
        for entry in smaller.into_iter().filter(|&(user, _)| user != 0) {
            let at = self.find(entry.0);
            self.entries[at] = entry;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_holds_what_a_tree_holds(steps in prop::collection::vec((0..3u8, 1..400u64), 1..2000)) {
            let (mut users, mut tree) = (Users::new(), BTreeMap::new());
            for (step, user) in steps {
                if step == 0 {
                    users.remove(user);
                    tree.remove(&user);
                } else {
                    *users.entry(user) += i64::from(step);
                    *tree.entry(user).or_insert(0) += i64::from(step);
                }
                prop_assert_eq!(users.get(user), tree.get(&user).copied());
                prop_assert_eq!(users.len(), tree.len());
            }
            let mut held: Vec<_> = users.iter().collect();
            held.sort_unstable();
            prop_assert_eq!(held, tree.into_iter().collect::<Vec<_>>());
        }
    }
}
