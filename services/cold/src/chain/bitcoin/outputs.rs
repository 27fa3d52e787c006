//! Where the coins go, and which outputs are this key's own: derived here, never believed.

use bitcoin::bip32::DerivationPath;
use bitcoin::{Address, Psbt, ScriptBuf, psbt};

use super::check::btc;
use crate::key::ColdKey;
use crate::review::{Kind, Movement, Review};
use crate::{ColdError, Result};

/// Every output, in the transaction's order.
pub fn movements(psbt: &Psbt, key: &ColdKey) -> Result<Vec<Movement>> {
    let outputs = psbt
        .unsigned_tx
        .output
        .iter()
        .zip(&psbt.outputs)
        .enumerate();
    outputs
        .map(|(index, (out, told))| {
            let path = verified(told, &out.script_pubkey, key, index)?;
            Ok(Movement {
                kind: if path.is_some() { Kind::Own } else { Kind::Pay },
                units: out.value.to_sat().to_string(),
                amount: btc(out.value.to_sat()),
                to: shown(&out.script_pubkey, key),
                path: path.map(|path| format!("m/{path}")),
            })
        })
        .collect()
}

/// The path of an output that claims this key, once it is proven; none when nothing is claimed.
fn verified(
    told: &psbt::Output,
    script: &ScriptBuf,
    key: &ColdKey,
    index: usize,
) -> Result<Option<DerivationPath>> {
    let fingerprint = key.fingerprint();
    let claim = told
        .tap_key_origins
        .values()
        .find(|(_, (source, _))| *source == fingerprint);
    let Some((_, (_, path))) = claim else {
        return Ok(None);
    };
    let plain = told.tap_tree.is_none() && key.is_account_path(path);
    if plain && key.bitcoin_script(path)?.1 == *script {
        return Ok(Some(path.clone()));
    }
    Err(ColdError::ChangeReplaced {
        index,
        path: format!("m/{path}"),
        address: shown(script, key),
    })
}

/// An address, or the script in full where there is none.
fn shown(script: &ScriptBuf, key: &ColdKey) -> String {
    Address::from_script(script, key.network().bitcoin()).map_or_else(
        |_| format!("script {script:x}"),
        |address| address.to_string(),
    )
}

/// What isn't known of the outputs.
pub fn warn(psbt: &Psbt, key: &ColdKey, review: &mut Review) {
    for (index, (out, told)) in psbt
        .unsigned_tx
        .output
        .iter()
        .zip(&psbt.outputs)
        .enumerate()
    {
        let script = &out.script_pubkey;
        if script.is_op_return() {
            review.warn(
                "DATA_OUTPUT",
                format!("output {index} carries data, and its coins are lost"),
            );
        } else if Address::from_script(script, key.network().bitcoin()).is_err() {
            review.warn(
                "UNKNOWN_SCRIPT",
                format!("output {index} pays a script without an address"),
            );
        } else if out.value < script.minimal_non_dust() {
            review.warn(
                "DUST",
                format!("output {index} is so small that nodes will not pass it on"),
            );
        }
        let foreign = |source| source != key.fingerprint();
        let claims_other = told
            .tap_key_origins
            .values()
            .any(|(_, (source, _))| foreign(*source))
            || told
                .bip32_derivation
                .values()
                .any(|(source, _)| foreign(*source));
        if claims_other {
            review.warn(
                "FOREIGN_CHANGE",
                format!("output {index} is said to be change, but of another key"),
            );
        }
    }
}
