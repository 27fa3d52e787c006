//! What the instructions of well-known programs mean; everything else is blind.

use super::message::{Account, Instruction};

const SYSTEM: &str = "11111111111111111111111111111111";
const TOKEN: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
const TOKEN_2022: &str = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb";
const ASSOCIATED: &str = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL";
const COMPUTE: &str = "ComputeBudget111111111111111111111111111111";
const MEMO: &str = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr";

/// What an instruction does. Accounts are in base58.
#[derive(Debug, PartialEq, Eq)]
pub enum Meaning {
    /// SOL moves.
    Transfer {
        from: String,
        to: String,
        lamports: u64,
    },
    /// A token moves, its mint and scale checked by the program.
    TokenTransfer {
        owner: String,
        to: String,
        mint: String,
        units: u64,
        decimals: u8,
    },
    /// A durable nonce is used up: the message stays good until then.
    AdvanceNonce { account: String },
    /// A token account is made for `wallet`, the address that follows.
    MakeTokenAccount { account: String, wallet: String },
    /// The most units of work.
    ComputeLimit(u32),
    /// The price of a unit of work, in millionths of a lamport.
    ComputePrice(u64),
    /// A text for everybody.
    Memo(String),
    /// Not understood here.
    Blind { program: String },
}

/// An account as it is written.
pub fn base58(account: &Account) -> String {
    bs58::encode(account).into_string()
}

impl Meaning {
    /// Of one instruction.
    pub fn of(instruction: &Instruction) -> Self {
        let program = base58(&instruction.program);
        let accounts: Vec<String> = instruction.accounts.iter().map(base58).collect();
        let known = match program.as_str() {
            SYSTEM => system(&accounts, &instruction.data),
            // Token-2022 is left blind: its extensions (fees, hooks) change what a transfer does.
            TOKEN => token(&accounts, &instruction.data),
            ASSOCIATED => associated(&accounts, &instruction.data),
            COMPUTE => compute(&instruction.data),
            MEMO => Some(Self::Memo(
                String::from_utf8_lossy(&instruction.data).into_owned(),
            )),
            _ => None,
        };
        known.unwrap_or(Self::Blind { program })
    }
}

fn system(accounts: &[String], data: &[u8]) -> Option<Meaning> {
    let (kind, rest) = data.split_first_chunk::<4>()?;
    match (u32::from_le_bytes(*kind), accounts) {
        (2, [from, to]) => Some(Meaning::Transfer {
            from: from.clone(),
            to: to.clone(),
            lamports: u64::from_le_bytes(rest.try_into().ok()?),
        }),
        (4, [account, _, _]) if rest.is_empty() => Some(Meaning::AdvanceNonce {
            account: account.clone(),
        }),
        _ => None,
    }
}

/// `TransferChecked`, the one kind of transfer that names mint and scale.
fn token(accounts: &[String], data: &[u8]) -> Option<Meaning> {
    let (12, [_, mint, to, owner]) = (data.first()?, accounts) else {
        return None;
    };
    let (units, decimals) = data[1..].split_first_chunk::<8>()?;
    let [decimals] = decimals else { return None };
    Some(Meaning::TokenTransfer {
        owner: owner.clone(),
        to: to.clone(),
        mint: mint.clone(),
        units: u64::from_le_bytes(*units),
        decimals: *decimals,
    })
}

/// `Create` and `CreateIdempotent`, with either token program.
fn associated(accounts: &[String], data: &[u8]) -> Option<Meaning> {
    let [_, account, wallet, _, _, program, ..] = accounts else {
        return None;
    };
    let known = matches!(data, [] | [0 | 1]) && matches!(program.as_str(), TOKEN | TOKEN_2022);
    known.then(|| Meaning::MakeTokenAccount {
        account: account.clone(),
        wallet: wallet.clone(),
    })
}

fn compute(data: &[u8]) -> Option<Meaning> {
    let (kind, rest) = data.split_first()?;
    match kind {
        2 => Some(Meaning::ComputeLimit(u32::from_le_bytes(
            rest.try_into().ok()?,
        ))),
        3 => Some(Meaning::ComputePrice(u64::from_le_bytes(
            rest.try_into().ok()?,
        ))),
        _ => None,
    }
}
