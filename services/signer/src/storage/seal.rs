//! Encryption at rest: XChaCha20-Poly1305 under keys derived (HKDF-SHA256) from one 32-byte secret. The
//! 24-byte nonces are random, which at that size needs no counter. What a ciphertext is (its name, its place
//! in the journal) is authenticated with it, so that files and records can't be swapped.

use std::io::Write as _;
use std::path::Path;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use rand::RngCore as _;
use rand::rngs::OsRng;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{private, sync_directory};
use crate::error::Error;

const NONCE: usize = 24;
const MAGIC: &[u8] = b"outcry-sealed-1\n";

/// The secret under which a signer's disk is encrypted. Not on that disk.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// These 32 bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// From a file of 32 bytes, or of 64 hex digits.
    ///
    /// # Errors
    /// A file that can't be read or holds neither.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = Zeroizing::new(std::fs::read(path).map_err(Error::file(path))?);
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() == key.len() {
            key.copy_from_slice(&bytes);
        } else if hex::decode_to_slice(bytes.trim_ascii(), key.as_mut()).is_err() {
            return Err(Error::Corrupt {
                path: path.to_owned(),
                problem: "not 32 bytes or 64 hex digits; make one with `openssl rand -hex 32`"
                    .to_owned(),
            });
        }
        Ok(Self(key))
    }

    /// A key of its own for each purpose.
    #[must_use]
    pub fn sealer(&self, purpose: &'static str) -> Sealer {
        let mut key = Zeroizing::new([0; 32]);
        let info = [b"outcry-signer/v1/", purpose.as_bytes()].concat();
        // 32 bytes are far below HKDF's limit of 255 blocks, its only error.
        let expanded = Hkdf::<Sha256>::new(None, self.0.as_ref()).expand(&info, key.as_mut());
        debug_assert!(expanded.is_ok(), "Invariant: 32 bytes fit HKDF");
        Sealer {
            cipher: XChaCha20Poly1305::new((&*key).into()),
        }
    }
}

/// Seals and opens under one derived key.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
}

impl Sealer {
    /// A random nonce, then the ciphertext.
    ///
    /// # Errors
    /// More than the cipher can take, 256 GiB.
    pub fn seal(&self, name: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE];
        OsRng.fill_bytes(&mut nonce);
        let payload = Payload {
            msg: plain,
            aad: name,
        };
        let ciphertext = self
            .cipher
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| Error::Crypto("sealing failed".to_owned()))?;
        Ok([nonce.as_slice(), &ciphertext].concat())
    }

    /// What was sealed under this name, or nothing when it wasn't.
    #[must_use]
    pub fn open(&self, name: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE)?;
        let payload = Payload {
            msg: ciphertext,
            aad: name,
        };
        self.cipher
            .decrypt(XNonce::from_slice(nonce), payload)
            .ok()
            .map(Zeroizing::new)
    }

    /// A sealed file's content, or nothing when there is no file.
    ///
    /// # Errors
    /// A file that can't be read or opened.
    pub fn read(&self, path: &Path, name: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::file(path)(source)),
        };
        bytes
            .strip_prefix(MAGIC)
            .and_then(|sealed| self.open(name, sealed))
            .map(Some)
            .ok_or_else(|| Error::Corrupt {
                path: path.to_owned(),
                problem: "doesn't open: the file was changed, or the storage key is another one; \
                          mount the key it was written with"
                    .to_owned(),
            })
    }

    /// Writes a sealed file so that a crash leaves the old one or the new one, whole.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn write(&self, path: &Path, name: &[u8], plain: &[u8]) -> Result<(), Error> {
        let sealed = self.seal(name, plain)?;
        let draft = path.with_extension("draft");
        let mut file = std::fs::File::create(&draft).map_err(Error::file(&draft))?;
        private(&draft, 0o600)?;
        file.write_all(MAGIC)
            .and_then(|()| file.write_all(&sealed))
            .and_then(|()| file.sync_all())
            .map_err(Error::file(&draft))?;
        std::fs::rename(&draft, path).map_err(Error::file(path))?;
        path.parent().map_or(Ok(()), sync_directory)
    }
}
