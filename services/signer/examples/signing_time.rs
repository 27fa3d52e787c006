//! How long two of three signers take to sign a transaction, for each scheme: from the first request to the
//! signed transaction, with policy, journal (fsync), envelopes and final check, three signers in one process
//! and no network. Prints JSON; times are milliseconds.
//!
//! `cargo run --release -p outcry-signer --example signing_time -- 300`
#![allow(clippy::unwrap_used)]

#[path = "../tests/common/quorum.rs"]
#[allow(dead_code)]
mod quorum;
#[path = "../tests/common/transactions.rs"]
#[allow(dead_code)]
mod transactions;

use std::time::Instant;

use bitcoin::base58;
use outcry_signer::address;
use outcry_signer::derive::KeyPath;
use outcry_signer::proto;
use outcry_signer::proto::open_ceremony_request::Kind;
use outcry_signer::scheme::{GroupKey, Scheme};

use quorum::{Quorum, policy};
use transactions::{Ether, Pay, advance, bitcoin_request, message, psbt, solana_request, transfer};

fn main() {
    let runs = std::env::args()
        .nth(1)
        .map_or(100, |text| text.parse().expect("a number of runs"));
    let home = tempfile::TempDir::new().expect("a directory");
    let quorum = Quorum::open(&home, &policy(), &[]);
    let mut results = serde_json::Map::new();
    for scheme in Scheme::ALL {
        let started = Instant::now();
        let kind = Kind::Generate(proto::GenerateKey {});
        quorum.ceremony(scheme, kind).expect("a key");
        let generation = millis(started);
        let transaction = transaction(scheme, &quorum.key(scheme));
        let mut times: Vec<f64> = (0..runs)
            .map(|_| {
                let started = Instant::now();
                let signing = quorum.sign(&transaction, &[]);
                assert!(signing.signed.is_some(), "{:?}", signing.failed);
                millis(started)
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let result = serde_json::json!({
            "runs": runs,
            "p50_ms": at(&times, 50),
            "p99_ms": at(&times, 99),
            "max_ms": times.last(),
            "key_generation_ms": generation,
        });
        results.insert(scheme.name().to_owned(), result);
    }
    println!("{:#}", serde_json::Value::Object(results));
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

fn at(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() - 1) * percent / 100]
}

/// Moves coins between our own addresses, so that no limit of a day ends the run.
fn transaction(scheme: Scheme, key: &GroupKey) -> proto::Transaction {
    match scheme {
        Scheme::Taproot => bitcoin_request(&psbt(
            key,
            &[(1, KeyPath::HOT, 1_000_000)],
            &[Pay::Own(KeyPath::Own(1), 999_000)],
        )),
        Scheme::Ecdsa => {
            let to = address::ethereum(key, KeyPath::Own(1)).expect("an address");
            let own = Some(KeyPath::Own(1));
            Ether {
                own,
                ..Ether::send(&hex::encode(to), 5)
            }
            .request()
        }
        Scheme::Ed25519 => {
            let account = |path| base58::encode(&address::solana(key, path).expect("an address"));
            let (hot, other) = (account(KeyPath::HOT), account(KeyPath::Own(1)));
            let calls = [advance(&hot), transfer(&hot, &other, 5)];
            let message = message(key, &[KeyPath::HOT], &calls);
            solana_request(&message, &[KeyPath::HOT], &[KeyPath::Own(1)])
        }
    }
}
