//! A lost share made again by the two others: each sends a masked term, only their sum means anything. The
//! repaired share can't sign before a refresh.

use std::collections::BTreeMap;

use dkls23_core::protocols::PartyIndex;
use dkls23_core::protocols::repair::{RepairTerm, repair_assemble};
use k256::Secp256k1;

use super::{Public, Share, heard, no_address, party_index};
use crate::protocol::{Fault, Inbox, Index, Outgoing, Protocol, Step, decode, encode};

/// One signer's side of a repair. It ends with the share for the one who lost it, with nothing for helpers.
pub struct Repair {
    me: Index,
    lost: Index,
    id: Vec<u8>,
    share: Option<Share>,
    round: u8,
}

impl Repair {
    /// `share` is a helper's; the one who lost theirs has none.
    ///
    /// # Errors
    /// When helper and loser are mixed up.
    pub fn new(me: Index, lost: Index, id: &[u8], share: Option<Share>) -> Result<Self, Fault> {
        if (me == lost) == share.is_some() {
            return Err(Fault::nobody(format!(
                "{me} can't take this part in the repair of {lost}: who lost a share has none, who helps has one"
            )));
        }
        Ok(Self {
            me,
            lost,
            id: id.to_vec(),
            share,
            round: 0,
        })
    }

    fn helpers(&self) -> impl Iterator<Item = Index> + use<> {
        let lost = self.lost;
        Index::ALL.into_iter().filter(move |index| *index != lost)
    }

    fn term(&self, share: &Share) -> Result<Outgoing, Fault> {
        let helpers: Vec<PartyIndex> = self.helpers().map(party_index).collect::<Result<_, _>>()?;
        let term = share
            .party
            .repair_term(&helpers, party_index(self.lost)?, &self.id)
            .map_err(|error| Fault::nobody(format!("DKLs23: {error}")))?;
        Ok(Outgoing {
            shared: encode(&share.public)?.to_vec(),
            private: BTreeMap::from([(self.lost, encode(&term)?)]),
        })
    }

    fn assemble(&self, inbox: &Inbox) -> Result<Share, Fault> {
        let mut terms: Vec<RepairTerm<Secp256k1>> = Vec::new();
        let mut packages: Vec<&[u8]> = Vec::new();
        for helper in self.helpers() {
            let message = heard(inbox, helper)?;
            let term: RepairTerm<Secp256k1> = decode(helper, &message.private)?;
            if term.helper.as_u8() != helper.get() {
                return Err(Fault::of(helper, "a term that names another helper"));
            }
            terms.push(term);
            packages.push(&message.shared);
        }
        if packages.windows(2).any(|pair| pair[0] != pair[1]) {
            return Err(Fault::nobody("the helpers tell of different keys"));
        }
        let helper = self
            .helpers()
            .next()
            .ok_or_else(|| Fault::nobody("no helper"))?;
        let public: Public = decode(helper, packages[0])?;
        let party = repair_assemble(&public, party_index(self.me)?, &terms, no_address)
            .map_err(|error| Fault::nobody(format!("DKLs23: {error}")))?;
        Ok(Share { party, public })
    }
}

impl Protocol for Repair {
    type Output = Option<Share>;

    fn advance(&mut self, inbox: &Inbox) -> Result<Step<Self::Output>, Fault> {
        self.round += 1;
        match (self.round, &self.share) {
            (1, None) => Ok(Step::Send(Outgoing::default())),
            (1, Some(share)) => self.term(share).map(Step::Send),
            (2, None) => self.assemble(inbox).map(|share| Step::Done(Some(share))),
            (2, Some(_)) => Ok(Step::Done(None)),
            _ => Err(Fault::nobody("the repair is over")),
        }
    }
}
