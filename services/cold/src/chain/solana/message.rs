//! A message as it is signed: legacy and version 0 (Solana's transaction format).

use crate::{ColdError, Result};

/// Bytes of the largest packet of the network, signatures included.
const MAX_MESSAGE: usize = 1_232;

/// An account's 32 bytes.
pub type Account = [u8; 32];

/// What is signed.
#[derive(Debug)]
pub struct Message {
    /// How many of the first accounts sign; the first pays the fee.
    pub signers: usize,
    /// All accounts, by whose place instructions name them.
    pub accounts: Vec<Account>,
    /// What is done, in this order.
    pub instructions: Vec<Instruction>,
}

/// One call of a program.
#[derive(Debug)]
pub struct Instruction {
    /// The program's account.
    pub program: Account,
    /// The accounts given to it.
    pub accounts: Vec<Account>,
    /// Its input.
    pub data: Vec<u8>,
}

impl Message {
    /// Reads all of it.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_MESSAGE {
            return Err(wrong("more bytes than the network takes"));
        }
        let mut reader = Reader(bytes);
        let versioned = bytes.first().is_some_and(|first| first & 0x80 != 0);
        if versioned && reader.byte()? != 0x80 {
            return Err(ColdError::Refused(
                "messages of version 0 and older are known, this is newer".into(),
            ));
        }
        let signers = usize::from(reader.byte()?);
        let (read_only_signers, read_only_others) = (reader.byte()?, reader.byte()?);
        let accounts = reader.many(Reader::account)?;
        let others = accounts
            .len()
            .checked_sub(signers)
            .ok_or_else(|| wrong("too few accounts"))?;
        if signers == 0
            || usize::from(read_only_signers) >= signers
            || usize::from(read_only_others) > others
        {
            return Err(wrong("a head that doesn't fit its accounts"));
        }
        // A recent block's hash, or a durable nonce's value: nothing offline can tell which.
        reader.account()?;
        let instructions = reader.many(|reader| reader.instruction(&accounts))?;
        if versioned && reader.length()? > 0 {
            return Err(ColdError::Refused(
                "it takes accounts from lookup tables, which can't be read offline: build it without".into(),
            ));
        }
        if !reader.0.is_empty() {
            return Err(wrong("bytes after its end"));
        }
        Ok(Self {
            signers,
            accounts,
            instructions,
        })
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| wrong("too few bytes"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// "compact-u16": seven bits a byte, the lowest first, in the shortest form.
    fn length(&mut self) -> Result<usize> {
        let mut length = 0_usize;
        for place in 0..3 {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                if (byte == 0 && place > 0) || length > usize::from(u16::MAX) {
                    break;
                }
                return Ok(length);
            }
        }
        Err(wrong("a length that isn't the shortest"))
    }

    fn many<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        (0..self.length()?).map(|_| one(self)).collect()
    }

    fn account(&mut self) -> Result<Account> {
        let bytes = self.take(32)?;
        bytes.try_into().map_err(|_| wrong("too few bytes"))
    }

    fn instruction(&mut self, accounts: &[Account]) -> Result<Instruction> {
        let named = |place: u8| {
            accounts
                .get(usize::from(place))
                .copied()
                .ok_or_else(|| wrong("an account that isn't there"))
        };
        let program = named(self.byte()?)?;
        let accounts = self.many(|reader| named(reader.byte()?))?;
        let length = self.length()?;
        let data = self.take(length)?.to_vec();
        Ok(Instruction {
            program,
            accounts,
            data,
        })
    }
}

fn wrong(what: &str) -> ColdError {
    ColdError::Malformed(format!("the message has {what}"))
}
