//! Distributed key generation: nobody deals, nobody ever holds the key.
//!
//! Pedersen's DKG with proofs of possession, as `frost-core` does it, and beside it a chain code that all
//! three make together: each commits to 32 random bytes in the first round and shows them in the second.

use std::collections::BTreeMap;

use frost_core::Ciphersuite;
use frost_core::keys::dkg::{self, round1, round2};
use rand::RngCore;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Share, fault, identifier};
use crate::protocol::{
    Fault, Inbox, Index, Outgoing, Protocol, SIGNERS, Step, THRESHOLD, decode, encode,
};

#[derive(Serialize, Deserialize)]
#[serde(bound = "C: Ciphersuite")]
struct Commitment<C: Ciphersuite> {
    package: round1::Package<C>,
    chain_code: [u8; 32],
}

enum State<C: Ciphersuite> {
    New,
    Committed(round1::SecretPackage<C>),
    Shared {
        secret: round2::SecretPackage<C>,
        packages: BTreeMap<frost_core::Identifier<C>, round1::Package<C>>,
        commitments: BTreeMap<Index, [u8; 32]>,
    },
    Over,
}

/// One signer's side of key generation.
pub struct Dkg<C: Ciphersuite> {
    me: Index,
    chain_code: [u8; 32],
    state: State<C>,
}

impl<C: Ciphersuite> Dkg<C> {
    /// For the signer `me`.
    #[must_use]
    pub fn new(me: Index) -> Self {
        let mut chain_code = [0; 32];
        OsRng.fill_bytes(&mut chain_code);
        Self {
            me,
            chain_code,
            state: State::New,
        }
    }

    fn commit(&mut self) -> Result<Step<Share<C>>, Fault> {
        let (secret, package) = dkg::part1(
            identifier(self.me)?,
            u16::from(SIGNERS),
            u16::from(THRESHOLD),
            OsRng,
        )
        .map_err(|error| fault::<C>(&error, None))?;
        self.state = State::Committed(secret);
        let chain_code = commitment(self.me, &self.chain_code);
        Ok(Step::Send(Outgoing {
            shared: encode(&Commitment {
                package,
                chain_code,
            })?
            .to_vec(),
            private: BTreeMap::new(),
        }))
    }

    fn share(
        &mut self,
        secret: round1::SecretPackage<C>,
        inbox: &Inbox,
    ) -> Result<Step<Share<C>>, Fault> {
        let mut packages = BTreeMap::new();
        let mut commitments = BTreeMap::new();
        for (sender, message) in inbox {
            let said: Commitment<C> = decode(*sender, &message.shared)?;
            packages.insert(identifier::<C>(*sender)?, said.package);
            commitments.insert(*sender, said.chain_code);
        }
        let (secret, outgoing) =
            dkg::part2(secret, &packages).map_err(|error| fault::<C>(&error, None))?;
        let mut private = BTreeMap::new();
        for receiver in inbox.keys() {
            let package = outgoing
                .get(&identifier::<C>(*receiver)?)
                .ok_or_else(|| Fault::nobody(format!("no share for {receiver}")))?;
            private.insert(*receiver, encode(package)?);
        }
        self.state = State::Shared {
            secret,
            packages,
            commitments,
        };
        Ok(Step::Send(Outgoing {
            shared: self.chain_code.to_vec(),
            private,
        }))
    }

    fn finish(
        &self,
        secret: &round2::SecretPackage<C>,
        packages: &BTreeMap<frost_core::Identifier<C>, round1::Package<C>>,
        commitments: &BTreeMap<Index, [u8; 32]>,
        inbox: &Inbox,
    ) -> Result<Step<Share<C>>, Fault> {
        let mut shares = BTreeMap::new();
        let mut chain_codes = BTreeMap::from([(self.me, self.chain_code)]);
        for (sender, message) in inbox {
            let package: round2::Package<C> = decode(*sender, &message.private)?;
            shares.insert(identifier::<C>(*sender)?, package);
            let part: [u8; 32] = message
                .shared
                .as_slice()
                .try_into()
                .map_err(|_| Fault::of(*sender, "a chain code that is not 32 bytes"))?;
            if commitments.get(sender) != Some(&commitment(*sender, &part)) {
                return Err(Fault::of(
                    *sender,
                    "a chain code other than the one committed to",
                ));
            }
            chain_codes.insert(*sender, part);
        }
        let (key, public) =
            dkg::part3(secret, packages, &shares).map_err(|error| fault::<C>(&error, None))?;
        Ok(Step::Done(Share {
            key,
            public,
            chain_code: joined(&chain_codes),
        }))
    }
}

impl<C: Ciphersuite> Protocol for Dkg<C> {
    type Output = Share<C>;

    fn advance(&mut self, inbox: &Inbox) -> Result<Step<Share<C>>, Fault> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::New => self.commit(),
            State::Committed(secret) => self.share(secret, inbox),
            State::Shared {
                secret,
                packages,
                commitments,
            } => self.finish(&secret, &packages, &commitments, inbox),
            State::Over => Err(Fault::nobody("key generation is over")),
        }
    }
}

fn commitment(sender: Index, part: &[u8; 32]) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"outcry/chain-code-commitment/v1")
        .chain_update([sender.get()])
        .chain_update(part)
        .finalize()
        .into()
}

fn joined(parts: &BTreeMap<Index, [u8; 32]>) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"outcry/chain-code/v1");
    for part in parts.values() {
        hash.update(part);
    }
    hash.finalize().into()
}
