//! Threshold ECDSA on secp256k1 by `DKLs23` (Doerner, Kondi, Lee, shelat: "Threshold ECDSA in Three Rounds"),
//! as the crate `dkls23-core` does it. See `docs/security.md` for why this one.

use std::collections::BTreeMap;

use dkls23_core::protocols::{Abort, AbortKind, AbortReason, Parameters, PartyIndex};
use k256::{Scalar, Secp256k1};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::protocol::{
    Fault, Inbox, Incoming, Index, Outgoing, SIGNERS, THRESHOLD, decode, encode,
};

mod dkg;
mod refresh;
mod repair;
mod sign;

pub use dkg::Dkg;
pub use refresh::Refresh;
pub use repair::Repair;
pub use sign::{Recoverable, Signing};

/// `dkls23-core`'s party: share, zero-share seeds and the state of the oblivious transfers with each peer.
pub type Party = dkls23_core::protocols::Party<Secp256k1>;
/// The group's key and each signer's public share.
pub type Public = dkls23_core::protocols::PublicKeyPackage<Secp256k1>;

/// One signer's share of an ECDSA key.
#[derive(Clone, Serialize, Deserialize)]
pub struct Share {
    /// Secret; wiped when dropped.
    pub party: Party,
    /// What all know.
    pub public: Public,
}

impl Share {
    /// A repaired share can sign only after a refresh, which makes its state with each peer anew.
    #[must_use]
    pub fn can_sign(&self) -> bool {
        self.party.mul_senders.len() == usize::from(SIGNERS - 1)
    }
}

fn party_index(index: Index) -> Result<PartyIndex, Fault> {
    PartyIndex::new(index.get()).map_err(|error| Fault::nobody(error.to_string()))
}

fn parameters() -> Parameters {
    Parameters {
        threshold: THRESHOLD,
        share_count: SIGNERS,
    }
}

/// Addresses are made in [`crate::address`]; the crate's own field for one stays empty.
fn no_address(_: &k256::AffinePoint) -> String {
    String::new()
}

fn heard(inbox: &Inbox, sender: Index) -> Result<&Incoming, Fault> {
    inbox
        .get(&sender)
        .ok_or_else(|| Fault::of(sender, "sent nothing"))
}

/// A polynomial's fragments: our own, and a private message for each other signer.
fn dealt(
    me: Index,
    fragments: &Zeroizing<Vec<Scalar>>,
) -> Result<(Option<Zeroizing<Scalar>>, Outgoing), Fault> {
    let (mut own, mut private) = (None, BTreeMap::new());
    for (index, fragment) in Index::ALL.into_iter().zip(fragments.iter()) {
        if index == me {
            own = Some(Zeroizing::new(*fragment));
        } else {
            private.insert(index, encode(fragment)?);
        }
    }
    let outgoing = Outgoing {
        shared: Vec::new(),
        private,
    };
    Ok((own, outgoing))
}

/// Our own fragment, which is taken, and those that the others dealt us.
fn collected(
    own: &mut Option<Zeroizing<Scalar>>,
    inbox: &Inbox,
) -> Result<Zeroizing<Vec<Scalar>>, Fault> {
    let own = own
        .take()
        .ok_or_else(|| Fault::nobody("no fragment of our own"))?;
    let mut fragments = Zeroizing::new(vec![*own]);
    for (sender, message) in inbox {
        fragments.push(decode(*sender, &message.private)?);
    }
    Ok(fragments)
}

/// The crate's abort as a fault. `suspect` is who else takes part when there is only one.
fn fault(abort: &Abort, suspect: Option<Index>) -> Fault {
    let ban = matches!(abort.kind, AbortKind::BanCounterparty(_));
    let named = match (&abort.kind, &abort.reason) {
        (_, AbortReason::InvalidLocalState { .. } | AbortReason::MissingMulState { .. }) => {
            return Fault::nobody(format!("DKLs23: {}", abort.reason));
        }
        (
            _,
            AbortReason::ProofVerificationFailed { counterparty }
            | AbortReason::CommitmentMismatch { counterparty }
            | AbortReason::TrivialInstancePoint { counterparty }
            | AbortReason::SessionBindingMismatch { counterparty }
            | AbortReason::ZeroShareDecommitFailed { counterparty }
            | AbortReason::ChainCodeCommitmentFailed {
                party: counterparty,
            },
        )
        | (AbortKind::BanCounterparty(counterparty), _) => index(*counterparty),
        _ => None,
    };
    Fault {
        accused: named.or(suspect),
        reason: format!("DKLs23: {}", abort.reason),
        ban,
    }
}

fn index(party: PartyIndex) -> Option<Index> {
    Index::try_from(party.as_u8()).ok()
}

/// A message names the pair it is between; it must be the pair that its envelope proved.
fn routed(
    parties: &dkls23_core::protocols::PartiesMessage,
    sender: Index,
    me: Index,
) -> Result<(), Fault> {
    if parties.sender.as_u8() == sender.get() && parties.receiver.as_u8() == me.get() {
        Ok(())
    } else {
        Err(Fault::of(sender, "a message that names other parties"))
    }
}
