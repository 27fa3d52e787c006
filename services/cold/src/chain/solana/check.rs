//! A `sol-sign-request` turned into what it does, and its signature.

use ed25519_dalek::Signer;

use super::instruction::{Meaning, base58};
use super::message::Message;
use crate::amount::{decimal, thousands};
use crate::key::{ColdKey, SOLANA_PATH};
use crate::review::{Kind, Movement, Review, printable};
use crate::tokens::Tokens;
use crate::ur::{self, Ask, answer_signature};
use crate::{ColdError, Result};

/// Keystone's type of a transaction, as against a text.
const TRANSACTION: u64 = 1;
const SOL: u32 = 9;
/// Lamports that a signature costs.
const SIGNATURE_FEE: u128 = 5_000;
/// Units of work that an instruction gets when none are named.
const DEFAULT_UNITS: u128 = 200_000;
/// The most units of work that a transaction may use.
const MAX_UNITS: u128 = 1_400_000;
/// A fee that is high, in lamports: 0.01 SOL.
const HIGH_FEE: u128 = 10_000_000;

/// A message that may be signed.
pub struct Checked {
    ask: Ask,
    review: Review,
}

impl Checked {
    /// Reads a request and verifies that it is for this key. A message of Solana names no network.
    ///
    /// # Errors
    /// `MALFORMED`, `NOT_OURS`, `REFUSED`.
    pub fn read(ask: Ask, key: &ColdKey, tokens: &Tokens) -> Result<Self> {
        if ask.data_type.is_some_and(|kind| kind != TRANSACTION) {
            return Err(ColdError::Refused(
                "only transactions are signed here, no texts".into(),
            ));
        }
        let own = for_this_key(&ask, key)?;
        let message = Message::read(&ask.data)?;
        let signers: Vec<String> = message.accounts[..message.signers]
            .iter()
            .map(base58)
            .collect();
        if !signers.contains(&own) {
            return Err(ColdError::NotOurs(format!(
                "its signers are {}, not {own}",
                signers.join(", ")
            )));
        }
        let review = Reading { own: &own, tokens }.review(&message, &signers);
        Ok(Self { ask, review })
    }

    /// What a person is shown.
    #[must_use]
    pub const fn review(&self) -> &Review {
        &self.review
    }

    /// `sol-signature`: 64 bytes.
    ///
    /// # Errors
    /// [`ColdError::BadSignature`].
    pub fn sign(self, key: &ColdKey) -> Result<ur::Message> {
        let signature = key.solana().sign(&self.ask.data);
        key.solana()
            .verifying_key()
            .verify_strict(&self.ask.data, &signature)
            .map_err(|_| ColdError::BadSignature)?;
        Ok(answer_signature(
            "sol-signature",
            self.ask.id,
            &signature.to_bytes(),
        ))
    }
}

fn for_this_key(ask: &Ask, key: &ColdKey) -> Result<String> {
    let own = key.solana_address();
    let fingerprint = u32::from_be_bytes(key.fingerprint().to_bytes());
    let path = ask.path.as_ref().map(ToString::to_string);
    if path.as_deref() != SOLANA_PATH.strip_prefix("m/") {
        let path = path.unwrap_or_default();
        return Err(ColdError::Refused(format!(
            "it asks for the key at m/{path}; signed is with {SOLANA_PATH} alone"
        )));
    }
    let verifying = key.solana().verifying_key();
    let named = ask
        .address
        .as_ref()
        .is_none_or(|address| address == verifying.as_bytes());
    if !named || ask.fingerprint.is_some_and(|asked| asked != fingerprint) {
        return Err(ColdError::NotOurs(format!(
            "it is for another key than {own}: is this the right keystore?"
        )));
    }
    Ok(own)
}

struct Reading<'a> {
    own: &'a str,
    tokens: &'a Tokens,
}

impl Reading<'_> {
    fn review(&self, message: &Message, signers: &[String]) -> Review {
        let mut review = Review {
            chain: "solana",
            network: "a message of Solana names none".to_owned(),
            movements: Vec::new(),
            fee: String::new(),
            fee_units: String::new(),
            notes: vec![format!("from  {}", self.own)],
            warnings: Vec::new(),
        };
        let meanings: Vec<Meaning> = message.instructions.iter().map(Meaning::of).collect();
        for meaning in &meanings {
            self.tell(meaning, &mut review);
        }
        if !matches!(meanings.first(), Some(Meaning::AdvanceNonce { .. })) {
            review
                .notes
                .push("good for some 60 seconds after it was built: no durable nonce".to_owned());
        }
        if signers[0] != self.own {
            review.notes.push(format!("fee paid by {}", signers[0]));
        }
        if signers.len() > 1 {
            let others = signers
                .iter()
                .filter(|signer| *signer != self.own)
                .cloned()
                .collect::<Vec<_>>();
            review
                .notes
                .push(format!("also signed by {}", others.join(", ")));
        }
        fee(&meanings, signers.len(), &mut review);
        review
    }

    fn tell(&self, meaning: &Meaning, review: &mut Review) {
        match meaning {
            Meaning::Transfer { from, to, lamports } => {
                let amount = format!("{} SOL", decimal(u128::from(*lamports), SOL));
                self.moved(from, to, u128::from(*lamports), amount, review);
            }
            Meaning::TokenTransfer {
                owner,
                to,
                mint,
                units,
                decimals,
            } => {
                self.token(owner, to, mint, (*units, *decimals), review);
            }
            Meaning::AdvanceNonce { account } => {
                review
                    .notes
                    .push(format!("good until the durable nonce of {account} is used"));
            }
            Meaning::MakeTokenAccount { account, wallet } => {
                review.notes.push(format!(
                    "makes the token account {account} of {wallet}, some 0.00203928 SOL"
                ));
            }
            Meaning::Memo(text) => review.notes.push(format!("memo  {}", printable(text))),
            Meaning::ComputeLimit(_) | Meaning::ComputePrice(_) => {}
            Meaning::Blind { program } => {
                review.notes.push(format!("calls {program}"));
                review.warn(
                    "BLIND_INSTRUCTION",
                    "a program is called, and what it does isn't known: it may take everything",
                );
            }
        }
    }

    fn token(&self, owner: &str, to: &str, mint: &str, amount: (u64, u8), review: &mut Review) {
        let (units, decimals) = amount;
        let token = self.tokens.solana(mint);
        let name = token.map_or_else(
            || format!("of the mint {mint}"),
            |token| token.symbol.clone(),
        );
        let shown = format!("{} {name}", decimal(u128::from(units), u32::from(decimals)));
        self.moved(owner, to, u128::from(units), shown, review);
        review.notes.push(format!("mint  {mint}"));
        match token {
            None => review.warn(
                "UNKNOWN_TOKEN",
                "the name of this token isn't known here: --tokens",
            ),
            Some(token) if token.decimals != u32::from(decimals) => {
                review.warn(
                    "UNKNOWN_TOKEN",
                    "the token's scale isn't the one that is known here",
                );
            }
            Some(_) => {}
        }
    }

    fn moved(&self, from: &str, to: &str, units: u128, amount: String, review: &mut Review) {
        if from != self.own {
            review.notes.push(format!("{from} moves {amount} to {to}"));
            return;
        }
        let ours = to == self.own;
        review.movements.push(Movement {
            kind: if ours { Kind::Own } else { Kind::Pay },
            units: units.to_string(),
            amount,
            to: to.to_owned(),
            path: ours.then(|| SOLANA_PATH.to_owned()),
        });
    }
}

/// The base fee and what is offered on top; the price of work is in millionths of a lamport.
fn fee(meanings: &[Meaning], signers: usize, review: &mut Review) {
    let limit = meanings.iter().find_map(|meaning| match meaning {
        Meaning::ComputeLimit(limit) => Some(u128::from(*limit)),
        _ => None,
    });
    let price = meanings.iter().find_map(|meaning| match meaning {
        Meaning::ComputePrice(price) => Some(u128::from(*price)),
        _ => None,
    });
    let limit = limit
        .unwrap_or(DEFAULT_UNITS * meanings.len() as u128)
        .min(MAX_UNITS);
    let offered = (limit * price.unwrap_or(0)).div_ceil(1_000_000);
    let most = SIGNATURE_FEE * signers as u128 + offered;
    review.fee = format!(
        "at most {} SOL ({} lamports, {} of them offered for speed)",
        decimal(most, SOL),
        thousands(most),
        thousands(offered)
    );
    review.fee_units = most.to_string();
    if most > HIGH_FEE {
        review.warn("HIGH_FEE", format!("the fee is {} sol", decimal(most, SOL)));
    }
}
