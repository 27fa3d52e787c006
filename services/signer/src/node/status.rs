//! Where a signer stands, for people and for the wallet service.

use super::{Node, State, lock};
use crate::derive::{self, KeyPath};
use crate::scheme::Scheme;
use crate::{address, chain, proto};

impl Node {
    /// Where this signer stands.
    #[must_use]
    pub fn status(&self) -> proto::SignerStatus {
        let state = lock(&self.state);
        let keys = Scheme::ALL
            .into_iter()
            .filter_map(|scheme| self.key_status(&state, scheme))
            .collect();
        let mut banned: Vec<u32> = state
            .banned
            .keys()
            .map(|(_, index)| u32::from(index.get()))
            .collect();
        banned.dedup();
        proto::SignerStatus {
            index: u32::from(self.parties.me.get()),
            identity: self.identity().to_string(),
            keys,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            policy_digest: self.policy.digest.clone(),
            open_sessions: u32::try_from(lock(&self.sessions).len()).unwrap_or(u32::MAX),
            banned,
        }
    }

    pub(super) fn key_status(&self, state: &State, scheme: Scheme) -> Option<proto::KeyStatus> {
        let pending = state.keys.pending(scheme).is_some();
        let held = state.keys.held(scheme);
        let key = held
            .map(|held| &held.key)
            .or_else(|| state.keys.pending(scheme).map(|pending| &pending.key))?;
        let network = self
            .rules
            .bitcoin
            .as_ref()
            .map_or(bitcoin::Network::Bitcoin, chain::bitcoin::Rules::network);
        let address =
            match scheme {
                Scheme::Taproot => address::taproot_script(key, KeyPath::HOT)
                    .and_then(|script| address::taproot_address(&script, network)),
                Scheme::Ecdsa => address::ethereum(key, KeyPath::HOT)
                    .map(|account| address::checksummed(&account)),
                Scheme::Ed25519 => address::solana(key, KeyPath::HOT)
                    .map(|account| bitcoin::base58::encode(&account)),
            };
        let xpub = match scheme {
            Scheme::Ed25519 => None,
            Scheme::Taproot | Scheme::Ecdsa => derive::xpub(key, network.into()).ok(),
        };
        Some(proto::KeyStatus {
            scheme: scheme.name().to_owned(),
            epoch: held.map_or(0, |held| held.epoch),
            public_key: key.public_key.clone(),
            chain_code: key.chain_code.to_vec(),
            address: address.unwrap_or_default(),
            xpub: xpub.map(|xpub| xpub.to_string()).unwrap_or_default(),
            pending,
        })
    }
}
