//! A message's instructions: who pays whom what, and what it costs. What isn't known is refused.

use std::collections::BTreeSet;

use bitcoin::base58;

use super::message::{Instruction, Key};
use super::{ASSET, Rules, account};
use crate::chain::Payment;
use crate::error::{Code, Refusal, refuse};

/// Lamports that the chain takes for each signature.
const SIGNATURE_FEE: u128 = 5000;
/// Compute units of an instruction when no limit is set, and of a transaction at most.
const UNITS: u128 = 200_000;
const MOST_UNITS: u128 = 1_400_000;
/// Lamports that a new token account of 165 bytes keeps: (165 + 128) × 3480 × 2.
const TOKEN_ACCOUNT_RENT: u128 = 2_039_280;

const SYSTEM: Key = [0; 32];

/// Reads one instruction after the other, and sums up what they do.
pub(super) struct Reader<'a> {
    rules: &'a Rules,
    signers: &'a [Key],
    own: Vec<Key>,
    /// Addresses of approvals: tokens go to an account derived from one.
    approved: &'a BTreeSet<String>,
    pub(super) payments: Vec<Payment>,
    /// The nonce account that the first instruction advances.
    pub(super) nonce: Option<Key>,
    rent: u128,
    unit_price: u128,
    unit_limit: Option<u128>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        rules: &'a Rules,
        signers: &'a [Key],
        own: Vec<Key>,
        approved: &'a BTreeSet<String>,
    ) -> Self {
        Self {
            rules,
            signers,
            own,
            approved,
            payments: Vec::new(),
            nonce: None,
            rent: 0,
            unit_price: 0,
            unit_limit: None,
        }
    }

    pub(super) fn read(&mut self, index: usize, instruction: &Instruction) -> Result<(), Refusal> {
        let programs = &self.rules.programs;
        let place = format!("instruction {index}");
        if instruction.program == SYSTEM {
            self.system(index, &place, instruction)
        } else if instruction.program == programs.compute_budget {
            self.compute_budget(&place, instruction)
        } else if instruction.program == programs.token {
            self.token(place, instruction)
        } else if instruction.program == programs.associated {
            self.associated(&place, instruction)
        } else {
            refuse(
                Code::Transaction,
                format!("{place} calls {}", base58::encode(&instruction.program)),
            )
        }
    }

    fn system(
        &mut self,
        index: usize,
        place: &str,
        instruction: &Instruction,
    ) -> Result<(), Refusal> {
        match (instruction.data.as_slice(), instruction.accounts.as_slice()) {
            ([4, 0, 0, 0], [nonce, _, authority]) if index == 0 => {
                if !self.signers.contains(authority) {
                    return refuse(
                        Code::Input,
                        format!("{place}: the nonce's authority is not ours"),
                    );
                }
                self.nonce = Some(*nonce);
                Ok(())
            }
            ([2, 0, 0, 0, lamports @ ..], [from, to]) if lamports.len() == 8 => {
                self.only_ours(place, from)?;
                self.pay(
                    place.to_owned(),
                    ASSET.to_owned(),
                    little_endian(lamports),
                    to,
                    &[*to],
                );
                Ok(())
            }
            _ => refuse(
                Code::Transaction,
                format!(
                    "{place}: of the system program, AdvanceNonceAccount (first) and Transfer are signed"
                ),
            ),
        }
    }

    fn compute_budget(&mut self, place: &str, instruction: &Instruction) -> Result<(), Refusal> {
        match instruction.data.as_slice() {
            [2, units @ ..] if units.len() == 4 && self.unit_limit.is_none() => {
                self.unit_limit = Some(little_endian(units));
                Ok(())
            }
            [3, price @ ..] if price.len() == 8 && self.unit_price == 0 => {
                self.unit_price = little_endian(price);
                Ok(())
            }
            _ => refuse(
                Code::Transaction,
                format!("{place}: of the compute budget, one limit and one price are signed"),
            ),
        }
    }

    fn token(&mut self, place: String, instruction: &Instruction) -> Result<(), Refusal> {
        let (data, [_, mint, to, owner]) =
            (instruction.data.as_slice(), instruction.accounts.as_slice())
        else {
            return refuse(Code::Transaction, format!("{place}: not TransferChecked"));
        };
        let [12, amount @ .., _] = data else {
            return refuse(Code::Transaction, format!("{place}: not TransferChecked"));
        };
        if amount.len() != 8 {
            return refuse(Code::Transaction, format!("{place}: not TransferChecked"));
        }
        self.only_ours(&place, owner)?;
        let asset = self.asset(&place, mint)?;
        let owners: Vec<Key> = self
            .rules
            .cold
            .iter()
            .chain(&self.own)
            .copied()
            .chain(self.approved.iter().filter_map(|text| account(text).ok()))
            .filter(|owner| self.rules.token_account(owner, mint).as_ref() == Some(to))
            .collect();
        self.pay(place, asset, little_endian(amount), to, &owners);
        Ok(())
    }

    /// A receiver's token account, made when it isn't there; we pay its rent.
    fn associated(&mut self, place: &str, instruction: &Instruction) -> Result<(), Refusal> {
        match (instruction.data.as_slice(), instruction.accounts.as_slice()) {
            ([1], [payer, _, _, mint, system, token])
                if *system == SYSTEM && *token == self.rules.programs.token =>
            {
                self.only_ours(place, payer)?;
                self.asset(place, mint)?;
                self.rent += TOKEN_ACCOUNT_RENT;
                Ok(())
            }
            _ => refuse(
                Code::Transaction,
                format!("{place}: of the associated token program, CreateIdempotent is signed"),
            ),
        }
    }

    fn only_ours(&self, place: &str, account: &Key) -> Result<(), Refusal> {
        if self.signers.contains(account) {
            return Ok(());
        }
        refuse(
            Code::Input,
            format!(
                "{place}: moves coins of {}, which is not ours",
                base58::encode(account)
            ),
        )
    }

    fn asset(&self, place: &str, mint: &Key) -> Result<String, Refusal> {
        self.rules.tokens.get(mint).cloned().ok_or_else(|| {
            Refusal::new(
                Code::Asset,
                format!(
                    "{place}: mint {} is not in the policy",
                    base58::encode(mint)
                ),
            )
        })
    }

    /// Coins to `to`, whose owners are known as far as anybody named them.
    fn pay(&mut self, place: String, asset: String, amount: u128, to: &Key, owners: &[Key]) {
        let ours = |owner: &Key| self.own.contains(owner) || self.rules.cold.contains(owner);
        if owners.iter().any(ours) {
            return;
        }
        let address = base58::encode(to);
        let mut receivers: BTreeSet<String> =
            owners.iter().map(|key| base58::encode(key)).collect();
        receivers.insert(address.clone());
        self.payments.push(Payment {
            place,
            asset,
            amount,
            address,
            receivers,
        });
    }

    /// The most that the chain takes: signatures, priority (rounded up), rent.
    pub(super) fn fee(&self, signatures: usize, instructions: usize) -> u128 {
        let units = self
            .unit_limit
            .unwrap_or(UNITS * instructions as u128)
            .min(MOST_UNITS);
        let priority = (units * self.unit_price).div_ceil(1_000_000);
        SIGNATURE_FEE * signatures as u128 + priority + self.rent
    }
}

fn little_endian(bytes: &[u8]) -> u128 {
    bytes
        .iter()
        .rev()
        .fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}
