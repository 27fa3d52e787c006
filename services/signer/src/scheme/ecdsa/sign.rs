//! Two signers sign one hash in three rounds. The instance key (ECDSA's nonce) is shared between both,
//! lives in this machine alone, and each phase consumes what the one before kept.

use std::collections::BTreeMap;

use dkls23_core::protocols::PartyIndex;
use dkls23_core::protocols::signing::{
    Broadcast3to4, KeepPhase1to2, KeepPhase2to3, SignData, TransmitPhase1to2, TransmitPhase2to3,
    UniqueKeep1to2, UniqueKeep2to3,
};
use k256::Secp256k1;

use super::{Party, fault, heard, party_index, routed};
use crate::protocol::{Fault, Inbox, Index, Outgoing, Protocol, Step, decode, encode};

/// An ECDSA signature with what it takes to recover the key: low `s`, and the parity of `R`'s y.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recoverable {
    /// `r`, big-endian.
    pub r: [u8; 32],
    /// `s`, big-endian, at most half the group's order (EIP-2).
    pub s: [u8; 32],
    /// 0 or 1.
    pub y_parity: u8,
}

type Kept<T> = BTreeMap<PartyIndex, T>;

enum State {
    New,
    Started(UniqueKeep1to2<Secp256k1>, Kept<KeepPhase1to2<Secp256k1>>),
    Multiplied(UniqueKeep2to3<Secp256k1>, Kept<KeepPhase2to3<Secp256k1>>),
    Shown(String, Broadcast3to4<Secp256k1>),
    Over,
}

/// One signer's side of signing.
pub struct Signing {
    me: Index,
    peer: Index,
    party: Party,
    data: SignData,
    state: State,
}

impl Signing {
    /// `party` is the share, moved to the address that signs; `id` names the session.
    ///
    /// # Errors
    /// None that valid indexes could cause.
    pub fn new(
        me: Index,
        peer: Index,
        party: Party,
        id: &[u8],
        hash: [u8; 32],
    ) -> Result<Self, Fault> {
        let data = SignData {
            sign_id: id.to_vec(),
            counterparties: vec![party_index(peer)?],
            message_hash: hash,
        };
        Ok(Self {
            me,
            peer,
            party,
            data,
            state: State::New,
        })
    }

    fn start(&mut self) -> Result<Step<Recoverable>, Fault> {
        let (unique, kept, messages) = self
            .party
            .sign_phase1(&self.data)
            .map_err(|abort| fault(&abort, Some(self.peer)))?;
        self.state = State::Started(unique, kept);
        self.to_peer(messages.first())
    }

    fn multiply(
        &mut self,
        unique: UniqueKeep1to2<Secp256k1>,
        kept: Kept<KeepPhase1to2<Secp256k1>>,
        inbox: &Inbox,
    ) -> Result<Step<Recoverable>, Fault> {
        let message: TransmitPhase1to2 = decode(self.peer, &heard(inbox, self.peer)?.private)?;
        routed(&message.parties, self.peer, self.me)?;
        let (unique, kept, messages) = self
            .party
            .sign_phase2(&self.data, unique, kept, &[message])
            .map_err(|abort| fault(&abort, Some(self.peer)))?;
        self.state = State::Multiplied(unique, kept);
        self.to_peer(messages.first())
    }

    fn show(
        &mut self,
        unique: UniqueKeep2to3<Secp256k1>,
        kept: Kept<KeepPhase2to3<Secp256k1>>,
        inbox: &Inbox,
    ) -> Result<Step<Recoverable>, Fault> {
        let message: TransmitPhase2to3<Secp256k1> =
            decode(self.peer, &heard(inbox, self.peer)?.private)?;
        routed(&message.parties, self.peer, self.me)?;
        let (x, broadcast) = self
            .party
            .sign_phase3(&self.data, unique, kept, &[message])
            .map_err(|abort| fault(&abort, Some(self.peer)))?;
        let shared = encode(&broadcast)?.to_vec();
        self.state = State::Shown(x, broadcast);
        Ok(Step::Send(Outgoing {
            shared,
            private: BTreeMap::new(),
        }))
    }

    fn finish(
        &self,
        x: &str,
        own: Broadcast3to4<Secp256k1>,
        inbox: &Inbox,
    ) -> Result<Step<Recoverable>, Fault> {
        let theirs = decode(self.peer, &heard(inbox, self.peer)?.shared)?;
        let (s, recovery) = self
            .party
            .sign_phase4(&self.data, x, &[own, theirs], true)
            .map_err(|abort| fault(&abort, Some(self.peer)))?;
        if recovery > 1 {
            // R's x lies above the group's order, about once in 2^127: Ethereum has no way to say so.
            return Err(Fault::nobody(
                "a signature that Ethereum can't express; sign again",
            ));
        }
        Ok(Step::Done(Recoverable {
            r: scalar(x)?,
            s: scalar(&s)?,
            y_parity: recovery,
        }))
    }

    fn to_peer<T: serde::Serialize>(
        &self,
        message: Option<&T>,
    ) -> Result<Step<Recoverable>, Fault> {
        let message = message.ok_or_else(|| Fault::nobody("no message for the peer"))?;
        Ok(Step::Send(Outgoing {
            shared: Vec::new(),
            private: BTreeMap::from([(self.peer, encode(message)?)]),
        }))
    }
}

impl Protocol for Signing {
    type Output = Recoverable;

    fn advance(&mut self, inbox: &Inbox) -> Result<Step<Recoverable>, Fault> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::New => self.start(),
            State::Started(unique, kept) => self.multiply(unique, kept, inbox),
            State::Multiplied(unique, kept) => self.show(unique, kept, inbox),
            State::Shown(x, own) => self.finish(&x, own, inbox),
            State::Over => Err(Fault::nobody("the signing is over")),
        }
    }
}

fn scalar(digits: &str) -> Result<[u8; 32], Fault> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(digits, &mut bytes)
        .map_err(|error| Fault::nobody(format!("a signature that is not hex: {error}")))?;
    Ok(bytes)
}
