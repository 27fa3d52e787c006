//! A signer, without its network: keys, records, policy and the sessions that run.

mod ceremony;
mod keys;
mod signing;
mod status;
mod wire;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use keys::Held;

use crate::chain::{self, Finished, Transaction};
use crate::config::Quorum;
use crate::error::{Code, Error, Refusal, refuse};
use crate::identity::PublicIdentity;
use crate::policy::{Ledger, Policy};
use crate::proto;
use crate::protocol::{Fault, Index};
use crate::scheme::{KeyProtocol, Scheme, SignProtocol};
use crate::session::{Outcome, Parties, Session};
use crate::storage::{Directory, Journal, Record, Shares};

use ceremony::Kind;
use keys::Keys;

/// A session that nobody carried on for so long is closed.
const IDLE_MILLIS: u64 = 2 * 60 * 1000;
/// A session id's time may differ from this clock by so much.
const SKEW_MILLIS: u64 = 5 * 60 * 1000;
/// Open at once.
const MOST_SESSIONS: usize = 64;

/// Unix milliseconds.
pub type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

/// A signer.
pub struct Node {
    parties: Parties,
    policy: Policy,
    rules: Rules,
    clock: Clock,
    state: Mutex<State>,
    sessions: Mutex<HashMap<[u8; 32], Arc<Mutex<Running>>>>,
    _directory: Directory,
}

/// Each chain's part of the policy, made ready.
struct Rules {
    bitcoin: Option<chain::bitcoin::Rules>,
    ethereum: Option<chain::ethereum::Rules>,
    solana: Option<chain::solana::Rules>,
}

/// What changes, behind one lock: a decision and its record are one step.
struct State {
    journal: Journal,
    shares: Shares,
    keys: Keys,
    ledger: Ledger,
    /// Session ids that were used, by their time.
    used: BTreeMap<u64, Vec<[u8; 32]>>,
    banned: BTreeMap<(Scheme, Index), String>,
}

struct Running {
    touched: u64,
    work: Work,
}

enum Work {
    Signing {
        session: Session<SignProtocol>,
        transaction: Box<dyn Transaction>,
        scheme: Scheme,
    },
    Ceremony {
        session: Session<KeyProtocol>,
        kind: Kind,
        scheme: Scheme,
        id: [u8; 32],
    },
}

impl Node {
    /// Opens a signer's directory and takes up what it holds.
    ///
    /// # Errors
    /// A directory, policy or quorum that makes no sense.
    pub fn open(
        directory: Directory,
        quorum: &Quorum,
        policy: Policy,
        clock: Clock,
    ) -> Result<Self, Error> {
        let identity = directory.identity()?;
        let known = quorum.identities.get(&quorum.me);
        if known.is_some_and(|pinned| *pinned != identity.public()) {
            return Err(Error::setting(
                "the quorum's identity of this signer",
                format!("is not the one in its directory, {}", identity.public()),
            ));
        }
        let mut peers = quorum.identities.clone();
        peers.remove(&quorum.me);
        let rules = Rules::new(&policy)?;
        let (journal, records) = directory.journal()?;
        let shares = directory.shares()?;
        let now = clock();
        let mut state = State {
            journal,
            keys: Keys::default(),
            shares,
            ledger: Ledger::default(),
            used: BTreeMap::new(),
            banned: BTreeMap::new(),
        };
        for record in &records {
            state.apply(record);
        }
        state.keys.load(&state.shares)?;
        state.forget(now);
        Ok(Self {
            parties: Parties {
                me: quorum.me,
                identity: Arc::new(identity),
                peers,
            },
            policy,
            rules,
            clock,
            state: Mutex::new(state),
            sessions: Mutex::new(HashMap::new()),
            _directory: directory,
        })
    }

    /// Whether a policy makes sense as a whole.
    ///
    /// # Errors
    /// Says which part doesn't.
    pub fn check(policy: &Policy) -> Result<(), Error> {
        Rules::new(policy).map(drop)
    }

    /// What the others pin.
    #[must_use]
    pub fn identity(&self) -> PublicIdentity {
        self.parties.identity.public()
    }

    /// Carries a session on by one round.
    ///
    /// # Errors
    /// A [`Refusal`], after which the session is as before.
    pub fn round(&self, request: &proto::RoundRequest) -> Result<proto::RoundResponse, Refusal> {
        let id = wire::id(&request.session_id)?;
        let Some(running) = lock(&self.sessions).get(&id).cloned() else {
            return refuse(
                Code::Session,
                "no such session is open: it ended, or this signer restarted, and with it went its nonces; open a new one",
            );
        };
        let envelopes = wire::envelopes(&request.envelopes)?;
        let mut running = lock(&running);
        running.touched = (self.clock)();
        let response = match &mut running.work {
            Work::Signing {
                session,
                transaction,
                scheme,
            } => {
                let outcome = session.round(&envelopes)?;
                self.signed(outcome, transaction.as_ref(), *scheme)
            }
            Work::Ceremony {
                session,
                kind,
                scheme,
                id,
            } => {
                let outcome = session.round(&envelopes)?;
                self.made(outcome, *kind, *scheme, *id)
            }
        };
        drop(running);
        let over = !matches!(
            response,
            Ok(proto::RoundResponse {
                outcome: Some(proto::round_response::Outcome::Next(_))
            })
        );
        if over {
            lock(&self.sessions).remove(&id);
        }
        response
    }

    /// The signing protocol's outcome, told.
    fn signed(
        &self,
        outcome: Outcome<Vec<Vec<u8>>>,
        transaction: &dyn Transaction,
        scheme: Scheme,
    ) -> Result<proto::RoundResponse, Refusal> {
        match outcome {
            Outcome::Next(envelopes) => Ok(wire::next(&envelopes)),
            Outcome::Done(signatures, _) => {
                let finished: Finished = transaction.finish(&signatures)?;
                Ok(wire::signed(finished))
            }
            Outcome::Failed(fault) => self.failed(&fault, scheme),
        }
    }

    /// A fault, told; and remembered when it leaves a secret in danger.
    fn failed(&self, fault: &Fault, scheme: Scheme) -> Result<proto::RoundResponse, Refusal> {
        if let (true, Some(signer)) = (fault.ban, fault.accused) {
            let record = Record::Banned {
                scheme,
                signer,
                reason: fault.reason.clone(),
            };
            lock(&self.state).record(&[record])?;
        }
        Ok(wire::fault(fault, self.parties.me))
    }

    /// A place for one more session, after idle ones are closed.
    fn make_room(&self, now: u64) -> Result<(), Refusal> {
        let mut sessions = lock(&self.sessions);
        sessions.retain(|_, running| {
            running
                .try_lock()
                .map_or(true, |running| running.touched + IDLE_MILLIS >= now)
        });
        if sessions.len() < MOST_SESSIONS {
            Ok(())
        } else {
            refuse(
                Code::Busy,
                format!(
                    "{MOST_SESSIONS} sessions are open; finish one, or wait until it is closed as idle"
                ),
            )
        }
    }
}

impl Rules {
    fn new(policy: &Policy) -> Result<Self, Error> {
        Ok(Self {
            bitcoin: policy
                .bitcoin
                .as_ref()
                .map(chain::bitcoin::Rules::new)
                .transpose()?,
            ethereum: policy
                .ethereum
                .as_ref()
                .map(chain::ethereum::Rules::new)
                .transpose()?,
            solana: policy
                .solana
                .as_ref()
                .map(chain::solana::Rules::new)
                .transpose()?,
        })
    }
}

impl State {
    /// Writes records and takes them in. Nothing is acted upon that isn't on disk.
    fn record(&mut self, records: &[Record]) -> Result<(), Refusal> {
        self.journal
            .append(records)
            .map_err(|error| Refusal::new(Code::Storage, error.to_string()))?;
        for record in records {
            self.apply(record);
        }
        Ok(())
    }

    fn apply(&mut self, record: &Record) {
        self.ledger.apply(record);
        self.keys.apply(record);
        match record {
            Record::Session { id } => {
                let mut bytes = [0; 32];
                if hex::decode_to_slice(id, &mut bytes).is_ok() {
                    self.used.entry(time_of(&bytes)).or_default().push(bytes);
                }
            }
            Record::Banned {
                scheme,
                signer,
                reason,
            } => {
                self.banned.insert((*scheme, *signer), reason.clone());
            }
            // A refresh made the state that a cheat may have learnt of anew.
            Record::Active { scheme, .. } => self.banned.retain(|(of, _), _| of != scheme),
            _ => {}
        }
    }

    fn forget(&mut self, now: u64) {
        self.ledger.forget(now);
        self.used = self.used.split_off(&now.saturating_sub(2 * SKEW_MILLIS));
    }

    /// A session id is used once: new, and of about now.
    fn fresh(&self, id: &[u8; 32], now: u64) -> Result<(), Refusal> {
        let time = time_of(id);
        if time.abs_diff(now) > SKEW_MILLIS {
            return refuse(
                Code::Session,
                "the session id's time is more than 5 minutes from this signer's clock; compare the clocks",
            );
        }
        if self.used.get(&time).is_some_and(|ids| ids.contains(id)) {
            return refuse(
                Code::Session,
                "the session id was used before; take a new one",
            );
        }
        Ok(())
    }
}

fn time_of(id: &[u8; 32]) -> u64 {
    id[..8]
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Locks, even after a panic elsewhere: every state behind these locks is whole between statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
