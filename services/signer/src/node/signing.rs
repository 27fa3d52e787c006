//! Opening a signing session: read, decide, record, and only then begin.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use sha2::{Digest as _, Sha256};

use super::{Node, Running, State, Work, lock, wire};
use crate::chain::{self, Caps, Chain, Reading, ToSign, Transaction};
use crate::error::{Code, Refusal, refuse};
use crate::policy::{Approval, Limits, decide};
use crate::proto;
use crate::protocol::{Index, THRESHOLD};
use crate::scheme::{self, GroupKey};
use crate::session::Session;
use crate::storage::Record;

/// What the policy says of the transaction's chain.
struct Bounds<'a> {
    network: &'a str,
    caps: Caps,
    limits: LimitsOf<'a>,
}

type LimitsOf<'a> = Box<dyn Fn(&str) -> Option<&'a Limits> + 'a>;

impl Node {
    /// Reads a transaction, decides by the policy, writes down what it is bound to and begins to sign.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing was said to anybody.
    pub fn open_signing(
        &self,
        request: &proto::OpenSigningRequest,
    ) -> Result<proto::RoundResponse, Refusal> {
        let now = (self.clock)();
        let id = wire::id(&request.session_id)?;
        let peer = self.peer(&request.participants)?;
        let wanted = request
            .transaction
            .as_ref()
            .and_then(|transaction| transaction.chain.as_ref())
            .ok_or_else(|| Refusal::new(Code::Transaction, "no transaction"))?;
        let chain = wire::chain(wanted);
        self.make_room(now)?;

        let mut state = lock(&self.state);
        state.forget(now);
        state.fresh(&id, now)?;
        let scheme = chain.scheme();
        if let Some(reason) = state.banned.get(&(scheme, peer)) {
            return refuse(
                Code::Banned,
                format!(
                    "{peer} cheated before ({reason}); sign with the other one, and replace it"
                ),
            );
        }
        let key = state.keys.to_sign(scheme)?.key.clone();
        let bounds = self.bounds(chain)?;
        let approvals = request
            .approvals
            .iter()
            .map(|signed| Approval::verify(signed, &self.policy, chain, bounds.network, now))
            .collect::<Result<Vec<_>, _>>()?;
        let transaction = self.read(wanted, &approvals, &key)?;
        let ruling = decide(
            transaction.reading(),
            &approvals,
            &bounds.caps,
            &bounds.limits,
            &state.ledger,
            now,
        )?;
        let context = context(
            &id,
            &request.participants,
            &state,
            &key,
            transaction.reading(),
        )?;
        let machine = machine(
            &state,
            (self.parties.me, peer),
            transaction.reading(),
            &context,
        )?;
        // Before the first word to anybody: after a crash this signer still knows what it is bound to.
        let mut records = ruling.records;
        records.push(Record::Session {
            id: hex::encode(id),
        });
        state.record(&records)?;
        drop(state);

        let (session, outcome) =
            Session::open(id, context, self.parties.clone(), vec![peer], machine)?;
        let response = self.signed(outcome, transaction.as_ref(), scheme)?;
        let work = Work::Signing {
            session,
            transaction,
            scheme,
        };
        let running = Arc::new(Mutex::new(Running { touched: now, work }));
        lock(&self.sessions).insert(id, running);
        Ok(response)
    }

    /// The other one of two.
    fn peer(&self, participants: &[u32]) -> Result<Index, Refusal> {
        let indexes = participants
            .iter()
            .map(|number| wire::index(*number))
            .collect::<Result<Vec<_>, _>>()?;
        match indexes.as_slice() {
            [a, b] if a < b && *a == self.parties.me => Ok(*b),
            [a, b] if a < b && *b == self.parties.me => Ok(*a),
            _ => refuse(
                Code::Session,
                format!(
                    "participants {participants:?}: {THRESHOLD} in ascending order are needed, {} among them",
                    self.parties.me
                ),
            ),
        }
    }

    fn bounds(&self, chain: Chain) -> Result<Bounds<'_>, Refusal> {
        match chain {
            Chain::Bitcoin => {
                let rules = self.rules.bitcoin.as_ref().ok_or_else(|| not_in(chain))?;
                Ok(Bounds {
                    network: rules.network_name(),
                    caps: rules.caps(),
                    limits: Box::new(|asset| rules.limits(asset)),
                })
            }
            Chain::Ethereum => {
                let rules = self.rules.ethereum.as_ref().ok_or_else(|| not_in(chain))?;
                Ok(Bounds {
                    network: rules.network_name(),
                    caps: rules.caps(),
                    limits: Box::new(|asset| rules.limits(asset)),
                })
            }
            Chain::Solana => {
                let rules = self.rules.solana.as_ref().ok_or_else(|| not_in(chain))?;
                Ok(Bounds {
                    network: rules.network_name(),
                    caps: rules.caps(),
                    limits: Box::new(|asset| rules.limits(asset)),
                })
            }
        }
    }

    fn read(
        &self,
        wanted: &proto::transaction::Chain,
        approvals: &[Approval],
        key: &GroupKey,
    ) -> Result<Box<dyn Transaction>, Refusal> {
        match wanted {
            proto::transaction::Chain::Bitcoin(said) => {
                let rules = self
                    .rules
                    .bitcoin
                    .as_ref()
                    .ok_or_else(|| not_in(Chain::Bitcoin))?;
                Ok(Box::new(chain::bitcoin::parse(&said.psbt, key, rules)?))
            }
            proto::transaction::Chain::Ethereum(said) => {
                let rules = self
                    .rules
                    .ethereum
                    .as_ref()
                    .ok_or_else(|| not_in(Chain::Ethereum))?;
                let from = wire::path(said.from.as_ref())?;
                let to = said
                    .to
                    .as_ref()
                    .map(|to| wire::path(Some(to)))
                    .transpose()?;
                Ok(Box::new(chain::ethereum::parse(
                    &said.unsigned,
                    from,
                    to,
                    key,
                    rules,
                )?))
            }
            proto::transaction::Chain::Solana(said) => {
                let rules = self
                    .rules
                    .solana
                    .as_ref()
                    .ok_or_else(|| not_in(Chain::Solana))?;
                let signers = wire::paths(&said.signers)?;
                let own = wire::paths(&said.own)?;
                let approved: BTreeSet<String> = approvals
                    .iter()
                    .map(|approval| approval.address.clone())
                    .collect();
                let parsed =
                    chain::solana::parse(&said.message, &signers, &own, &approved, key, rules)?;
                Ok(Box::new(parsed))
            }
        }
    }
}

fn not_in(chain: Chain) -> Refusal {
    Refusal::new(Code::Network, format!("{chain} is not in the policy"))
}

/// The protocol's machine for what is to be signed, with shares moved to the addresses that sign.
fn machine(
    state: &State,
    (me, peer): (Index, Index),
    reading: &Reading,
    context: &[u8; 32],
) -> Result<scheme::SignProtocol, Refusal> {
    let held = state.keys.to_sign(reading.chain.scheme())?;
    scheme::sign(
        held.share()?,
        &held.key,
        (me, peer),
        &reading.to_sign,
        context,
    )
    .map_err(|fault| Refusal::new(Code::Key, fault.reason))
}

/// Digest of what the session is about. Two signers that were opened with different requests have different
/// ones, and no envelope of one opens at the other.
fn context(
    id: &[u8; 32],
    participants: &[u32],
    state: &State,
    key: &GroupKey,
    reading: &Reading,
) -> Result<[u8; 32], Refusal> {
    let mut hash = Sha256::new_with_prefix(b"outcry/signing/v1");
    hash.update(id);
    for number in participants {
        hash.update(number.to_be_bytes());
    }
    let epoch = state.keys.to_sign(key.scheme)?.epoch;
    hash.update(epoch.to_be_bytes());
    hash.update(key.scheme.name());
    hash.update(&key.public_key);
    hash.update((reading.to_sign.len() as u64).to_be_bytes());
    for ToSign { path, message } in &reading.to_sign {
        let steps = path
            .steps()
            .map_err(|fault| Refusal::new(Code::Key, fault.reason))?;
        hash.update([u8::try_from(steps.len()).unwrap_or(u8::MAX)]);
        for step in steps {
            hash.update(step.to_be_bytes());
        }
        hash.update((message.len() as u64).to_be_bytes());
        hash.update(message);
    }
    Ok(hash.finalize().into())
}
