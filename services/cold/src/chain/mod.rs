//! What each chain's transactions say, and how they are signed.

pub mod bitcoin;
pub mod ethereum;
pub mod solana;

use crate::Result;
use crate::key::ColdKey;
use crate::review::Review;
use crate::tokens::Tokens;
use crate::ur::{Message, Signing, parse};

/// A transaction that was read and understood, ready to be signed.
pub enum Transaction {
    /// A PSBT, and the UR type that it came in.
    Bitcoin(bitcoin::Checked, String),
    /// An EIP-1559 transaction.
    Ethereum(ethereum::Checked),
    /// A message of instructions.
    Solana(solana::Checked),
}

impl Transaction {
    /// Reads a request and works out what it would do.
    ///
    /// # Errors
    /// Whatever makes it nothing that may be signed.
    pub fn read(message: &Message, key: &ColdKey, tokens: &Tokens) -> Result<Self> {
        Ok(match parse(message)? {
            Signing::Psbt(bytes) => {
                Self::Bitcoin(bitcoin::Checked::read(&bytes, key)?, message.kind.clone())
            }
            Signing::Ethereum(ask) => Self::Ethereum(ethereum::Checked::read(ask, key, tokens)?),
            Signing::Solana(ask) => Self::Solana(solana::Checked::read(ask, key, tokens)?),
        })
    }

    /// What a person is shown.
    #[must_use]
    pub const fn review(&self) -> &Review {
        match self {
            Self::Bitcoin(checked, _) => checked.review(),
            Self::Ethereum(checked) => checked.review(),
            Self::Solana(checked) => checked.review(),
        }
    }

    /// Signs it; the answer for the online side.
    ///
    /// # Errors
    /// [`crate::ColdError::BadSignature`] when what was made doesn't verify.
    pub fn sign(self, key: &ColdKey) -> Result<Message> {
        match self {
            Self::Bitcoin(checked, kind) => checked.sign(key, &kind),
            Self::Ethereum(checked) => checked.sign(key),
            Self::Solana(checked) => checked.sign(key),
        }
    }
}
