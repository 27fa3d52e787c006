//! Ceremonies: refresh, a lost signer replaced, interruptions, and what is refused.

use outcry_signer::error::Code;
use outcry_signer::node::Node;
use outcry_signer::proto::open_ceremony_request::Kind;
use outcry_signer::proto::round_response::Outcome;
use outcry_signer::proto::{self, ActivateRequest, GenerateKey, RefreshKey, RepairKey};
use outcry_signer::protocol::Index;
use outcry_signer::relay::{self, End};
use outcry_signer::scheme::Scheme;

use crate::quorum::{Quorum, approval, copy, policy, signed, wait};
use crate::signing::{ACCOUNT, point};
use crate::transactions::Ether;

fn signs(quorum: &Quorum, id: &str) {
    let approvals = [signed(&approval(
        "ethereum",
        id,
        "ETH",
        ACCOUNT,
        5,
        &point(quorum, 4),
    ))];
    let signing = quorum.sign(&Ether::send(ACCOUNT, 5).request(), &approvals);
    assert!(signing.signed.is_some(), "{:?}", signing.failed);
}

#[test]
fn a_refresh_keeps_the_address_also_after_a_restart() {
    let home = copy();
    let before = {
        let quorum = Quorum::open(&home, &policy(), &[]);
        let before = quorum.key(Scheme::Ecdsa);
        quorum.refresh(Scheme::Ecdsa, 1);
        before
    };
    let quorum = Quorum::open(&home, &policy(), &[]);
    assert_eq!(quorum.key(Scheme::Ecdsa), before);
    for node in quorum.nodes.values() {
        let key = &node.status().keys[2];
        assert_eq!((key.epoch, key.pending), (2, false));
    }
    signs(&quorum, "w-1");
    let old = home.path().join("signer-1/shares/ecdsa.1.sealed");
    assert!(!old.exists(), "the share of the epoch before is destroyed");
}

#[test]
fn a_lost_signer_is_replaced_under_a_new_identity() {
    let home = copy();
    let before = Quorum::open(&home, &policy(), &[]).key(Scheme::Ecdsa);
    std::fs::remove_dir_all(home.path().join("signer-2")).unwrap();
    let quorum = Quorum::open(&home, &policy(), &[]);
    for scheme in Scheme::ALL {
        let repair = RepairKey { epoch: 1, lost: 2 };
        quorum.ceremony(scheme, Kind::Repair(repair)).unwrap();
        let [_, lost, _] = Index::ALL;
        let refused = quorum
            .ask(lost, &Ether::send(ACCOUNT, 5).request(), &[])
            .unwrap_err();
        assert_eq!(refused.code, Code::Key, "{refused}");
        quorum.refresh(scheme, 1);
    }
    assert_eq!(quorum.key(Scheme::Ecdsa), before);
    for down in Index::ALL {
        signs_without(&quorum, down);
    }
}

/// Two sign while `down` doesn't answer.
fn signs_without(quorum: &Quorum, down: Index) {
    let mut nodes = quorum.nodes.clone();
    nodes.remove(&down);
    let approvals = [signed(&approval(
        "ethereum",
        "w-1",
        "ETH",
        ACCOUNT,
        5,
        &point(quorum, 4),
    ))];
    let transaction = Ether::send(ACCOUNT, 5).request();
    let signing = wait(relay::sign(&nodes, &transaction, &approvals, || {
        quorum.now()
    }));
    assert!(signing.signed.is_some(), "{:?}", signing.failed);
}

#[test]
fn a_ceremony_that_stopped_before_activation_is_resumed_after_a_restart() {
    let home = copy();
    let confirmations = {
        let quorum = Quorum::open(&home, &policy(), &[]);
        let kind = Kind::Refresh(RefreshKey { epoch: 1 });
        let said = wait(relay::ceremony(
            &quorum.nodes,
            Scheme::Taproot,
            kind,
            quorum.now(),
        ))
        .unwrap();
        // One signer learns of it, the others' machines stop.
        let request = ActivateRequest {
            confirmations: said.clone(),
        };
        quorum.nodes[&Index::ALL[0]].activate(&request).unwrap();
        said
    };
    let quorum = Quorum::open(&home, &policy(), &[]);
    let active = wait(relay::activate(&quorum.nodes, &confirmations)).unwrap();
    assert!(active.values().all(|key| key.epoch == 2 && !key.pending));
}

#[test]
fn confirmations_of_two_or_of_a_forger_activate_nothing() {
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let kind = Kind::Refresh(RefreshKey { epoch: 1 });
    let said = wait(relay::ceremony(
        &quorum.nodes,
        Scheme::Taproot,
        kind,
        quorum.now(),
    ))
    .unwrap();
    let node = &quorum.nodes[&Index::ALL[0]];
    let activate = |confirmations: Vec<proto::Confirmation>| {
        node.activate(&ActivateRequest { confirmations })
            .unwrap_err()
    };
    assert!(
        activate(said[..2].to_vec())
            .message
            .contains("no confirmation of signer-3")
    );
    let mut forged = said.clone();
    forged[2].epoch = 3;
    assert_eq!(activate(forged).code, Code::Envelope);
    assert!(node.status().keys[0].pending);
}

#[test]
fn a_key_is_never_made_anew_and_epochs_must_fit() {
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    for kind in [
        Kind::Generate(GenerateKey {}),
        Kind::Refresh(RefreshKey { epoch: 2 }),
        Kind::Repair(RepairKey { epoch: 1, lost: 1 }),
    ] {
        let Err(End::Refused(refusals)) = quorum.ceremony(Scheme::Taproot, kind) else {
            panic!("refused by all");
        };
        assert!(
            refusals
                .values()
                .any(|refusal| refusal.code == "REFUSED_KEY")
        );
    }
}

#[test]
fn signers_that_pin_different_identities_make_no_key() {
    let home = tempfile::TempDir::new().unwrap();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let stranger = tempfile::TempDir::new().unwrap();
    let other = Quorum::open(&stranger, &policy(), &[]);
    let mut nodes = quorum.nodes.clone();
    let [_, _, c] = Index::ALL;
    nodes.insert(c, other.nodes[&c].clone());
    let kind = Kind::Generate(GenerateKey {});
    let end = wait(relay::ceremony(&nodes, Scheme::Ed25519, kind, quorum.now())).unwrap_err();
    let End::Refused(refusals) = end else {
        panic!("{end:?}")
    };
    assert!(
        refusals
            .values()
            .all(|refusal| refusal.code == "REFUSED_ENVELOPE"),
        "{refusals:?}"
    );
}

/// Two key generations side by side: the one that ends last must not write over a key in use.
#[test]
fn a_ceremony_that_ends_late_writes_over_nothing() {
    let home = tempfile::TempDir::new().unwrap();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let open = |id: &[u8]| {
        let request = proto::OpenCeremonyRequest {
            session_id: id.to_vec(),
            scheme: "ed25519".to_owned(),
            kind: Some(Kind::Generate(GenerateKey {})),
        };
        answers(&quorum, |node| node.open_ceremony(&request))
    };
    let (first, second) = (
        relay::session_id(quorum.now()),
        relay::session_id(quorum.now()),
    );
    let late = open(&second);
    let late = carry(&quorum, &second, &late);
    let first_round = open(&first);
    let second_round = carry(&quorum, &first, &first_round);
    let confirmations = carry(&quorum, &first, &second_round)
        .into_iter()
        .map(|answer| match answer {
            Ok(Outcome::Confirmation(confirmation)) => confirmation,
            other => panic!("{other:?}"),
        })
        .collect::<Vec<_>>();
    wait(relay::activate(&quorum.nodes, &confirmations)).unwrap();
    let before = quorum.key(Scheme::Ed25519);
    for answer in carry(&quorum, &second, &late) {
        assert_eq!(answer.unwrap_err().code, Code::Key);
    }
    drop(quorum);
    assert_eq!(
        Quorum::open(&home, &policy(), &[]).key(Scheme::Ed25519),
        before
    );
}

type Answer = Result<Outcome, outcry_signer::error::Refusal>;

fn answers(
    quorum: &Quorum,
    ask: impl Fn(&Node) -> Result<proto::RoundResponse, outcry_signer::error::Refusal>,
) -> Vec<Answer> {
    let outcome = |response: proto::RoundResponse| response.outcome.unwrap();
    quorum
        .nodes
        .values()
        .map(|node| ask(node).map(outcome))
        .collect()
}

/// Brings each signer what is addressed to it.
fn carry(quorum: &Quorum, id: &[u8], said: &[Answer]) -> Vec<Answer> {
    let sent: Vec<proto::Envelope> = said
        .iter()
        .flat_map(|answer| match answer {
            Ok(Outcome::Next(next)) => next.envelopes.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    answers(quorum, |node| {
        let me = node.status().index;
        node.round(&proto::RoundRequest {
            session_id: id.to_vec(),
            envelopes: sent.iter().filter(|e| e.receiver == me).cloned().collect(),
        })
    })
}
