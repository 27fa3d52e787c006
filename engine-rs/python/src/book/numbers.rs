//! The numbers that a book gives to commands which come without one.

use outcry_book::{Body, Book, Command};

/// Whom the pair's settings and a mass cancel of the whole pair come from.
pub const OPERATOR: u32 = 1024;

/// Where one source has got to.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    pub source: u32,
    incarnation: u64,
    number: u64,
}

impl Numbers {
    /// Goes on behind what the book has seen of this source.
    pub fn behind(book: &Book, source: u32) -> Self {
        let (incarnation, number) = book.cursor(source).unwrap_or((1, 0));
        Self {
            source,
            incarnation,
            number,
        }
    }

    /// This source's next command. When somebody has used up an incarnation's numbers, the next one's
    /// begin: after them any number would be a repeat.
    pub fn command(&mut self, body: Body) -> Command {
        (self.incarnation, self.number) = match self.number.checked_add(1) {
            Some(number) => (self.incarnation, number),
            None => (self.incarnation.saturating_add(1), 1),
        };
        Command {
            source: self.source,
            incarnation: self.incarnation,
            number: self.number,
            time_unix_nanos: 0,
            body,
        }
    }
}
