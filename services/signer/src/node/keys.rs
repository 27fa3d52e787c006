//! The shares that this signer holds, and those that wait for the others' confirmations.

use std::collections::BTreeMap;

use crate::error::{Code, Error, Refusal};
use crate::scheme::{GroupKey, Scheme, Share};
use crate::storage::{Record, Shares};

/// A share in memory.
pub struct Held {
    /// Counted from 1.
    pub epoch: u32,
    /// Of which key.
    pub key: GroupKey,
    /// Whether all three confirmed it. A repaired share is for a refresh alone.
    pub active: bool,
    share: Option<Share>,
}

/// A share on disk that waits.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Of which ceremony, hex.
    pub session: String,
    /// Counted from 1.
    pub epoch: u32,
    /// Of which key.
    pub key: GroupKey,
    /// Of what all saw, hex.
    pub transcript: String,
}

/// By scheme.
#[derive(Default)]
pub struct Keys {
    held: BTreeMap<Scheme, Held>,
    pending: BTreeMap<Scheme, Pending>,
}

impl Held {
    /// The share.
    ///
    /// # Errors
    /// When it isn't loaded, which a running signer's is.
    pub fn share(&self) -> Result<&Share, Refusal> {
        self.share.as_ref().ok_or_else(|| {
            Refusal::new(
                Code::Key,
                format!("the share of {} is not loaded", self.key.scheme),
            )
        })
    }
}

impl Keys {
    /// The share in use.
    #[must_use]
    pub fn held(&self, scheme: Scheme) -> Option<&Held> {
        self.held.get(&scheme)
    }

    /// The share in use, active, to sign with.
    ///
    /// # Errors
    /// A [`Refusal`] that says what to do.
    pub fn to_sign(&self, scheme: Scheme) -> Result<&Held, Refusal> {
        let refusal = |problem: &str| Err(Refusal::new(Code::Key, format!("{scheme}: {problem}")));
        match self.held.get(&scheme) {
            None => refusal("no key yet; run the ceremony"),
            Some(held) if !held.active => refusal("the share was repaired; refresh the key first"),
            Some(held) => Ok(held),
        }
    }

    /// The share that waits.
    #[must_use]
    pub fn pending(&self, scheme: Scheme) -> Option<&Pending> {
        self.pending.get(&scheme)
    }

    /// Takes in one record.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Pending {
                session,
                epoch,
                key,
                transcript,
            } => {
                let pending = Pending {
                    session: session.clone(),
                    epoch: *epoch,
                    key: key.clone(),
                    transcript: transcript.clone(),
                };
                self.pending.insert(key.scheme, pending);
            }
            Record::Repaired { epoch, key } => {
                let held = Held {
                    epoch: *epoch,
                    key: key.clone(),
                    active: false,
                    share: None,
                };
                self.held.insert(key.scheme, held);
            }
            Record::Active { scheme, epoch } => {
                if let Some(pending) = self.pending.remove(scheme)
                    && pending.epoch == *epoch
                {
                    let held = Held {
                        epoch: *epoch,
                        key: pending.key,
                        active: true,
                        share: None,
                    };
                    self.held.insert(*scheme, held);
                }
            }
            _ => {}
        }
    }

    /// Reads the shares that records told of.
    ///
    /// # Errors
    /// A share that is not there or can't be opened.
    pub fn load(&mut self, shares: &Shares) -> Result<(), Error> {
        for (scheme, held) in &mut self.held {
            if held.share.is_some() {
                continue;
            }
            held.share = shares.read(*scheme, held.epoch)?;
            if held.share.is_none() {
                return Err(Error::setting(
                    format!("the share of {scheme}, epoch {}", held.epoch),
                    "is in the journal but not on the disk; replace this signer (docs/services/signer.md)",
                ));
            }
            if let Some(before) = held.epoch.checked_sub(1) {
                // A crash may have come between the record and this.
                shares.destroy(*scheme, before)?;
            }
        }
        Ok(())
    }
}
