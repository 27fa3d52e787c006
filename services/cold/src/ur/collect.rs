//! Texts of QR codes, in any order and with gaps, until a message is whole.

use minicbor::Decoder as Cbor;

use super::Message;
use crate::{ColdError, Result};

/// Bytes of a message; a larger one is no transaction of ours.
const MAX_MESSAGE: u32 = 1 << 20;
/// Fragments of a message. The decoder below allocates by this number before it knows more.
const MAX_FRAGMENTS: u32 = 4_096;

/// Feed it texts until it gives a message.
#[derive(Default)]
pub struct Collector {
    decoder: ur::Decoder,
    whole: Option<Message>,
    seen: usize,
    damaged: usize,
    foreign: usize,
}

impl Collector {
    /// One text that a camera saw; the message once it is whole. What is no UR is counted and left
    /// out, and so is a text whose own checksum doesn't match: cameras misread.
    ///
    /// # Errors
    /// [`ColdError::FramesMixed`] when it belongs to another message, [`ColdError::FramesTampered`]
    /// when the fragments together aren't what each of them announced.
    pub fn receive(&mut self, text: &str) -> Result<Option<&Message>> {
        if self.whole.is_none() {
            self.take(text.trim())?;
        }
        Ok(self.whole.as_ref())
    }

    fn take(&mut self, text: &str) -> Result<()> {
        let text = text.to_ascii_lowercase();
        let Some((kind, rest)) = text.strip_prefix("ur:").and_then(|ur| ur.split_once('/')) else {
            self.foreign += 1;
            return Ok(());
        };
        let Ok((parts, cbor)) = ur::ur::decode(&text) else {
            self.damaged += 1;
            return Ok(());
        };
        self.seen += 1;
        match parts {
            ur::ur::Kind::SinglePart => self.single(kind, cbor),
            ur::ur::Kind::MultiPart => {
                bounded(&cbor, rest)?;
                self.part(&text)
            }
        }
    }

    fn single(&mut self, kind: &str, cbor: Vec<u8>) -> Result<()> {
        if let Some(other) = self.decoder.ur_type() {
            return Err(ColdError::FramesMixed(format!(
                "a whole ur:{kind} among parts of ur:{other}"
            )));
        }
        self.whole = Some(Message {
            kind: kind.to_owned(),
            cbor,
        });
        Ok(())
    }

    fn part(&mut self, text: &str) -> Result<()> {
        self.decoder.receive(text).map_err(|error| {
            ColdError::FramesMixed(format!("after {} frames: {error}", self.seen - 1))
        })?;
        let whole = self
            .decoder
            .message()
            .map_err(|error| ColdError::FramesTampered(error.to_string()))?;
        if let (Some(cbor), Some(kind)) = (whole, self.decoder.ur_type()) {
            self.whole = Some(Message {
                kind: kind.to_owned(),
                cbor,
            });
        }
        Ok(())
    }

    /// How far it is: fragments known, fragments wanted.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (
            self.decoder.resolved_fragment_count().unwrap_or(0),
            self.decoder.fragment_count(),
        )
    }

    /// The message, or why there is none.
    ///
    /// # Errors
    /// [`ColdError::FramesMissing`].
    pub fn finish(self) -> Result<Message> {
        let (known, wanted) = self.progress();
        let Self {
            seen,
            damaged,
            foreign,
            ..
        } = &self;
        let missing = match (seen, wanted) {
            (0, _) => {
                format!("no frame of a UR was read ({damaged} damaged, {foreign} other codes)")
            }
            _ => format!("{known} of {wanted} fragments from {seen} frames ({damaged} damaged)"),
        };
        self.whole.ok_or(ColdError::FramesMissing(missing))
    }
}

/// Refuses a part whose numbers would make the decoder work or allocate without end.
fn bounded(cbor: &[u8], indices: &str) -> Result<()> {
    let malformed = |_| ColdError::Malformed(format!("part {}", printable_indices(indices)));
    let mut part = Cbor::new(cbor);
    part.array().map_err(malformed)?;
    part.u32().map_err(malformed)?;
    let fragments = part.u32().map_err(malformed)?;
    let length = part.u32().map_err(malformed)?;
    if fragments > MAX_FRAGMENTS || length > MAX_MESSAGE {
        return Err(ColdError::Malformed(format!(
            "{fragments} fragments of a message of {length} bytes are more than {MAX_FRAGMENTS} or {MAX_MESSAGE}"
        )));
    }
    Ok(())
}

fn printable_indices(rest: &str) -> String {
    crate::review::printable(rest.split('/').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ur::FRAGMENT;

    fn message(length: usize) -> Message {
        let cbor = (0..length)
            .map(|byte| u8::try_from(byte % 251).unwrap())
            .collect();
        Message {
            kind: "psbt".to_owned(),
            cbor,
        }
    }

    fn collect<'a>(texts: impl IntoIterator<Item = &'a String>) -> Result<Message> {
        let mut collector = Collector::default();
        for text in texts {
            collector.receive(text)?;
        }
        collector.finish()
    }

    #[test]
    fn one_text_or_many_make_the_message() {
        for length in [10, 90, 91, 2_000] {
            let frames = message(length).frames(FRAGMENT).unwrap();
            assert_eq!(collect(&frames.texts).unwrap(), message(length));
            assert_eq!(collect(frames.texts.iter().rev()).unwrap(), message(length));
        }
    }

    #[test]
    fn a_third_may_be_lost() {
        let frames = message(2_000).frames(FRAGMENT).unwrap();
        let kept = frames
            .texts
            .iter()
            .enumerate()
            .filter(|(i, _)| i % 3 != 0)
            .map(|(_, text)| text);
        assert_eq!(collect(kept).unwrap(), message(2_000));
        let few = collect(&frames.texts[..5]).unwrap_err();
        assert_eq!(few.name(), "FRAMES_MISSING");
        assert!(
            few.to_string().contains("5 of 23 fragments from 5 frames"),
            "{few}"
        );
    }

    #[test]
    fn misread_texts_are_passed_over() {
        let mut frames = message(500).frames(FRAGMENT).unwrap();
        let damaged = frames.texts[0].replacen("AD", "AE", 1);
        frames.texts.insert(0, damaged);
        frames.texts.insert(0, "https://example.com".to_owned());
        assert_eq!(collect(&frames.texts).unwrap(), message(500));
    }

    #[test]
    fn frames_of_two_messages_are_refused() {
        let first = message(500).frames(FRAGMENT).unwrap().texts;
        let second = message(501).frames(FRAGMENT).unwrap().texts;
        assert_eq!(
            collect([&first[0], &second[1]]).unwrap_err().name(),
            "FRAMES_MIXED"
        );
        let single = message(20).frames(FRAGMENT).unwrap().texts;
        assert_eq!(
            collect([&first[0], &single[0]]).unwrap_err().name(),
            "FRAMES_MIXED"
        );
    }

    /// Each altered frame has a right checksum of its own: only the message's own tells.
    #[test]
    fn an_altered_fragment_is_found_at_the_end() {
        let texts = message(170).frames(FRAGMENT).unwrap().texts;
        let (_, cbor) = ur::ur::decode(&texts[0].to_ascii_lowercase()).unwrap();
        let mut altered = cbor.clone();
        *altered.last_mut().unwrap() ^= 1;
        let body = ur::bytewords::encode(&altered, ur::bytewords::Style::Minimal);
        let forged = format!("ur:psbt/1-2/{body}");
        assert_eq!(
            collect([&forged, &texts[1]]).unwrap_err().name(),
            "FRAMES_TAMPERED"
        );
    }

    #[test]
    fn numbers_that_would_exhaust_the_machine_are_refused() {
        let mut cbor = Vec::new();
        let mut encoder = minicbor::Encoder::new(&mut cbor);
        encoder
            .array(5)
            .unwrap()
            .u32(4_000_000_000)
            .unwrap()
            .u32(4_000_000_000)
            .unwrap();
        encoder
            .u32(1 << 30)
            .unwrap()
            .u32(7)
            .unwrap()
            .bytes(&[1])
            .unwrap();
        let body = ur::bytewords::encode(&cbor, ur::bytewords::Style::Minimal);
        let text = format!("ur:psbt/4000000000-4000000000/{body}");
        assert_eq!(collect([&text]).unwrap_err().name(), "MALFORMED");
    }
}
