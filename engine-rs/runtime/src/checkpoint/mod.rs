//! The engine's files: full images of the book now and then, and between them the commands applied
//! since the piece before. Every piece says where in the log it stands, so that the log supplies the rest.

mod chain;
mod format;
mod store;
#[cfg(test)]
mod tests;

pub use chain::{Chain, ChainError, RestorePoint, chains};
pub(crate) use format::Frame;
pub use format::{Header, Identity, Kind, Piece, PieceError, read_header, read_piece};
pub(crate) use store::Store;
pub use store::{Listed, list};
