//! Signers on the network: mutual TLS, and what each caller's certificate lets it ask.
#![allow(clippy::unwrap_used)]

#[path = "common/authority.rs"]
mod authority;
#[path = "common/quorum.rs"]
#[allow(dead_code)]
mod quorum;

use std::collections::BTreeMap;

use outcry_signer::client::Remote;
use outcry_signer::proto::GenerateKey;
use outcry_signer::proto::open_ceremony_request::Kind;
use outcry_signer::protocol::Index;
use outcry_signer::relay::{self, End};
use outcry_signer::scheme::Scheme;
use outcry_signer::server::{TlsFiles, serve};
use tokio::sync::oneshot;

use authority::Authority;
use quorum::{NOW, Quorum, policy};

/// Three signers that serve until the senders are dropped.
async fn serving(
    quorum: &Quorum,
    authority: &Authority,
) -> (BTreeMap<Index, String>, Vec<oneshot::Sender<()>>) {
    let mut addresses = BTreeMap::new();
    let mut stops = Vec::new();
    for (index, node) in &quorum.nodes {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, bound) = oneshot::channel();
        let (node, tls) = (node.clone(), authority.issue(&index.to_string()));
        tokio::spawn(async move {
            let address = "127.0.0.1:0".parse().unwrap();
            let told = |address| ready.send(address).unwrap();
            serve(node, address, &tls, told, async {
                assert!(stopped.await.is_err());
            })
            .await
            .unwrap();
        });
        let address = bound.await.unwrap();
        addresses.insert(*index, format!("https://{address}"));
        stops.push(stop);
    }
    (addresses, stops)
}

fn callers(addresses: &BTreeMap<Index, String>, tls: &TlsFiles) -> BTreeMap<Index, Remote> {
    addresses
        .iter()
        .map(|(index, address)| {
            (
                *index,
                Remote::new(address, &index.to_string(), tls).unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn certificates_say_who_may_ask_what() {
    let home = tempfile::TempDir::new().unwrap();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let authority = Authority::new(&home.path().join("tls"));
    let (addresses, _stops) = serving(&quorum, &authority).await;
    let first = Index::ALL[0];

    let wallet = callers(&addresses, &authority.issue("wallet"));
    assert_eq!(wallet[&first].status().await.unwrap().index, 1);
    let kind = || Kind::Generate(GenerateKey {});
    let end = relay::ceremony(&wallet, Scheme::Ed25519, kind(), NOW)
        .await
        .unwrap_err();
    let End::Unreachable(why) = end else {
        panic!("{end:?}")
    };
    assert!(why[&first].contains("names none of ceremony"), "{why:?}");

    let ceremony = callers(&addresses, &authority.issue("ceremony"));
    let said = relay::ceremony(&ceremony, Scheme::Ed25519, kind(), NOW)
        .await
        .unwrap();
    let active = relay::activate(&ceremony, &said).await.unwrap();
    assert_eq!(active.len(), 3);
    let transaction = outcry_signer::proto::Transaction { chain: None };
    let signing = relay::sign(&ceremony, &transaction, &[], || NOW).await;
    assert!(format!("{:?}", signing.failed).contains("names none of wallet"));

    let nobody = callers(&addresses, &authority.issue("somebody"));
    let refused = nobody[&first].status().await.unwrap_err().to_string();
    assert!(
        refused.contains("names none of wallet, ceremony"),
        "{refused}"
    );

    // A certificate of another authority, although it names the role.
    let other = Authority::new(&home.path().join("other"));
    let forged = TlsFiles {
        ca: home.path().join("tls/ca.pem"),
        ..other.issue("wallet")
    };
    assert!(callers(&addresses, &forged)[&first].status().await.is_err());

    // A server that is another signer than the one that was called.
    let tls = authority.issue("wallet");
    let mistaken = Remote::new(&addresses[&first], "signer-2", &tls).unwrap();
    assert!(mistaken.status().await.is_err());
}
