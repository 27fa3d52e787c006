//! What a multi-party protocol looks like from outside: rounds of messages, then an end.
//!
//! Key generation, signing, refresh and repair are all machines of this kind. They know nothing of
//! transport, encryption or storage; [`crate::session`] gives them authenticated messages and takes what
//! they send.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Signers of a quorum.
pub const SIGNERS: u8 = 3;
/// Signers that it takes to sign.
pub const THRESHOLD: u8 = 2;

/// A signer's number in its quorum, 1 to 3. It is also where its share lies on the secret polynomial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Index(u8);

impl Index {
    /// All three.
    pub const ALL: [Self; 3] = [Self(1), Self(2), Self(3)];

    /// The number.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Index {
    type Error = String;

    fn try_from(value: u8) -> Result<Self, String> {
        if (1..=SIGNERS).contains(&value) {
            Ok(Self(value))
        } else {
            Err(format!("signer {value} is not 1 to {SIGNERS}"))
        }
    }
}

impl From<Index> for u8 {
    fn from(index: Index) -> Self {
        index.0
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signer-{}", self.0)
    }
}

/// What a party says in one round: to all alike, and to each alone.
#[derive(Default)]
pub struct Outgoing {
    /// The same bytes for everybody; the next round proves that it was.
    pub shared: Vec<u8>,
    /// For one receiver's eyes.
    pub private: BTreeMap<Index, Zeroizing<Vec<u8>>>,
}

/// What a party heard from one other in one round.
pub struct Incoming {
    /// What all got.
    pub shared: Vec<u8>,
    /// What only this party got.
    pub private: Zeroizing<Vec<u8>>,
}

/// One round's messages, by sender.
pub type Inbox = BTreeMap<Index, Incoming>;

/// A round's outcome.
pub enum Step<T> {
    /// Send this; the answers are the next inbox.
    Send(Outgoing),
    /// The protocol is over.
    Done(T),
}

/// Why a protocol stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Fault {
    /// Who broke the protocol, where it tells.
    pub accused: Option<Index>,
    /// What they did, without any secret.
    pub reason: String,
    /// Nobody may run this protocol with the accused again until its state is made anew: what it did may
    /// have told it bits of a long-lived secret.
    pub ban: bool,
}

impl Fault {
    /// A fault of `accused`.
    pub fn of(accused: Index, reason: impl Into<String>) -> Self {
        Self {
            accused: Some(accused),
            reason: reason.into(),
            ban: false,
        }
    }

    /// A fault that can't be laid at anybody's door.
    pub fn nobody(reason: impl Into<String>) -> Self {
        Self {
            accused: None,
            reason: reason.into(),
            ban: false,
        }
    }
}

/// One party's side of a protocol.
pub trait Protocol: Send {
    /// What it ends with.
    type Output;

    /// The first call, with an empty inbox, starts; each later one brings the last round's messages. A
    /// machine that ended or failed must not be called again.
    ///
    /// # Errors
    /// A [`Fault`], naming who caused it where that can be told.
    fn advance(&mut self, inbox: &Inbox) -> Result<Step<Self::Output>, Fault>;
}

/// `value` as bytes, in buffers that are wiped.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Zeroizing<Vec<u8>>, Fault> {
    postcard::to_allocvec(value)
        .map(Zeroizing::new)
        .map_err(|error| Fault::nobody(format!("encoding a message: {error}")))
}

/// What `sender` sent, whole: bytes left over are a fault too.
pub(crate) fn decode<'a, T: Deserialize<'a>>(sender: Index, bytes: &'a [u8]) -> Result<T, Fault> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(Fault::of(
            sender,
            format!("a message with {} bytes too many", rest.len()),
        )),
        Err(_) => Err(Fault::of(sender, "a message that can't be decoded")),
    }
}
