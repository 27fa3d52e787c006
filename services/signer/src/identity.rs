//! Who a signer is to the others, and the envelopes in which they speak.
//!
//! The relay between signers is not trusted. Each message is sealed to its receiver (HPKE, RFC 9180, base
//! mode: X25519, HKDF-SHA256, ChaCha20-Poly1305) and signed by its sender (Ed25519). Both bind the session,
//! what the session is about, the round, sender and receiver, so that a relay can't read, alter, redirect,
//! reorder or replay one.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem as _, OpModeR, OpModeS, Serializable};
use rand::RngCore as _;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Refusal, refuse};
use crate::protocol::Index;

type KemPrivate = <X25519HkdfSha256 as hpke::Kem>::PrivateKey;
type KemPublic = <X25519HkdfSha256 as hpke::Kem>::PublicKey;
type Encapped = <X25519HkdfSha256 as hpke::Kem>::EncappedKey;

const ENVELOPE: &[u8] = b"outcry/signer-envelope/v1\0";
const CONFIRMATION: &[u8] = b"outcry/signer-confirmation/v1\0";

/// The operating system's randomness, as `hpke` wants it (its `rand_core` is newer than the others').
struct SystemRandom;

impl hpke::rand_core::RngCore for SystemRandom {
    fn next_u32(&mut self) -> u32 {
        OsRng.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        OsRng.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        OsRng.fill_bytes(bytes);
    }
}

impl hpke::rand_core::CryptoRng for SystemRandom {}

/// Made by the signer itself at its first start; its secret half never leaves it.
pub struct Identity {
    signing: SigningKey,
    opening: KemPrivate,
}

/// The half that the others pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicIdentity {
    verifying: VerifyingKey,
    sealing: [u8; 32],
}

/// What an envelope is about. All of it is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Of the session.
    pub session: [u8; 32],
    /// Digest of what the session is about.
    pub context: [u8; 32],
    /// From 1.
    pub round: u32,
    /// From whom.
    pub sender: Index,
    /// To whom.
    pub receiver: Index,
}

/// One message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What it is about.
    pub header: Header,
    /// The encapsulated key (32 bytes), then the ciphertext.
    pub sealed: Vec<u8>,
    /// The sender's, over all of it.
    pub signature: [u8; 64],
}

impl Header {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(ENVELOPE.len() + 70);
        bytes.extend_from_slice(ENVELOPE);
        bytes.extend_from_slice(&self.session);
        bytes.extend_from_slice(&self.context);
        bytes.extend_from_slice(&self.round.to_be_bytes());
        bytes.extend_from_slice(&[self.sender.get(), self.receiver.get()]);
        bytes
    }
}

impl Identity {
    /// A new one, from the operating system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        Self {
            signing: SigningKey::generate(&mut OsRng),
            opening: X25519HkdfSha256::gen_keypair(&mut SystemRandom).0,
        }
    }

    /// For the signer's own encrypted file.
    #[must_use]
    pub fn secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(self.signing.to_bytes().to_vec());
        bytes.extend_from_slice(&self.opening.to_bytes());
        bytes
    }

    /// From that file.
    ///
    /// # Errors
    /// Bytes that are no identity.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (signing, opening) = bytes
            .split_first_chunk::<32>()
            .ok_or_else(|| Error::Crypto("an identity that is too short".to_owned()))?;
        Ok(Self {
            signing: SigningKey::from_bytes(signing),
            opening: KemPrivate::from_bytes(opening)
                .map_err(|error| Error::Crypto(format!("an identity's X25519 key: {error}")))?,
        })
    }

    /// The half for the others.
    #[must_use]
    pub fn public(&self) -> PublicIdentity {
        let mut sealing = [0; 32];
        sealing.copy_from_slice(&X25519HkdfSha256::sk_to_pk(&self.opening).to_bytes());
        PublicIdentity {
            verifying: self.signing.verifying_key(),
            sealing,
        }
    }

    /// Seals `payload` to its receiver, and signs.
    ///
    /// # Errors
    /// A receiver whose key is none.
    pub fn seal(
        &self,
        header: Header,
        receiver: &PublicIdentity,
        payload: &[u8],
    ) -> Result<Envelope, Error> {
        let crypto = |error: hpke::HpkeError| Error::Crypto(format!("sealing: {error}"));
        let public = KemPublic::from_bytes(&receiver.sealing).map_err(crypto)?;
        let bound = header.bytes();
        let (key, ciphertext) =
            hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256, _>(
                &OpModeS::Base,
                &public,
                &bound,
                payload,
                &[],
                &mut SystemRandom,
            )
            .map_err(crypto)?;
        let mut sealed = key.to_bytes().to_vec();
        sealed.extend_from_slice(&ciphertext);
        let signature = self.signing.sign(&[bound.as_slice(), &sealed].concat());
        Ok(Envelope {
            header,
            sealed,
            signature: signature.to_bytes(),
        })
    }

    /// Opens what `sender` sealed, once its signature is proven.
    ///
    /// # Errors
    /// A [`Refusal`] when the signature is another's or the ciphertext was changed.
    pub fn open(
        &self,
        envelope: &Envelope,
        sender: &PublicIdentity,
    ) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let bound = envelope.header.bytes();
        let from = envelope.header.sender;
        sender
            .verifying
            .verify_strict(
                &[bound.as_slice(), &envelope.sealed].concat(),
                &Signature::from_bytes(&envelope.signature),
            )
            .map_err(|_| {
                Refusal::new(
                    Code::Envelope,
                    format!("an envelope in the name of {from} that its identity did not sign"),
                )
            })?;
        let unsealed = || {
            let (key, ciphertext) = envelope.sealed.split_at_checked(32)?;
            let key = Encapped::from_bytes(key).ok()?;
            hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeR::Base,
                &self.opening,
                &key,
                &bound,
                ciphertext,
                &[],
            )
            .ok()
        };
        match unsealed() {
            Some(payload) => Ok(Zeroizing::new(payload)),
            None => refuse(
                Code::Envelope,
                format!("an envelope of {from} that doesn't open: sealed to another identity"),
            ),
        }
    }

    /// Signs a ceremony's confirmation.
    #[must_use]
    pub fn confirm(&self, statement: &[u8]) -> [u8; 64] {
        self.signing
            .sign(&[CONFIRMATION, statement].concat())
            .to_bytes()
    }
}

impl PublicIdentity {
    /// Whether `signature` confirms `statement`.
    #[must_use]
    pub fn confirmed(&self, statement: &[u8], signature: &[u8; 64]) -> bool {
        self.verifying
            .verify_strict(
                &[CONFIRMATION, statement].concat(),
                &Signature::from_bytes(signature),
            )
            .is_ok()
    }
}

impl std::fmt::Display for PublicIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}{}",
            hex::encode(self.verifying.as_bytes()),
            hex::encode(self.sealing)
        )
    }
}

impl std::str::FromStr for PublicIdentity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = [0; 64];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|error| format!("an identity is 128 hex digits: {error}"))?;
        let (verifying, sealing) = bytes.split_at(32);
        let mut verify = [0; 32];
        verify.copy_from_slice(verifying);
        let mut seal = [0; 32];
        seal.copy_from_slice(sealing);
        Ok(Self {
            verifying: VerifyingKey::from_bytes(&verify)
                .map_err(|error| format!("an identity's Ed25519 half: {error}"))?,
            sealing: seal,
        })
    }
}

impl Serialize for PublicIdentity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicIdentity {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
