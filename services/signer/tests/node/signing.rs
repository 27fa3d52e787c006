//! What is allowed is signed, by each pair, and the chain's own library accepts it.

use bitcoin::base58;
use bitcoin::consensus::encode::deserialize;
use bitcoin::secp256k1::{self, Message, Secp256k1, schnorr};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use outcry_signer::address;
use outcry_signer::derive::KeyPath;
use outcry_signer::proto;
use outcry_signer::protocol::Index;
use outcry_signer::scheme::Scheme;

use crate::quorum::{COLD_BITCOIN, COLD_ETHEREUM, Quorum, USDT, approval, copy, policy, signed};
use crate::transactions::{
    Ether, Pay, advance, bitcoin_request, message, outpoint, psbt, solana_request, transfer,
};

pub const SOMEBODY: &str = "bcrt1p8wpt9v4frpf3tkn0srd97pksgsxc5hs52lafxwru9kgeephvs7rqjeprhg";
pub const ACCOUNT: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
pub const WALLET: &str = "9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM";

#[test]
fn bitcoin_batch_with_change_and_a_deposit_among_its_inputs() {
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let key = quorum.key(Scheme::Taproot);
    let psbt = psbt(
        &key,
        &[
            (1, KeyPath::HOT, 90_000_000),
            (2, KeyPath::Own(3), 5_000_000),
            (3, KeyPath::Deposit(42), 7_000_000),
        ],
        &[
            Pay::To(SOMEBODY, 60_000_000),
            Pay::Own(KeyPath::Own(4), 21_990_000),
            Pay::To(COLD_BITCOIN, 15_000_000),
            Pay::To(SOMEBODY, 5_000_000),
        ],
    );
    let approvals = [
        signed(&approval(
            "bitcoin",
            "w-1",
            "BTC",
            SOMEBODY,
            60_000_000,
            &outpoint(1).to_string(),
        )),
        signed(&approval(
            "bitcoin",
            "w-2",
            "BTC",
            SOMEBODY,
            5_000_000,
            &outpoint(3).to_string(),
        )),
    ];
    let signing = quorum.sign(&bitcoin_request(&psbt), &approvals);
    let done = signing.signed.unwrap();
    let transaction: bitcoin::Transaction = deserialize(&done.transaction).unwrap();
    assert_eq!(done.id, transaction.compute_txid().to_string());
    let prevouts: Vec<_> = psbt
        .inputs
        .iter()
        .map(|input| input.witness_utxo.clone().unwrap())
        .collect();
    for (index, input) in transaction.input.iter().enumerate() {
        let hash = SighashCache::new(&transaction)
            .taproot_key_spend_signature_hash(
                index,
                &Prevouts::All(&prevouts),
                TapSighashType::Default,
            )
            .unwrap();
        let output = &prevouts[index].script_pubkey.as_bytes()[2..];
        Secp256k1::new()
            .verify_schnorr(
                &schnorr::Signature::from_slice(&input.witness[0]).unwrap(),
                &Message::from(hash),
                &secp256k1::XOnlyPublicKey::from_slice(output).unwrap(),
            )
            .unwrap();
    }
}

#[test]
fn each_pair_signs_when_the_third_is_down_and_none_when_two_are() {
    for down in Index::ALL {
        let home = copy();
        let quorum = Quorum::open(&home, &policy(), &[down]);
        let approvals = [signed(&approval(
            "ethereum",
            "w-1",
            "ETH",
            ACCOUNT,
            5,
            &point(&quorum, 4),
        ))];
        let signing = quorum.sign(&Ether::send(ACCOUNT, 5).request(), &approvals);
        let pair = signing.pair.unwrap();
        assert!(pair.0 != down && pair.1 != down);
    }
    let home = copy();
    let [a, b, _] = Index::ALL;
    let quorum = Quorum::open(&home, &policy(), &[a, b]);
    let approvals = [signed(&approval(
        "ethereum",
        "w-1",
        "ETH",
        ACCOUNT,
        5,
        &point(&quorum, 4),
    ))];
    let signing = quorum.sign(&Ether::send(ACCOUNT, 5).request(), &approvals);
    assert!(signing.signed.is_none() && signing.failed.is_empty());
}

/// The conflict point of an Ethereum nonce of the hot account.
pub fn point(quorum: &Quorum, nonce: u64) -> String {
    let account = address::ethereum(&quorum.key(Scheme::Ecdsa), KeyPath::HOT).unwrap();
    format!("0x{}:{nonce}", hex::encode(account))
}

#[test]
fn ether_tokens_sweeps_and_consolidation() {
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let contract = USDT.split_once('@').unwrap().1;
    let token = [signed(&approval(
        "ethereum",
        "w-2",
        USDT,
        ACCOUNT,
        900,
        &point(&quorum, 5),
    ))];
    let hot = format!(
        "0x{}",
        hex::encode(address::ethereum(&quorum.key(Scheme::Ecdsa), KeyPath::HOT).unwrap())
    );
    let cases: [(Ether, &[proto::SignedApproval]); 3] = [
        (
            Ether {
                nonce: 5,
                ..Ether::token(contract, ACCOUNT, 900)
            },
            &token,
        ),
        (Ether::send(COLD_ETHEREUM, 1 << 70), &[]),
        (
            Ether {
                from: KeyPath::Deposit(9),
                own: Some(KeyPath::HOT),
                ..Ether::token(contract, &hot, 1 << 60)
            },
            &[],
        ),
    ];
    for (transaction, approvals) in cases {
        let signing = quorum.sign(&transaction.request(), approvals);
        let done = signing
            .signed
            .unwrap_or_else(|| panic!("{:?}", signing.failed));
        assert_eq!(done.transaction[0], 2);
        assert_eq!(done.signatures[0].len(), 65);
    }
}

#[test]
fn a_fee_bump_spends_the_same_nonce_and_the_same_approval() {
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let approvals = [signed(&approval(
        "ethereum",
        "w-1",
        "ETH",
        ACCOUNT,
        5,
        &point(&quorum, 4),
    ))];
    let first = Ether::send(ACCOUNT, 5);
    let bumped = Ether {
        max_fee: 2 * first.max_fee,
        ..first.clone()
    };
    let (first, bumped) = (
        quorum.sign(&first.request(), &approvals).signed.unwrap(),
        quorum.sign(&bumped.request(), &approvals).signed.unwrap(),
    );
    assert_ne!(first.id, bumped.id);
}

#[test]
fn solana_with_a_durable_nonce_and_two_signers() {
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let key = quorum.key(Scheme::Ed25519);
    let hot = base58::encode(&address::solana(&key, KeyPath::HOT).unwrap());
    let deposit = base58::encode(&address::solana(&key, KeyPath::Deposit(5)).unwrap());
    let signers = [KeyPath::HOT, KeyPath::Deposit(5)];
    let calls = [
        advance(&hot),
        transfer(&deposit, &hot, 77),
        transfer(&hot, WALLET, 1_000_000),
    ];
    let message = message(&key, &signers, &calls);
    let point = format!(
        "{}:{}",
        crate::transactions::NONCE,
        base58::encode(&crate::transactions::NONCE_VALUE)
    );
    let approvals = [signed(&approval(
        "solana", "w-1", "SOL", WALLET, 1_000_000, &point,
    ))];
    let request = solana_request(&message, &signers, &[KeyPath::HOT]);
    let signing = quorum.sign(&request, &approvals);
    let done = signing
        .signed
        .unwrap_or_else(|| panic!("{:?}", signing.failed));
    assert_eq!(done.transaction[0], 2);
    assert_eq!(&done.transaction[129..], message);
    for (signature, path) in done.signatures.iter().zip(signers) {
        let account = address::solana(&key, path).unwrap();
        ed25519_dalek::VerifyingKey::from_bytes(&account)
            .unwrap()
            .verify_strict(
                &message,
                &ed25519_dalek::Signature::from_slice(signature).unwrap(),
            )
            .unwrap();
    }
}
