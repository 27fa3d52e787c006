//! The three signature schemes behind one face: a share, what all know of its key, and the machines that
//! make, refresh, repair and use it.

use std::fmt;

use frost_ed25519::Ed25519Sha512;
use frost_secp256k1_tr::Secp256K1Sha256TR;
use serde::{Deserialize, Serialize};

use crate::chain::ToSign;
use crate::derive::{self, KeyPath};
use crate::protocol::{Fault, Inbox, Index, Protocol, Step};

pub mod ecdsa;
pub mod frost;

/// A signature scheme, which is also the name of the key that a quorum holds for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// FROST(secp256k1, SHA-256) with BIP-340 keys: Bitcoin's taproot.
    Taproot,
    /// FROST(Ed25519, SHA-512): Solana.
    Ed25519,
    /// `DKLs23` on secp256k1: Ethereum.
    Ecdsa,
}

impl Scheme {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Taproot, Self::Ed25519, Self::Ecdsa];

    /// As it is written in files and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Taproot => "taproot",
            Self::Ed25519 => "ed25519",
            Self::Ecdsa => "ecdsa",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Scheme {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|scheme| scheme.name() == name)
            .ok_or_else(|| format!("scheme {name:?} is not taproot, ed25519 or ecdsa"))
    }
}

/// One signer's share of one key. It has no `Debug`: nothing prints a share.
#[derive(Clone, Serialize, Deserialize)]
pub enum Share {
    /// For Bitcoin.
    Taproot(frost::Share<Secp256K1Sha256TR>),
    /// For Solana.
    Ed25519(frost::Share<Ed25519Sha512>),
    /// For Ethereum.
    Ecdsa(Box<ecdsa::Share>),
}

/// What the world may know of a key: enough to derive every address, not enough to sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupKey {
    /// Which scheme.
    pub scheme: Scheme,
    /// Compressed SEC1 (33 bytes) for secp256k1, the encoded point (32 bytes) for Ed25519.
    pub public_key: Vec<u8>,
    /// With which addresses are derived.
    pub chain_code: [u8; 32],
}

impl Share {
    /// Of which scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        match self {
            Self::Taproot(_) => Scheme::Taproot,
            Self::Ed25519(_) => Scheme::Ed25519,
            Self::Ecdsa(_) => Scheme::Ecdsa,
        }
    }

    /// A repaired ECDSA share can't sign before a refresh.
    #[must_use]
    pub fn can_sign(&self) -> bool {
        match self {
            Self::Taproot(_) | Self::Ed25519(_) => true,
            Self::Ecdsa(share) => share.can_sign(),
        }
    }

    /// The key that this is a share of.
    ///
    /// # Errors
    /// A key that can't be written, which a whole share never has.
    pub fn group_key(&self) -> Result<GroupKey, Fault> {
        let (public_key, chain_code) = match self {
            Self::Taproot(share) => (share.group_key()?, share.chain_code),
            Self::Ed25519(share) => (share.group_key()?, share.chain_code),
            Self::Ecdsa(share) => {
                use k256::elliptic_curve::group::GroupEncoding as _;
                (
                    share.party.pk.to_bytes().to_vec(),
                    *share.party.chain_code(),
                )
            }
        };
        Ok(GroupKey {
            scheme: self.scheme(),
            public_key,
            chain_code,
        })
    }
}

/// A protocol that ends with a share, or with none for those who only helped.
pub struct KeyProtocol(Box<dyn Protocol<Output = Option<Share>>>);

impl Protocol for KeyProtocol {
    type Output = Option<Share>;

    fn advance(&mut self, inbox: &Inbox) -> Result<Step<Self::Output>, Fault> {
        self.0.advance(inbox)
    }
}

/// Another machine's outcome, said in another type.
struct Mapped<P, F>(P, F);

impl<P, T, F> Protocol for Mapped<P, F>
where
    P: Protocol,
    F: Fn(P::Output) -> T + Send,
{
    type Output = T;

    fn advance(&mut self, inbox: &Inbox) -> Result<Step<T>, Fault> {
        Ok(match self.0.advance(inbox)? {
            Step::Send(outgoing) => Step::Send(outgoing),
            Step::Done(output) => Step::Done((self.1)(output)),
        })
    }
}

fn ecdsa_share(share: ecdsa::Share) -> Share {
    Share::Ecdsa(Box::new(share))
}

/// Key generation by all three; `id` names the session.
///
/// # Errors
/// None that a valid index could cause.
pub fn generate(scheme: Scheme, me: Index, id: &[u8]) -> Result<KeyProtocol, Fault> {
    Ok(KeyProtocol(match scheme {
        Scheme::Taproot => Box::new(Mapped(frost::Dkg::new(me), |s| Some(Share::Taproot(s)))),
        Scheme::Ed25519 => Box::new(Mapped(frost::Dkg::new(me), |s| Some(Share::Ed25519(s)))),
        Scheme::Ecdsa => Box::new(Mapped(ecdsa::Dkg::new(me, id)?, |s| Some(ecdsa_share(s)))),
    }))
}

/// New shares of the same key, by all three.
#[must_use]
pub fn refresh(me: Index, id: &[u8], old: Share) -> KeyProtocol {
    KeyProtocol(match old {
        Share::Taproot(old) => Box::new(Mapped(frost::Refresh::new(me, old), |s| {
            Some(Share::Taproot(s))
        })),
        Share::Ed25519(old) => Box::new(Mapped(frost::Refresh::new(me, old), |s| {
            Some(Share::Ed25519(s))
        })),
        Share::Ecdsa(old) => Box::new(Mapped(ecdsa::Refresh::new(me, id, *old), |s| {
            Some(ecdsa_share(s))
        })),
    })
}

/// The share that `lost` lost, made by the two others; `share` is a helper's.
///
/// # Errors
/// When helper and loser are mixed up, or the share is of another scheme.
pub fn repair(
    scheme: Scheme,
    me: Index,
    lost: Index,
    id: &[u8],
    share: Option<Share>,
) -> Result<KeyProtocol, Fault> {
    Ok(KeyProtocol(match (scheme, share) {
        (Scheme::Taproot, None) => taproot_repair(frost::Repair::new(me, lost, None)?),
        (Scheme::Taproot, Some(Share::Taproot(share))) => {
            taproot_repair(frost::Repair::new(me, lost, Some(share))?)
        }
        (Scheme::Ed25519, None) => ed25519_repair(frost::Repair::new(me, lost, None)?),
        (Scheme::Ed25519, Some(Share::Ed25519(share))) => {
            ed25519_repair(frost::Repair::new(me, lost, Some(share))?)
        }
        (Scheme::Ecdsa, None) => ecdsa_repair(ecdsa::Repair::new(me, lost, id, None)?),
        (Scheme::Ecdsa, Some(Share::Ecdsa(share))) => {
            ecdsa_repair(ecdsa::Repair::new(me, lost, id, Some(*share))?)
        }
        (scheme, Some(share)) => {
            return Err(Fault::nobody(format!(
                "a share of {} for the repair of {scheme}",
                share.scheme()
            )));
        }
    }))
}

type Repairing = Box<dyn Protocol<Output = Option<Share>>>;

fn taproot_repair(repair: frost::Repair<Secp256K1Sha256TR>) -> Repairing {
    Box::new(Mapped(
        repair,
        |share: Option<frost::Share<Secp256K1Sha256TR>>| share.map(Share::Taproot),
    ))
}

fn ed25519_repair(repair: frost::Repair<Ed25519Sha512>) -> Repairing {
    Box::new(Mapped(
        repair,
        |share: Option<frost::Share<Ed25519Sha512>>| share.map(Share::Ed25519),
    ))
}

fn ecdsa_repair(repair: ecdsa::Repair) -> Repairing {
    Box::new(Mapped(repair, |share: Option<ecdsa::Share>| {
        share.map(ecdsa_share)
    }))
}

/// A signing protocol: it ends with one signature for each thing to sign.
pub struct SignProtocol(Box<dyn Protocol<Output = Vec<Vec<u8>>>>);

impl Protocol for SignProtocol {
    type Output = Vec<Vec<u8>>;

    fn advance(&mut self, inbox: &Inbox) -> Result<Step<Self::Output>, Fault> {
        self.0.advance(inbox)
    }
}

/// Signing by `me` and `peer`; `id` names the session and what it is about.
///
/// # Errors
/// A path that doesn't fit, or no single hash of 32 bytes for ECDSA.
pub fn sign(
    share: &Share,
    key: &GroupKey,
    (me, peer): (Index, Index),
    to_sign: &[ToSign],
    id: &[u8],
) -> Result<SignProtocol, Fault> {
    Ok(SignProtocol(match share {
        Share::Taproot(share) => {
            let items = items(to_sign, |path| derive::taproot(share, key, path))?;
            Box::new(frost::Signing::new(me, peer, items))
        }
        Share::Ed25519(share) => {
            let items = items(to_sign, |path| derive::ed25519(share, key, path))?;
            Box::new(frost::Signing::new(me, peer, items))
        }
        Share::Ecdsa(share) => {
            let [ToSign { path, message }] = to_sign else {
                return Err(Fault::nobody("one ECDSA signature a session"));
            };
            let hash = message
                .as_slice()
                .try_into()
                .map_err(|_| Fault::nobody("a hash that is not 32 bytes"))?;
            let party = derive::ecdsa(share, *path)?;
            let machine = ecdsa::Signing::new(me, peer, party, id, hash)?;
            Box::new(Mapped(machine, |signature: ecdsa::Recoverable| {
                vec![[&signature.r[..], &signature.s[..], &[signature.y_parity]].concat()]
            }))
        }
    }))
}

fn items<C: frost_core::Ciphersuite>(
    to_sign: &[ToSign],
    moved: impl Fn(KeyPath) -> Result<frost::Share<C>, Fault>,
) -> Result<Vec<frost::Item<C>>, Fault> {
    to_sign
        .iter()
        .map(|wanted| {
            let at = moved(wanted.path)?;
            Ok(frost::Item {
                key: at.key,
                public: at.public,
                message: wanted.message.clone(),
            })
        })
        .collect()
}
