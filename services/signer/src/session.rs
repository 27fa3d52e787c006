//! One run of a protocol between signers, over a relay that nobody trusts.
//!
//! Each round's messages are bound to the session and to what it is about (its context). From the second
//! round on, each carries a digest of all that was shared before: signers to whom somebody showed different
//! things find out before they act on them.
//!
//! A round is answered once. The same envelopes again get the same answer, from memory; other envelopes for
//! a round that was answered are refused. So no nonce ever meets two messages.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::{Code, Refusal, refuse};
use crate::identity::{Envelope, Header, Identity, PublicIdentity};
use crate::protocol::{Fault, Inbox, Incoming, Index, Outgoing, Protocol, Step};

/// What a payload holds, before it is sealed.
#[derive(Serialize, Deserialize)]
struct Payload {
    shared: Vec<u8>,
    private: Vec<u8>,
    /// Of everything shared in earlier rounds.
    echo: [u8; 32],
}

/// Who takes part, as this signer knows them.
#[derive(Clone)]
pub struct Parties {
    /// This signer.
    pub me: Index,
    /// Its own identity.
    pub identity: Arc<Identity>,
    /// The others', pinned.
    pub peers: BTreeMap<Index, PublicIdentity>,
}

/// What a round led to.
pub enum Outcome<T> {
    /// For the others.
    Next(Vec<Envelope>),
    /// The protocol's end, and the digest of all that was shared.
    Done(T, [u8; 32]),
    /// Somebody broke the protocol; the session is over.
    Failed(Fault),
}

/// A session of one signer.
pub struct Session<P> {
    id: [u8; 32],
    context: [u8; 32],
    parties: Parties,
    others: Vec<Index>,
    round: u32,
    transcript: [u8; 32],
    shared: Vec<u8>,
    machine: Option<P>,
    /// Digest of the last round's envelopes, and what it led to, when that was envelopes.
    answered: Option<([u8; 32], Vec<Envelope>)>,
}

impl<P: Protocol> Session<P> {
    /// Opens a session with `others` and runs its first round.
    ///
    /// # Errors
    /// A [`Refusal`] when there is nobody's identity to seal to.
    pub fn open(
        id: [u8; 32],
        context: [u8; 32],
        parties: Parties,
        others: Vec<Index>,
        machine: P,
    ) -> Result<(Self, Outcome<P::Output>), Refusal> {
        let mut session = Self {
            id,
            context,
            parties,
            others,
            round: 0,
            transcript: [0; 32],
            shared: Vec::new(),
            machine: Some(machine),
            answered: None,
        };
        let outcome = session.advance(&Inbox::new())?;
        Ok((session, outcome))
    }

    /// Takes one round's envelopes, one of each other signer.
    ///
    /// # Errors
    /// A [`Refusal`], after which the session is as before.
    pub fn round(&mut self, envelopes: &[Envelope]) -> Result<Outcome<P::Output>, Refusal> {
        let digest = digest(envelopes);
        if let Some((before, answer)) = &self.answered
            && *before == digest
        {
            return Ok(Outcome::Next(answer.clone()));
        }
        if self.machine.is_none() {
            return refuse(Code::Session, "the session is over; open a new one");
        }
        let (inbox, echoes) = self.open_all(envelopes)?;
        if let Some(fault) = self.unlike(&echoes) {
            self.machine = None;
            return Ok(Outcome::Failed(fault));
        }
        self.listen(&inbox);
        let outcome = self.advance(&inbox)?;
        if let Outcome::Next(answer) = &outcome {
            self.answered = Some((digest, answer.clone()));
        }
        Ok(outcome)
    }

    fn open_all(
        &self,
        envelopes: &[Envelope],
    ) -> Result<(Inbox, BTreeMap<Index, [u8; 32]>), Refusal> {
        let mut inbox = Inbox::new();
        let mut echoes = BTreeMap::new();
        for envelope in envelopes {
            let sender = envelope.header.sender;
            self.expected(&envelope.header)?;
            let peer = self.parties.peers.get(&sender).ok_or_else(|| {
                Refusal::new(Code::Envelope, format!("{sender} has no pinned identity"))
            })?;
            let bytes = self.parties.identity.open(envelope, peer)?;
            let Ok(mut payload) = postcard::from_bytes::<Payload>(&bytes) else {
                return refuse(
                    Code::Envelope,
                    format!("{sender} sent a payload that can't be decoded"),
                );
            };
            echoes.insert(sender, payload.echo);
            let incoming = Incoming {
                shared: std::mem::take(&mut payload.shared),
                private: Zeroizing::new(std::mem::take(&mut payload.private)),
            };
            if inbox.insert(sender, incoming).is_some() {
                return refuse(Code::Envelope, format!("two envelopes of {sender}"));
            }
        }
        match self.others.iter().find(|other| !inbox.contains_key(other)) {
            None => Ok((inbox, echoes)),
            Some(missing) => refuse(
                Code::Envelope,
                format!("no envelope of {missing} for round {}", self.round),
            ),
        }
    }

    fn expected(&self, header: &Header) -> Result<(), Refusal> {
        let problem = if header.session != self.id {
            "is of another session".to_owned()
        } else if header.receiver != self.parties.me {
            format!("is for {}", header.receiver)
        } else if !self.others.contains(&header.sender) {
            "is of a signer that takes no part".to_owned()
        } else if header.context != self.context {
            "is about another request than the one opened here".to_owned()
        } else if header.round != self.round {
            let code = Code::Round;
            return refuse(
                code,
                format!(
                    "an envelope of {} for round {}, this is round {}",
                    header.sender, header.round, self.round
                ),
            );
        } else {
            return Ok(());
        };
        refuse(
            Code::Envelope,
            format!("an envelope of {} {problem}", header.sender),
        )
    }

    /// Who saw other things than this signer. Of two, it is the other; of three, nobody can tell.
    fn unlike(&self, echoes: &BTreeMap<Index, [u8; 32]>) -> Option<Fault> {
        let (sender, _) = echoes.iter().find(|(_, echo)| **echo != self.transcript)?;
        let mut fault = Fault::of(*sender, "tells of other messages than were sent");
        if self.others.len() > 1 {
            fault.accused = None;
        }
        Some(fault)
    }

    /// Adds what all said in this round to the transcript.
    fn listen(&mut self, inbox: &Inbox) {
        let mut said: BTreeMap<Index, &[u8]> = inbox
            .iter()
            .map(|(index, incoming)| (*index, incoming.shared.as_slice()))
            .collect();
        said.insert(self.parties.me, &self.shared);
        let mut hash = Sha256::new_with_prefix(b"outcry/transcript/v1");
        hash.update(self.transcript);
        hash.update(self.round.to_be_bytes());
        for (index, shared) in said {
            hash.update([index.get()]);
            hash.update((shared.len() as u64).to_be_bytes());
            hash.update(shared);
        }
        self.transcript = hash.finalize().into();
    }

    fn advance(&mut self, inbox: &Inbox) -> Result<Outcome<P::Output>, Refusal> {
        let Some(mut machine) = self.machine.take() else {
            return refuse(Code::Session, "the session is over; open a new one");
        };
        // The protocols' crates are not ours, and what they are given may be an attacker's.
        let step = catch_unwind(AssertUnwindSafe(|| machine.advance(inbox)))
            .unwrap_or_else(|_| Err(self.panicked()));
        match step {
            Ok(Step::Send(outgoing)) => {
                self.round += 1;
                let envelopes = self.seal(outgoing)?;
                self.machine = Some(machine);
                Ok(Outcome::Next(envelopes))
            }
            Ok(Step::Done(output)) => Ok(Outcome::Done(output, self.transcript)),
            Err(fault) => Ok(Outcome::Failed(fault)),
        }
    }

    fn panicked(&self) -> Fault {
        Fault {
            accused: match self.others.as_slice() {
                [only] if self.round > 0 => Some(*only),
                _ => None,
            },
            reason: "a message that the protocol's implementation could not take".to_owned(),
            ban: false,
        }
    }

    fn seal(&mut self, mut outgoing: Outgoing) -> Result<Vec<Envelope>, Refusal> {
        let failed = |problem: String| Refusal::new(Code::Envelope, problem);
        let mut envelopes = Vec::with_capacity(self.others.len());
        for receiver in &self.others {
            let peer = self
                .parties
                .peers
                .get(receiver)
                .ok_or_else(|| failed(format!("{receiver} has no pinned identity")))?;
            let private = outgoing.private.remove(receiver).unwrap_or_default();
            let mut payload = Payload {
                shared: outgoing.shared.clone(),
                private: private.to_vec(),
                echo: self.transcript,
            };
            let bytes = postcard::to_allocvec(&payload)
                .map(Zeroizing::new)
                .map_err(|error| failed(error.to_string()))?;
            payload.private.zeroize();
            let header = Header {
                session: self.id,
                context: self.context,
                round: self.round,
                sender: self.parties.me,
                receiver: *receiver,
            };
            let envelope = self
                .parties
                .identity
                .seal(header, peer, &bytes)
                .map_err(|error| failed(error.to_string()))?;
            envelopes.push(envelope);
        }
        self.shared = outgoing.shared;
        Ok(envelopes)
    }
}

fn digest(envelopes: &[Envelope]) -> [u8; 32] {
    let mut each: Vec<[u8; 32]> = envelopes
        .iter()
        .map(|envelope| {
            Sha256::new()
                .chain_update(envelope.signature)
                .chain_update(&envelope.sealed)
                .finalize()
                .into()
        })
        .collect();
    each.sort_unstable();
    Sha256::digest(each.concat()).into()
}
