//! The fields of an unsigned EIP-1559 transaction, and what its data calls.

use super::EthereumAddress;
use super::rlp::Rlp;
use crate::{ColdError, Result};

/// `keccak256("transfer(address,uint256)")`, its first four bytes.
const TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];

/// EIP-1559: `0x02 || rlp([chain id, nonce, priority fee, fee, gas, to, value, data, access list])`.
#[derive(Debug, PartialEq, Eq)]
pub struct Transaction {
    pub chain_id: u64,
    pub nonce: u64,
    pub priority_fee: u128,
    pub max_fee: u128,
    pub gas: u64,
    pub to: EthereumAddress,
    pub value: u128,
    pub data: Vec<u8>,
    /// True when it names storage in advance.
    pub access_list: bool,
}

/// What the data asks the receiver to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Call {
    /// Nothing: ether moves.
    Nothing,
    /// ERC-20's `transfer`.
    Transfer(EthereumAddress, u128),
    /// Something that isn't understood here.
    Blind,
}

impl Transaction {
    /// Reads the bytes that are signed.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let Some((2, body)) = bytes.split_first() else {
            return Err(ColdError::Refused(
                "only EIP-1559 transactions (type 2) are signed here: build it as one".into(),
            ));
        };
        let mut fields = Rlp::list_alone(body)?;
        let transaction = Self {
            chain_id: small(fields.integer()?, "chain id")?,
            nonce: small(fields.integer()?, "nonce")?,
            priority_fee: fields.integer()?,
            max_fee: fields.integer()?,
            gas: small(fields.integer()?, "gas limit")?,
            to: receiver(fields.bytes()?)?,
            value: fields.integer()?,
            data: fields.bytes()?.to_vec(),
            access_list: !fields.list()?.is_empty(),
        };
        fields.end()?;
        Ok(transaction)
    }

    /// The most that it can cost besides its value, in wei.
    pub fn most_fee(&self) -> Result<u128> {
        u128::from(self.gas)
            .checked_mul(self.max_fee)
            .ok_or_else(|| ColdError::Malformed("its fee is beyond 128 bits".into()))
    }

    /// What its data asks for.
    pub fn call(&self) -> Call {
        match self.data.split_first_chunk::<4>() {
            None if self.data.is_empty() => Call::Nothing,
            Some((&TRANSFER, arguments)) => transfer(arguments).unwrap_or(Call::Blind),
            _ => Call::Blind,
        }
    }
}

/// An address and an amount, each in 32 bytes whose unused ones are zero.
fn transfer(arguments: &[u8]) -> Option<Call> {
    let (to, amount) = arguments.split_at_checked(32)?;
    let amount: &[u8; 32] = amount.try_into().ok()?;
    let (padding, to) = to.split_first_chunk::<12>()?;
    let (high, low) = amount.split_first_chunk::<16>()?;
    if *padding != [0; 12] || *high != [0; 16] {
        return None;
    }
    Some(Call::Transfer(
        EthereumAddress(to.try_into().ok()?),
        u128::from_be_bytes(low.try_into().ok()?),
    ))
}

fn receiver(bytes: &[u8]) -> Result<EthereumAddress> {
    bytes.try_into().map(EthereumAddress).map_err(|_| {
        ColdError::Refused("it has no receiver: contracts aren't made with this key".into())
    })
}

fn small(number: u128, what: &str) -> Result<u64> {
    u64::try_from(number).map_err(|_| ColdError::Malformed(format!("its {what} is beyond 64 bits")))
}
