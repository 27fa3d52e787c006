//! FROST (RFC 9591) for any ciphersuite: the key share, and moving it by a public amount.

use std::collections::BTreeMap;

use frost_core::keys::{KeyPackage, PublicKeyPackage, SigningShare, VerifyingShare};
use frost_core::{Ciphersuite, Error, Field, Group, Identifier, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::protocol::{Fault, Index};

mod dkg;
mod refresh;
mod repair;
mod sign;

pub use dkg::Dkg;
pub use refresh::Refresh;
pub use repair::Repair;
pub use sign::{Item, Signing};

/// One signer's share of a FROST key, and what all know of the key.
#[derive(Clone, Serialize, Deserialize)]
#[serde(bound = "C: Ciphersuite")]
pub struct Share<C: Ciphersuite> {
    /// The secret share; wiped when dropped.
    pub key: KeyPackage<C>,
    /// The group's key and each signer's public share.
    pub public: PublicKeyPackage<C>,
    /// What addresses are derived with; agreed in key generation. Not secret, but who has it can tell which
    /// addresses are ours.
    pub chain_code: [u8; 32],
}

impl<C: Ciphersuite> Share<C> {
    /// The group's key as the ciphersuite writes it.
    ///
    /// # Errors
    /// A key that can't be written, which a whole share never has.
    pub fn group_key(&self) -> Result<Vec<u8>, Fault> {
        self.public
            .verifying_key()
            .serialize()
            .map_err(|error| fault(&error, None))
    }
}

/// The bytes of a scalar as the ciphersuite writes it.
pub type ScalarBytes<C> = <<<C as Ciphersuite>::Group as Group>::Field as Field>::Serialization;

/// The same key moved by `amount · G`: share and public shares alike. A Shamir sharing of `s` becomes one
/// of `s + amount` when every share moves by `amount`.
///
/// # Errors
/// When the moved key is the identity, which needs a broken hash.
pub fn shift<C: Ciphersuite>(
    key: &KeyPackage<C>,
    public: &PublicKeyPackage<C>,
    amount: &ScalarBytes<C>,
) -> Result<(KeyPackage<C>, PublicKeyPackage<C>), Error<C>> {
    type F<C> = <<C as Ciphersuite>::Group as Group>::Field;
    let amount = F::<C>::deserialize(amount)?;
    let point = C::Group::generator() * amount;
    let moved = |bytes: Vec<u8>| -> Result<Vec<u8>, Error<C>> {
        let serialized = bytes
            .as_slice()
            .try_into()
            .map_err(|_| Error::SerializationError)?;
        let element = C::Group::deserialize(&serialized)? + point;
        Ok(C::Group::serialize(&element)?.as_ref().to_vec())
    };
    let shares: BTreeMap<_, _> = public
        .verifying_shares()
        .iter()
        .map(|(id, share)| {
            let share = VerifyingShare::deserialize(&moved(share.serialize()?)?)?;
            Ok((*id, share))
        })
        .collect::<Result<_, Error<C>>>()?;
    let group = VerifyingKey::deserialize(&moved(public.verifying_key().serialize()?)?)?;
    let secret = zeroize::Zeroizing::new(key.signing_share().serialize());
    let secret = secret
        .as_slice()
        .try_into()
        .map_err(|_| Error::SerializationError)?;
    let secret = F::<C>::serialize(&(F::<C>::deserialize(&secret)? + amount));
    let share = SigningShare::deserialize(secret.as_ref())?;
    let key = KeyPackage::new(
        *key.identifier(),
        share,
        VerifyingShare::from(share),
        group,
        *key.min_signers(),
    );
    let public = PublicKeyPackage::new(shares, group, public.min_signers());
    Ok((key, public))
}

/// The identifier of a signer in FROST.
pub(crate) fn identifier<C: Ciphersuite>(index: Index) -> Result<Identifier<C>, Fault> {
    Identifier::try_from(u16::from(index.get()))
        .map_err(|error| Fault::nobody(format!("identifier of {index}: {error}")))
}

/// FROST's error as a fault: of its culprit where it names one, else of `suspect`.
pub(crate) fn fault<C: Ciphersuite>(error: &Error<C>, suspect: Option<Index>) -> Fault {
    let named = error.culprits().first().and_then(|culprit| {
        Index::ALL
            .into_iter()
            .find(|index| identifier::<C>(*index).is_ok_and(|id| id == *culprit))
    });
    Fault {
        accused: named.or(suspect),
        reason: format!("FROST: {error}"),
        ban: false,
    }
}
