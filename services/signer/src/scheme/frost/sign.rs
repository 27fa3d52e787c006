//! Two signers sign, in two rounds: commitments to nonces, then signature shares. A transaction may need
//! several signatures (one an input), so that each message carries one value for each.
//!
//! Nonces live in this machine alone. They are never written anywhere, and the step that uses them takes
//! them out first: no crash, retry or replay can use one twice.

use std::collections::BTreeMap;

use frost_core::keys::{KeyPackage, PublicKeyPackage};
use frost_core::round1::{SigningCommitments, SigningNonces};
use frost_core::round2::SignatureShare;
use frost_core::{Ciphersuite, SigningPackage};
use rand::rngs::OsRng;

use super::{fault, identifier};
use crate::protocol::{Fault, Inbox, Index, Outgoing, Protocol, Step, decode, encode};

/// One signature to make: with which key, over what.
pub struct Item<C: Ciphersuite> {
    /// The share, moved to the address.
    pub key: KeyPackage<C>,
    /// The public shares, moved likewise.
    pub public: PublicKeyPackage<C>,
    /// What the chain's verifier is given: a hash for Bitcoin, the whole message for Solana.
    pub message: Vec<u8>,
}

enum State<C: Ciphersuite> {
    New,
    Committed(Vec<(SigningNonces<C>, SigningCommitments<C>)>),
    Shared(Vec<(SigningPackage<C>, SignatureShare<C>)>),
    Over,
}

/// One signer's side of signing.
pub struct Signing<C: Ciphersuite> {
    me: Index,
    peer: Index,
    items: Vec<Item<C>>,
    state: State<C>,
}

impl<C: Ciphersuite> Signing<C> {
    /// `me` and `peer` sign `items`.
    #[must_use]
    pub fn new(me: Index, peer: Index, items: Vec<Item<C>>) -> Self {
        Self {
            me,
            peer,
            items,
            state: State::New,
        }
    }

    fn commit(&mut self) -> Result<Step<Vec<Vec<u8>>>, Fault> {
        let nonces: Vec<_> = self
            .items
            .iter()
            .map(|item| frost_core::round1::commit(item.key.signing_share(), &mut OsRng))
            .collect();
        let commitments: Vec<_> = nonces.iter().map(|(_, commitment)| commitment).collect();
        let shared = encode(&commitments)?.to_vec();
        self.state = State::Committed(nonces);
        Ok(Step::Send(Outgoing {
            shared,
            private: BTreeMap::new(),
        }))
    }

    fn share(
        &mut self,
        nonces: Vec<(SigningNonces<C>, SigningCommitments<C>)>,
        inbox: &Inbox,
    ) -> Result<Step<Vec<Vec<u8>>>, Fault> {
        let theirs: Vec<SigningCommitments<C>> = self.values(inbox)?;
        let (me, peer) = (identifier(self.me)?, identifier(self.peer)?);
        let mut shares = Vec::with_capacity(nonces.len());
        for ((item, (nonce, mine)), their) in self.items.iter().zip(nonces).zip(theirs) {
            let commitments = BTreeMap::from([(me, mine), (peer, their)]);
            let package = SigningPackage::new(commitments, &item.message);
            let share = frost_core::round2::sign(&package, &nonce, &item.key)
                .map_err(|error| fault::<C>(&error, Some(self.peer)))?;
            shares.push((package, share));
        }
        let said: Vec<_> = shares.iter().map(|(_, share)| share).collect();
        let outgoing = Outgoing {
            shared: encode(&said)?.to_vec(),
            private: BTreeMap::new(),
        };
        self.state = State::Shared(shares);
        Ok(Step::Send(outgoing))
    }

    fn aggregate(
        &self,
        shares: Vec<(SigningPackage<C>, SignatureShare<C>)>,
        inbox: &Inbox,
    ) -> Result<Step<Vec<Vec<u8>>>, Fault> {
        let theirs: Vec<SignatureShare<C>> = self.values(inbox)?;
        let (me, peer) = (identifier(self.me)?, identifier(self.peer)?);
        let mut signatures = Vec::with_capacity(shares.len());
        for ((item, (package, mine)), their) in self.items.iter().zip(shares).zip(theirs) {
            let both = BTreeMap::from([(me, mine), (peer, their)]);
            let signature = frost_core::aggregate(&package, &both, &item.public)
                .map_err(|error| fault::<C>(&error, Some(self.peer)))?;
            let bytes = signature
                .serialize()
                .map_err(|error| fault::<C>(&error, None))?;
            signatures.push(bytes);
        }
        Ok(Step::Done(signatures))
    }

    /// The peer's values, one for each item.
    fn values<T: serde::de::DeserializeOwned>(&self, inbox: &Inbox) -> Result<Vec<T>, Fault> {
        let message = inbox
            .get(&self.peer)
            .ok_or_else(|| Fault::of(self.peer, "sent nothing"))?;
        let values: Vec<T> = decode(self.peer, &message.shared)?;
        if values.len() == self.items.len() {
            Ok(values)
        } else {
            let (got, want) = (values.len(), self.items.len());
            Err(Fault::of(
                self.peer,
                format!("{got} values for {want} signatures"),
            ))
        }
    }
}

impl<C: Ciphersuite> Protocol for Signing<C> {
    type Output = Vec<Vec<u8>>;

    fn advance(&mut self, inbox: &Inbox) -> Result<Step<Vec<Vec<u8>>>, Fault> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::New => self.commit(),
            State::Committed(nonces) => self.share(nonces, inbox),
            State::Shared(shares) => self.aggregate(shares, inbox),
            State::Over => Err(Fault::nobody("the signing is over")),
        }
    }
}
