//! The file in which the key rests: Argon2id makes a key of the passphrase, XChaCha20-Poly1305 hides the
//! 256 bits under it and vouches for every other field.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{ColdKey, Network, words};
use crate::{ColdError, Result};

const FORMAT: &str = "outcry-cold-keystore/1";
/// Bytes of a file that could be a keystore.
const MAX_FILE: u64 = 16 * 1024;
/// Characters of a passphrase; six words of a list of 7776 are longer and better.
const MIN_PASSPHRASE: usize = 12;

/// What one guess of the passphrase costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cost {
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Cost {
    /// RFC 9106's first choice is 2 GiB and one pass; this fits a small machine and takes longer.
    pub const DEFAULT: Self = Self {
        memory_mib: 512,
        passes: 4,
    };
    /// OWASP's minimum, which a file must not fall below.
    const MIN: Self = Self {
        memory_mib: 19,
        passes: 2,
    };
    /// Above this a file was made to exhaust the machine.
    const MAX: Self = Self {
        memory_mib: 8_192,
        passes: 64,
    };

    fn params(self) -> std::result::Result<Params, String> {
        let Self { memory_mib, passes } = self;
        if memory_mib < Self::MIN.memory_mib || passes < Self::MIN.passes {
            return Err(format!(
                "{memory_mib} MiB and {passes} passes are too cheap to guess against"
            ));
        }
        if memory_mib > Self::MAX.memory_mib || passes > Self::MAX.passes {
            return Err(format!(
                "{memory_mib} MiB and {passes} passes are out of reason"
            ));
        }
        Params::new(memory_mib * 1024, passes, 1, Some(32)).map_err(|error| error.to_string())
    }
}

/// The file's fields; binary ones in hexadecimal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    format: String,
    network: Network,
    /// The master key's fingerprint: public, and what a person tells keystores apart by.
    fingerprint: String,
    argon2id: Cost,
    salt: String,
    nonce: String,
    sealed: String,
}

/// A keystore file that was read, not yet opened.
#[derive(Debug)]
pub struct Keystore {
    path: PathBuf,
    fields: Fields,
}

impl Keystore {
    /// Seals 256 bits into a new file that its owner alone may read. An existing one is never replaced.
    ///
    /// # Errors
    /// [`ColdError::File`], [`ColdError::Weak`], [`ColdError::Usage`].
    pub fn create(
        path: &Path,
        entropy: &[u8; 32],
        network: Network,
        passphrase: &str,
        cost: Cost,
    ) -> Result<Self> {
        strong_enough(passphrase)?;
        let key = ColdKey::new(&words(entropy)?, network)?;
        let mut fields = Fields {
            format: FORMAT.to_owned(),
            network,
            fingerprint: key.fingerprint().to_string(),
            argon2id: cost,
            salt: hex(&random::<16>()?),
            nonce: hex(&random::<24>()?),
            sealed: String::new(),
        };
        let cipher = fields.cipher(passphrase).map_err(ColdError::Usage)?;
        let sealed = cipher
            .encrypt(
                &fields.nonce()?,
                Payload {
                    msg: entropy,
                    aad: &fields.vouched(),
                },
            )
            .map_err(|_| ColdError::System("the cipher failed".into()))?;
        fields.sealed = hex(&sealed);
        let keystore = Self {
            path: path.to_owned(),
            fields,
        };
        keystore.write()?;
        Ok(keystore)
    }

    fn write(&self) -> Result<()> {
        let mut text = serde_json::to_string_pretty(&self.fields)
            .map_err(|error| ColdError::System(error.to_string()))?;
        text.push('\n');
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(ColdError::file(&self.path))?;
        file.write_all(text.as_bytes())
            .map_err(ColdError::file(&self.path))?;
        file.sync_all().map_err(ColdError::file(&self.path))
    }

    /// Reads the file's public fields.
    ///
    /// # Errors
    /// [`ColdError::File`] and [`ColdError::Keystore`].
    pub fn read(path: &Path) -> Result<Self> {
        let wrong = |reason: String| ColdError::Keystore(path.to_owned(), reason);
        let file = std::fs::File::open(path).map_err(ColdError::file(path))?;
        let mut text = String::new();
        file.take(MAX_FILE)
            .read_to_string(&mut text)
            .map_err(|error| wrong(error.to_string()))?;
        let fields: Fields =
            serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if fields.format != FORMAT {
            return Err(wrong("its format is of another version".to_owned()));
        }
        fields.argon2id.params().map_err(wrong)?;
        Ok(Self {
            path: path.to_owned(),
            fields,
        })
    }

    /// The key's fingerprint, as the file says; [`Self::open`] proves it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fields.fingerprint
    }

    /// The networks it is for.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.fields.network
    }

    /// The 256 bits.
    ///
    /// # Errors
    /// [`ColdError::WrongPassphrase`] for that, and for a file in which any field was altered.
    pub fn entropy(&self, passphrase: &str) -> Result<Zeroizing<[u8; 32]>> {
        let wrong = || ColdError::WrongPassphrase(self.path.clone());
        let cipher = self
            .fields
            .cipher(passphrase)
            .map_err(|reason| ColdError::Keystore(self.path.clone(), reason))?;
        let sealed = unhex(&self.fields.sealed)?;
        let payload = Payload {
            msg: &sealed,
            aad: &self.fields.vouched(),
        };
        let opened = cipher
            .decrypt(&self.fields.nonce()?, payload)
            .map_err(|_| wrong())?;
        let opened = Zeroizing::new(opened);
        let mut entropy = Zeroizing::new([0_u8; 32]);
        if opened.len() != entropy.len() {
            return Err(wrong());
        }
        entropy.copy_from_slice(&opened);
        Ok(entropy)
    }

    /// The key.
    ///
    /// # Errors
    /// As [`Self::entropy`].
    pub fn open(&self, passphrase: &str) -> Result<ColdKey> {
        ColdKey::new(&words(&*self.entropy(passphrase)?)?, self.network())
    }
}

impl Fields {
    fn cipher(&self, passphrase: &str) -> std::result::Result<XChaCha20Poly1305, String> {
        let params = self.argon2id.params()?;
        let salt = unhex(&self.salt).map_err(|error| error.to_string())?;
        let mut key = Zeroizing::new([0_u8; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &salt, key.as_mut_slice())
            .map_err(|error| error.to_string())?;
        Ok(XChaCha20Poly1305::new(&Key::from(*key)))
    }

    fn nonce(&self) -> Result<XNonce> {
        let bytes: [u8; 24] = unhex(&self.nonce)?
            .try_into()
            .map_err(|_| ColdError::Malformed("a nonce has 24 bytes".into()))?;
        Ok(XNonce::from(bytes))
    }

    /// Everything but what is sealed, in one unambiguous row of bytes.
    fn vouched(&self) -> Vec<u8> {
        let Cost { memory_mib, passes } = self.argon2id;
        [
            self.format.as_str(),
            self.network.name(),
            &self.fingerprint,
            &memory_mib.to_string(),
            &passes.to_string(),
            &self.salt,
        ]
        .join("\0")
        .into_bytes()
    }
}

/// Refuses a passphrase that is guessed in no time.
///
/// # Errors
/// [`ColdError::Weak`].
pub fn strong_enough(passphrase: &str) -> Result<()> {
    let length = passphrase.chars().count();
    let mut distinct: Vec<char> = passphrase.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if length < MIN_PASSPHRASE || distinct.len() < MIN_PASSPHRASE / 2 {
        return Err(ColdError::Weak(format!(
            "the passphrase is too easy to guess: at least {MIN_PASSPHRASE} characters, better six random words"
        )));
    }
    Ok(())
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| ColdError::System(format!("no randomness: {error}")))?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    use bitcoin::hex::DisplayHex;
    bytes.to_lower_hex_string()
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    use bitcoin::hex::FromHex;
    Vec::from_hex(text)
        .map_err(|error| ColdError::Malformed(format!("a keystore's field: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        memory_mib: 19,
        passes: 2,
    };
    const PASSPHRASE: &str = "correct horse battery";

    fn made(directory: &Path) -> PathBuf {
        let path = directory.join("cold.json");
        Keystore::create(&path, &[7; 32], Network::Regtest, PASSPHRASE, CHEAP).unwrap();
        path
    }

    #[test]
    fn it_opens_with_its_passphrase_alone() {
        let directory = tempfile::tempdir().unwrap();
        let keystore = Keystore::read(&made(directory.path())).unwrap();
        assert_eq!(*keystore.entropy(PASSPHRASE).unwrap(), [7; 32]);
        assert_eq!(
            keystore.open(PASSPHRASE).unwrap().fingerprint().to_string(),
            keystore.fingerprint()
        );
        let wrong = keystore.entropy("correct horse batterz").unwrap_err();
        assert_eq!(wrong.name(), "WRONG_PASSPHRASE");
    }

    #[test]
    fn no_field_can_be_altered() {
        let directory = tempfile::tempdir().unwrap();
        let path = made(directory.path());
        let text = std::fs::read_to_string(&path).unwrap();
        let fields: serde_json::Value = serde_json::from_str(&text).unwrap();
        for (field, value) in fields.as_object().unwrap() {
            let mut altered = fields.clone();
            altered[field] = match (field.as_str(), value) {
                ("network", _) => "mainnet".into(),
                ("argon2id", _) => serde_json::json!({"memoryMib": 20, "passes": 2}),
                (_, value) => {
                    let text = value.as_str().unwrap();
                    let first = if text.starts_with('0') { "1" } else { "0" };
                    format!("{first}{}", &text[1..]).into()
                }
            };
            std::fs::write(&path, altered.to_string()).unwrap();
            let name = match Keystore::read(&path) {
                Err(error) => error.name(),
                Ok(keystore) => keystore.entropy(PASSPHRASE).unwrap_err().name(),
            };
            let expected = if field == "format" {
                "KEYSTORE"
            } else {
                "WRONG_PASSPHRASE"
            };
            assert_eq!(name, expected, "{field}");
        }
    }

    #[test]
    fn it_is_readable_by_its_owner_alone_and_never_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = made(directory.path());
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let again = Keystore::create(&path, &[8; 32], Network::Regtest, PASSPHRASE, CHEAP);
        assert_eq!(again.unwrap_err().name(), "FILE");
    }

    #[test]
    fn cheap_costs_and_weak_passphrases_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cold.json");
        let make = |passphrase, cost| {
            Keystore::create(&path, &[7; 32], Network::Regtest, passphrase, cost)
        };
        assert_eq!(make("short", CHEAP).unwrap_err().name(), "WEAK");
        assert_eq!(make("aaaaaaaaaaaaaaaa", CHEAP).unwrap_err().name(), "WEAK");
        assert_eq!(
            make(
                PASSPHRASE,
                Cost {
                    memory_mib: 1,
                    passes: 1
                }
            )
            .unwrap_err()
            .name(),
            "USAGE"
        );
        assert!(!path.exists());
    }
}
