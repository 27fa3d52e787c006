//! A lost share made again by the two others, neither of which learns it ("repairable threshold scheme",
//! Laing and Stinson 2018). The share comes out as it was, so a refresh must follow: whoever finds the lost
//! disk then holds nothing.

use std::collections::BTreeMap;

use frost_core::Ciphersuite;
use frost_core::keys::PublicKeyPackage;
use frost_core::keys::repairable::{
    Delta, Sigma, repair_share_part1, repair_share_part2, repair_share_part3,
};
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};

use super::{Share, fault, identifier};
use crate::protocol::{Fault, Inbox, Index, Outgoing, Protocol, Step, decode, encode};

#[derive(Serialize, Deserialize)]
#[serde(bound = "C: Ciphersuite")]
struct Public<C: Ciphersuite> {
    package: PublicKeyPackage<C>,
    chain_code: [u8; 32],
}

/// One signer's side of a repair. It ends with the share for the one who lost it, with nothing for helpers.
pub struct Repair<C: Ciphersuite> {
    me: Index,
    lost: Index,
    share: Option<Share<C>>,
    own: Option<Delta<C>>,
    public: Option<Public<C>>,
    round: u8,
}

impl<C: Ciphersuite> Repair<C> {
    /// `share` is a helper's; the one who lost theirs has none.
    ///
    /// # Errors
    /// When helper and loser are mixed up.
    pub fn new(me: Index, lost: Index, share: Option<Share<C>>) -> Result<Self, Fault> {
        if (me == lost) == share.is_some() {
            return Err(Fault::nobody(format!(
                "{me} can't take this part in the repair of {lost}: who lost a share has none, who helps has one"
            )));
        }
        Ok(Self {
            me,
            lost,
            share,
            own: None,
            public: None,
            round: 0,
        })
    }

    fn helpers(&self) -> impl Iterator<Item = Index> + use<C> {
        let lost = self.lost;
        Index::ALL.into_iter().filter(move |index| *index != lost)
    }

    fn split(&mut self, share: &Share<C>) -> Result<Outgoing, Fault> {
        let helpers: Vec<_> = self
            .helpers()
            .map(identifier::<C>)
            .collect::<Result<_, _>>()?;
        let mut deltas =
            repair_share_part1(&helpers, &share.key, &mut OsRng, identifier(self.lost)?)
                .map_err(|error| fault::<C>(&error, None))?;
        self.own = deltas.remove(&identifier(self.me)?);
        let mut private = BTreeMap::new();
        for helper in self.helpers().filter(|helper| *helper != self.me) {
            let delta = deltas
                .get(&identifier(helper)?)
                .ok_or_else(|| Fault::nobody(format!("no part for {helper}")))?;
            private.insert(helper, encode(delta)?);
        }
        let public = Public {
            package: share.public.clone(),
            chain_code: share.chain_code,
        };
        Ok(Outgoing {
            shared: encode(&public)?.to_vec(),
            private,
        })
    }

    fn sum(&mut self, inbox: &Inbox) -> Result<Outgoing, Fault> {
        let mut deltas = Vec::from_iter(self.own.take());
        for helper in self.helpers().filter(|helper| *helper != self.me) {
            let message = heard(inbox, helper)?;
            deltas.push(decode(helper, &message.private)?);
        }
        let sigma = repair_share_part2(&deltas);
        Ok(Outgoing {
            shared: Vec::new(),
            private: BTreeMap::from([(self.lost, encode(&sigma)?)]),
        })
    }

    /// The public data that both helpers gave, which must be the same.
    fn agreed(&self, inbox: &Inbox) -> Result<Public<C>, Fault> {
        let mut agreed: Option<(Vec<u8>, Public<C>)> = None;
        for helper in self.helpers() {
            let said = &heard(inbox, helper)?.shared;
            match &agreed {
                Some((bytes, _)) if bytes == said => {}
                Some(_) => return Err(Fault::nobody("the helpers tell of different keys")),
                None => agreed = Some((said.clone(), decode(helper, said)?)),
            }
        }
        agreed
            .map(|(_, public)| public)
            .ok_or_else(|| Fault::nobody("no helper"))
    }

    fn assemble(&self, public: &Public<C>, inbox: &Inbox) -> Result<Share<C>, Fault> {
        let mut sigmas: Vec<Sigma<C>> = Vec::new();
        for helper in self.helpers() {
            sigmas.push(decode(helper, &heard(inbox, helper)?.private)?);
        }
        let id = identifier(self.me)?;
        let key = repair_share_part3(&sigmas, id, &public.package)
            .map_err(|error| fault::<C>(&error, None))?;
        if public.package.verifying_shares().get(&id) != Some(key.verifying_share()) {
            return Err(Fault::nobody(
                "the parts don't make the share that was lost; one helper gave a wrong one",
            ));
        }
        Ok(Share {
            key,
            public: public.package.clone(),
            chain_code: public.chain_code,
        })
    }
}

impl<C: Ciphersuite> Protocol for Repair<C> {
    type Output = Option<Share<C>>;

    fn advance(&mut self, inbox: &Inbox) -> Result<Step<Self::Output>, Fault> {
        self.round += 1;
        match (self.round, self.share.take()) {
            (1, None) => Ok(Step::Send(Outgoing::default())),
            (1, Some(share)) => {
                let outgoing = self.split(&share)?;
                self.share = Some(share);
                Ok(Step::Send(outgoing))
            }
            (2, None) => {
                self.public = Some(self.agreed(inbox)?);
                Ok(Step::Send(Outgoing::default()))
            }
            (2, Some(_)) => self.sum(inbox).map(Step::Send),
            (3, _) if self.me == self.lost => {
                let public = self
                    .public
                    .take()
                    .ok_or_else(|| Fault::nobody("no public data"))?;
                self.assemble(&public, inbox)
                    .map(|share| Step::Done(Some(share)))
            }
            (3, _) => Ok(Step::Done(None)),
            _ => Err(Fault::nobody("the repair is over")),
        }
    }
}

fn heard(inbox: &Inbox, helper: Index) -> Result<&crate::protocol::Incoming, Fault> {
    inbox
        .get(&helper)
        .ok_or_else(|| Fault::of(helper, "sent nothing"))
}
