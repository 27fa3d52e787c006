//! Ethereum: an EIP-1559 transaction from an account of ours that sends ether, or calls `transfer` of a token
//! that the policy names, to an approved withdrawal, to ourselves or to a cold wallet. Nothing else is called.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use bitcoin::secp256k1::{Message, Secp256k1};
use sha3::{Digest as _, Keccak256};

use super::{Caps, Chain, Finished, Payment, Reading, ToSign, Transaction, rlp};
use crate::address::{checksummed, ethereum, ethereum_account};
use crate::derive::KeyPath;
use crate::error::{Code, Error, Refusal, refuse};
use crate::policy::{self, Limits};
use crate::scheme::GroupKey;

/// Ether's name.
pub const ASSET: &str = "ETH";
const TYPE: u8 = 2;
/// `transfer(address,uint256)` of ERC-20.
const TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];

type Account = [u8; 20];

/// What the policy says of Ethereum, made ready.
pub struct Rules {
    chain_id: u64,
    name: String,
    cold: BTreeSet<Account>,
    tokens: BTreeMap<Account, String>,
    limits: BTreeMap<String, Limits>,
    caps: Caps,
    gas_top_up: u128,
}

impl Rules {
    /// From the policy file.
    ///
    /// # Errors
    /// An asset or a cold wallet that makes no sense.
    pub fn new(policy: &policy::Ethereum) -> Result<Self, Error> {
        let mut tokens = BTreeMap::new();
        for asset in policy.assets.keys().filter(|asset| *asset != ASSET) {
            let contract = asset
                .split_once('@')
                .ok_or_else(|| "neither ETH nor SYMBOL@0xcontract".to_owned())
                .and_then(|(_, contract)| account(contract))
                .map_err(|problem| Error::setting(format!("ethereum.assets {asset:?}"), problem))?;
            if tokens.insert(contract, asset.clone()).is_some() {
                let problem = "the contract of another asset";
                return Err(Error::setting(
                    format!("ethereum.assets {asset:?}"),
                    problem,
                ));
            }
        }
        let cold = policy
            .cold
            .iter()
            .map(|text| {
                account(text)
                    .map_err(|problem| Error::setting(format!("ethereum.cold {text:?}"), problem))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            chain_id: policy.chain_id,
            name: policy.chain_id.to_string(),
            cold,
            tokens,
            limits: policy.assets.clone(),
            caps: Caps {
                max_fee: policy.max_fee.0,
                max_fee_per_day: policy.max_fee_per_day.0,
            },
            gas_top_up: policy.gas_top_up.0,
        })
    }

    /// Its name in approvals: the chain id.
    #[must_use]
    pub fn network_name(&self) -> &str {
        &self.name
    }

    /// Caps on fees.
    #[must_use]
    pub fn caps(&self) -> Caps {
        self.caps
    }

    /// An asset's limits.
    #[must_use]
    pub fn limits(&self, asset: &str) -> Option<&Limits> {
        self.limits.get(asset)
    }
}

/// An account from text: 40 hex digits after `0x`, of one case, or of both with EIP-55's checksum.
fn account(text: &str) -> Result<Account, String> {
    let digits = text
        .strip_prefix("0x")
        .ok_or("an address that doesn't begin with 0x")?;
    let mut account = [0; 20];
    hex::decode_to_slice(digits, &mut account).map_err(|error| format!("no address: {error}"))?;
    let mixed = digits.bytes().any(|b| b.is_ascii_lowercase())
        && digits.bytes().any(|b| b.is_ascii_uppercase());
    if mixed && checksummed(&account) != text {
        return Err("an address whose checksum (EIP-55) is wrong".to_owned());
    }
    Ok(account)
}

/// A transaction, read.
pub struct Parsed {
    /// The nine fields, encoded.
    fields: Vec<u8>,
    from: Account,
    reading: Reading,
}

/// The nine fields of an unsigned EIP-1559 transaction.
struct Fields {
    chain_id: u128,
    nonce: u128,
    priority_fee: u128,
    max_fee: u128,
    gas: u128,
    to: Account,
    value: u128,
    data: Vec<u8>,
}

/// Reads `0x02 ‖ rlp(…)`. `own_receiver` is where coins go when they go to ourselves.
///
/// # Errors
/// A [`Refusal`].
pub fn parse(
    unsigned: &[u8],
    from: KeyPath,
    own_receiver: Option<KeyPath>,
    key: &GroupKey,
    rules: &Rules,
) -> Result<Parsed, Refusal> {
    let malformed = |problem: String| Refusal::new(Code::Transaction, problem);
    let (encoded, fields) = fields(unsigned).map_err(malformed)?;
    if fields.chain_id != u128::from(rules.chain_id) {
        return refuse(
            Code::Network,
            format!(
                "a transaction for chain {}, the policy is for {}",
                fields.chain_id, rules.chain_id
            ),
        );
    }
    let own = |path| ethereum(key, path).map_err(|fault| Refusal::new(Code::Key, fault.reason));
    let sender = own(from)?;
    let own_receiver = own_receiver
        .map(|path| own(path).map(|account| (path, account)))
        .transpose()?;
    let payments = payment(&fields, own_receiver, rules)?.into_iter().collect();
    let fee = fields
        .gas
        .checked_mul(fields.max_fee)
        .ok_or_else(|| Refusal::new(Code::Fee, "a fee above 2^128 wei"))?;
    let point = format!("0x{}:{}", hex::encode(sender), fields.nonce);
    let reading = Reading {
        chain: Chain::Ethereum,
        payments,
        fee,
        conflict_points: BTreeSet::from([point]),
        to_sign: vec![ToSign {
            path: from,
            message: Keccak256::digest(unsigned).to_vec(),
        }],
    };
    Ok(Parsed {
        fields: encoded,
        from: sender,
        reading,
    })
}

fn fields(unsigned: &[u8]) -> Result<(Vec<u8>, Fields), String> {
    let Some((&TYPE, payload)) = unsigned.split_first() else {
        return Err("not an EIP-1559 transaction (type 2)".to_owned());
    };
    let items = rlp::list(payload).map_err(|problem| format!("RLP: {problem}"))?;
    let [chain_id, nonce, priority, max, gas, to, value, data, access] = items.as_slice() else {
        return Err(format!("{} fields where nine belong", items.len()));
    };
    if !access.list || !access.content.is_empty() {
        return Err("an access list that isn't empty".to_owned());
    }
    let number = |item: &rlp::Item<'_>, name: &str| {
        item.number()
            .map_err(|problem| format!("{name}: {problem}"))
    };
    let to = Account::try_from(to.content)
        .map_err(|_| "no receiver of 20 bytes: contracts are not created".to_owned())?;
    if data.list {
        return Err("data that is a list".to_owned());
    }
    let fields = Fields {
        chain_id: number(chain_id, "chain id")?,
        nonce: number(nonce, "nonce")?,
        priority_fee: number(priority, "priority fee")?,
        max_fee: number(max, "max fee")?,
        gas: number(gas, "gas")?,
        to,
        value: number(value, "value")?,
        data: data.content.to_vec(),
    };
    if fields.priority_fee > fields.max_fee {
        return Err("a priority fee above the max fee".to_owned());
    }
    let encoded = items
        .iter()
        .flat_map(|item| item.encoding.iter().copied())
        .collect();
    Ok((encoded, fields))
}

/// What leaves us, if it does.
fn payment(
    fields: &Fields,
    own: Option<(KeyPath, Account)>,
    rules: &Rules,
) -> Result<Option<Payment>, Refusal> {
    let (asset, receiver, amount) = if fields.data.is_empty() {
        (ASSET, fields.to, fields.value)
    } else {
        let (receiver, amount) = transfer(fields)?;
        let asset = rules.tokens.get(&fields.to).ok_or_else(|| {
            Refusal::new(
                Code::Asset,
                format!(
                    "a call of {}, a token that the policy doesn't name",
                    checksummed(&fields.to)
                ),
            )
        })?;
        (asset.as_str(), receiver, amount)
    };
    match own {
        Some((path, account)) if account == receiver => own_receiver(path, asset, amount, rules)?,
        Some((_, account)) => {
            return refuse(
                Code::Output,
                format!(
                    "the receiver {} is not the own account {} that the request names",
                    checksummed(&receiver),
                    checksummed(&account)
                ),
            );
        }
        None if rules.cold.contains(&receiver) => {}
        None => {
            let address = checksummed(&receiver);
            return Ok(Some(Payment {
                place: "the transaction".to_owned(),
                asset: asset.to_owned(),
                amount,
                receivers: BTreeSet::from([address.clone(), address.to_lowercase()]),
                address,
            }));
        }
    }
    Ok(None)
}

/// Anything may come to the hot accounts; to a deposit address, ether for gas alone.
fn own_receiver(path: KeyPath, asset: &str, amount: u128, rules: &Rules) -> Result<(), Refusal> {
    match path {
        KeyPath::Own(_) => Ok(()),
        KeyPath::Deposit(_) if asset == ASSET && amount <= rules.gas_top_up => Ok(()),
        KeyPath::Deposit(user) => refuse(
            Code::Output,
            format!(
                "{amount} of {asset} to the deposit address of user {user}: ETH up to gas_top_up, {}, may go there",
                rules.gas_top_up
            ),
        ),
    }
}

/// Receiver and amount of a token transfer.
fn transfer(fields: &Fields) -> Result<(Account, u128), Refusal> {
    let call = |problem: &str| Refusal::new(Code::Transaction, format!("a call {problem}"));
    if fields.value != 0 {
        return Err(call("that sends ether too"));
    }
    let data: &[u8; 68] = fields
        .data
        .as_slice()
        .try_into()
        .map_err(|_| call("that is not transfer(address,uint256), 68 bytes"))?;
    let (selector, arguments) = data.split_at(4);
    let (receiver, amount) = arguments.split_at(32);
    if selector != TRANSFER || receiver[..12] != [0; 12] {
        return Err(call("that is not transfer(address,uint256)"));
    }
    if amount[..16] != [0; 16] {
        return Err(call("of an amount above 2^128"));
    }
    let mut account = [0; 20];
    account.copy_from_slice(&receiver[12..]);
    let amount = amount[16..]
        .iter()
        .fold(0, |sum, byte| sum << 8 | u128::from(*byte));
    Ok((account, amount))
}

impl Transaction for Parsed {
    fn reading(&self) -> &Reading {
        &self.reading
    }

    fn finish(&self, signatures: &[Vec<u8>]) -> Result<Finished, Refusal> {
        let signature = signatures
            .first()
            .filter(|signature| signature.len() == 65 && signature[64] < 2)
            .ok_or_else(|| Refusal::new(Code::Signature, "no signature of 65 bytes"))?;
        let (rs, parity) = signature.split_at(64);
        let recovered = Message::from_digest_slice(&self.reading.to_sign[0].message)
            .ok()
            .zip(RecoveryId::from_i32(i32::from(parity[0])).ok())
            .and_then(|(hash, id)| {
                let signature = RecoverableSignature::from_compact(rs, id).ok()?;
                Secp256k1::verification_only()
                    .recover_ecdsa(&hash, &signature)
                    .ok()
            })
            .map(|key| ethereum_account(&key));
        if recovered != Some(self.from) {
            return refuse(
                Code::Signature,
                "a signature from which another account recovers",
            );
        }
        let mut items = self.fields.clone();
        items.extend(rlp::number(parity));
        items.extend(rlp::number(&rs[..32]));
        items.extend(rlp::number(&rs[32..]));
        let transaction = [&[TYPE], rlp::wrap(&items).as_slice()].concat();
        let id = format!("0x{}", hex::encode(Keccak256::digest(&transaction)));
        Ok(Finished {
            transaction,
            id,
            signatures: signatures.to_vec(),
        })
    }
}
