//! What an attacker who holds one signer, the relay, or both can and can't do.

use std::collections::BTreeMap;

use outcry_signer::derive::KeyPath;
use outcry_signer::error::Code;
use outcry_signer::proto::{self, round_response::Outcome};
use outcry_signer::protocol::Index;
use outcry_signer::relay;
use outcry_signer::scheme::Scheme;

use crate::meddler::Meddler;
use crate::quorum::{Quorum, approval, copy, policy, signed, wait};
use crate::signing::{ACCOUNT, SOMEBODY, point};
use crate::transactions::{Ether, Pay, bitcoin_request, outpoint, psbt};

fn ethereum(
    quorum: &Quorum,
    id: &str,
    nonce: u64,
) -> (proto::Transaction, Vec<proto::SignedApproval>) {
    let said = signed(&approval(
        "ethereum",
        id,
        "ETH",
        ACCOUNT,
        5,
        &point(quorum, nonce),
    ));
    let transaction = Ether {
        nonce: u128::from(nonce),
        ..Ether::send(ACCOUNT, 5)
    };
    (transaction.request(), vec![said])
}

fn bitcoin(quorum: &Quorum) -> (proto::Transaction, Vec<proto::SignedApproval>) {
    let key = quorum.key(Scheme::Taproot);
    let psbt = psbt(
        &key,
        &[(1, KeyPath::HOT, 1_000_000)],
        &[Pay::To(SOMEBODY, 990_000)],
    );
    let said = approval(
        "bitcoin",
        "w-1",
        "BTC",
        SOMEBODY,
        990_000,
        &outpoint(1).to_string(),
    );
    (bitcoin_request(&psbt), vec![signed(&said)])
}

/// A compromised signer has its own identity and share, and says what it likes: here envelopes whose content
/// is garbage, properly sealed and signed by it, or none at all, or refusals, or false accusations.
#[test]
fn a_compromised_signer_blocks_nobody_and_is_named() {
    type Lie = (&'static str, fn(&mut proto::RoundResponse));
    let lies: [Lie; 4] = [
        ("broken envelopes", |response| {
            if let Some(Outcome::Next(next)) = &mut response.outcome {
                for envelope in &mut next.envelopes {
                    envelope.sealed[40] ^= 1;
                }
            }
        }),
        ("silence", |response| {
            if let Some(Outcome::Next(next)) = &mut response.outcome {
                next.envelopes.clear();
            }
        }),
        ("refusal", |response| {
            response.outcome = Some(Outcome::Refusal(proto::Refusal {
                code: "REFUSED_LIMIT".to_owned(),
                message: "no".to_owned(),
            }));
        }),
        ("accusation", |response| {
            response.outcome = Some(Outcome::Fault(proto::Fault {
                accused: 1,
                accuser: 2,
                reason: "it was signer-1".to_owned(),
            }));
        }),
    ];
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    for liar in Index::ALL {
        for (what, lie) in lies {
            for (transaction, approvals) in [bitcoin(&quorum), ethereum(&quorum, "w-2", 4)] {
                let mut ports: BTreeMap<Index, Meddler> = quorum
                    .nodes
                    .iter()
                    .map(|(index, node)| (*index, Meddler::honest(node)))
                    .collect();
                ports.get_mut(&liar).unwrap().meddle = Box::new(lie);
                let signing = wait(relay::sign(&ports, &transaction, &approvals, || {
                    quorum.now()
                }));
                assert!(
                    signing.signed.is_some(),
                    "{liar} {what}: {:?}",
                    signing.failed
                );
                if signing.pair.is_some_and(|(a, b)| a != liar && b != liar)
                    && !signing.failed.is_empty()
                {
                    assert_eq!(
                        signing.named.iter().copied().collect::<Vec<_>>(),
                        [liar],
                        "{what}"
                    );
                }
            }
        }
    }
}

/// X signs with B, then tries the same withdrawal with C and another transaction: neither B nor C knows of
/// the other, and still both transactions spend the same point.
#[test]
fn one_signer_and_the_wallet_together_get_no_second_transaction() {
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let [x, b, c] = Index::ALL;
    let with = |other: Index, nonce: u64| {
        let mut nodes = quorum.nodes.clone();
        nodes.retain(|index, _| *index == x || *index == other);
        let said = signed(&approval(
            "ethereum",
            "w-1",
            "ETH",
            ACCOUNT,
            5,
            &point(&quorum, 4),
        ));
        let transaction = Ether {
            nonce: u128::from(nonce),
            ..Ether::send(ACCOUNT, 5)
        };
        wait(relay::sign(&nodes, &transaction.request(), &[said], || {
            quorum.now()
        }))
    };
    assert!(with(b, 4).signed.is_some());
    assert!(
        with(c, 5).signed.is_none(),
        "another nonce is another payment"
    );
    assert!(
        with(c, 4).signed.is_some(),
        "the same nonce is the same payment"
    );
}

/// Even if risk were made to approve a withdrawal again with another point: who signed it once won't again.
#[test]
fn a_withdrawal_is_bound_to_its_point_for_ever_also_across_restarts() {
    let home = copy();
    {
        let quorum = Quorum::open(&home, &policy(), &[]);
        let (transaction, approvals) = ethereum(&quorum, "w-1", 4);
        for index in Index::ALL {
            quorum.ask(index, &transaction, &approvals).unwrap();
        }
    }
    let quorum = Quorum::open(&home, &policy(), &[]);
    let (transaction, approvals) = ethereum(&quorum, "w-1", 5);
    for index in Index::ALL {
        let refused = quorum.ask(index, &transaction, &approvals).unwrap_err();
        assert_eq!(refused.code, Code::ConflictPoint, "{refused}");
        assert!(refused.message.contains("bound to"), "{refused}");
    }
}

struct Opened {
    id: Vec<u8>,
    to_first: proto::Envelope,
    to_second: proto::Envelope,
}

fn open(
    quorum: &Quorum,
    transaction: &proto::Transaction,
    approvals: &[proto::SignedApproval],
) -> Opened {
    let request = proto::OpenSigningRequest {
        session_id: relay::session_id(quorum.now()),
        participants: vec![1, 2],
        transaction: Some(transaction.clone()),
        approvals: approvals.to_vec(),
    };
    let [a, b, _] = Index::ALL;
    let said = |index: Index| only(quorum.nodes[&index].open_signing(&request).unwrap());
    Opened {
        id: request.session_id.clone(),
        to_second: said(a),
        to_first: said(b),
    }
}

fn only(response: proto::RoundResponse) -> proto::Envelope {
    match response.outcome {
        Some(Outcome::Next(mut next)) => next.envelopes.remove(0),
        other => panic!("envelopes expected, got {other:?}"),
    }
}

fn round(id: &[u8], envelope: &proto::Envelope) -> proto::RoundRequest {
    proto::RoundRequest {
        session_id: id.to_vec(),
        envelopes: vec![envelope.clone()],
    }
}

/// The relay between signers can stop them, and nothing else.
#[test]
fn a_compromised_relay_can_neither_read_nor_alter_nor_replay() {
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let (transaction, approvals) = bitcoin(&quorum);
    let first = open(&quorum, &transaction, &approvals);
    let second = open(&quorum, &transaction, &approvals);
    let node = &quorum.nodes[&Index::ALL[0]];
    let refused = |envelope: &proto::Envelope| {
        let error = node.round(&round(&first.id, envelope)).unwrap_err();
        assert!(
            matches!(error.code, Code::Envelope | Code::Round),
            "{error}"
        );
        error.message
    };
    let with = |change: &dyn Fn(&mut proto::Envelope)| {
        let mut changed = first.to_first.clone();
        change(&mut changed);
        refused(&changed)
    };
    assert!(refused(&second.to_first).contains("another session"));
    assert!(refused(&first.to_second).contains("is for signer-2"));
    assert!(with(&|e| e.session_id.clone_from(&second.id)).contains("another session"));
    assert!(with(&|e| e.sender = 3).contains("takes no part"));
    assert!(with(&|e| e.round = 2).contains("round 2"));
    assert!(with(&|e| e.context[0] ^= 1).contains("another request"));
    assert!(with(&|e| e.sealed[50] ^= 1).contains("did not sign"));
    assert!(with(&|e| e.signature[0] ^= 1).contains("did not sign"));
    let mut moved = second.to_first.clone();
    moved.session_id.clone_from(&first.id);
    moved.context.clone_from(&first.to_first.context);
    assert!(refused(&moved).contains("did not sign"));
    // After all that the session goes on.
    node.round(&round(&first.id, &first.to_first)).unwrap();
}

/// Nonces: one answer a round, whatever is asked; and none after a crash.
#[test]
fn a_nonce_meets_one_message_also_across_a_crash() {
    let home = copy();
    let (opened, share) = {
        let quorum = Quorum::open(&home, &policy(), &[]);
        let (transaction, approvals) = bitcoin(&quorum);
        let opened = open(&quorum, &transaction, &approvals);
        let [a, b, _] = Index::ALL;
        let node = &quorum.nodes[&a];
        let answer = node.round(&round(&opened.id, &opened.to_first)).unwrap();
        let again = node.round(&round(&opened.id, &opened.to_first)).unwrap();
        assert_eq!(answer, again, "the same envelopes get the same answer");
        let share = only(answer);
        // Signer 2 is asked for its round-2 answer twice with different things: it answers one.
        let other = quorum.nodes[&b]
            .round(&round(&opened.id, &share))
            .unwrap_err();
        assert_eq!(other.code, Code::Round, "{other}");
        (opened, share)
    };
    // All restart between the rounds.
    let quorum = Quorum::open(&home, &policy(), &[]);
    for node in quorum.nodes.values() {
        let refused = node
            .round(&round(&opened.id, &opened.to_second))
            .unwrap_err();
        assert_eq!(refused.code, Code::Session, "{refused}");
        assert!(refused.message.contains("restarted"), "{refused}");
    }
    // The session's id doesn't open another one, in which old messages would count.
    let (transaction, approvals) = bitcoin(&quorum);
    let reopened = quorum.nodes[&Index::ALL[0]]
        .open_signing(&proto::OpenSigningRequest {
            session_id: opened.id.clone(),
            participants: vec![1, 2],
            transaction: Some(transaction),
            approvals,
        })
        .unwrap_err();
    assert!(reopened.message.contains("used before"), "{reopened}");
    drop(share);
}

/// A relay that opens the two with different transactions: their envelopes don't open at each other.
#[test]
fn two_signers_never_sign_different_transactions_in_one_session() {
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let (first, approvals) = ethereum(&quorum, "w-1", 4);
    let bumped = Ether {
        max_fee: 30_000_000_000,
        ..Ether::send(ACCOUNT, 5)
    }
    .request();
    let session_id = relay::session_id(quorum.now());
    let [a, b, _] = Index::ALL;
    let said: Vec<proto::Envelope> = [(a, &first), (b, &bumped)]
        .into_iter()
        .map(|(index, transaction)| {
            let request = proto::OpenSigningRequest {
                session_id: session_id.clone(),
                participants: vec![1, 2],
                transaction: Some(transaction.clone()),
                approvals: approvals.clone(),
            };
            only(quorum.nodes[&index].open_signing(&request).unwrap())
        })
        .collect();
    let refused = quorum.nodes[&a]
        .round(&round(&session_id, &said[1]))
        .unwrap_err();
    assert!(refused.message.contains("another request"), "{refused}");
}

#[test]
fn sessions_are_bounded_and_their_ids_are_of_now() {
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let (transaction, approvals) = ethereum(&quorum, "w-1", 4);
    let node = &quorum.nodes[&Index::ALL[0]];
    let ask = |session_id: Vec<u8>| {
        node.open_signing(&proto::OpenSigningRequest {
            session_id,
            participants: vec![1, 2],
            transaction: Some(transaction.clone()),
            approvals: approvals.clone(),
        })
    };
    let old = relay::session_id(quorum.now() - 600_000);
    assert_eq!(ask(old).unwrap_err().code, Code::Session);
    let mut open = 0;
    while ask(relay::session_id(quorum.now())).is_ok() {
        open += 1;
    }
    assert_eq!(open, 64);
    assert_eq!(
        ask(relay::session_id(quorum.now())).unwrap_err().code,
        Code::Busy
    );
    quorum
        .clock
        .fetch_add(121_000, std::sync::atomic::Ordering::Relaxed);
    ask(relay::session_id(quorum.now())).unwrap();
}
