//! Bitcoin: PSBTs whose inputs are taproot outputs of this key (BIP-174, BIP-371, BIP-86).

mod check;
mod inputs;
mod outputs;
mod sign;

pub use check::Checked;
