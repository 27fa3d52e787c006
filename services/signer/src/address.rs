//! Addresses of keys, as each chain writes them.

use bitcoin::key::TapTweak as _;
use bitcoin::secp256k1::{PublicKey, Secp256k1};
use bitcoin::{Address, Network, ScriptBuf};
use sha3::{Digest as _, Keccak256};

use crate::derive::{KeyPath, public_key};
use crate::protocol::Fault;
use crate::scheme::{GroupKey, Scheme};

/// The script that pays to `path` of a taproot key: BIP-341, key path alone.
///
/// # Errors
/// A key of another scheme.
pub fn taproot_script(key: &GroupKey, path: KeyPath) -> Result<ScriptBuf, Fault> {
    let secp = Secp256k1::verification_only();
    let internal = secp_key(key, Scheme::Taproot, path)?.x_only_public_key().0;
    let (output, _) = internal.tap_tweak(&secp, None);
    Ok(ScriptBuf::new_p2tr_tweaked(output))
}

/// The bech32m address of a script that [`taproot_script`] made.
///
/// # Errors
/// A script that is no taproot output.
pub fn taproot_address(script: &ScriptBuf, network: Network) -> Result<String, Fault> {
    Address::from_script(script, network)
        .map(|address| address.to_string())
        .map_err(|error| Fault::nobody(format!("a script without an address: {error}")))
}

/// The account at `path` of an ECDSA key: the last 20 bytes of the Keccak-256 of its public key.
///
/// # Errors
/// A key of another scheme.
pub fn ethereum(key: &GroupKey, path: KeyPath) -> Result<[u8; 20], Fault> {
    Ok(ethereum_account(&secp_key(key, Scheme::Ecdsa, path)?))
}

/// The account of one public key.
#[must_use]
pub fn ethereum_account(key: &PublicKey) -> [u8; 20] {
    let hash = Keccak256::digest(&key.serialize_uncompressed()[1..]);
    let mut address = [0; 20];
    address.copy_from_slice(&hash[12..]);
    address
}

/// An Ethereum address in mixed case (EIP-55).
#[must_use]
pub fn checksummed(address: &[u8; 20]) -> String {
    let lower = hex::encode(address);
    let hash = Keccak256::digest(lower.as_bytes());
    let digits = lower.chars().enumerate().map(|(i, digit)| {
        let nibble = hash[i / 2] >> (4 * (1 - i % 2)) & 0xf;
        if nibble >= 8 {
            digit.to_ascii_uppercase()
        } else {
            digit
        }
    });
    "0x".chars().chain(digits).collect()
}

/// The account at `path` of an Ed25519 key.
///
/// # Errors
/// A key of another scheme.
pub fn solana(key: &GroupKey, path: KeyPath) -> Result<[u8; 32], Fault> {
    if key.scheme != Scheme::Ed25519 {
        return Err(wrong(key.scheme, Scheme::Ed25519));
    }
    public_key(key, path)?
        .try_into()
        .map_err(|_| Fault::nobody("an Ed25519 key that is not 32 bytes"))
}

fn secp_key(key: &GroupKey, scheme: Scheme, path: KeyPath) -> Result<PublicKey, Fault> {
    if key.scheme != scheme {
        return Err(wrong(key.scheme, scheme));
    }
    PublicKey::from_slice(&public_key(key, path)?)
        .map_err(|error| Fault::nobody(format!("a derived key that is none: {error}")))
}

fn wrong(got: Scheme, want: Scheme) -> Fault {
    Fault::nobody(format!("a key of {got} where one of {want} belongs"))
}
