//! Bitcoin: a PSBT (BIP-174, BIP-371) all of whose inputs are ours and whose every output is an approved
//! withdrawal, our own change or a cold wallet.
//!
//! The hash that is signed (BIP-341, `SIGHASH_DEFAULT`) covers the amount and script of every input, so that
//! a relay that lies about one gets a signature that no node accepts.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::bip32::{ChildNumber, KeySource};
use bitcoin::consensus::encode::serialize;
use bitcoin::hashes::Hash as _;
use bitcoin::psbt::Psbt;
use bitcoin::secp256k1::{Message, Secp256k1, XOnlyPublicKey, schnorr};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::transaction::Version;
use bitcoin::{Address, Network, ScriptBuf, TxOut, Witness};

use super::{Caps, Chain, Finished, Payment, Reading, ToSign, Transaction};
use crate::address::taproot_script;
use crate::derive::KeyPath;
use crate::error::{Code, Error, Refusal, refuse};
use crate::policy;
use crate::scheme::GroupKey;

mod cold;

pub use cold::COLD_ADDRESSES;

/// The asset's name.
pub const ASSET: &str = "BTC";
/// More inputs than fit a transaction that nodes relay.
const MOST_INPUTS: usize = 1000;

/// What the policy says of Bitcoin, made ready.
pub struct Rules {
    network: Network,
    name: String,
    cold: BTreeSet<ScriptBuf>,
    caps: Caps,
    max_fee_rate: u64,
    limits: policy::Limits,
}

impl Rules {
    /// From the policy file.
    ///
    /// # Errors
    /// A network or a cold wallet that makes no sense.
    pub fn new(policy: &policy::Bitcoin) -> Result<Self, Error> {
        let network = match policy.network.as_str() {
            "mainnet" => Network::Bitcoin,
            "testnet4" => Network::Testnet4,
            "signet" => Network::Signet,
            "regtest" => Network::Regtest,
            other => {
                return Err(Error::setting(
                    "bitcoin.network",
                    format!("{other:?} is not mainnet, testnet4, signet or regtest"),
                ));
            }
        };
        let mut scripts = BTreeSet::new();
        for wallet in &policy.cold {
            scripts.extend(
                cold::scripts(wallet, network).map_err(|problem| {
                    Error::setting(format!("bitcoin.cold {wallet:?}"), problem)
                })?,
            );
        }
        Ok(Self {
            network,
            name: policy.network.clone(),
            cold: scripts,
            caps: Caps {
                max_fee: policy.max_fee.0,
                max_fee_per_day: policy.max_fee_per_day.0,
            },
            max_fee_rate: policy.max_fee_rate,
            limits: policy.limits.clone(),
        })
    }

    /// Which network.
    #[must_use]
    pub fn network(&self) -> Network {
        self.network
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
    pub fn limits(&self, asset: &str) -> Option<&policy::Limits> {
        (asset == ASSET).then_some(&self.limits)
    }
}

/// A PSBT, read.
pub struct Parsed {
    psbt: Psbt,
    reading: Reading,
}

/// Reads a PSBT.
///
/// # Errors
/// A [`Refusal`] naming the input or output.
pub fn parse(bytes: &[u8], key: &GroupKey, rules: &Rules) -> Result<Parsed, Refusal> {
    let psbt = Psbt::deserialize(bytes)
        .map_err(|error| Refusal::new(Code::Transaction, format!("no PSBT: {error}")))?;
    shape(&psbt)?;
    let inputs = inputs(&psbt, key)?;
    let payments = outputs(&psbt, key, rules)?;
    let fee = fee(&psbt, &inputs, rules)?;
    let prevouts: Vec<TxOut> = inputs.iter().map(|(_, prevout)| prevout.clone()).collect();
    let mut cache = SighashCache::new(&psbt.unsigned_tx);
    let mut to_sign = Vec::with_capacity(inputs.len());
    for (index, (path, _)) in inputs.iter().enumerate() {
        let hash = cache
            .taproot_key_spend_signature_hash(
                index,
                &Prevouts::All(&prevouts),
                TapSighashType::Default,
            )
            .map_err(|error| Refusal::new(Code::Transaction, format!("input {index}: {error}")))?;
        to_sign.push(ToSign {
            path: *path,
            message: hash.to_byte_array().to_vec(),
        });
    }
    let conflict_points = psbt
        .unsigned_tx
        .input
        .iter()
        .map(|input| input.previous_output.to_string())
        .collect();
    let reading = Reading {
        chain: Chain::Bitcoin,
        payments,
        fee,
        conflict_points,
        to_sign,
    };
    Ok(Parsed { psbt, reading })
}

fn shape(psbt: &Psbt) -> Result<(), Refusal> {
    let transaction = &psbt.unsigned_tx;
    let problem = if transaction.version != Version::TWO {
        "a version other than 2"
    } else if transaction.input.is_empty() || transaction.output.is_empty() {
        "no inputs or no outputs"
    } else if transaction.input.len() > MOST_INPUTS {
        "more than 1000 inputs"
    } else {
        return Ok(());
    };
    refuse(Code::Transaction, problem)
}

/// Every input with its path and what it spends, proven ours.
fn inputs(psbt: &Psbt, key: &GroupKey) -> Result<Vec<(KeyPath, TxOut)>, Refusal> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::with_capacity(psbt.inputs.len());
    for (index, (input, txin)) in psbt.inputs.iter().zip(&psbt.unsigned_tx.input).enumerate() {
        let not_ours = |problem: &str| refuse(Code::Input, format!("input {index}: {problem}"));
        let Some(prevout) = &input.witness_utxo else {
            return not_ours("no witness_utxo: what it spends must be shown");
        };
        let Some(path) = own_path(&input.tap_key_origins) else {
            return not_ours("tap_key_origins names no path of ours (m/0/n or m/1/high/low)");
        };
        if prevout.script_pubkey != script(key, path)? {
            return not_ours("what it spends is not paid to the path that it names");
        }
        if input
            .sighash_type
            .is_some_and(|kind| kind.taproot_hash_ty() != Ok(TapSighashType::Default))
        {
            return not_ours("a hash type other than SIGHASH_DEFAULT");
        }
        if !seen.insert(txin.previous_output) {
            return not_ours("spends the same output as another input");
        }
        found.push((path, prevout.clone()));
    }
    Ok(found)
}

/// What leaves us. Change goes to m/0/n alone: a deposit address would credit a user.
fn outputs(psbt: &Psbt, key: &GroupKey, rules: &Rules) -> Result<Vec<Payment>, Refusal> {
    let mut payments = Vec::new();
    for (index, (output, txout)) in psbt
        .outputs
        .iter()
        .zip(&psbt.unsigned_tx.output)
        .enumerate()
    {
        let place = format!("output {index}");
        match own_path(&output.tap_key_origins) {
            Some(path @ KeyPath::Own(_)) if txout.script_pubkey == script(key, path)? => continue,
            Some(_) => {
                return refuse(
                    Code::Output,
                    format!("{place} claims to be our own, but isn't paid to a path m/0/n of ours"),
                );
            }
            None if rules.cold.contains(&txout.script_pubkey) => continue,
            None => {}
        }
        let address = Address::from_script(&txout.script_pubkey, rules.network)
            .map_err(|_| Refusal::new(Code::Output, format!("{place} has no address")))?
            .to_string();
        payments.push(Payment {
            place,
            asset: ASSET.to_owned(),
            amount: u128::from(txout.value.to_sat()),
            receivers: BTreeSet::from([address.clone()]),
            address,
        });
    }
    Ok(payments)
}

fn fee(psbt: &Psbt, inputs: &[(KeyPath, TxOut)], rules: &Rules) -> Result<u128, Refusal> {
    let sum = |values: &mut dyn Iterator<Item = &TxOut>| {
        values.fold(0_u128, |sum, output| {
            sum + u128::from(output.value.to_sat())
        })
    };
    let spent = sum(&mut inputs.iter().map(|(_, prevout)| prevout));
    let paid = sum(&mut psbt.unsigned_tx.output.iter());
    let Some(fee) = spent.checked_sub(paid) else {
        return refuse(
            Code::Transaction,
            format!("pays {paid} satoshi out of {spent}"),
        );
    };
    let size = signed(
        psbt,
        vec![[0; 64]; inputs.len()].iter().map(<[u8; 64]>::as_slice),
    )
    .vsize();
    let most = u128::from(rules.max_fee_rate) * size as u128;
    if fee > most {
        return refuse(
            Code::Fee,
            format!("a fee of {fee} satoshi for {size} vB, above max_fee_rate, {most} satoshi"),
        );
    }
    Ok(fee)
}

fn signed<'a>(psbt: &Psbt, signatures: impl Iterator<Item = &'a [u8]>) -> bitcoin::Transaction {
    let mut transaction = psbt.unsigned_tx.clone();
    for (input, signature) in transaction.input.iter_mut().zip(signatures) {
        input.witness = Witness::from_slice(&[signature]);
    }
    transaction
}

/// The one path of ours among the origins, if there is exactly one.
fn own_path(
    origins: &BTreeMap<XOnlyPublicKey, (Vec<bitcoin::TapLeafHash>, KeySource)>,
) -> Option<KeyPath> {
    let mut paths = origins.values().map(|(leaves, (_, path))| {
        let steps = path
            .into_iter()
            .map(|step| match step {
                ChildNumber::Normal { index } => Some(*index),
                ChildNumber::Hardened { .. } => None,
            })
            .collect::<Option<Vec<u32>>>()?;
        leaves.is_empty().then(|| KeyPath::from_steps(&steps))?
    });
    match (paths.next(), paths.next()) {
        (Some(path), None) => path,
        _ => None,
    }
}

fn script(key: &GroupKey, path: KeyPath) -> Result<ScriptBuf, Refusal> {
    taproot_script(key, path).map_err(|fault| Refusal::new(Code::Key, fault.reason))
}

impl Transaction for Parsed {
    fn reading(&self) -> &Reading {
        &self.reading
    }

    fn finish(&self, signatures: &[Vec<u8>]) -> Result<Finished, Refusal> {
        let secp = Secp256k1::verification_only();
        let invalid = |index: usize| {
            Refusal::new(
                Code::Signature,
                format!("the signature of input {index} is not valid"),
            )
        };
        for (index, signature) in signatures.iter().enumerate() {
            let spent = self.psbt.inputs[index].witness_utxo.as_ref();
            let key = spent
                .and_then(|spent| spent.script_pubkey.as_bytes().get(2..))
                .and_then(|bytes| XOnlyPublicKey::from_slice(bytes).ok());
            let hash = Message::from_digest_slice(&self.reading.to_sign[index].message).ok();
            let signature = schnorr::Signature::from_slice(signature).ok();
            match (key, hash, signature) {
                (Some(key), Some(hash), Some(signature)) => secp
                    .verify_schnorr(&signature, &hash, &key)
                    .map_err(|_| invalid(index))?,
                _ => return Err(invalid(index)),
            }
        }
        let transaction = signed(&self.psbt, signatures.iter().map(Vec::as_slice));
        Ok(Finished {
            id: transaction.compute_txid().to_string(),
            transaction: serialize(&transaction),
            signatures: signatures.to_vec(),
        })
    }
}
