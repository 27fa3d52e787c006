//! Recursive-length prefix, read strictly: one encoding for one value (Yellow Paper, appendix B).

use crate::{ColdError, Result};

/// Bytes that are read from the front.
pub struct Rlp<'a>(&'a [u8]);

enum Item<'a> {
    Bytes(&'a [u8]),
    List(&'a [u8]),
}

impl<'a> Rlp<'a> {
    /// The fields of a list that is all there is.
    pub fn list_alone(bytes: &'a [u8]) -> Result<Self> {
        let mut all = Self(bytes);
        let list = all.list()?;
        all.end()?;
        Ok(list)
    }

    /// The next field, a list.
    pub fn list(&mut self) -> Result<Self> {
        match self.item()? {
            Item::List(body) => Ok(Self(body)),
            Item::Bytes(_) => Err(wrong("bytes where a list belongs")),
        }
    }

    /// The next field, bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        match self.item()? {
            Item::Bytes(bytes) => Ok(bytes),
            Item::List(_) => Err(wrong("a list where bytes belong")),
        }
    }

    /// The next field, an integer that fits 128 bits: more than any amount on a chain.
    pub fn integer(&mut self) -> Result<u128> {
        let bytes = self.bytes()?;
        if bytes.first() == Some(&0) {
            return Err(wrong("an integer with leading zeros"));
        }
        if bytes.len() > 16 {
            return Err(wrong("an integer beyond 128 bits"));
        }
        Ok(bytes
            .iter()
            .fold(0, |sum, &byte| sum << 8 | u128::from(byte)))
    }

    /// No field is left.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses what is left.
    pub fn end(&self) -> Result<()> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(wrong("bytes after the end"))
        }
    }

    fn item(&mut self) -> Result<Item<'a>> {
        let &first = self.0.first().ok_or_else(|| wrong("a missing field"))?;
        match first {
            0..=0x7f => Ok(Item::Bytes(self.take(1)?)),
            0x80..=0xb7 => {
                self.take(1)?;
                let bytes = self.take(usize::from(first - 0x80))?;
                if matches!(bytes, [byte] if *byte < 0x80) {
                    return Err(wrong("a byte that stands for itself, with a length"));
                }
                Ok(Item::Bytes(bytes))
            }
            0xb8..=0xbf => Ok(Item::Bytes(self.long(first - 0xb7)?)),
            0xc0..=0xf7 => {
                self.take(1)?;
                Ok(Item::List(self.take(usize::from(first - 0xc0))?))
            }
            0xf8..=0xff => Ok(Item::List(self.long(first - 0xf7)?)),
        }
    }

    fn long(&mut self, width: u8) -> Result<&'a [u8]> {
        self.take(1)?;
        let length = self.take(usize::from(width))?;
        if width > 4 || length.first() == Some(&0) {
            return Err(wrong("a length that isn't the shortest"));
        }
        let length = length
            .iter()
            .fold(0, |sum, &byte| sum << 8 | usize::from(byte));
        if length < 56 {
            return Err(wrong("a length that isn't the shortest"));
        }
        self.take(length)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| wrong("a missing field"))?;
        self.0 = rest;
        Ok(taken)
    }
}

fn wrong(what: &str) -> ColdError {
    ColdError::Malformed(format!("the transaction's RLP has {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_their_order() {
        let mut long = vec![0xb8, 56];
        long.extend([7; 56]);
        let mut body = vec![0x05, 0x80, 0x82, 0x04, 0x00, 0xc1, 0x01];
        body.extend(&long);
        let mut bytes = vec![0xf8, u8::try_from(body.len()).unwrap()];
        bytes.extend(&body);
        let mut list = Rlp::list_alone(&bytes).unwrap();
        assert_eq!(list.integer().unwrap(), 5);
        assert_eq!(list.integer().unwrap(), 0);
        assert_eq!(list.integer().unwrap(), 1024);
        assert_eq!(list.list().unwrap().integer().unwrap(), 1);
        assert_eq!(list.bytes().unwrap(), [7; 56]);
        list.end().unwrap();
    }

    #[test]
    fn a_second_encoding_of_the_same_is_refused() {
        let wrong: [&[u8]; 7] = [
            &[0xc2, 0x81, 0x05],             // a small byte with a length
            &[0xc3, 0x82, 0x00, 0x05],       // leading zeros
            &[0xf8, 0x01, 0x05],             // a long form for a short list
            &[0xc1, 0x05, 0x00],             // bytes after the list
            &[0xc2, 0x05],                   // too short
            &[0xc1, 0xc0],                   // a list for an integer
            &[0xff, 0, 0, 0, 0, 0, 0, 0, 1], // a length with leading zeros
        ];
        for bytes in wrong {
            let read = Rlp::list_alone(bytes).and_then(|mut list| list.integer());
            assert_eq!(read.unwrap_err().name(), "MALFORMED", "{bytes:?}");
        }
    }
}
