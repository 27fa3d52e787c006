//! Where the key comes from: the operating system's randomness, and dice for who trusts no machine.

use bip39::{Language, Mnemonic};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::{ColdError, Result};

/// Throws that make up 256 bits by themselves, rounded up: 99 · log2(6) = 255.9.
const MIN_DICE: usize = 99;
/// Words of the backup: 24, for 256 bits.
const WORDS: usize = 24;
const DOMAIN: &[u8] = b"outcry-cold/entropy/v1";

/// 256 bits: of the system alone, or hashed together with thrown dice (`1`…`6`), so that the result
/// is as good as the better of the two.
///
/// # Errors
/// [`ColdError::Weak`] for dice that are too few or that no die shows; [`ColdError::System`] when the
/// system gives no randomness.
pub fn fresh(dice: Option<&str>) -> Result<Zeroizing<[u8; 32]>> {
    let mut entropy = Zeroizing::new([0_u8; 32]);
    getrandom::fill(entropy.as_mut_slice())
        .map_err(|error| ColdError::System(format!("no randomness: {error}")))?;
    if let Some(dice) = dice {
        let throws = throws(dice)?;
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(entropy.as_slice());
        hash.update(throws.as_bytes());
        let mut mixed: [u8; 32] = hash.finalize().into();
        entropy.copy_from_slice(&mixed);
        mixed.zeroize();
    }
    Ok(entropy)
}

fn throws(dice: &str) -> Result<Zeroizing<String>> {
    let throws: Zeroizing<String> =
        Zeroizing::new(dice.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    if throws.chars().any(|c| !('1'..='6').contains(&c)) {
        return Err(ColdError::Weak(
            "a die shows 1 to 6: leave out everything else".into(),
        ));
    }
    if throws.len() < MIN_DICE {
        let given = throws.len();
        return Err(ColdError::Weak(format!(
            "{given} throws of a die; {MIN_DICE} carry 256 bits"
        )));
    }
    Ok(throws)
}

/// The backup of 256 bits.
///
/// # Errors
/// Never for 32 bytes; the type allows it.
pub fn words(entropy: &[u8; 32]) -> Result<Mnemonic> {
    Mnemonic::from_entropy_in(Language::English, entropy)
        .map_err(|error| ColdError::Words(error.to_string()))
}

/// The 256 bits of a backup, its checksum verified.
///
/// # Errors
/// [`ColdError::Words`], which says which word by its place, never the word.
pub fn from_words(text: &str) -> Result<Zeroizing<[u8; 32]>> {
    let tidy: Zeroizing<String> = Zeroizing::new(
        text.split_whitespace()
            .map(str::to_ascii_lowercase)
            .collect::<Vec<_>>()
            .join(" "),
    );
    let count = tidy.split(' ').filter(|word| !word.is_empty()).count();
    if count != WORDS {
        return Err(ColdError::Words(format!(
            "{count} words; this wallet's backups have {WORDS}"
        )));
    }
    let mnemonic = Mnemonic::parse_in_normalized(Language::English, &tidy).map_err(|error| {
        ColdError::Words(match error {
            bip39::Error::UnknownWord(place) => {
                format!("word {} is not in BIP-39's English list", place + 1)
            }
            bip39::Error::InvalidChecksum => {
                "the checksum doesn't match: a word is wrong, or two are swapped".to_owned()
            }
            other => other.to_string(),
        })
    })?;
    let mut entropy = Zeroizing::new([0_u8; 32]);
    entropy.copy_from_slice(&Zeroizing::new(mnemonic.to_entropy()));
    Ok(entropy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dice_are_mixed_in_and_must_be_dice() {
        let dice = "123456".repeat(17);
        assert_ne!(fresh(Some(&dice)).unwrap(), fresh(Some(&dice)).unwrap());
        assert_eq!(fresh(Some(&dice[..98])).unwrap_err().name(), "WEAK");
        assert_eq!(
            fresh(Some(&dice.replace('1', "7"))).unwrap_err().name(),
            "WEAK"
        );
    }

    /// BIP-39's own vector for 32 bytes of 0x7f.
    #[test]
    fn words_are_those_of_bip_39() {
        let shown = words(&[0x7f; 32]).unwrap().to_string();
        assert_eq!(
            shown,
            "legal winner thank year wave sausage worth useful legal winner thank year wave sausage \
             worth useful legal winner thank year wave sausage worth title"
        );
        assert_eq!(*from_words(&shown.to_uppercase()).unwrap(), [0x7f; 32]);
    }

    #[test]
    fn wrong_words_are_named_by_place_alone() {
        let shown = words(&[0x7f; 32]).unwrap().to_string();
        let unknown = from_words(&shown.replacen("thank", "secretword", 1))
            .unwrap_err()
            .to_string();
        assert!(
            unknown.contains("word 3") && !unknown.contains("secretword"),
            "{unknown}"
        );
        let swapped = from_words(&shown.replacen("legal winner", "winner legal", 1)).unwrap_err();
        assert!(swapped.to_string().contains("checksum"), "{swapped}");
        assert!(
            from_words("legal winner")
                .unwrap_err()
                .to_string()
                .contains("2 words")
        );
    }
}
