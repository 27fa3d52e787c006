//! New shares of the same key, and with them new seeds and oblivious transfers between all three: what an
//! earlier cheat may have learnt of the old ones is worth nothing afterwards. ("Complete refresh" of the
//! crate; its fast one keeps the transfers and is of no use after a repair.)

use std::collections::BTreeMap;

use dkls23_core::protocols::PartyIndex;
use dkls23_core::protocols::dkg::{
    KeepInitMulPhase3to4, KeepInitZeroSharePhase2to3, KeepInitZeroSharePhase3to4, ProofCommitment,
    TransmitInitZeroSharePhase2to4,
};
use dkls23_core::utilities::proofs::DLogProof;
use k256::{Scalar, Secp256k1};
use zeroize::Zeroizing;

use super::dkg::{Committed, Setup, committed, setups, to_each};
use super::{Share, collected, dealt, fault, heard, party_index, routed};
use crate::protocol::{Fault, Inbox, Index, Outgoing, Protocol, Step, decode, encode};

/// What this signer keeps from one phase for a later one.
#[derive(Default)]
struct Kept {
    fragment: Option<Zeroizing<Scalar>>,
    correction: Zeroizing<Scalar>,
    proof: Option<ProofCommitment<Secp256k1>>,
    seeds: BTreeMap<PartyIndex, KeepInitZeroSharePhase2to3>,
    shown_seeds: BTreeMap<PartyIndex, KeepInitZeroSharePhase3to4>,
    multiplication: BTreeMap<PartyIndex, KeepInitMulPhase3to4<Secp256k1>>,
    commitments: BTreeMap<Index, [u8; 32]>,
    zero: Vec<TransmitInitZeroSharePhase2to4>,
}

/// One signer's side of a refresh.
pub struct Refresh {
    me: Index,
    id: Vec<u8>,
    old: Share,
    kept: Kept,
    round: u8,
}

impl Refresh {
    /// For the signer `me`, which holds `old`, in the session `id`.
    #[must_use]
    pub fn new(me: Index, id: &[u8], old: Share) -> Self {
        Self {
            me,
            id: id.to_vec(),
            old,
            kept: Kept::default(),
            round: 0,
        }
    }

    fn fragments(&mut self) -> Result<Outgoing, Fault> {
        let fragments = Zeroizing::new(self.old.party.refresh_complete_phase1());
        let (own, outgoing) = dealt(self.me, &fragments)?;
        self.kept.fragment = own;
        Ok(outgoing)
    }

    fn commit(&mut self, inbox: &Inbox) -> Result<Outgoing, Fault> {
        let fragments = collected(&mut self.kept.fragment, inbox)?;
        let (correction, proof, seeds, zero) =
            self.old.party.refresh_complete_phase2(&self.id, &fragments);
        self.kept.correction = Zeroizing::new(correction);
        self.kept.seeds = seeds;
        let shared = Committed::without_derivation(proof.commitment);
        self.kept.proof = Some(proof);
        Ok(Outgoing {
            shared: encode(&shared)?.to_vec(),
            private: to_each(&zero, |message| message.parties.receiver)?,
        })
    }

    fn prove(&mut self, inbox: &Inbox) -> Result<Outgoing, Fault> {
        for (sender, message) in inbox {
            let said: Committed = decode(*sender, &message.shared)?;
            let zero: TransmitInitZeroSharePhase2to4 = decode(*sender, &message.private)?;
            routed(&zero.parties, *sender, self.me)?;
            self.kept.commitments.insert(*sender, said.commitment);
            self.kept.zero.push(zero);
        }
        let seeds = std::mem::take(&mut self.kept.seeds);
        let (shown, zero, kept, multiplication) =
            self.old.party.refresh_complete_phase3(&self.id, &seeds);
        self.kept.shown_seeds = shown;
        self.kept.multiplication = kept;
        let proof = self
            .kept
            .proof
            .as_ref()
            .ok_or_else(|| Fault::nobody("no proof of our own"))?;
        Ok(Outgoing {
            shared: encode(&proof.proof)?.to_vec(),
            private: setups(zero, multiplication)?,
        })
    }

    fn finish(&mut self, inbox: &Inbox) -> Result<Share, Fault> {
        let own = self
            .kept
            .proof
            .take()
            .ok_or_else(|| Fault::nobody("no proof of our own"))?;
        let mut proofs = vec![own];
        let (mut zero, mut multiplication) = (Vec::new(), Vec::new());
        for sender in Index::ALL.into_iter().filter(|index| *index != self.me) {
            let message = heard(inbox, sender)?;
            let proof: DLogProof<Secp256k1> = decode(sender, &message.shared)?;
            let setup: Setup = decode(sender, &message.private)?;
            routed(&setup.zero.parties, sender, self.me)?;
            routed(&setup.multiplication.parties, sender, self.me)?;
            proofs.push(ProofCommitment {
                index: party_index(sender)?,
                proof,
                commitment: committed(&self.kept.commitments, sender)?,
            });
            zero.push(setup.zero);
            multiplication.push(setup.multiplication);
        }
        let party = self
            .old
            .party
            .refresh_complete_phase4(
                &self.id,
                &self.kept.correction,
                &proofs,
                &self.kept.shown_seeds,
                &self.kept.zero,
                &zero,
                &self.kept.multiplication,
                &multiplication,
            )
            .map_err(|abort| fault(&abort, None))?;
        let public = self
            .old
            .public
            .refresh(&self.id, &proofs)
            .map_err(|reason| Fault::nobody(format!("DKLs23: {reason}")))?;
        if party.pk != self.old.party.pk {
            return Err(Fault::nobody("a refresh that changes the key"));
        }
        Ok(Share { party, public })
    }
}

impl Protocol for Refresh {
    type Output = Share;

    fn advance(&mut self, inbox: &Inbox) -> Result<Step<Share>, Fault> {
        self.round += 1;
        match self.round {
            1 => self.fragments().map(Step::Send),
            2 => self.commit(inbox).map(Step::Send),
            3 => self.prove(inbox).map(Step::Send),
            4 => self.finish(inbox).map(Step::Done),
            _ => Err(Fault::nobody("the refresh is over")),
        }
    }
}
