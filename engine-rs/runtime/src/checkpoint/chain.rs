//! From files back to a book: an image and the deltas that fit behind it.

use std::io;
use std::path::Path;

use outcry_book::{Book, Command, Event, Sink};

use super::format::{Header, Kind, Piece, PieceError, read_piece};
use super::store::{Listed, list};
use crate::codec::{Limits, Poison, decode_commands_into};

/// An image and what follows it without a break.
#[derive(Clone, Debug)]
pub struct Chain {
    image: Piece,
    deltas: Vec<Piece>,
    /// Why it ends where it does, if something stood there that doesn't fit.
    pub broken: Option<String>,
}

/// A state that a chain can bring back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestorePoint {
    deltas: usize,
}

/// Why a chain doesn't give a book.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The image holds no book.
    #[error("image {number}: {problem}")]
    Image {
        /// Of the piece.
        number: u64,
        /// What the core says.
        problem: String,
    },
    /// A delta holds no commands.
    #[error("delta {number}: {problem}")]
    Delta {
        /// Of the piece.
        number: u64,
        /// What is wrong.
        problem: Poison,
    },
    /// The commands lead elsewhere than the header says.
    #[error("piece {number} leads to seq {found}, its header says {stated}")]
    Seq {
        /// Of the piece.
        number: u64,
        /// The book's.
        found: u64,
        /// The header's.
        stated: u64,
    },
}

/// Every chain of a directory, newest first. Images that can't be read are reported and passed over.
///
/// # Errors
/// When the directory can't be read.
pub fn chains(dir: &Path) -> io::Result<impl Iterator<Item = Result<Chain, (Listed, PieceError)>>> {
    let pieces = list(dir)?;
    let starts: Vec<usize> = (0..pieces.len())
        .rev()
        .filter(|&at| pieces[at].kind == Kind::Image)
        .collect();
    Ok(starts.into_iter().map(move |at| {
        let image = read_piece(&pieces[at].path).map_err(|error| (pieces[at].clone(), error))?;
        Ok(Chain::follow(image, &pieces[at + 1..]))
    }))
}

impl Chain {
    fn follow(image: Piece, behind: &[Listed]) -> Self {
        let mut chain = Self {
            image,
            deltas: Vec::new(),
            broken: None,
        };
        for listed in behind
            .iter()
            .take_while(|listed| listed.kind == Kind::Delta)
        {
            match read_piece(&listed.path) {
                Ok(piece) if fits(chain.last(), &piece.header) => chain.deltas.push(piece),
                Ok(_) => {
                    chain.broken = Some(format!(
                        "{}: does not follow the piece before it",
                        listed.path.display()
                    ));
                    break;
                }
                Err(error) => {
                    chain.broken = Some(format!("{}: {error}", listed.path.display()));
                    break;
                }
            }
        }
        chain
    }

    fn last(&self) -> &Header {
        self.deltas
            .last()
            .map_or(&self.image.header, |piece| &piece.header)
    }

    /// Where it ends.
    #[must_use]
    pub fn newest(&self) -> &Header {
        self.last()
    }

    /// The newest state that is not ahead of `published_seq`.
    #[must_use]
    pub fn point_at(&self, published_seq: u64) -> Option<RestorePoint> {
        (0..=self.deltas.len())
            .rev()
            .map(|deltas| RestorePoint { deltas })
            .find(|point| self.header(*point).seq_after <= published_seq)
    }

    /// The piece at which a state ends.
    #[must_use]
    pub fn header(&self, point: RestorePoint) -> &Header {
        point
            .deltas
            .checked_sub(1)
            .map_or(&self.image.header, |last| &self.deltas[last].header)
    }

    /// Makes the book of that state.
    ///
    /// # Errors
    /// [`ChainError`] when the pieces, whole as they are, do not make it.
    pub fn restore(&self, point: RestorePoint) -> Result<Book, ChainError> {
        let image = &self.image.header;
        let mut book = Book::restore(&self.image.body).map_err(|error| ChainError::Image {
            number: image.number,
            problem: error.to_string(),
        })?;
        expect_seq(&book, image)?;
        let mut commands = Vec::new();
        for piece in &self.deltas[..point.deltas] {
            replay(&mut book, piece, &mut commands)?;
            expect_seq(&book, &piece.header)?;
        }
        Ok(book)
    }
}

fn fits(before: &Header, next: &Header) -> bool {
    next.number == before.number + 1
        && next.identity == before.identity
        && next.input_before == before.input_after
        && next.seq_before == before.seq_after
}

fn expect_seq(book: &Book, header: &Header) -> Result<(), ChainError> {
    if book.seq() == header.seq_after {
        return Ok(());
    }
    Err(ChainError::Seq {
        number: header.number,
        found: book.seq(),
        stated: header.seq_after,
    })
}

struct Nowhere;

impl Sink for Nowhere {
    fn emit(&mut self, _: &Event) {}
}

fn replay(book: &mut Book, piece: &Piece, commands: &mut Vec<Command>) -> Result<(), ChainError> {
    if piece.header.commands == 0 {
        return Ok(());
    }
    let unlimited = Limits {
        record_bytes: usize::MAX,
        commands: u32::MAX,
    };
    decode_commands_into(
        &piece.body,
        &piece.header.identity.symbol,
        unlimited,
        commands,
    )
    .map_err(|problem| ChainError::Delta {
        number: piece.header.number,
        problem,
    })?;
    for command in commands.iter() {
        book.apply(command, &mut Nowhere);
    }
    Ok(())
}
