//! Solana: messages whose instructions move SOL and SPL tokens.

mod check;
mod instruction;
mod message;

pub use check::Checked;
