//! Outcry's cold wallet: it keeps one key, reads unsigned transactions from QR codes, says in human
//! words what they do, asks, signs, and answers in QR codes. Nothing here speaks to a network: no crate
//! below it does (`tests/offline.rs`), and the kernel is told to kill the program if it ever tries
//! ([`lockdown`]).
//!
//! What the online side sends is taken as an attacker's word. Amounts, addresses, change and fees are
//! worked out here, from the bytes that are signed and from the key's own derivation.

pub mod amount;
pub mod chain;
pub mod cli;
pub mod error;
pub mod key;
pub mod lockdown;
pub mod qr;
pub mod review;
pub mod tokens;
pub mod ur;

pub use error::ColdError;

/// What everything here answers with.
pub type Result<T> = std::result::Result<T, ColdError>;
