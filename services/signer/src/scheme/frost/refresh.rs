//! New shares of the same key: each signer adds a share of zero from every other. Shares from before no
//! longer fit those from after.

use std::collections::BTreeMap;

use frost_core::keys::dkg::{round1, round2};
use frost_core::keys::refresh;
use frost_core::{Ciphersuite, Identifier};
use rand::rngs::OsRng;

use super::{Share, fault, identifier};
use crate::protocol::{
    Fault, Inbox, Index, Outgoing, Protocol, SIGNERS, Step, THRESHOLD, decode, encode,
};

enum State<C: Ciphersuite> {
    New,
    Committed(round1::SecretPackage<C>),
    Shared {
        secret: round2::SecretPackage<C>,
        packages: BTreeMap<Identifier<C>, round1::Package<C>>,
    },
    Over,
}

/// One signer's side of a refresh.
pub struct Refresh<C: Ciphersuite> {
    me: Index,
    old: Share<C>,
    state: State<C>,
}

impl<C: Ciphersuite> Refresh<C> {
    /// For the signer `me`, which holds `old`.
    #[must_use]
    pub fn new(me: Index, old: Share<C>) -> Self {
        Self {
            me,
            old,
            state: State::New,
        }
    }

    fn commit(&mut self) -> Result<Step<Share<C>>, Fault> {
        let (secret, package) = refresh::refresh_dkg_part1(
            identifier(self.me)?,
            u16::from(SIGNERS),
            u16::from(THRESHOLD),
            OsRng,
        )
        .map_err(|error| fault::<C>(&error, None))?;
        self.state = State::Committed(secret);
        Ok(Step::Send(Outgoing {
            shared: encode(&package)?.to_vec(),
            private: BTreeMap::new(),
        }))
    }

    fn share(
        &mut self,
        secret: round1::SecretPackage<C>,
        inbox: &Inbox,
    ) -> Result<Step<Share<C>>, Fault> {
        let mut packages = BTreeMap::new();
        for (sender, message) in inbox {
            packages.insert(identifier(*sender)?, decode(*sender, &message.shared)?);
        }
        let (secret, outgoing) = refresh::refresh_dkg_part2(secret, &packages)
            .map_err(|error| fault::<C>(&error, None))?;
        let mut private = BTreeMap::new();
        for receiver in inbox.keys() {
            let package = outgoing
                .get(&identifier::<C>(*receiver)?)
                .ok_or_else(|| Fault::nobody(format!("no share for {receiver}")))?;
            private.insert(*receiver, encode(package)?);
        }
        self.state = State::Shared { secret, packages };
        Ok(Step::Send(Outgoing {
            shared: Vec::new(),
            private,
        }))
    }

    fn finish(
        &self,
        secret: &round2::SecretPackage<C>,
        packages: &BTreeMap<Identifier<C>, round1::Package<C>>,
        inbox: &Inbox,
    ) -> Result<Step<Share<C>>, Fault> {
        let mut shares = BTreeMap::new();
        for (sender, message) in inbox {
            shares.insert(identifier(*sender)?, decode(*sender, &message.private)?);
        }
        let (key, public) = refresh::refresh_dkg_shares(
            secret,
            packages,
            &shares,
            self.old.public.clone(),
            self.old.key.clone(),
        )
        .map_err(|error| fault::<C>(&error, None))?;
        if public.verifying_key() != self.old.public.verifying_key() {
            return Err(Fault::nobody("a refresh that changes the key"));
        }
        Ok(Step::Done(Share {
            key,
            public,
            chain_code: self.old.chain_code,
        }))
    }
}

impl<C: Ciphersuite> Protocol for Refresh<C> {
    type Output = Share<C>;

    fn advance(&mut self, inbox: &Inbox) -> Result<Step<Share<C>>, Fault> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::New => self.commit(),
            State::Committed(secret) => self.share(secret, inbox),
            State::Shared { secret, packages } => self.finish(&secret, &packages, inbox),
            State::Over => Err(Fault::nobody("the refresh is over")),
        }
    }
}
