//! Which key signs for which address.
//!
//! A key's addresses are made from its public key and chain code alone, so that whoever watches needs no
//! signer, and each signer moves its share by the same public amount when it signs.
//!
//! secp256k1 (Bitcoin, Ethereum): BIP-32 without hardening, so that any wallet software derives the same
//! addresses from the extended public key, e.g. `tr(xpub…/1/0/*)`. Ed25519 has no such standard; there the
//! amount is `HMAC-SHA512(chain code, "outcry/ed25519-path/v1" ‖ key ‖ path) mod ℓ`, added to the key.

use bitcoin::NetworkKind;
use bitcoin::bip32::{ChainCode, ChildNumber, Xpub};
use bitcoin::secp256k1::{PublicKey, Scalar, Secp256k1};
use curve25519_dalek::Scalar as EdScalar;
use curve25519_dalek::constants::ED25519_BASEPOINT_TABLE;
use curve25519_dalek::edwards::CompressedEdwardsY;
use frost_ed25519::Ed25519Sha512;
use frost_secp256k1_tr::Secp256K1Sha256TR;
use frost_secp256k1_tr::keys::Tweak as _;
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha512;

use crate::protocol::Fault;
use crate::scheme::frost::{fault, shift};
use crate::scheme::{GroupKey, Scheme, ecdsa, frost};

/// Where on the tree of a key an address lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KeyPath {
    /// `m/0/n`: the hot wallet's own. 0 is the account that pays out; higher ones take Bitcoin's change.
    Own(u32),
    /// `m/1/(user >> 31)/(user mod 2^31)`: deposits of a user, whose id is below 2^62.
    Deposit(u64),
}

/// Below which BIP-32 indexes are not hardened.
const HARDENED: u64 = 1 << 31;

impl KeyPath {
    /// The account that pays out.
    pub const HOT: Self = Self::Own(0);

    /// The path's steps.
    ///
    /// # Errors
    /// A number that doesn't fit a path without hardening.
    pub fn steps(self) -> Result<Vec<u32>, Fault> {
        let step = |n: u64| {
            u32::try_from(n)
                .ok()
                .filter(|step| u64::from(*step) < HARDENED)
                .ok_or_else(|| {
                    Fault::nobody(format!("{n} is no step of a path: it is 2^31 or above"))
                })
        };
        match self {
            Self::Own(n) => Ok(vec![0, step(u64::from(n))?]),
            Self::Deposit(user) => Ok(vec![1, step(user / HARDENED)?, step(user % HARDENED)?]),
        }
    }

    /// The path with these steps, if it is one of ours.
    #[must_use]
    pub fn from_steps(steps: &[u32]) -> Option<Self> {
        let path = match steps {
            [0, n] => Self::Own(*n),
            [1, high, low] => Self::Deposit(u64::from(*high) * HARDENED + u64::from(*low)),
            _ => return None,
        };
        path.steps().is_ok_and(|own| own == steps).then_some(path)
    }
}

/// The public key at `path`: 33 bytes for secp256k1 (before any taproot tweak), 32 for Ed25519.
///
/// # Errors
/// A key that is none, or a path that doesn't fit.
pub fn public_key(key: &GroupKey, path: KeyPath) -> Result<Vec<u8>, Fault> {
    match key.scheme {
        Scheme::Taproot | Scheme::Ecdsa => Ok(walk(key, path)?.0.to_vec()),
        Scheme::Ed25519 => {
            let point = <[u8; 32]>::try_from(key.public_key.as_slice())
                .ok()
                .and_then(|bytes| CompressedEdwardsY(bytes).decompress())
                .ok_or_else(|| Fault::nobody("an Ed25519 key that is no point"))?;
            let moved = point + ED25519_BASEPOINT_TABLE * &ed25519_amount(key, path)?;
            Ok(moved.compress().to_bytes().to_vec())
        }
    }
}

/// The extended public key of a secp256k1 key, as wallet software takes it.
///
/// # Errors
/// A key that is none.
pub fn xpub(key: &GroupKey, network: NetworkKind) -> Result<Xpub, Fault> {
    let public_key = PublicKey::from_slice(&key.public_key)
        .map_err(|error| Fault::nobody(format!("a secp256k1 key that is none: {error}")))?;
    Ok(Xpub {
        network,
        depth: 0,
        parent_fingerprint: bitcoin::bip32::Fingerprint::default(),
        child_number: ChildNumber::Normal { index: 0 },
        public_key,
        chain_code: ChainCode::from(key.chain_code),
    })
}

/// The key at the end of `path`, and the sum of the steps' amounts.
fn walk(key: &GroupKey, path: KeyPath) -> Result<([u8; 33], [u8; 32]), Fault> {
    let secp = Secp256k1::verification_only();
    let mut at = xpub(key, NetworkKind::Main)?;
    let mut sum: Option<bitcoin::secp256k1::SecretKey> = None;
    for step in path.steps()? {
        let child = ChildNumber::Normal { index: step };
        let unlucky = |error: &dyn std::fmt::Display| {
            Fault::nobody(format!("step {step} of a path can't be taken: {error}"))
        };
        let (amount, _) = at.ckd_pub_tweak(child).map_err(|error| unlucky(&error))?;
        sum = Some(match sum {
            None => amount,
            Some(before) => before
                .add_tweak(&Scalar::from(amount))
                .map_err(|error| unlucky(&error))?,
        });
        at = at.ckd_pub(&secp, child).map_err(|error| unlucky(&error))?;
    }
    let sum = sum.ok_or_else(|| Fault::nobody("an empty path"))?;
    Ok((at.public_key.serialize(), sum.secret_bytes()))
}

fn ed25519_amount(key: &GroupKey, path: KeyPath) -> Result<EdScalar, Fault> {
    let mut mac = <Hmac<Sha512> as hmac::Mac>::new_from_slice(&key.chain_code)
        .map_err(|error| Fault::nobody(error.to_string()))?;
    mac.update(b"outcry/ed25519-path/v1");
    mac.update(&key.public_key);
    for step in path.steps()? {
        mac.update(&step.to_be_bytes());
    }
    Ok(EdScalar::from_bytes_mod_order_wide(
        &mac.finalize().into_bytes().into(),
    ))
}

/// A share moved to the taproot output key at `path` (BIP-341 with no script).
///
/// # Errors
/// A path that doesn't fit.
pub fn taproot(
    share: &frost::Share<Secp256K1Sha256TR>,
    key: &GroupKey,
    path: KeyPath,
) -> Result<frost::Share<Secp256K1Sha256TR>, Fault> {
    let (_, amount) = walk(key, path)?;
    let (moved, public) =
        shift(&share.key, &share.public, &amount).map_err(|error| fault(&error, None))?;
    // The group key of `share` is an output key already (`post_dkg` of the crate); its children are internal
    // keys, as a descriptor `tr(xpub/…)` has it, and take the tweak like any other.
    Ok(frost::Share {
        key: moved.tweak::<&[u8]>(None),
        public: public.tweak::<&[u8]>(None),
        chain_code: share.chain_code,
    })
}

/// A share moved to the Ed25519 key at `path`.
///
/// # Errors
/// A path that doesn't fit.
pub fn ed25519(
    share: &frost::Share<Ed25519Sha512>,
    key: &GroupKey,
    path: KeyPath,
) -> Result<frost::Share<Ed25519Sha512>, Fault> {
    let amount = ed25519_amount(key, path)?.to_bytes();
    let (key, public) =
        shift(&share.key, &share.public, &amount).map_err(|error| fault(&error, None))?;
    Ok(frost::Share {
        key,
        public,
        chain_code: share.chain_code,
    })
}

/// A share moved to the ECDSA key at `path`.
///
/// # Errors
/// A path that doesn't fit.
pub fn ecdsa(share: &ecdsa::Share, path: KeyPath) -> Result<ecdsa::Party, Fault> {
    let mut party = share.party.clone();
    for step in path.steps()? {
        party = party
            .derive_child(step, |_| String::new())
            .map_err(|error| {
                Fault::nobody(format!("step {step} of a path: {}", error.description))
            })?;
    }
    Ok(party)
}
