//! Distributed key generation, four phases: polynomial fragments; commitments; proofs and the oblivious
//! transfers' set-up; the key. The chain code is made by all, committed to before it is shown.

use std::collections::BTreeMap;

use dkls23_core::DkgSession;
use dkls23_core::protocols::dkg::{
    BroadcastDerivationPhase2to4, BroadcastDerivationPhase3to4, ProofCommitment,
    TransmitInitMulPhase3to4, TransmitInitZeroSharePhase2to4, TransmitInitZeroSharePhase3to4,
};
use dkls23_core::utilities::proofs::DLogProof;
use k256::{Scalar, Secp256k1};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Share, collected, dealt, fault, heard, no_address, parameters, party_index, routed};
use crate::protocol::{Fault, Inbox, Index, Outgoing, Protocol, Step, decode, encode};

#[derive(Serialize, Deserialize)]
pub(super) struct Committed {
    pub commitment: [u8; 32],
    derivation: Option<BroadcastDerivationPhase2to4>,
}

#[derive(Serialize, Deserialize)]
struct Proven {
    proof: DLogProof<Secp256k1>,
    derivation: BroadcastDerivationPhase3to4,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Setup {
    pub zero: TransmitInitZeroSharePhase3to4,
    pub multiplication: TransmitInitMulPhase3to4<Secp256k1>,
}

/// What earlier rounds brought, for the last phase.
#[derive(Default)]
struct Heard {
    commitments: BTreeMap<Index, [u8; 32]>,
    zero: Vec<TransmitInitZeroSharePhase2to4>,
    derivation_commitments:
        BTreeMap<dkls23_core::protocols::PartyIndex, BroadcastDerivationPhase2to4>,
    derivations: BTreeMap<dkls23_core::protocols::PartyIndex, BroadcastDerivationPhase3to4>,
}

/// One signer's side of key generation.
pub struct Dkg {
    me: Index,
    session: Option<DkgSession<Secp256k1>>,
    own_fragment: Option<Zeroizing<Scalar>>,
    own_proof: Option<ProofCommitment<Secp256k1>>,
    heard: Heard,
    round: u8,
}

impl Dkg {
    /// For the signer `me`, in the session `id`.
    ///
    /// # Errors
    /// None that a valid index could cause.
    pub fn new(me: Index, id: &[u8]) -> Result<Self, Fault> {
        let session = DkgSession::new(parameters(), party_index(me)?, id.to_vec());
        Ok(Self {
            me,
            session: Some(session),
            own_fragment: None,
            own_proof: None,
            heard: Heard::default(),
            round: 0,
        })
    }

    fn session(&mut self) -> Result<&mut DkgSession<Secp256k1>, Fault> {
        self.session
            .as_mut()
            .ok_or_else(|| Fault::nobody("key generation is over"))
    }

    fn fragments(&mut self) -> Result<Outgoing, Fault> {
        let fragments = Zeroizing::new(self.session()?.phase1());
        let (own, outgoing) = dealt(self.me, &fragments)?;
        self.own_fragment = own;
        Ok(outgoing)
    }

    fn commit(&mut self, inbox: &Inbox) -> Result<Outgoing, Fault> {
        let fragments = collected(&mut self.own_fragment, inbox)?;
        let (proof, zero, derivation) = self
            .session()?
            .phase2(&fragments)
            .map_err(|abort| fault(&abort, None))?;
        self.heard
            .derivation_commitments
            .insert(party_index(self.me)?, derivation.clone());
        let shared = Committed {
            commitment: proof.commitment,
            derivation: Some(derivation),
        };
        self.own_proof = Some(proof);
        Ok(Outgoing {
            shared: encode(&shared)?.to_vec(),
            private: to_each(&zero, |message| message.parties.receiver)?,
        })
    }

    fn prove(&mut self, inbox: &Inbox) -> Result<Outgoing, Fault> {
        for (sender, message) in inbox {
            let said: Committed = decode(*sender, &message.shared)?;
            let derivation = said
                .derivation
                .ok_or_else(|| Fault::of(*sender, "no commitment to a chain code"))?;
            let zero: TransmitInitZeroSharePhase2to4 = decode(*sender, &message.private)?;
            routed(&zero.parties, *sender, self.me)?;
            self.heard.commitments.insert(*sender, said.commitment);
            self.heard.zero.push(zero);
            self.heard
                .derivation_commitments
                .insert(party_index(*sender)?, derivation);
        }
        let (zero, multiplication, derivation) = self
            .session()?
            .phase3()
            .map_err(|abort| fault(&abort, None))?;
        self.heard
            .derivations
            .insert(party_index(self.me)?, derivation.clone());
        let proof = self
            .own_proof
            .as_ref()
            .ok_or_else(|| Fault::nobody("no proof of our own"))?
            .proof
            .clone();
        Ok(Outgoing {
            shared: encode(&Proven { proof, derivation })?.to_vec(),
            private: setups(zero, multiplication)?,
        })
    }

    fn finish(&mut self, inbox: &Inbox) -> Result<Share, Fault> {
        let own = self
            .own_proof
            .take()
            .ok_or_else(|| Fault::nobody("no proof of our own"))?;
        let mut proofs = vec![own];
        let mut zero = Vec::new();
        let mut multiplication = Vec::new();
        for sender in Index::ALL.into_iter().filter(|index| *index != self.me) {
            let message = heard(inbox, sender)?;
            let said: Proven = decode(sender, &message.shared)?;
            let setup: Setup = decode(sender, &message.private)?;
            routed(&setup.zero.parties, sender, self.me)?;
            routed(&setup.multiplication.parties, sender, self.me)?;
            proofs.push(ProofCommitment {
                index: party_index(sender)?,
                proof: said.proof,
                commitment: committed(&self.heard.commitments, sender)?,
            });
            self.heard
                .derivations
                .insert(party_index(sender)?, said.derivation);
            zero.push(setup.zero);
            multiplication.push(setup.multiplication);
        }
        let session = self
            .session
            .take()
            .ok_or_else(|| Fault::nobody("key generation is over"))?;
        let (party, public) = session
            .phase4(
                &proofs,
                &self.heard.zero,
                &zero,
                &multiplication,
                &self.heard.derivation_commitments,
                &self.heard.derivations,
                no_address,
            )
            .map_err(|abort| fault(&abort, None))?;
        Ok(Share { party, public })
    }
}

impl Protocol for Dkg {
    type Output = Share;

    fn advance(&mut self, inbox: &Inbox) -> Result<Step<Share>, Fault> {
        self.round += 1;
        match self.round {
            1 => self.fragments().map(Step::Send),
            2 => self.commit(inbox).map(Step::Send),
            3 => self.prove(inbox).map(Step::Send),
            _ => self.finish(inbox).map(Step::Done),
        }
    }
}

impl Committed {
    pub(super) fn without_derivation(commitment: [u8; 32]) -> Self {
        Self {
            commitment,
            derivation: None,
        }
    }
}

pub(super) fn committed(
    commitments: &BTreeMap<Index, [u8; 32]>,
    sender: Index,
) -> Result<[u8; 32], Fault> {
    commitments
        .get(&sender)
        .copied()
        .ok_or_else(|| Fault::of(sender, "committed to nothing"))
}

/// Messages of which each names its receiver.
pub(super) fn to_each<T: Serialize>(
    messages: &[T],
    receiver: impl Fn(&T) -> dkls23_core::protocols::PartyIndex,
) -> Result<BTreeMap<Index, Zeroizing<Vec<u8>>>, Fault> {
    messages
        .iter()
        .map(|message| {
            let index = super::index(receiver(message))
                .ok_or_else(|| Fault::nobody("a message to nobody"))?;
            Ok((index, encode(message)?))
        })
        .collect()
}

/// The third phase's two messages to each peer, as one.
pub(super) fn setups(
    zero: Vec<TransmitInitZeroSharePhase3to4>,
    multiplication: Vec<TransmitInitMulPhase3to4<Secp256k1>>,
) -> Result<BTreeMap<Index, Zeroizing<Vec<u8>>>, Fault> {
    let mut by_receiver: BTreeMap<u8, TransmitInitZeroSharePhase3to4> = zero
        .into_iter()
        .map(|message| (message.parties.receiver.as_u8(), message))
        .collect();
    let pairs = multiplication
        .into_iter()
        .map(|multiplication| {
            let receiver = multiplication.parties.receiver.as_u8();
            let zero = by_receiver
                .remove(&receiver)
                .ok_or_else(|| Fault::nobody(format!("half a message for signer-{receiver}")))?;
            Ok(Setup {
                zero,
                multiplication,
            })
        })
        .collect::<Result<Vec<_>, Fault>>()?;
    to_each(&pairs, |pair| pair.zero.parties.receiver)
}
