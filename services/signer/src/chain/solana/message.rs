//! Solana's legacy message, parsed strictly: header, accounts, blockhash, instructions. Lengths are
//! "compact-u16": seven bits a byte, shortest form.

/// An account's address, or a hash: both are 32 bytes and written in base58.
pub type Key = [u8; 32];

/// A message's parts.
#[derive(Debug)]
pub struct Message {
    /// How many of the first accounts must sign.
    pub signers: usize,
    /// All that instructions name.
    pub accounts: Vec<Key>,
    /// A recent hash, or a durable nonce's value.
    pub blockhash: Key,
    /// What is done, in order.
    pub instructions: Vec<Instruction>,
}

/// One call of a program.
#[derive(Debug)]
pub struct Instruction {
    /// Which program.
    pub program: Key,
    /// Its accounts, in the program's order.
    pub accounts: Vec<Key>,
    /// For the program.
    pub data: Vec<u8>,
}

/// Reads a message to its last byte.
///
/// # Errors
/// What is wrong with it.
pub fn parse(bytes: &[u8]) -> Result<Message, String> {
    let mut input = Input(bytes);
    let signers = input.byte()?;
    if signers & 0x80 != 0 {
        return Err("a versioned message; only legacy ones are signed".to_owned());
    }
    let (read_only_signed, read_only) = (input.byte()?, input.byte()?);
    let accounts = (0..input.length()?)
        .map(|_| input.key())
        .collect::<Result<Vec<_>, _>>()?;
    let signers = usize::from(signers);
    if signers == 0
        || usize::from(read_only_signed) >= signers
        || signers + usize::from(read_only) > accounts.len()
    {
        return Err("a header that doesn't fit the accounts".to_owned());
    }
    let mut sorted = accounts.clone();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err("an account that is listed twice".to_owned());
    }
    let blockhash = input.key()?;
    let instructions = (0..input.length()?)
        .map(|_| input.instruction(&accounts))
        .collect::<Result<Vec<_>, _>>()?;
    if input.0.is_empty() {
        Ok(Message {
            signers,
            accounts,
            blockhash,
            instructions,
        })
    } else {
        Err("bytes after the end".to_owned())
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Result<u8, String> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or("a message that is cut off")?;
        self.0 = rest;
        Ok(taken)
    }

    fn key(&mut self) -> Result<Key, String> {
        let mut key = [0; 32];
        key.copy_from_slice(self.take(32)?);
        Ok(key)
    }

    fn length(&mut self) -> Result<usize, String> {
        let mut length = 0;
        for shift in [0, 7, 14] {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let shortest = shift == 0 || byte != 0;
                return if shortest && u16::try_from(length).is_ok() {
                    Ok(length)
                } else {
                    Err("a length not in its shortest form".to_owned())
                };
            }
        }
        Err("a length that is too long".to_owned())
    }

    fn instruction(&mut self, accounts: &[Key]) -> Result<Instruction, String> {
        let account = |index: u8| {
            accounts
                .get(usize::from(index))
                .copied()
                .ok_or_else(|| format!("account {index} of {}", accounts.len()))
        };
        let program = account(self.byte()?)?;
        let count = self.length()?;
        let named = self
            .take(count)?
            .iter()
            .map(|index| account(*index))
            .collect::<Result<Vec<_>, _>>()?;
        let length = self.length()?;
        Ok(Instruction {
            program,
            accounts: named,
            data: self.take(length)?.to_vec(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_one_form() {
        for (bytes, length) in [
            (vec![0x7f], 127),
            (vec![0x80, 0x01], 128),
            (vec![0xff, 0xff, 0x03], 65535),
        ] {
            assert_eq!(Input(&bytes).length(), Ok(length));
        }
        for bytes in [
            vec![0x80, 0x00],
            vec![0xff, 0xff, 0x04],
            vec![0x80, 0x80, 0x80, 0x01],
            vec![0x80],
        ] {
            assert!(Input(&bytes).length().is_err(), "{bytes:02x?}");
        }
    }

    #[test]
    fn versioned_and_cut_off_messages_are_refused() {
        assert!(parse(&[0x80, 1, 0, 0]).unwrap_err().contains("versioned"));
        assert!(parse(&[1, 0, 0, 1]).unwrap_err().contains("cut off"));
    }
}
