//! What is spent: the previous outputs, and which of them this key can sign for.

use std::collections::HashSet;

use bitcoin::bip32::{ChildNumber, DerivationPath};
use bitcoin::psbt::{self, PsbtSighashType};
use bitcoin::{Psbt, TapSighashType, TxOut};

use crate::key::ColdKey;
use crate::{ColdError, Result};

/// An input that this key signs.
pub struct Ours {
    /// Its place, from 0.
    pub index: usize,
    /// The derivation, verified against the output that is spent.
    pub path: DerivationPath,
}

/// Every previous output. Taproot's signature covers all amounts and scripts (BIP-341), so what the
/// PSBT says of them is proven by the signature being valid at all; none may be missing.
pub fn prevouts(psbt: &Psbt) -> Result<Vec<TxOut>> {
    let inputs = &psbt.unsigned_tx.input;
    if inputs.is_empty() || psbt.unsigned_tx.output.is_empty() {
        return Err(ColdError::Malformed(
            "a transaction without inputs or outputs".into(),
        ));
    }
    let distinct: HashSet<_> = inputs.iter().map(|input| input.previous_output).collect();
    if distinct.len() != inputs.len() {
        return Err(ColdError::Malformed("an output is spent twice".into()));
    }
    (0..inputs.len())
        .map(|index| prevout(psbt, index))
        .collect()
}

fn prevout(psbt: &Psbt, index: usize) -> Result<TxOut> {
    let wrong = |what: &str| ColdError::Malformed(format!("input {index}: {what}"));
    let outpoint = psbt.unsigned_tx.input[index].previous_output;
    let input = &psbt.inputs[index];
    let named = match &input.non_witness_utxo {
        None => None,
        Some(previous) if previous.compute_txid() != outpoint.txid => {
            return Err(wrong(
                "the previous transaction isn't the one that is spent",
            ));
        }
        Some(previous) => {
            let out = previous.output.get(outpoint.vout as usize);
            Some(
                out.cloned()
                    .ok_or_else(|| wrong("the previous transaction has no such output"))?,
            )
        }
    };
    match (&input.witness_utxo, named) {
        (Some(told), Some(named)) if *told != named => Err(wrong("two previous outputs are given")),
        (Some(out), _) => Ok(out.clone()),
        (None, Some(out)) => Ok(out),
        (None, None) => Err(wrong("the previous output is missing")),
    }
}

/// The inputs whose output this key derives.
pub fn ours(psbt: &Psbt, prevouts: &[TxOut], key: &ColdKey) -> Result<Vec<Ours>> {
    let mut ours = Vec::new();
    for (index, (input, out)) in psbt.inputs.iter().zip(prevouts).enumerate() {
        let Some(path) = claimed(input, key) else {
            continue;
        };
        right_network(&path, key, index)?;
        let (internal, script) = derived(key, &path, index)?;
        let given = input.tap_internal_key.is_none_or(|given| given == internal);
        if script != out.script_pubkey || !given || input.tap_merkle_root.is_some() {
            return Err(ColdError::NotOurs(format!(
                "input {index} claims this key at {path}, but the output that it spends is another's"
            )));
        }
        usual_sighash(input.sighash_type, index)?;
        ours.push(Ours { index, path });
    }
    if ours.is_empty() {
        let fingerprint = key.fingerprint();
        return Err(ColdError::NotOurs(format!(
            "no input names this key ({fingerprint}): is this the right keystore?"
        )));
    }
    Ok(ours)
}

fn claimed(input: &psbt::Input, key: &ColdKey) -> Option<DerivationPath> {
    let fingerprint = key.fingerprint();
    input
        .tap_key_origins
        .values()
        .find(|(_, (source, _))| *source == fingerprint)
        .map(|(_, (_, path))| path.clone())
}

fn derived(
    key: &ColdKey,
    path: &DerivationPath,
    index: usize,
) -> Result<(bitcoin::XOnlyPublicKey, bitcoin::ScriptBuf)> {
    if !key.is_account_path(path) {
        let account = key.account_path();
        return Err(ColdError::Refused(format!(
            "input {index} is at {path}; signed is below {account}/0 and {account}/1 alone"
        )));
    }
    key.bitcoin_script(path)
}

/// A path of BIP-86 with another coin is a request for another network.
fn right_network(path: &DerivationPath, key: &ColdKey, index: usize) -> Result<()> {
    let ours = ChildNumber::Hardened {
        index: key.network().coin_type(),
    };
    match path.as_ref() {
        [ChildNumber::Hardened { index: 86 }, coin, ..] if *coin != ours => {
            let network = key.network().name();
            Err(ColdError::WrongNetwork(format!(
                "input {index} is at {path}, which is no path of {network}, the keystore's network"
            )))
        }
        _ => Ok(()),
    }
}

/// Anything but "all of it" would let others change what was shown.
fn usual_sighash(given: Option<PsbtSighashType>, index: usize) -> Result<()> {
    match given.map(PsbtSighashType::taproot_hash_ty) {
        None | Some(Ok(TapSighashType::Default | TapSighashType::All)) => Ok(()),
        Some(_) => Err(ColdError::Refused(format!(
            "input {index} asks for a signature that doesn't cover the whole transaction"
        ))),
    }
}
