//! Every rule of the policy, by a request that breaks it alone.

use bitcoin::base58;
use outcry_signer::address;
use outcry_signer::derive::KeyPath;
use outcry_signer::proto;
use outcry_signer::scheme::Scheme;

use crate::quorum::{NOW, Quorum, USDT, approval, copy, policy, signed};
use crate::signing::{ACCOUNT, SOMEBODY, WALLET, point};
use crate::transactions::{
    Ether, NONCE, NONCE_VALUE, Pay, SYSTEM, TOKEN, advance, bitcoin_request, message, outpoint,
    psbt, solana_request, transfer,
};

fn refused(got: &str, code: &str, part: &str) {
    assert!(got.starts_with(code), "{code} expected, got: {got}");
    assert!(got.contains(part), "{part:?} expected in: {got}");
}

#[test]
fn approvals() {
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let good = approval("ethereum", "w-1", "ETH", ACCOUNT, 5, &point(&quorum, 4));
    let transaction = Ether::send(ACCOUNT, 5).request();
    let ask = |approvals: &[proto::SignedApproval]| quorum.refusal(&transaction, approvals);
    let with = |change: &dyn Fn(&mut proto::WithdrawalApproval)| {
        let mut changed = good.clone();
        change(&mut changed);
        ask(&[signed(&changed)])
    };

    refused(&ask(&[]), "REFUSED_OUTPUT", "no approval given says so");
    let mut forged = signed(&good);
    forged.approval.push(0);
    refused(&ask(&[forged]), "REFUSED_SIGNATURE", "did not sign");
    let mut unknown = signed(&good);
    unknown.key_id = "risk-2".to_owned();
    refused(&ask(&[unknown]), "REFUSED_SIGNATURE", "risk-2");
    refused(
        &ask(&[signed(&good), signed(&good)]),
        "REFUSED_APPROVAL",
        "twice",
    );
    let mut other = good.clone();
    other.withdrawal_id = "w-2".to_owned();
    refused(
        &ask(&[signed(&good), signed(&other)]),
        "REFUSED_APPROVAL",
        "doesn't pay it",
    );

    refused(
        &with(&|a| a.amount = "6".to_owned()),
        "REFUSED_OUTPUT",
        "pays 5 of ETH",
    );
    refused(
        &with(&|a| a.amount = "05".to_owned()),
        "REFUSED_APPROVAL",
        "no decimal number",
    );
    refused(
        &with(&|a| a.amount = "0".to_owned()),
        "REFUSED_APPROVAL",
        "zero",
    );
    refused(
        &with(&|a| a.asset = USDT.to_owned()),
        "REFUSED_OUTPUT",
        "ETH",
    );
    refused(
        &with(&|a| a.network = "1".to_owned()),
        "REFUSED_NETWORK",
        "1337",
    );
    refused(
        &with(&|a| a.chain = "bitcoin".to_owned()),
        "REFUSED_NETWORK",
        "bitcoin",
    );
    let nanos = i64::try_from(NOW).unwrap() * 1_000_000;
    refused(
        &with(&|a| a.expires_at = nanos),
        "REFUSED_EXPIRED",
        "has expired",
    );
    let hour = 3_600_000_000_000;
    refused(
        &with(&|a| a.reviewed_at = nanos + hour),
        "REFUSED_EXPIRED",
        "in the future",
    );
    refused(
        &with(&|a| a.expires_at = nanos + 200 * hour),
        "REFUSED_EXPIRED",
        "approval_validity_seconds",
    );
    refused(
        &with(&|a| a.conflict_point = String::new()),
        "REFUSED_APPROVAL",
        "conflict point",
    );
    let elsewhere = point(&quorum, 5);
    refused(
        &with(&|a| a.conflict_point.clone_from(&elsewhere)),
        "REFUSED_CONFLICT_POINT",
        &elsewhere,
    );
    refused(
        &with(&|a| a.max_fee = "1".to_owned()),
        "REFUSED_FEE",
        "the approvals allow",
    );
}

#[test]
fn limits() {
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let ether = 1_000_000_000_000_000_000_u128;
    let ask = |id: &str, nonce: u64, amount: u128, approvers: &[&str]| {
        let mut said = approval(
            "ethereum",
            id,
            "ETH",
            ACCOUNT,
            amount,
            &point(&quorum, nonce),
        );
        said.approvers = approvers.iter().map(|name| (*name).to_owned()).collect();
        let transaction = Ether {
            nonce: u128::from(nonce),
            ..Ether::send(ACCOUNT, amount)
        };
        quorum.refusal(&transaction.request(), &[signed(&said)])
    };
    refused(
        &ask("w-1", 1, 11 * ether, &[]),
        "REFUSED_LIMIT",
        "per_withdrawal",
    );
    refused(
        &ask("w-1", 1, 10 * ether, &["ann"]),
        "REFUSED_APPROVERS",
        "needs 2",
    );
    refused(
        &ask("w-1", 1, 10 * ether, &["ann", "ann"]),
        "REFUSED_APPROVERS",
        "needs 2",
    );
    for n in 1..=5 {
        let id = format!("w-{n}");
        assert_eq!(ask(&id, n, 10 * ether, &["ann", "bob"]), "signed");
    }
    assert_eq!(
        ask("w-5", 5, 10 * ether, &["ann", "bob"]),
        "signed",
        "again is not more"
    );
    refused(&ask("w-6", 6, 1, &[]), "REFUSED_LIMIT", "per_day");
}

#[test]
fn fees_of_a_day() {
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let key = quorum.key(Scheme::Taproot);
    let move_coins = |input: u32, fee: u64| {
        let psbt = psbt(
            &key,
            &[(input, KeyPath::HOT, 1_000_000)],
            &[Pay::Own(KeyPath::Own(1), 1_000_000 - fee)],
        );
        quorum.refusal(&bitcoin_request(&psbt), &[])
    };
    refused(&move_coins(1, 100_001), "REFUSED_FEE", "max_fee_rate");
    assert_eq!(move_coins(1, 50_000), "signed");
    assert_eq!(move_coins(1, 55_000), "signed", "a replacement counts once");
    assert_eq!(move_coins(2, 55_000), "signed");
    assert_eq!(move_coins(3, 55_000), "signed");
    refused(&move_coins(4, 55_000), "REFUSED_FEE", "max_fee_per_day");
}

#[test]
fn bitcoin_transactions() {
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let key = quorum.key(Scheme::Taproot);
    let input = (1, KeyPath::HOT, 1_000_000);
    let good = psbt(&key, &[input], &[Pay::Own(KeyPath::Own(1), 990_000)]);
    let ask = |psbt: &bitcoin::Psbt| quorum.refusal(&bitcoin_request(psbt), &[]);
    let with = |change: &dyn Fn(&mut bitcoin::Psbt)| {
        let mut changed = good.clone();
        change(&mut changed);
        ask(&changed)
    };
    assert_eq!(ask(&good), "signed");
    refused(
        &with(&|p| p.inputs[0].witness_utxo = None),
        "REFUSED_INPUT",
        "input 0",
    );
    refused(
        &with(&|p| p.inputs[0].tap_key_origins.clear()),
        "REFUSED_INPUT",
        "no path of ours",
    );
    refused(
        &with(&|p| {
            let other = psbt(&key, &[(1, KeyPath::Own(9), 1)], &[Pay::To(SOMEBODY, 1)]);
            p.inputs[0].tap_key_origins = other.inputs[0].tap_key_origins.clone();
        }),
        "REFUSED_INPUT",
        "not paid to the path",
    );
    refused(
        &with(&|p| {
            p.inputs[0].sighash_type = Some(bitcoin::TapSighashType::NonePlusAnyoneCanPay.into());
        }),
        "REFUSED_INPUT",
        "SIGHASH_DEFAULT",
    );
    refused(
        &with(&|p| p.unsigned_tx.version = bitcoin::transaction::Version::ONE),
        "REFUSED_TRANSACTION",
        "version",
    );
    let thief = psbt(&key, &[input], &[Pay::To(SOMEBODY, 990_000)]);
    refused(
        &ask(&thief),
        "REFUSED_OUTPUT",
        "output 0 pays 990000 of BTC",
    );
    let mut disguised = thief;
    disguised.outputs[0].tap_key_origins = good.outputs[0].tap_key_origins.clone();
    refused(&ask(&disguised), "REFUSED_OUTPUT", "claims to be our own");
    let credit = psbt(&key, &[input], &[Pay::Own(KeyPath::Deposit(3), 990_000)]);
    refused(&ask(&credit), "REFUSED_OUTPUT", "output 0");
    let more = psbt(&key, &[input], &[Pay::Own(KeyPath::Own(1), 1_000_001)]);
    refused(&ask(&more), "REFUSED_TRANSACTION", "out of 1000000");
    let twice = psbt(
        &key,
        &[input, input],
        &[Pay::Own(KeyPath::Own(1), 1_990_000)],
    );
    refused(&ask(&twice), "REFUSED_INPUT", "input 1");
    assert_ne!(outpoint(1), outpoint(2));
}

#[test]
fn ethereum_transactions() {
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let ask = |transaction: &Ether| quorum.refusal(&transaction.request(), &[]);
    let contract = USDT.split_once('@').unwrap().1;
    let good = Ether::send(ACCOUNT, 5);
    let with = |change: &dyn Fn(&mut Ether)| {
        let mut changed = good.clone();
        change(&mut changed);
        ask(&changed)
    };
    refused(&with(&|t| t.chain_id = 1), "REFUSED_NETWORK", "chain 1");
    refused(
        &with(&|t| t.to = vec![]),
        "REFUSED_TRANSACTION",
        "contracts are not created",
    );
    refused(
        &with(&|t| t.data = vec![0xa9, 5, 0x9c, 0xbb]),
        "REFUSED_TRANSACTION",
        "ether too",
    );
    refused(
        &with(&|t| t.own = Some(KeyPath::HOT)),
        "REFUSED_OUTPUT",
        "not the own account",
    );
    refused(
        &with(&|t| t.max_fee = 1),
        "REFUSED_TRANSACTION",
        "priority fee",
    );
    refused(
        &ask(&Ether::token(ACCOUNT, ACCOUNT, 5)),
        "REFUSED_ASSET",
        "doesn't name",
    );
    let mut approve = Ether::token(contract, ACCOUNT, 5);
    approve.data[..4].copy_from_slice(&[0x09, 0x5e, 0xa7, 0xb3]);
    refused(
        &ask(&approve),
        "REFUSED_TRANSACTION",
        "transfer(address,uint256)",
    );
    let mut huge = Ether::token(contract, ACCOUNT, 5);
    huge.data[36] = 1;
    refused(&ask(&huge), "REFUSED_TRANSACTION", "2^128");
    let deposit = address::ethereum(&quorum.key(Scheme::Ecdsa), KeyPath::Deposit(1)).unwrap();
    let mut top_up = Ether::send(&hex::encode(deposit), 1_000_000_000_000_000);
    top_up.own = Some(KeyPath::Deposit(1));
    assert_eq!(ask(&top_up), "signed");
    top_up.value += 1;
    refused(&ask(&top_up), "REFUSED_OUTPUT", "gas_top_up");
    let request = good.request();
    let Some(proto::transaction::Chain::Ethereum(mut hash)) = request.chain else {
        unreachable!("an Ethereum transaction")
    };
    hash.unsigned = vec![0x5a; 32];
    let opaque = proto::Transaction {
        chain: Some(proto::transaction::Chain::Ethereum(hash)),
    };
    refused(
        &quorum.refusal(&opaque, &[]),
        "REFUSED_TRANSACTION",
        "EIP-1559",
    );
}

#[test]
fn solana_messages() {
    let home = copy();
    let quorum = Quorum::open(&home, &policy(), &[]);
    let key = quorum.key(Scheme::Ed25519);
    let hot = base58::encode(&address::solana(&key, KeyPath::HOT).unwrap());
    let ask = |calls: &[crate::transactions::Call]| {
        let message = message(&key, &[KeyPath::HOT], calls);
        quorum.refusal(
            &solana_request(&message, &[KeyPath::HOT], &[KeyPath::HOT]),
            &[],
        )
    };
    let own = [hot.clone(), NONCE.to_owned()];
    refused(
        &ask(&[advance(&hot), transfer(&hot, WALLET, 5)]),
        "REFUSED_OUTPUT",
        "instruction 1 pays 5 of SOL",
    );
    refused(
        &ask(&[transfer(WALLET, &hot, 5)]),
        "REFUSED_INPUT",
        "not ours",
    );
    refused(&ask(&[advance(WALLET)]), "REFUSED_INPUT", "authority");
    refused(
        &ask(&[transfer(&hot, &hot, 5), advance(&hot)]),
        "REFUSED_TRANSACTION",
        "instruction 1",
    );
    let assign = (
        SYSTEM,
        vec![hot.clone()],
        [vec![1, 0, 0, 0], vec![7; 32]].concat(),
    );
    refused(&ask(&[assign]), "REFUSED_TRANSACTION", "instruction 0");
    let approve = (TOKEN, own.to_vec(), vec![4, 1, 0, 0, 0, 0, 0, 0, 0]);
    refused(
        &ask(&[approve]),
        "REFUSED_TRANSACTION",
        "not TransferChecked",
    );
    refused(
        &ask(&[(WALLET, vec![], vec![])]),
        "REFUSED_TRANSACTION",
        "calls 9WzDX",
    );
    let message = message(&key, &[KeyPath::HOT], &[transfer(&hot, WALLET, 5)]);
    let elsewhere = solana_request(&message, &[KeyPath::Own(1)], &[]);
    refused(
        &quorum.refusal(&elsewhere, &[]),
        "REFUSED_INPUT",
        "signer 0",
    );
    // A recent hash instead of the nonce: the approval's point is not spent.
    let point = format!("{NONCE}:{}", base58::encode(&NONCE_VALUE));
    let said = signed(&approval("solana", "w-1", "SOL", WALLET, 5, &point));
    let request = solana_request(&message, &[KeyPath::HOT], &[]);
    refused(
        &quorum.refusal(&request, &[said]),
        "REFUSED_CONFLICT_POINT",
        &point,
    );
}
