//! The cold key: its words, the file it rests in, and what is derived from it.

mod derive;
mod entropy;
mod keystore;
mod network;

pub use derive::{ColdKey, ETHEREUM_PATH, SOLANA_PATH};
pub use entropy::{fresh, from_words, words};
pub use keystore::{Cost, Keystore, strong_enough};
pub use network::Network;
