//! Cold wallets as the policy names them: an address, or the first addresses of a descriptor.

use bitcoin::bip32::{ChildNumber, DerivationPath, Xpub};
use bitcoin::secp256k1::Secp256k1;
use bitcoin::{Address, CompressedPublicKey, Network, ScriptBuf};

/// So many addresses of each descriptor count as cold.
pub const COLD_ADDRESSES: u32 = 100;

/// The scripts of an address, of `wpkh(xpub/path/*)` or of `tr(xpub/path/*)`, with or without the key's
/// origin and the checksum.
pub(super) fn scripts(wallet: &str, network: Network) -> Result<Vec<ScriptBuf>, String> {
    let body = wallet.split_once('#').map_or(wallet, |(body, _)| body);
    for (prefix, taproot) in [("wpkh(", false), ("tr(", true)] {
        if let Some(key) = body
            .strip_prefix(prefix)
            .and_then(|rest| rest.strip_suffix(')'))
        {
            return descriptor(key, taproot, network);
        }
    }
    let address: Address<_> = wallet
        .parse()
        .map_err(|error| format!("no address, wpkh(…) or tr(…): {error}"))?;
    address
        .require_network(network)
        .map(|address| vec![address.script_pubkey()])
        .map_err(|error| error.to_string())
}

fn descriptor(key: &str, taproot: bool, network: Network) -> Result<Vec<ScriptBuf>, String> {
    let key = match key.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or("an origin without its end")?.1,
        None => key,
    };
    let (xpub, path) = key.split_once('/').ok_or("no path after the key")?;
    let path = path
        .strip_suffix('*')
        .ok_or("a path that doesn't end in /*")?
        .trim_end_matches('/');
    let xpub: Xpub = xpub.parse().map_err(|error| format!("{xpub}: {error}"))?;
    if xpub.network != network.into() {
        return Err(format!("a key of another network than {network}"));
    }
    let path: DerivationPath = if path.is_empty() {
        DerivationPath::master()
    } else {
        path.parse().map_err(|error| format!("{path}: {error}"))?
    };
    let secp = Secp256k1::verification_only();
    let branch = xpub
        .derive_pub(&secp, &path)
        .map_err(|error| error.to_string())?;
    (0..COLD_ADDRESSES)
        .map(|index| {
            let child = branch
                .ckd_pub(&secp, ChildNumber::Normal { index })
                .map_err(|error| error.to_string())?;
            Ok(if taproot {
                let internal = child.public_key.x_only_public_key().0;
                ScriptBuf::new_p2tr(&secp, internal, None)
            } else {
                ScriptBuf::new_p2wpkh(&CompressedPublicKey(child.public_key).wpubkey_hash())
            })
        })
        .collect()
}
