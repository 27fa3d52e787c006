//! The signer's own policy: a file of its own, read at start, that no caller can change.

mod approval;
mod ledger;
mod limits;
mod rules;

use std::collections::BTreeMap;
use std::path::Path;

use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};

pub use approval::Approval;
pub use ledger::Ledger;
pub use limits::{Amount, Limits};
pub use rules::{Ruling, decide};

use crate::error::Error;

/// What this signer agrees to sign.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Risk's public keys (Ed25519, 64 hex digits) by their ids. An approval needs a signature of one.
    #[serde(deserialize_with = "keys")]
    pub risk_keys: BTreeMap<String, VerifyingKey>,
    /// The longest time between review and expiry, seconds. Default: 7 days.
    #[serde(default = "week")]
    pub approval_validity_seconds: u64,
    /// Absent: nothing is signed for Bitcoin.
    pub bitcoin: Option<Bitcoin>,
    /// Absent: nothing is signed for Ethereum.
    pub ethereum: Option<Ethereum>,
    /// Absent: nothing is signed for Solana.
    pub solana: Option<Solana>,
    /// SHA-256 of the file, hex.
    #[serde(skip)]
    pub digest: String,
}

/// Bitcoin's part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bitcoin {
    /// mainnet, testnet4, signet or regtest.
    pub network: String,
    /// Satoshi a transaction.
    pub max_fee: Amount,
    /// Satoshi a virtual byte.
    pub max_fee_rate: u64,
    /// Satoshi in 24 hours.
    pub max_fee_per_day: Amount,
    /// Cold wallets: addresses, or `wpkh(xpub/0/*)` and `tr(xpub/0/*)`, of which the first
    /// [`crate::chain::bitcoin::COLD_ADDRESSES`] count.
    #[serde(default)]
    pub cold: Vec<String>,
    /// Of BTC.
    pub limits: Limits,
}

/// Ethereum's part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ethereum {
    /// EIP-155.
    pub chain_id: u64,
    /// Wei a transaction: gas limit × max fee.
    pub max_fee: Amount,
    /// Wei in 24 hours.
    pub max_fee_per_day: Amount,
    /// Cold wallets' addresses.
    #[serde(default)]
    pub cold: Vec<String>,
    /// Wei that the hot account may send to a deposit address at once, so that it can pay for the gas of
    /// moving tokens. Default: none.
    #[serde(default)]
    pub gas_top_up: Amount,
    /// By asset: `ETH`, and tokens as `USDT@0x…`.
    pub assets: BTreeMap<String, Limits>,
}

/// Solana's part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Solana {
    /// mainnet-beta, testnet, devnet or localnet: compared with approvals. (A transaction is bound to its
    /// cluster by the nonce's value, which is a hash of that cluster.)
    pub network: String,
    /// Lamports a transaction, rent for token accounts included.
    pub max_fee: Amount,
    /// Lamports in 24 hours.
    pub max_fee_per_day: Amount,
    /// Cold wallets' addresses.
    #[serde(default)]
    pub cold: Vec<String>,
    /// By asset: `SOL`, and tokens as `USDC@mint`.
    pub assets: BTreeMap<String, Limits>,
}

impl Policy {
    /// Reads the file.
    ///
    /// # Errors
    /// A file that can't be read, or a field that makes no sense.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(Error::file(path))?;
        Self::parse(&bytes).map_err(|problem| Error::Corrupt {
            path: path.to_owned(),
            problem,
        })
    }

    /// From a file's bytes.
    ///
    /// # Errors
    /// Says which field is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut policy: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if policy.risk_keys.is_empty() {
            return Err("risk_keys is empty: no withdrawal could be approved".to_owned());
        }
        policy.digest = hex::encode(Sha256::digest(bytes));
        Ok(policy)
    }
}

fn week() -> u64 {
    7 * 24 * 60 * 60
}

fn keys<'de, D: Deserializer<'de>>(input: D) -> Result<BTreeMap<String, VerifyingKey>, D::Error> {
    use serde::de::Error as _;
    BTreeMap::<String, String>::deserialize(input)?
        .into_iter()
        .map(|(id, text)| {
            let mut bytes = [0; 32];
            hex::decode_to_slice(&text, &mut bytes)
                .map_err(|_| D::Error::custom(format!("risk key {id:?} is not 64 hex digits")))?;
            let key = VerifyingKey::from_bytes(&bytes)
                .ok()
                .filter(|key| !key.is_weak())
                .ok_or_else(|| D::Error::custom(format!("risk key {id:?} is no Ed25519 key")))?;
            Ok((id, key))
        })
        .collect()
}
