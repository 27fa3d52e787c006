//! Each scheme from key generation to a signature that the chain's own library accepts, by each pair, and
//! again after a refresh and after a lost share was made anew.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use bitcoin::secp256k1::{self, Message, Secp256k1, schnorr};
use outcry_signer::address;
use outcry_signer::chain::ToSign;
use outcry_signer::derive::{self, KeyPath};
use outcry_signer::protocol::Index;
use outcry_signer::scheme::{self, Scheme, Share};

mod common;

use common::{generate, pairs, run, whole};

const HASH: [u8; 32] = [0x5a; 32];

fn refreshed(shares: BTreeMap<Index, Share>) -> BTreeMap<Index, Share> {
    let machines = shares
        .into_iter()
        .map(|(me, share)| (me, scheme::refresh(me, b"refresh", share)))
        .collect();
    whole(run(machines))
}

/// The shares after signer `lost` lost its own.
fn replaced(mut shares: BTreeMap<Index, Share>, lost: Index) -> BTreeMap<Index, Share> {
    let scheme = shares[&lost].scheme();
    shares.remove(&lost);
    let machines = Index::ALL
        .into_iter()
        .map(|me| {
            let share = shares.get(&me).cloned();
            let machine = scheme::repair(scheme, me, lost, b"repair", share).unwrap();
            (me, machine)
        })
        .collect();
    let repaired = run(machines).remove(&lost).unwrap().unwrap();
    shares.insert(lost, repaired);
    refreshed(shares)
}

/// Signs and checks by another library, for own and for deposit addresses.
fn signs(shares: &BTreeMap<Index, Share>, pair: (Index, Index), path: KeyPath) {
    let key = shares[&pair.0].group_key().unwrap();
    let wanted = [ToSign {
        path,
        message: HASH.to_vec(),
    }];
    let machine = |me: Index, peer: Index| {
        let machine = scheme::sign(&shares[&me], &key, (me, peer), &wanted, b"sign");
        (me, machine.unwrap())
    };
    let ended = run(BTreeMap::from([
        machine(pair.0, pair.1),
        machine(pair.1, pair.0),
    ]));
    assert_eq!(ended[&pair.0], ended[&pair.1], "both have the signature");
    let signature = ended[&pair.0][0].as_slice();
    match key.scheme {
        Scheme::Taproot => {
            let script = address::taproot_script(&key, path).unwrap();
            let output = secp256k1::XOnlyPublicKey::from_slice(&script.as_bytes()[2..]).unwrap();
            let signature = schnorr::Signature::from_slice(signature).unwrap();
            Secp256k1::new()
                .verify_schnorr(&signature, &Message::from_digest(HASH), &output)
                .unwrap();
        }
        Scheme::Ed25519 => {
            let account = address::solana(&key, path).unwrap();
            let signature = ed25519_dalek::Signature::from_slice(signature).unwrap();
            ed25519_dalek::VerifyingKey::from_bytes(&account)
                .unwrap()
                .verify_strict(&HASH, &signature)
                .unwrap();
        }
        Scheme::Ecdsa => recovers(signature, address::ethereum(&key, path).unwrap()),
    }
}

/// libsecp256k1 recovers the account from the signature, and `s` is low.
fn recovers(signature: &[u8], account: [u8; 20]) {
    use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
    let id = RecoveryId::from_i32(i32::from(signature[64])).unwrap();
    let recoverable = RecoverableSignature::from_compact(&signature[..64], id).unwrap();
    let mut low = recoverable.to_standard();
    low.normalize_s();
    assert_eq!(low, recoverable.to_standard(), "s is low");
    let public = Secp256k1::new()
        .recover_ecdsa(&Message::from_digest(HASH), &recoverable)
        .unwrap();
    assert_eq!(address::ethereum_account(&public), account);
}

#[test]
fn every_pair_signs_for_every_kind_of_address() {
    for scheme in Scheme::ALL {
        let shares = generate(scheme);
        let key = shares[&Index::ALL[0]].group_key().unwrap();
        for share in shares.values() {
            assert_eq!(share.group_key().unwrap(), key, "all know the same key");
        }
        for pair in pairs() {
            signs(&shares, pair, KeyPath::HOT);
            signs(&shares, pair, KeyPath::Deposit(7));
        }
        signs(&shares, pairs()[0], KeyPath::Deposit((1 << 31) + 5));
    }
}

#[test]
fn a_refresh_and_a_replacement_keep_the_key_and_end_the_old_shares() {
    for scheme in Scheme::ALL {
        let old = generate(scheme);
        let key = old[&Index::ALL[0]].group_key().unwrap();
        let fresh = refreshed(old.clone());
        let lost = Index::ALL[2];
        let replaced = replaced(fresh.clone(), lost);
        for shares in [&fresh, &replaced] {
            for (index, share) in shares {
                assert_eq!(share.group_key().unwrap(), key, "{scheme}: {index}");
                assert!(share.can_sign());
            }
            for pair in pairs() {
                signs(shares, pair, KeyPath::HOT);
            }
        }
        assert!(
            mixed_fails(&old, &fresh),
            "{scheme}: an old share signs no more"
        );
        assert!(
            mixed_fails(&fresh, &replaced),
            "{scheme}: a lost disk is worth nothing"
        );
    }
}

fn mixed_fails(old: &BTreeMap<Index, Share>, new: &BTreeMap<Index, Share>) -> bool {
    let [a, b, _] = Index::ALL;
    let mixed = BTreeMap::from([(a, old[&a].clone()), (b, new[&b].clone())]);
    std::panic::catch_unwind(|| signs(&mixed, (a, b), KeyPath::HOT)).is_err()
}

#[test]
fn bitcoin_software_derives_the_same_addresses() {
    let shares = generate(Scheme::Taproot);
    let key = shares[&Index::ALL[0]].group_key().unwrap();
    let secp = Secp256k1::verification_only();
    let xpub = derive::xpub(&key, bitcoin::NetworkKind::Test).unwrap();
    let path: bitcoin::bip32::DerivationPath = "m/1/0/7".parse().unwrap();
    let child = xpub.derive_pub(&secp, &path).unwrap();
    let internal = child.public_key.x_only_public_key().0;
    let address =
        bitcoin::Address::p2tr(&secp, internal, None, bitcoin::KnownHrp::Regtest).to_string();
    let script = address::taproot_script(&key, KeyPath::Deposit(7)).unwrap();
    assert_eq!(
        address::taproot_address(&script, bitcoin::Network::Regtest).unwrap(),
        address
    );
}

/// How a signing ends in which the second signer changes one byte of what it says in `round`.
fn garbled(
    shares: &BTreeMap<Index, Share>,
    round: usize,
    private: bool,
    place: usize,
) -> BTreeMap<Index, Result<Vec<Vec<u8>>, outcry_signer::protocol::Fault>> {
    let [a, b, _] = Index::ALL;
    let key = shares[&a].group_key().unwrap();
    let wanted = [ToSign {
        path: KeyPath::HOT,
        message: HASH.to_vec(),
    }];
    let machines = BTreeMap::from([
        (
            a,
            scheme::sign(&shares[&a], &key, (a, b), &wanted, b"s").unwrap(),
        ),
        (
            b,
            scheme::sign(&shares[&b], &key, (b, a), &wanted, b"s").unwrap(),
        ),
    ]);
    common::run_with(machines, |at, sent| {
        if at == round
            && let Some(outgoing) = sent.get_mut(&b)
        {
            let bytes = if private {
                outgoing.private.get_mut(&a).map(|bytes| &mut **bytes)
            } else {
                Some(&mut outgoing.shared)
            };
            if let Some(byte) = bytes.and_then(|bytes| bytes.get_mut(place)) {
                *byte ^= 1;
            }
        }
    })
}

#[test]
fn a_wrong_message_yields_no_signature_and_names_its_sender() {
    let [a, b, _] = Index::ALL;
    for scheme in Scheme::ALL {
        let shares = generate(scheme);
        let (rounds, private): (usize, &[bool]) = match scheme {
            Scheme::Ecdsa => (3, &[true, true, false]),
            _ => (2, &[false, false]),
        };
        for round in 1..=rounds {
            for place in [0, 10, 30] {
                let ended = garbled(&shares, round, private[round - 1], place);
                match &ended[&a] {
                    Err(fault) => assert_eq!(fault.accused, Some(b), "{scheme} {round}: {fault}"),
                    Ok(signatures) => panic!("{scheme} {round} {place}: {signatures:?}"),
                }
            }
        }
    }
}
