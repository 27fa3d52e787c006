//! The relay: calls signers, carries their envelopes, and finds out who is in the way. It is trusted with
//! nothing. The wallet service does the same in its own language; this one serves ceremonies, tests and
//! benchmarks.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use rand::RngCore as _;
use rand::rngs::OsRng;

use crate::error::Error;
use crate::proto::{self, round_response::Outcome};
use crate::protocol::Index;
use crate::scheme::Scheme;

/// More rounds than any protocol has.
const MOST_ROUNDS: usize = 8;

/// A way to one signer.
pub trait Port {
    /// See the schema.
    fn open_signing(
        &self,
        request: proto::OpenSigningRequest,
    ) -> impl Future<Output = Result<proto::RoundResponse, Error>> + Send;
    /// See the schema.
    fn open_ceremony(
        &self,
        request: proto::OpenCeremonyRequest,
    ) -> impl Future<Output = Result<proto::RoundResponse, Error>> + Send;
    /// See the schema.
    fn round(
        &self,
        request: proto::RoundRequest,
    ) -> impl Future<Output = Result<proto::RoundResponse, Error>> + Send;
    /// See the schema.
    fn activate(
        &self,
        request: proto::ActivateRequest,
    ) -> impl Future<Output = Result<proto::ActivateResponse, Error>> + Send;
}

/// How a session of several signers ended.
#[derive(Clone, Debug)]
pub enum End {
    /// Each signer's last word: a signed transaction, or a confirmation.
    Done(BTreeMap<Index, Outcome>),
    /// Signers that accuse others of breaking the protocol.
    Faults(Vec<proto::Fault>),
    /// Signers that won't, by name.
    Refused(BTreeMap<Index, proto::Refusal>),
    /// Signers that don't answer.
    Unreachable(BTreeMap<Index, String>),
}

/// Why no pair signed, or that one did.
#[derive(Clone, Debug)]
pub struct Signing {
    /// The signed transaction.
    pub signed: Option<proto::Signed>,
    /// Which pair made it.
    pub pair: Option<(Index, Index)>,
    /// Who stood in the way, as far as what happened tells.
    pub named: BTreeSet<Index>,
    /// Each pair that was tried without success, and how it ended.
    pub failed: Vec<((Index, Index), End)>,
}

/// A session id: unix milliseconds, then randomness.
#[must_use]
pub fn session_id(now: u64) -> Vec<u8> {
    let mut id = now.to_be_bytes().to_vec();
    id.resize(32, 0);
    OsRng.fill_bytes(&mut id[8..]);
    id
}

/// Has two of three sign: pair after pair, until one does. `now` is unix milliseconds.
///
/// A signer is named when a pair with it failed and another pair, without it, succeeded: of the failed pair
/// the other one has then shown that it works.
pub async fn sign<P: Port>(
    ports: &BTreeMap<Index, P>,
    transaction: &proto::Transaction,
    approvals: &[proto::SignedApproval],
    now: impl Fn() -> u64,
) -> Signing {
    let mut failed: Vec<((Index, Index), End)> = Vec::new();
    let mut down: BTreeSet<Index> = BTreeSet::new();
    let [a, b, c] = Index::ALL;
    for pair in [(a, b), (a, c), (b, c)] {
        if [pair.0, pair.1]
            .iter()
            .any(|index| down.contains(index) || !ports.contains_key(index))
        {
            continue;
        }
        let request = proto::OpenSigningRequest {
            session_id: session_id(now()),
            participants: vec![u32::from(pair.0.get()), u32::from(pair.1.get())],
            transaction: Some(transaction.clone()),
            approvals: approvals.to_vec(),
        };
        let id = request.session_id.clone();
        let open = |index: Index| ports[&index].open_signing(request.clone());
        match run(ports, &[pair.0, pair.1], id, open).await {
            End::Done(outcomes) => {
                let signed = outcomes.into_values().find_map(|outcome| match outcome {
                    Outcome::Signed(signed) => Some(signed),
                    _ => None,
                });
                return Signing {
                    named: named(&failed, pair),
                    signed,
                    pair: Some(pair),
                    failed,
                };
            }
            End::Unreachable(who) => {
                down.extend(who.keys());
                failed.push((pair, End::Unreachable(who)));
            }
            end => failed.push((pair, end)),
        }
    }
    Signing {
        signed: None,
        pair: None,
        named: BTreeSet::new(),
        failed,
    }
}

fn named(failed: &[((Index, Index), End)], worked: (Index, Index)) -> BTreeSet<Index> {
    failed
        .iter()
        .filter(|(_, end)| !matches!(end, End::Unreachable(_)))
        .flat_map(|((a, b), _)| [*a, *b])
        .filter(|index| *index != worked.0 && *index != worked.1)
        .collect()
}

/// Runs a ceremony of all three to its confirmations. What they confirm waits until [`activate`]; a repair has
/// nothing to activate, a refresh must follow.
///
/// # Errors
/// How it ended instead.
pub async fn ceremony<P: Port>(
    ports: &BTreeMap<Index, P>,
    scheme: Scheme,
    kind: proto::open_ceremony_request::Kind,
    now: u64,
) -> Result<Vec<proto::Confirmation>, End> {
    let request = proto::OpenCeremonyRequest {
        session_id: session_id(now),
        scheme: scheme.name().to_owned(),
        kind: Some(kind),
    };
    let id = request.session_id.clone();
    let open = |index: Index| ports[&index].open_ceremony(request.clone());
    let outcomes = match run(ports, &Index::ALL, id, open).await {
        End::Done(outcomes) => outcomes,
        end => return Err(end),
    };
    Ok(outcomes
        .into_values()
        .filter_map(|outcome| match outcome {
            Outcome::Confirmation(confirmation) => Some(confirmation),
            _ => None,
        })
        .collect())
}

/// Brings all three confirmations to each signer. Repeating it does no harm: that is how a ceremony is
/// resumed that stopped here.
///
/// # Errors
/// Who refused or didn't answer.
pub async fn activate<P: Port>(
    ports: &BTreeMap<Index, P>,
    confirmations: &[proto::Confirmation],
) -> Result<BTreeMap<Index, proto::KeyStatus>, End> {
    use proto::activate_response::Outcome as Activated;
    let mut active = BTreeMap::new();
    for (index, port) in ports {
        let request = proto::ActivateRequest {
            confirmations: confirmations.to_vec(),
        };
        match port.activate(request).await {
            Ok(response) => match response.outcome {
                Some(Activated::Active(key)) => {
                    active.insert(*index, key);
                }
                Some(Activated::Refusal(refusal)) => {
                    return Err(End::Refused(BTreeMap::from([(*index, refusal)])));
                }
                None => return Err(unreachable(*index, &"an empty answer")),
            },
            Err(error) => return Err(unreachable(*index, &error)),
        }
    }
    Ok(active)
}

fn unreachable(index: Index, problem: &dyn std::fmt::Display) -> End {
    End::Unreachable(BTreeMap::from([(index, problem.to_string())]))
}

async fn run<P, F>(
    ports: &BTreeMap<Index, P>,
    parties: &[Index],
    session_id: Vec<u8>,
    open: impl Fn(Index) -> F,
) -> End
where
    P: Port,
    F: Future<Output = Result<proto::RoundResponse, Error>>,
{
    let mut answers = BTreeMap::new();
    for index in parties {
        answers.insert(*index, open(*index).await);
    }
    for _ in 0..MOST_ROUNDS {
        let sent = match sort(answers) {
            Sorted::Next(sent) => sent,
            Sorted::End(end) => return end,
        };
        answers = BTreeMap::new();
        for index in parties {
            let envelopes = sent
                .iter()
                .filter(|envelope| envelope.receiver == u32::from(index.get()))
                .cloned()
                .collect();
            let request = proto::RoundRequest {
                session_id: session_id.clone(),
                envelopes,
            };
            answers.insert(*index, ports[index].round(request).await);
        }
    }
    End::Faults(Vec::new())
}

enum Sorted {
    Next(Vec<proto::Envelope>),
    End(End),
}

fn sort(answers: BTreeMap<Index, Result<proto::RoundResponse, Error>>) -> Sorted {
    let mut sent = Vec::new();
    let (mut faults, mut refused, mut down) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    let mut done = BTreeMap::new();
    for (index, answer) in answers {
        match answer.map(|response| response.outcome) {
            Ok(Some(Outcome::Next(next))) => sent.extend(next.envelopes),
            Ok(Some(Outcome::Fault(fault))) => faults.push(fault),
            Ok(Some(Outcome::Refusal(refusal))) => {
                refused.insert(index, refusal);
            }
            Ok(Some(outcome)) => {
                done.insert(index, outcome);
            }
            Ok(None) => {
                down.insert(index, "an empty answer".to_owned());
            }
            Err(error) => {
                down.insert(index, error.to_string());
            }
        }
    }
    // One signature is a signature, whatever the other one says of it.
    let signed = done
        .values()
        .any(|outcome| matches!(outcome, Outcome::Signed(_)));
    if signed {
        Sorted::End(End::Done(done))
    } else if !down.is_empty() {
        Sorted::End(End::Unreachable(down))
    } else if !faults.is_empty() {
        Sorted::End(End::Faults(faults))
    } else if !refused.is_empty() {
        Sorted::End(End::Refused(refused))
    } else if !done.is_empty() && sent.is_empty() {
        Sorted::End(End::Done(done))
    } else {
        Sorted::Next(sent)
    }
}
