//! Ethereum: EIP-1559 transactions of ether and of ERC-20 tokens. Nothing else is signed here: no
//! messages, no typed data, no older transactions that say less.

mod address;
mod check;
mod rlp;
mod transaction;

pub use address::EthereumAddress;
pub use check::Checked;

use sha3::{Digest, Keccak256};

fn keccak(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}
