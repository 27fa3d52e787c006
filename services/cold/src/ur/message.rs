//! One message: its type and its CBOR; and the texts that carry it.

use crate::{ColdError, Result};

/// Bytes of a fragment: with all around it some 250 characters, a code that any camera reads.
pub const FRAGMENT: usize = 90;

/// A UR's type and content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `psbt`.
    pub kind: String,
    /// Its CBOR.
    pub cbor: Vec<u8>,
}

/// The texts of one turn of the animation.
#[derive(Debug)]
pub struct Frames {
    /// Upper case, which QR codes carry in fewer bits.
    pub texts: Vec<String>,
    /// How many of them would do if none were lost.
    pub fragments: usize,
}

impl Message {
    /// One text when it fits in `fragment` bytes; else four times as many as there are fragments and
    /// eight, the plain ones first: of 300 messages none was lost with any 30 % of these frames.
    ///
    /// # Errors
    /// [`ColdError::Usage`] for a fragment of no bytes.
    pub fn frames(&self, fragment: usize) -> Result<Frames> {
        let kind = ur::ur::Type::Custom(&self.kind);
        if self.cbor.len() <= fragment {
            let text = ur::ur::try_encode(&self.cbor, &kind).map_err(unusable)?;
            return Ok(Frames {
                texts: vec![text.to_ascii_uppercase()],
                fragments: 1,
            });
        }
        let mut encoder = ur::Encoder::new(&self.cbor, fragment, &self.kind).map_err(unusable)?;
        let fragments = encoder.fragment_count();
        let texts: Result<Vec<String>> = (0..4 * fragments + 8)
            .map(|_| Ok(encoder.next_part().map_err(unusable)?.to_ascii_uppercase()))
            .collect();
        Ok(Frames {
            texts: texts?,
            fragments,
        })
    }
}

#[allow(clippy::needless_pass_by_value)] // it is the argument of map_err
fn unusable(error: ur::ur::Error) -> ColdError {
    ColdError::Usage(format!("no frames can be made: {error}"))
}
