//! An `eth-sign-request` turned into what it does, and its signature.

use bitcoin::secp256k1::Message as Digest;

use super::keccak;
use super::transaction::{Call, Transaction};
use crate::amount::{decimal, thousands};
use crate::key::{ColdKey, ETHEREUM_PATH};
use crate::review::{Kind, Movement, Review};
use crate::tokens::Tokens;
use crate::ur::{Ask, Message, answer_signature};
use crate::{ColdError, Result};

/// EIP-4527's data type of an EIP-2718 transaction.
const TYPED_TRANSACTION: u64 = 4;
const ETHER: u32 = 18;
const GWEI: u32 = 9;
/// A fee that is high whatever is paid, in wei: 0.05 ether.
const HIGH_FEE: u128 = 50_000_000_000_000_000;

/// A transaction that may be signed.
pub struct Checked {
    ask: Ask,
    review: Review,
}

impl Checked {
    /// Reads a request and verifies that it is for this key and network.
    ///
    /// # Errors
    /// `MALFORMED`, `WRONG_NETWORK`, `NOT_OURS`, `REFUSED`.
    pub fn read(ask: Ask, key: &ColdKey, tokens: &Tokens) -> Result<Self> {
        if ask.data_type != Some(TYPED_TRANSACTION) {
            return Err(ColdError::Refused(
                "only typed transactions (data-type 4) are signed here, no messages and no typed data".into(),
            ));
        }
        let own = for_this_key(&ask, key)?;
        let transaction = Transaction::read(&ask.data)?;
        right_network(&ask, &transaction, key)?;
        let review = review(&transaction, key, &own, tokens)?;
        Ok(Self { ask, review })
    }

    /// What a person is shown.
    #[must_use]
    pub const fn review(&self) -> &Review {
        &self.review
    }

    /// `eth-signature`: r, s (low, EIP-2) and the recovery id, 0 or 1 as EIP-1559 has it.
    ///
    /// # Errors
    /// [`ColdError::BadSignature`].
    pub fn sign(self, key: &ColdKey) -> Result<Message> {
        let (secret, _) = key.ethereum()?;
        let digest = Digest::from_digest(keccak(&self.ask.data));
        let secp = key.secp();
        let made = secp.sign_ecdsa_recoverable(&digest, &secret);
        let signer = secp
            .recover_ecdsa(&digest, &made)
            .map_err(|_| ColdError::BadSignature)?;
        let (recovery, body) = made.serialize_compact();
        if signer != secret.public_key(secp) || !(0..2).contains(&recovery.to_i32()) {
            return Err(ColdError::BadSignature);
        }
        let mut signature = body.to_vec();
        signature.push(u8::from(recovery.to_i32() == 1));
        Ok(answer_signature("eth-signature", self.ask.id, &signature))
    }
}

/// The key's address, once path, fingerprint and address of the request all mean it.
fn for_this_key(ask: &Ask, key: &ColdKey) -> Result<String> {
    let (_, own) = key.ethereum()?;
    let fingerprint = u32::from_be_bytes(key.fingerprint().to_bytes());
    let path = ask.path.as_ref().map(ToString::to_string);
    if path.as_deref() != ETHEREUM_PATH.strip_prefix("m/") {
        let path = path.unwrap_or_default();
        return Err(ColdError::Refused(format!(
            "it asks for the key at m/{path}; signed is with {ETHEREUM_PATH} alone"
        )));
    }
    let named = ask.address.as_ref().is_none_or(|address| *address == own.0);
    if !named || ask.fingerprint.is_some_and(|asked| asked != fingerprint) {
        return Err(ColdError::NotOurs(format!(
            "it is for another key than {own}: is this the right keystore?"
        )));
    }
    Ok(own.to_string())
}

fn right_network(ask: &Ask, transaction: &Transaction, key: &ColdKey) -> Result<()> {
    let chain_id = transaction.chain_id;
    if ask.chain_id.is_some_and(|told| told != chain_id) {
        let told = ask.chain_id.unwrap_or_default();
        return Err(ColdError::Malformed(format!(
            "it says chain id {told}, its transaction {chain_id}"
        )));
    }
    if key.network().chain_ids().contains(&chain_id) {
        return Ok(());
    }
    let (network, known) = (key.network().name(), key.network().chain_ids());
    Err(ColdError::WrongNetwork(format!(
        "chain id {chain_id} is none of {network}'s {known:?}"
    )))
}

fn review(transaction: &Transaction, key: &ColdKey, own: &str, tokens: &Tokens) -> Result<Review> {
    let most = transaction.most_fee()?;
    let (chain_id, gas) = (transaction.chain_id, thousands(u128::from(transaction.gas)));
    let mut review = Review {
        chain: "ethereum",
        network: format!("{}, chain id {chain_id}", key.network().name()),
        movements: Vec::new(),
        fee: format!(
            "at most {} ETH ({gas} gas, up to {} gwei each, {} of it for the proposer)",
            decimal(most, ETHER),
            decimal(transaction.max_fee, GWEI),
            decimal(transaction.priority_fee, GWEI)
        ),
        fee_units: most.to_string(),
        notes: vec![
            format!("from  {own}"),
            format!("nonce {}", transaction.nonce),
        ],
        warnings: Vec::new(),
    };
    movements(transaction, own, tokens, &mut review);
    if transaction.access_list {
        review.warn(
            "ACCESS_LIST",
            "it names storage in advance, which isn't shown here",
        );
    }
    let dear = transaction.value > 0 && most > transaction.value / 10;
    if most > HIGH_FEE || dear || transaction.priority_fee > transaction.max_fee {
        review.warn(
            "HIGH_FEE",
            format!("the fee can be {} eth", decimal(most, ETHER)),
        );
    }
    Ok(review)
}

fn movements(transaction: &Transaction, own: &str, tokens: &Tokens, review: &mut Review) {
    let contract = transaction.to.to_string();
    let call = transaction.call();
    if transaction.value > 0 || call == Call::Nothing {
        let amount = format!("{} ETH", decimal(transaction.value, ETHER));
        review
            .movements
            .push(movement(transaction.value, amount, &contract, own));
    }
    match call {
        Call::Nothing => {}
        Call::Transfer(to, units) => {
            let token = tokens.ethereum(transaction.chain_id, &contract);
            let amount = token.map_or_else(
                || format!("{} units of the token {contract}", thousands(units)),
                |token| format!("{} {}", decimal(units, token.decimals), token.symbol),
            );
            review
                .movements
                .push(movement(units, amount, &to.to_string(), own));
            review.notes.push(format!("token {contract}"));
            if token.is_none() {
                review.warn(
                    "UNKNOWN_TOKEN",
                    "name and scale of this token aren't known here: --tokens",
                );
            }
            if transaction.value > 0 {
                review.warn(
                    "BLIND_DATA",
                    "ether goes to a token's contract, which seldom gives it back",
                );
            }
        }
        Call::Blind => {
            let length = thousands(transaction.data.len() as u128);
            review.notes.push(format!("calls {contract}"));
            review.warn(
                "BLIND_DATA",
                format!("{length} bytes of data call a contract, and what they do isn't known: it may take everything"),
            );
        }
    }
}

fn movement(units: u128, amount: String, to: &str, own: &str) -> Movement {
    let ours = to == own;
    Movement {
        kind: if ours { Kind::Own } else { Kind::Pay },
        units: units.to_string(),
        amount,
        to: to.to_owned(),
        path: ours.then(|| ETHEREUM_PATH.to_owned()),
    }
}
