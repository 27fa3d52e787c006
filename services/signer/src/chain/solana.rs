//! Solana: a legacy message that spends a durable nonce and moves SOL, or tokens that the policy names, to
//! approved withdrawals, to ourselves or to cold wallets. Any other instruction is refused.
//!
//! Programs and their encodings: System (`Transfer` 2, `AdvanceNonceAccount` 4), Compute Budget (limit 2,
//! price 3), SPL Token (`TransferChecked` 12), Associated Token Account (`CreateIdempotent` 1).

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::base58;
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::{Caps, Chain, Finished, Reading, ToSign, Transaction};
use crate::address;
use crate::derive::KeyPath;
use crate::error::{Code, Error, Refusal, refuse};
use crate::policy::{self, Limits};
use crate::scheme::GroupKey;

mod message;
mod reader;

use message::{Key, Message};
use reader::Reader;

/// SOL's name.
pub const ASSET: &str = "SOL";
/// What the policy says of Solana, made ready.
pub struct Rules {
    name: String,
    cold: BTreeSet<Key>,
    tokens: BTreeMap<Key, String>,
    limits: BTreeMap<String, Limits>,
    caps: Caps,
    programs: Programs,
}

/// Addresses of the programs that may be called.
struct Programs {
    compute_budget: Key,
    token: Key,
    associated: Key,
}

impl Rules {
    /// From the policy file.
    ///
    /// # Errors
    /// An asset or a cold wallet that makes no sense.
    pub fn new(policy: &policy::Solana) -> Result<Self, Error> {
        let setting = |what: String| move |problem: String| Error::setting(what, problem);
        let mut tokens = BTreeMap::new();
        for asset in policy.assets.keys().filter(|asset| *asset != ASSET) {
            let mint = asset
                .split_once('@')
                .ok_or_else(|| "neither SOL nor SYMBOL@mint".to_owned())
                .and_then(|(_, mint)| account(mint))
                .map_err(setting(format!("solana.assets {asset:?}")))?;
            tokens.insert(mint, asset.clone());
        }
        let cold = policy
            .cold
            .iter()
            .map(|text| account(text).map_err(setting(format!("solana.cold {text:?}"))))
            .collect::<Result<_, _>>()?;
        let program = |text: &str| account(text).map_err(setting(format!("program {text}")));
        Ok(Self {
            name: policy.network.clone(),
            cold,
            tokens,
            limits: policy.assets.clone(),
            caps: Caps {
                max_fee: policy.max_fee.0,
                max_fee_per_day: policy.max_fee_per_day.0,
            },
            programs: Programs {
                compute_budget: program("ComputeBudget111111111111111111111111111111")?,
                token: program("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")?,
                associated: program("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")?,
            },
        })
    }

    /// Its name in approvals.
    #[must_use]
    pub fn network_name(&self) -> &str {
        &self.name
    }

    /// Caps on fees.
    #[must_use]
    pub fn caps(&self) -> Caps {
        self.caps
    }

    /// An asset's limits.
    #[must_use]
    pub fn limits(&self, asset: &str) -> Option<&Limits> {
        self.limits.get(asset)
    }

    /// The account that holds `owner`'s tokens of `mint`: the first address below 255 that is no point of the
    /// curve, so that it has no key.
    fn token_account(&self, owner: &Key, mint: &Key) -> Option<Key> {
        (0..=u8::MAX).rev().find_map(|bump| {
            let candidate: Key = Sha256::new()
                .chain_update(owner)
                .chain_update(self.programs.token)
                .chain_update(mint)
                .chain_update([bump])
                .chain_update(self.programs.associated)
                .chain_update(b"ProgramDerivedAddress")
                .finalize()
                .into();
            CompressedEdwardsY(candidate)
                .decompress()
                .is_none()
                .then_some(candidate)
        })
    }
}

/// An address of 32 bytes from base58.
///
/// # Errors
/// What is wrong with it.
pub fn account(text: &str) -> Result<Key, String> {
    base58::decode(text)
        .map_err(|error| format!("no address: {error}"))?
        .try_into()
        .map_err(|_| "an address that is not 32 bytes".to_owned())
}

/// A message, read.
pub struct Parsed {
    bytes: Vec<u8>,
    signers: Vec<Key>,
    reading: Reading,
}

/// Reads a message. `paths` are those of the required signers, in order; `own` those that receive.
///
/// # Errors
/// A [`Refusal`] naming the instruction.
pub fn parse(
    bytes: &[u8],
    paths: &[KeyPath],
    own: &[KeyPath],
    approved: &BTreeSet<String>,
    key: &GroupKey,
    rules: &Rules,
) -> Result<Parsed, Refusal> {
    let message = message::parse(bytes)
        .map_err(|problem| Refusal::new(Code::Transaction, format!("message: {problem}")))?;
    let signers = signers(&message, paths, key)?;
    let mut reader = Reader::new(rules, &signers, own_accounts(own, key)?, approved);
    for (index, instruction) in message.instructions.iter().enumerate() {
        reader.read(index, instruction)?;
    }
    let fee = reader.fee(signers.len(), message.instructions.len());
    let point = reader.nonce.map(|nonce| {
        format!(
            "{}:{}",
            base58::encode(&nonce),
            base58::encode(&message.blockhash)
        )
    });
    let reading = Reading {
        chain: Chain::Solana,
        payments: reader.payments,
        fee,
        conflict_points: point.into_iter().collect(),
        to_sign: paths
            .iter()
            .map(|path| ToSign {
                path: *path,
                message: bytes.to_vec(),
            })
            .collect(),
    };
    Ok(Parsed {
        bytes: bytes.to_vec(),
        signers,
        reading,
    })
}

fn signers(message: &Message, paths: &[KeyPath], key: &GroupKey) -> Result<Vec<Key>, Refusal> {
    if paths.len() != message.signers {
        return refuse(
            Code::Input,
            format!(
                "the message needs {} signatures, the request names {} of our accounts",
                message.signers,
                paths.len()
            ),
        );
    }
    let mut signers = Vec::with_capacity(paths.len());
    for (index, path) in paths.iter().enumerate() {
        let account = own_account(*path, key)?;
        if message.accounts[index] != account {
            return refuse(
                Code::Input,
                format!(
                    "signer {index} is {}, not our account {}",
                    base58::encode(&message.accounts[index]),
                    base58::encode(&account)
                ),
            );
        }
        signers.push(account);
    }
    Ok(signers)
}

fn own_account(path: KeyPath, key: &GroupKey) -> Result<Key, Refusal> {
    address::solana(key, path).map_err(|fault| Refusal::new(Code::Key, fault.reason))
}

/// Own accounts that may receive: of the hot wallet, never a user's deposit address.
fn own_accounts(paths: &[KeyPath], key: &GroupKey) -> Result<Vec<Key>, Refusal> {
    paths
        .iter()
        .map(|path| match path {
            KeyPath::Own(_) => own_account(*path, key),
            KeyPath::Deposit(user) => refuse(
                Code::Output,
                format!(
                    "the deposit address of user {user} as a receiver: it would credit the user"
                ),
            ),
        })
        .collect()
}

impl Transaction for Parsed {
    fn reading(&self) -> &Reading {
        &self.reading
    }

    fn finish(&self, signatures: &[Vec<u8>]) -> Result<Finished, Refusal> {
        // Below 128, which the header's sign bit made sure of: one byte of compact-u16.
        let count = u8::try_from(self.signers.len()).unwrap_or(0x7f);
        let mut transaction = vec![count];
        for (index, (account, signature)) in self.signers.iter().zip(signatures).enumerate() {
            let valid = VerifyingKey::from_bytes(account)
                .ok()
                .zip(Signature::from_slice(signature).ok())
                .is_some_and(|(key, signature)| key.verify_strict(&self.bytes, &signature).is_ok());
            if !valid {
                return refuse(
                    Code::Signature,
                    format!("the signature of signer {index} is not valid"),
                );
            }
            transaction.extend_from_slice(signature);
        }
        transaction.extend_from_slice(&self.bytes);
        Ok(Finished {
            id: signatures
                .first()
                .map_or_else(String::new, |first| base58::encode(first)),
            transaction,
            signatures: signatures.to_vec(),
        })
    }
}
