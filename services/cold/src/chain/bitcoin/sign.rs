//! Key-path signatures (BIP-340, BIP-341).

use bitcoin::key::TapTweak;
use bitcoin::secp256k1::Message as Digest;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::Signature;
use bitcoin::{Psbt, TapSighashType};
use zeroize::Zeroizing;

use super::check::Checked;
use crate::key::ColdKey;
use crate::ur::{Message, answer_psbt};
use crate::{ColdError, Result};

impl Checked {
    /// The same PSBT with a signature for every input of this key, each verified before it leaves.
    ///
    /// # Errors
    /// [`ColdError::BadSignature`].
    pub fn sign(mut self, key: &ColdKey, kind: &str) -> Result<Message> {
        let mut signatures = Vec::with_capacity(self.ours.len());
        let mut cache = SighashCache::new(&self.psbt.unsigned_tx);
        for ours in &self.ours {
            let sighash_type = sighash_type(&self.psbt, ours.index);
            let hash = cache
                .taproot_key_spend_signature_hash(
                    ours.index,
                    &Prevouts::All(&self.prevouts),
                    sighash_type,
                )
                .map_err(|error| ColdError::Malformed(error.to_string()))?;
            let digest = Digest::from(hash);
            let secp = key.secp();
            let pair = key
                .bitcoin_key(&ours.path)?
                .tap_tweak(secp, None)
                .to_keypair();
            // BIP-340: fresh randomness on top of the deterministic nonce, against fault attacks.
            let mut random = Zeroizing::new([0_u8; 32]);
            getrandom::fill(random.as_mut_slice())
                .map_err(|error| ColdError::System(format!("no randomness: {error}")))?;
            let signature = secp.sign_schnorr_with_aux_rand(&digest, &pair, &random);
            secp.verify_schnorr(&signature, &digest, &pair.x_only_public_key().0)
                .map_err(|_| ColdError::BadSignature)?;
            signatures.push((
                ours.index,
                Signature {
                    signature,
                    sighash_type,
                },
            ));
        }
        for (index, signature) in signatures {
            self.psbt.inputs[index].tap_key_sig = Some(signature);
        }
        Ok(answer_psbt(kind, &self.psbt.serialize()))
    }
}

fn sighash_type(psbt: &Psbt, index: usize) -> TapSighashType {
    let given = psbt.inputs[index]
        .sighash_type
        .and_then(|given| given.taproot_hash_ty().ok());
    given.unwrap_or(TapSighashType::Default)
}
