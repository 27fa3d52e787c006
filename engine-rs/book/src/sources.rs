//! The highest `(incarnation, number)` seen of every source: what makes inputs idempotent.

/// Order shards, which have a place of their own in an array.
const SHARDS: usize = 1024;

/// Where one source has got to. `number` 0 means: nothing seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub incarnation: u64,
    pub number: u64,
}

impl Cursor {
    /// Moves to the given place when that is newer, and says whether it was. Number 0 is never new.
    #[inline]
    fn advance(&mut self, incarnation: u64, number: u64) -> bool {
        let newer = number > 0 && (incarnation, number) > (self.incarnation, self.number);
        if newer {
            *self = Self {
                incarnation,
                number,
            };
        }
        newer
    }
}

/// All cursors: an array for the order shards, a sorted list for the few others.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    shards: Box<[Cursor; SHARDS]>,
    others: Vec<(u32, Cursor)>,
}

impl Sources {
    pub fn new() -> Self {
        Self {
            shards: Box::new([Cursor::default(); SHARDS]),
            others: Vec::with_capacity(16),
        }
    }

    /// Moves a source's cursor; false when the command is a repeat.
    #[inline]
    pub fn advance(&mut self, source: u32, incarnation: u64, number: u64) -> bool {
        match self.shards.get_mut(source as usize) {
            Some(cursor) => cursor.advance(incarnation, number),
            None => self.advance_other(source, incarnation, number),
        }
    }

    fn advance_other(&mut self, source: u32, incarnation: u64, number: u64) -> bool {
        match self
            .others
            .binary_search_by_key(&source, |&(known, _)| known)
        {
            Ok(at) => self.others[at].1.advance(incarnation, number),
            Err(at) => {
                let mut cursor = Cursor::default();
                let newer = cursor.advance(incarnation, number);
                if newer {
                    self.others.insert(at, (source, cursor));
                }
                newer
            }
        }
    }

    /// Where a source has got to; `None` before its first command.
    pub fn get(&self, source: u32) -> Option<Cursor> {
        let found = match self.shards.get(source as usize) {
            Some(cursor) => Some(*cursor),
            None => self
                .others
                .binary_search_by_key(&source, |&(known, _)| known)
                .ok()
                .map(|at| self.others[at].1),
        };
        found.filter(|cursor| cursor.number > 0)
    }

    /// Every source that was seen, by rising source.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Cursor)> {
        let shards = (0u32..)
            .zip(self.shards.iter().copied())
            .filter(|(_, cursor)| cursor.number > 0);
        shards.chain(self.others.iter().copied())
    }
}

impl crate::Book {
    /// The incarnation and number of the newest command that this source has sent; `None` before its
    /// first. What is not newer is a repeat.
    #[must_use]
    pub fn cursor(&self, source: u32) -> Option<(u64, u64)> {
        let cursor = self.sources.get(source)?;
        Some((cursor.incarnation, cursor.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_newer_than_the_highest_seen_is_new() {
        for source in [0, 1023, 1024, u32::MAX] {
            let mut sources = Sources::new();
            assert!(sources.advance(source, 0, 1));
            assert!(!sources.advance(source, 0, 1));
            assert!(sources.advance(source, 0, 7));
            assert!(!sources.advance(source, 0, 6));
            assert!(
                sources.advance(source, 2, 1),
                "a higher incarnation starts again at 1"
            );
            assert!(
                !sources.advance(source, 1, 99),
                "an older incarnation is a repeat"
            );
        }
    }

    #[test]
    fn number_zero_is_never_new_and_leaves_no_trace() {
        let mut sources = Sources::new();
        assert!(!sources.advance(5, 9, 0));
        assert!(!sources.advance(5000, 9, 0));
        assert_eq!(sources.iter().count(), 0);
    }

    #[test]
    fn a_source_has_got_to_its_newest_command() {
        let mut sources = Sources::new();
        for source in [7, 4096] {
            assert!(sources.get(source).is_none());
            assert!(sources.advance(source, 3, 9));
            assert!(!sources.advance(source, 2, 10));
            let cursor = sources.get(source).map(|at| (at.incarnation, at.number));
            assert_eq!(cursor, Some((3, 9)));
        }
    }

    #[test]
    fn sources_come_out_in_order() {
        let mut sources = Sources::new();
        for source in [4096, 3, 1024, 2048, 0] {
            assert!(sources.advance(source, 1, 1));
        }
        let order: Vec<u32> = sources.iter().map(|(source, _)| source).collect();
        assert_eq!(order, [0, 3, 1024, 2048, 4096]);
    }
}
