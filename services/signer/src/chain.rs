//! What a transaction does, read from its bytes by the signer itself.

use std::collections::BTreeSet;
use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::derive::KeyPath;
use crate::error::Refusal;
use crate::scheme::Scheme;

pub mod bitcoin;
pub mod ethereum;
mod rlp;
pub mod solana;

/// A chain that this signer knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// Taproot, key path.
    Bitcoin,
    /// EIP-1559 transactions.
    Ethereum,
    /// Legacy messages.
    Solana,
}

impl Chain {
    /// As approvals write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bitcoin => "bitcoin",
            Self::Ethereum => "ethereum",
            Self::Solana => "solana",
        }
    }

    /// With which key it signs.
    #[must_use]
    pub fn scheme(self) -> Scheme {
        match self {
            Self::Bitcoin => Scheme::Taproot,
            Self::Ethereum => Scheme::Ecdsa,
            Self::Solana => Scheme::Ed25519,
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Coins that leave us, to somebody who is neither ourselves nor a cold wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Where in the transaction, for messages.
    pub place: String,
    /// `BTC`, `ETH`, `USDT@0x…`.
    pub asset: String,
    /// Chain units.
    pub amount: u128,
    /// For messages.
    pub address: String,
    /// Every way to write the receiver that an approval may use.
    pub receivers: BTreeSet<String>,
}

/// One signature that the transaction needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToSign {
    /// By which of our addresses.
    pub path: KeyPath,
    /// What is signed: a hash this signer made (Bitcoin, Ethereum), or the message (Solana).
    pub message: Vec<u8>,
}

/// What a transaction does.
#[derive(Clone, Debug)]
pub struct Reading {
    /// On which chain.
    pub chain: Chain,
    /// Coins that leave us.
    pub payments: Vec<Payment>,
    /// The most that the chain may take for it, in its own units.
    pub fee: u128,
    /// What it spends that can be spent once.
    pub conflict_points: BTreeSet<String>,
    /// What to sign, in the transaction's order.
    pub to_sign: Vec<ToSign>,
}

impl Reading {
    /// What makes it one transaction of several that replace each other: what it spends, or, when that is
    /// nothing (Solana without a durable nonce), itself.
    #[must_use]
    pub fn spends(&self) -> String {
        self.conflict_points.first().cloned().unwrap_or_else(|| {
            let mut hash = Sha256::new();
            for wanted in &self.to_sign {
                hash.update(&wanted.message);
            }
            hex::encode(hash.finalize())
        })
    }
}

/// A chain's caps on fees, in its own units.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Of one transaction.
    pub max_fee: u128,
    /// Of 24 hours.
    pub max_fee_per_day: u128,
}

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Ready to broadcast.
    pub transaction: Vec<u8>,
    /// As the chain names it.
    pub id: String,
    /// In the order of [`Reading::to_sign`].
    pub signatures: Vec<Vec<u8>>,
}

/// A transaction of one chain, read.
pub trait Transaction: Send {
    /// What it does.
    fn reading(&self) -> &Reading;

    /// The signed transaction; every signature is checked once more, by the chain's own library.
    ///
    /// # Errors
    /// A signature that isn't valid.
    fn finish(&self, signatures: &[Vec<u8>]) -> Result<Finished, Refusal>;
}
