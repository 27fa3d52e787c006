//! Numbers off the front of bytes.

use super::RestoreError;

/// What is left of the bytes.
pub(super) struct Reader<'a> {
    pub bytes: &'a [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], RestoreError> {
        let (taken, rest) = self
            .bytes
            .split_first_chunk::<N>()
            .ok_or(RestoreError::Truncated(part))?;
        self.bytes = rest;
        Ok(*taken)
    }

    pub fn u8(&mut self, part: &'static str) -> Result<u8, RestoreError> {
        self.take::<1>(part).map(|[byte]| byte)
    }

    pub fn u32(&mut self, part: &'static str) -> Result<u32, RestoreError> {
        self.take(part).map(u32::from_le_bytes)
    }

    pub fn i32(&mut self, part: &'static str) -> Result<i32, RestoreError> {
        self.take(part).map(i32::from_le_bytes)
    }

    pub fn u64(&mut self, part: &'static str) -> Result<u64, RestoreError> {
        self.take(part).map(u64::from_le_bytes)
    }

    pub fn i64(&mut self, part: &'static str) -> Result<i64, RestoreError> {
        self.take(part).map(i64::from_le_bytes)
    }

    /// A byte that is 0 or 1.
    pub fn flag(&mut self, part: &'static str) -> Result<bool, RestoreError> {
        match self.u8(part)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(RestoreError::Invalid(part)),
        }
    }

    /// A number of records that the bytes left can hold.
    pub fn count(&mut self, record_bytes: usize, part: &'static str) -> Result<u64, RestoreError> {
        let count = self.u64(part)?;
        if count > (self.bytes.len() / record_bytes) as u64 {
            return Err(RestoreError::Truncated(part));
        }
        Ok(count)
    }
}
