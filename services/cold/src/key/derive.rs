//! What is derived from the key: BIP-86 for Bitcoin, BIP-44 for Ethereum, SLIP-10 for Solana.

use bip39::Mnemonic;
use bitcoin::bip32::{ChildNumber, DerivationPath, Fingerprint, Xpriv, Xpub};
use bitcoin::key::{Keypair, TapTweak, UntweakedPublicKey};
use bitcoin::secp256k1::{All, PublicKey, Secp256k1, SecretKey};
use bitcoin::{Address, ScriptBuf};
use ed25519_dalek::SigningKey;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;
use zeroize::Zeroizing;

use super::Network;
use crate::chain::ethereum::EthereumAddress;
use crate::{ColdError, Result};

/// Ethereum's path, BIP-44.
pub const ETHEREUM_PATH: &str = "m/44'/60'/0'/0/0";
/// Solana's path, as its wallets use it: all hardened, since Ed25519 has no other derivation.
pub const SOLANA_PATH: &str = "m/44'/501'/0'/0'";

/// The key in memory, for as long as one command lasts.
pub struct ColdKey {
    master: Xpriv,
    solana: SigningKey,
    network: Network,
    secp: Secp256k1<All>,
}

impl ColdKey {
    /// Of a backup's words, without a BIP-39 passphrase: the words alone restore it.
    ///
    /// # Errors
    /// [`ColdError::System`] in the practically impossible case that a derivation has no key.
    pub fn new(words: &Mnemonic, network: Network) -> Result<Self> {
        let seed = Zeroizing::new(words.to_seed_normalized(""));
        let master = Xpriv::new_master(network.kind(), seed.as_slice()).map_err(impossible)?;
        let mut secp = Secp256k1::new();
        let mut blinding = Zeroizing::new([0_u8; 32]);
        getrandom::fill(blinding.as_mut_slice()).map_err(impossible)?;
        // Against side channels: the library's own advice.
        secp.seeded_randomize(&blinding);
        let solana = slip10(seed.as_slice(), &[44, 501, 0, 0])?;
        Ok(Self {
            master,
            solana,
            network,
            secp,
        })
    }

    /// The networks it is for.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.network
    }

    /// The curve's tables.
    #[must_use]
    pub const fn secp(&self) -> &Secp256k1<All> {
        &self.secp
    }

    /// The first four bytes of the master key's hash: the name of this key in a PSBT.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.master.fingerprint(&self.secp)
    }

    /// `m/86'/coin'/0'`, the one account that is used.
    #[must_use]
    pub fn account_path(&self) -> DerivationPath {
        let hardened = |index| ChildNumber::Hardened { index };
        [
            hardened(86),
            hardened(self.network.coin_type()),
            hardened(0),
        ]
        .as_slice()
        .into()
    }

    /// The account's public key: all that an online machine needs to make addresses and watch them.
    ///
    /// # Errors
    /// As in [`Self::new`].
    pub fn account(&self) -> Result<Xpub> {
        let account = self
            .master
            .derive_priv(&self.secp, &self.account_path())
            .map_err(impossible)?;
        Ok(Xpub::from_priv(&self.secp, &account))
    }

    /// True for `m/86'/coin'/0'/{0,1}/index`, the only paths that are signed for.
    #[must_use]
    pub fn is_account_path(&self, path: &DerivationPath) -> bool {
        let account = self.account_path();
        let (head, tail) = path.as_ref().split_at(account.len().min(path.len()));
        let plain = |child: &ChildNumber| matches!(child, ChildNumber::Normal { .. });
        head == account.as_ref()
            && tail.len() == 2
            && matches!(tail[0], ChildNumber::Normal { index: 0 | 1 })
            && plain(&tail[1])
    }

    /// The key at a path of the account, before its taproot tweak.
    ///
    /// # Errors
    /// As in [`Self::new`].
    pub fn bitcoin_key(&self, path: &DerivationPath) -> Result<Keypair> {
        let derived = self
            .master
            .derive_priv(&self.secp, path)
            .map_err(impossible)?;
        Ok(derived.to_keypair(&self.secp))
    }

    /// What an output pays that only this key can spend: BIP-86, no script path.
    ///
    /// # Errors
    /// As in [`Self::new`].
    pub fn bitcoin_script(&self, path: &DerivationPath) -> Result<(UntweakedPublicKey, ScriptBuf)> {
        let internal = self.bitcoin_key(path)?.x_only_public_key().0;
        let (output, _) = internal.tap_tweak(&self.secp, None);
        Ok((internal, ScriptBuf::new_p2tr_tweaked(output)))
    }

    /// An address of the account: `branch` 0 receives, 1 is change.
    ///
    /// # Errors
    /// As in [`Self::new`].
    pub fn bitcoin_address(&self, branch: u32, index: u32) -> Result<Address> {
        let path = self.account_path().extend([
            ChildNumber::Normal { index: branch },
            ChildNumber::Normal { index },
        ]);
        let (_, script) = self.bitcoin_script(&path)?;
        Address::from_script(&script, self.network.bitcoin()).map_err(impossible)
    }

    /// Ethereum's one key.
    ///
    /// # Errors
    /// As in [`Self::new`].
    pub fn ethereum(&self) -> Result<(SecretKey, EthereumAddress)> {
        let path: DerivationPath = ETHEREUM_PATH.parse().map_err(impossible)?;
        let key = self
            .master
            .derive_priv(&self.secp, &path)
            .map_err(impossible)?
            .private_key;
        let address = EthereumAddress::of(&PublicKey::from_secret_key(&self.secp, &key));
        Ok((key, address))
    }

    /// Solana's one key.
    #[must_use]
    pub const fn solana(&self) -> &SigningKey {
        &self.solana
    }

    /// Solana's one address, in base58.
    #[must_use]
    pub fn solana_address(&self) -> String {
        bs58::encode(self.solana.verifying_key().as_bytes()).into_string()
    }
}

impl Drop for ColdKey {
    fn drop(&mut self) {
        self.master.private_key.non_secure_erase();
    }
}

/// SLIP-10 for Ed25519: every step is hardened.
fn slip10(seed: &[u8], path: &[u32]) -> Result<SigningKey> {
    let mut node = hmac_sha512(b"ed25519 seed", &[seed])?;
    for step in path {
        let index = (step | 0x8000_0000).to_be_bytes();
        let (key, chain_code) = node.split_at(32);
        node = hmac_sha512(chain_code, &[&[0], key, &index])?;
    }
    let mut key = Zeroizing::new([0_u8; 32]);
    key.copy_from_slice(&node[..32]);
    Ok(SigningKey::from_bytes(&key))
}

fn hmac_sha512(key: &[u8], parts: &[&[u8]]) -> Result<Zeroizing<[u8; 64]>> {
    let mut mac = Hmac::<Sha512>::new_from_slice(key).map_err(impossible)?;
    for part in parts {
        mac.update(part);
    }
    Ok(Zeroizing::new(mac.finalize().into_bytes().into()))
}

#[allow(clippy::needless_pass_by_value)] // it is the argument of map_err
fn impossible(error: impl ToString) -> ColdError {
    ColdError::System(format!("a key can't be derived: {}", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                         abandon abandon about";

    fn key(network: Network) -> ColdKey {
        ColdKey::new(&ABOUT.parse().unwrap(), network).unwrap()
    }

    /// The test vectors in BIP-86 itself.
    #[test]
    fn bitcoin_is_bip_86() {
        let key = key(Network::Mainnet);
        assert_eq!(
            key.account().unwrap().to_string(),
            "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ"
        );
        let address = |branch, index| key.bitcoin_address(branch, index).unwrap().to_string();
        assert_eq!(
            address(0, 0),
            "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
        );
        assert_eq!(
            address(0, 1),
            "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh"
        );
        assert_eq!(
            address(1, 0),
            "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7"
        );
    }

    /// What other wallets make of the same words.
    #[test]
    fn ethereum_and_solana_are_the_usual_ones() {
        let key = key(Network::Mainnet);
        let (_, ethereum) = key.ethereum().unwrap();
        assert_eq!(
            ethereum.to_string(),
            "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"
        );
        assert_eq!(
            key.solana_address(),
            "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk"
        );
    }

    /// SLIP-10's first vector for Ed25519, chain m/0'/1'.
    #[test]
    fn solana_derives_by_slip_10() {
        let seed: Vec<u8> = (0..16).collect();
        let key = slip10(&seed, &[0, 1]).unwrap();
        let hex = bitcoin::hex::DisplayHex::to_lower_hex_string(&key.to_bytes());
        assert_eq!(
            hex,
            "b1d0bad404bf35da785a64ca1ac54b2617211d2777696fbffaf208f746ae84f2"
        );
    }

    #[test]
    fn only_receiving_and_change_of_the_one_account_are_its_paths() {
        let key = key(Network::Regtest);
        let is = |path: &str| key.is_account_path(&path.parse().unwrap());
        assert!(is("m/86'/1'/0'/0/7") && is("m/86'/1'/0'/1/0"));
        for other in [
            "m/86'/0'/0'/0/7",
            "m/86'/1'/1'/0/7",
            "m/86'/1'/0'/2/7",
            "m/86'/1'/0'/0",
            "m",
        ] {
            assert!(!is(other), "{other}");
        }
        assert!(!is("m/86'/1'/0'/0/7'") && !is("m/86'/1'/0'/0/7/1"));
    }
}
