//! Key generation, refresh and repair. A share is stored first and waits; each signer then confirms, by its
//! identity, what it stored, and the share is used once a signer has seen all three confirmations. A crash
//! anywhere leaves either the old state, or a pending share that the same confirmations activate.

use std::sync::{Arc, Mutex};

use sha2::{Digest as _, Sha256};

use super::{Node, Running, State, Work, lock, wire};
use crate::error::{Code, Refusal, refuse};
use crate::proto;
use crate::protocol::Index;
use crate::scheme::{self, GroupKey, KeyProtocol, Scheme, Share};
use crate::session::{Outcome, Session};
use crate::storage::Record;

/// What a ceremony does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Generate,
    Refresh { epoch: u32 },
    Repair { epoch: u32, lost: Index },
}

impl Node {
    /// Begins a ceremony with both others.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub fn open_ceremony(
        &self,
        request: &proto::OpenCeremonyRequest,
    ) -> Result<proto::RoundResponse, Refusal> {
        let now = (self.clock)();
        let id = wire::id(&request.session_id)?;
        let scheme: Scheme = request
            .scheme
            .parse()
            .map_err(|problem: String| Refusal::new(Code::Key, problem))?;
        let kind = wire::kind(request.kind.as_ref())?;
        self.make_room(now)?;
        let others: Vec<Index> = Index::ALL
            .into_iter()
            .filter(|index| *index != self.parties.me)
            .collect();
        if let Some(unknown) = others
            .iter()
            .find(|other| !self.parties.peers.contains_key(other))
        {
            return refuse(
                Code::Key,
                format!("the quorum file names no identity of {unknown}; pin all three first"),
            );
        }

        let mut state = lock(&self.state);
        state.forget(now);
        state.fresh(&id, now)?;
        let context = self.ceremony_context(&id, scheme, kind);
        let machine = self.key_machine(&state, scheme, kind, &id)?;
        state.record(&[Record::Session {
            id: hex::encode(id),
        }])?;
        drop(state);

        let (session, outcome) = Session::open(id, context, self.parties.clone(), others, machine)?;
        let response = self.made(outcome, kind, scheme, id)?;
        let work = Work::Ceremony {
            session,
            kind,
            scheme,
            id,
        };
        let running = Arc::new(Mutex::new(Running { touched: now, work }));
        lock(&self.sessions).insert(id, running);
        Ok(response)
    }

    fn key_machine(
        &self,
        state: &State,
        scheme: Scheme,
        kind: Kind,
        id: &[u8; 32],
    ) -> Result<KeyProtocol, Refusal> {
        let me = self.parties.me;
        let held = state.keys.held(scheme);
        let wrong = |problem: String| refuse(Code::Key, format!("{scheme}: {problem}"));
        let machine = match (kind, held) {
            (Kind::Generate, None) => scheme::generate(scheme, me, id),
            (Kind::Generate, Some(held)) => {
                return wrong(format!(
                    "a key is there, epoch {}; it is never made anew while it may hold coins",
                    held.epoch
                ));
            }
            (Kind::Refresh { epoch }, Some(held)) if held.epoch == epoch => {
                Ok(scheme::refresh(me, id, held.share()?.clone()))
            }
            (Kind::Repair { lost, .. }, None) if lost == me => {
                scheme::repair(scheme, me, lost, id, None)
            }
            // Again, when the first repair was not followed by a refresh.
            (Kind::Repair { epoch, lost }, Some(held))
                if lost == me && held.epoch == epoch && !held.active =>
            {
                scheme::repair(scheme, me, lost, id, None)
            }
            (Kind::Repair { epoch, lost }, Some(held))
                if lost != me && held.epoch == epoch && held.active =>
            {
                scheme::repair(scheme, me, lost, id, Some(held.share()?.clone()))
            }
            (kind, held) => {
                let epoch = held.map_or(0, |held| held.epoch);
                return wrong(format!(
                    "{kind:?} doesn't fit the share of this signer, epoch {epoch}"
                ));
            }
        };
        machine.map_err(|fault| Refusal::new(Code::Key, fault.reason))
    }

    /// Covers the pinned identities too: signers that pin different ones can't run a ceremony.
    fn ceremony_context(&self, id: &[u8; 32], scheme: Scheme, kind: Kind) -> [u8; 32] {
        let mut pinned = self.parties.peers.clone();
        pinned.insert(self.parties.me, self.identity());
        let mut hash = Sha256::new_with_prefix(b"outcry/ceremony/v1");
        hash.update(id);
        hash.update(format!("{scheme} {kind:?}"));
        for (index, identity) in pinned {
            hash.update(format!(" {index} {identity}"));
        }
        hash.finalize().into()
    }

    /// The ceremony's outcome: stored, then confirmed.
    pub(super) fn made(
        &self,
        outcome: Outcome<Option<Share>>,
        kind: Kind,
        scheme: Scheme,
        id: [u8; 32],
    ) -> Result<proto::RoundResponse, Refusal> {
        let (share, transcript) = match outcome {
            Outcome::Next(envelopes) => return Ok(wire::next(&envelopes)),
            Outcome::Failed(fault) => return self.failed(&fault, scheme),
            Outcome::Done(share, transcript) => (share, transcript),
        };
        let mut state = lock(&self.state);
        let epoch = match kind {
            Kind::Generate => 1,
            Kind::Refresh { epoch } => epoch + 1,
            Kind::Repair { epoch, .. } => epoch,
        };
        let key = match &share {
            Some(share) => {
                let key = share
                    .group_key()
                    .map_err(|fault| Refusal::new(Code::Key, fault.reason))?;
                state.store(epoch, share, kind, &key, (&id, &transcript))?;
                key
            }
            None => state.keys.to_sign(scheme)?.key.clone(),
        };
        drop(state);
        let mut confirmation = proto::Confirmation {
            session_id: id.to_vec(),
            index: u32::from(self.parties.me.get()),
            scheme: scheme.name().to_owned(),
            epoch,
            public_key: key.public_key,
            chain_code: key.chain_code.to_vec(),
            transcript: transcript.to_vec(),
            signature: Vec::new(),
        };
        let signature = self
            .parties
            .identity
            .confirm(&wire::statement(&confirmation));
        confirmation.signature = signature.to_vec();
        Ok(wire::confirmation(confirmation))
    }

    /// Begins to use the share that all three confirmed, and destroys the one before.
    ///
    /// # Errors
    /// A [`Refusal`] when a confirmation is missing, not its signer's, or of another share.
    pub fn activate(&self, request: &proto::ActivateRequest) -> Result<proto::KeyStatus, Refusal> {
        let first = request
            .confirmations
            .first()
            .ok_or_else(|| Refusal::new(Code::Key, "no confirmations"))?;
        let scheme: Scheme = first
            .scheme
            .parse()
            .map_err(|problem: String| Refusal::new(Code::Key, problem))?;
        self.confirmed_by_all(&request.confirmations)?;
        let mut state = lock(&self.state);
        let active = state.keys.held(scheme).is_some_and(|held| {
            held.active && held.epoch == first.epoch && held.key.public_key == first.public_key
        });
        if !active {
            let pending = state.keys.pending(scheme).filter(|pending| {
                pending.epoch == first.epoch
                    && pending.session == hex::encode(&first.session_id)
                    && pending.transcript == hex::encode(&first.transcript)
                    && pending.key.public_key == first.public_key
                    && pending.key.chain_code.as_slice() == first.chain_code
            });
            if pending.is_none() {
                return refuse(
                    Code::Key,
                    format!("{scheme}: no share waits for these confirmations"),
                );
            }
            state.record(&[Record::Active {
                scheme,
                epoch: first.epoch,
            }])?;
            let State { keys, shares, .. } = &mut *state;
            keys.load(shares)
                .map_err(|error| Refusal::new(Code::Storage, error.to_string()))?;
        }
        self.key_status(&state, scheme)
            .ok_or_else(|| Refusal::new(Code::Key, format!("{scheme}: no key")))
    }

    fn confirmed_by_all(&self, confirmations: &[proto::Confirmation]) -> Result<(), Refusal> {
        let Some(first) = confirmations.first() else {
            return refuse(Code::Key, "no confirmations");
        };
        for index in Index::ALL {
            let number = u32::from(index.get());
            let Some(said) = confirmations.iter().find(|said| said.index == number) else {
                return refuse(Code::Key, format!("no confirmation of {index}"));
            };
            let identity = if index == self.parties.me {
                Some(self.identity())
            } else {
                self.parties.peers.get(&index).cloned()
            };
            let proven = <[u8; 64]>::try_from(said.signature.as_slice())
                .ok()
                .zip(identity)
                .is_some_and(|(signature, identity)| {
                    identity.confirmed(&wire::statement(said), &signature)
                });
            if !proven {
                return refuse(
                    Code::Envelope,
                    format!("a confirmation in the name of {index} that its identity did not sign"),
                );
            }
            let same = said.session_id == first.session_id
                && said.scheme == first.scheme
                && said.epoch == first.epoch
                && said.public_key == first.public_key
                && said.chain_code == first.chain_code
                && said.transcript == first.transcript;
            if !same {
                return refuse(
                    Code::Key,
                    format!("{index} confirms another share than signer-{}", first.index),
                );
            }
        }
        Ok(())
    }
}

impl State {
    fn store(
        &mut self,
        epoch: u32,
        share: &Share,
        kind: Kind,
        key: &GroupKey,
        (id, transcript): (&[u8; 32], &[u8; 32]),
    ) -> Result<(), Refusal> {
        // Another ceremony may have ended since this one was opened: a share in use is never written over.
        let in_the_way = self.keys.held(key.scheme).is_some_and(|held| match kind {
            Kind::Generate | Kind::Refresh { .. } => held.epoch >= epoch,
            Kind::Repair { .. } => held.active,
        });
        if in_the_way {
            return refuse(
                Code::Key,
                format!("{}: another ceremony ended before this one", key.scheme),
            );
        }
        let storage = |error: crate::error::Error| Refusal::new(Code::Storage, error.to_string());
        self.shares.write(epoch, share).map_err(storage)?;
        let record = match kind {
            Kind::Repair { .. } => Record::Repaired {
                epoch,
                key: key.clone(),
            },
            Kind::Generate | Kind::Refresh { .. } => Record::Pending {
                session: hex::encode(id),
                epoch,
                key: key.clone(),
                transcript: hex::encode(transcript),
            },
        };
        self.record(&[record])?;
        self.keys.load(&self.shares).map_err(storage)
    }
}
