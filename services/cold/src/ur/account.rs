//! The account's public half: as a descriptor (BIP-380, BIP-386), `crypto-account` (BCR-2020-015) and
//! `crypto-hdkey` (BCR-2020-007).

use bitcoin::bip32::{ChildNumber, DerivationPath, Xpub};
use minicbor::Encoder;
use minicbor::data::Tag;

use super::Message;
use super::request::encoded;
use crate::Result;
use crate::key::{ColdKey, Network};

const TAPROOT: Tag = Tag::new(409);
const HDKEY: Tag = Tag::new(303);
const KEYPATH: Tag = Tag::new(304);
const COIN_INFO: Tag = Tag::new(305);
type Bytes<'a> = Encoder<&'a mut Vec<u8>>;

/// `tr([fingerprint/86'/0'/0']xpub…/<0;1>/*)#checksum`.
///
/// # Errors
/// As [`ColdKey::account`].
pub fn descriptor(key: &ColdKey) -> Result<String> {
    let (fingerprint, path, account) = (key.fingerprint(), key.account_path(), key.account()?);
    let body = format!("tr([{fingerprint}/{path}]{account}/<0;1>/*)");
    let checksum = checksum(&body);
    Ok(format!("{body}#{checksum}"))
}

/// The account as `crypto-account`, with its one output descriptor.
///
/// # Errors
/// As [`ColdKey::account`].
pub fn crypto_account(key: &ColdKey) -> Result<Message> {
    let account = key.account()?;
    let mut cbor = Vec::new();
    let mut encoder = Encoder::new(&mut cbor);
    encoded(
        encoder
            .map(2)
            .and_then(|e| e.u8(1))
            .and_then(|e| e.u32(number(key))),
    );
    encoded(
        encoder
            .u8(2)
            .and_then(|e| e.array(1))
            .and_then(|e| e.tag(TAPROOT))
            .and_then(|e| e.tag(HDKEY)),
    );
    hdkey(&mut encoder, key, &account);
    Ok(Message {
        kind: "crypto-account".to_owned(),
        cbor,
    })
}

/// The account's key alone, as `crypto-hdkey`.
///
/// # Errors
/// As [`ColdKey::account`].
pub fn crypto_hdkey(key: &ColdKey) -> Result<Message> {
    let account = key.account()?;
    let mut cbor = Vec::new();
    hdkey(&mut Encoder::new(&mut cbor), key, &account);
    Ok(Message {
        kind: "crypto-hdkey".to_owned(),
        cbor,
    })
}

/// Key, chain code, network (when it isn't Bitcoin's own), origin, parent.
fn hdkey(encoder: &mut Bytes<'_>, key: &ColdKey, account: &Xpub) {
    let test = key.network() != Network::Mainnet;
    encoded(encoder.map(4 + u64::from(test)));
    encoded(
        encoder
            .u8(3)
            .and_then(|e| e.bytes(&account.public_key.serialize())),
    );
    encoded(
        encoder
            .u8(4)
            .and_then(|e| e.bytes(account.chain_code.as_bytes())),
    );
    if test {
        encoded(
            encoder
                .u8(5)
                .and_then(|e| e.tag(COIN_INFO))
                .and_then(|e| e.map(1)),
        );
        encoded(encoder.u8(2).and_then(|e| e.u8(1)));
    }
    encoded(encoder.u8(6).and_then(|e| e.tag(KEYPATH)));
    origin(encoder, key, &key.account_path());
    let parent = u32::from_be_bytes(account.parent_fingerprint.to_bytes());
    encoded(encoder.u8(8).and_then(|e| e.u32(parent)));
}

fn origin(encoder: &mut Bytes<'_>, key: &ColdKey, path: &DerivationPath) {
    encoded(
        encoder
            .map(2)
            .and_then(|e| e.u8(1))
            .and_then(|e| e.array(2 * path.len() as u64)),
    );
    for &child in path {
        let (index, hardened) = match child {
            ChildNumber::Hardened { index } => (index, true),
            ChildNumber::Normal { index } => (index, false),
        };
        encoded(encoder.u32(index).and_then(|e| e.bool(hardened)));
    }
    encoded(encoder.u8(2).and_then(|e| e.u32(number(key))));
}

fn number(key: &ColdKey) -> u32 {
    u32::from_be_bytes(key.fingerprint().to_bytes())
}

/// BIP-380's checksum of a descriptor that has only characters of its first set.
fn checksum(descriptor: &str) -> String {
    const INPUT: &str = "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
    const OUTPUT: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let mut sum = 1_u64;
    let (mut class, mut count) = (0, 0);
    for character in descriptor.chars() {
        let place = INPUT.find(character).unwrap_or(0) as u64;
        sum = polymod(sum, place & 31);
        class = class * 3 + (place >> 5);
        count += 1;
        if count == 3 {
            sum = polymod(sum, class);
            (class, count) = (0, 0);
        }
    }
    if count > 0 {
        sum = polymod(sum, class);
    }
    for _ in 0..8 {
        sum = polymod(sum, 0);
    }
    sum ^= 1;
    (0..8)
        .map(|i| char::from(OUTPUT[((sum >> (5 * (7 - i))) & 31) as usize]))
        .collect()
}

fn polymod(sum: u64, value: u64) -> u64 {
    const GENERATOR: [u64; 5] = [
        0xf5_dee5_1989,
        0xa9_fdca_3312,
        0x1b_ab10_e32d,
        0x37_06b1_677a,
        0x64_4d62_6ffd,
    ];
    let top = sum >> 35;
    let shifted = ((sum & 0x7_ffff_ffff) << 5) ^ value;
    GENERATOR
        .iter()
        .enumerate()
        .filter(|(bit, _)| (top >> bit) & 1 == 1)
        .fold(shifted, |sum, (_, generator)| sum ^ generator)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BIP-380's own example.
    #[test]
    fn the_checksum_is_bip_380s() {
        assert_eq!(checksum("raw(deadbeef)"), "89f8spxm");
    }

    #[test]
    fn the_descriptor_names_origin_and_both_branches() {
        let words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                     abandon about";
        let key = ColdKey::new(&words.parse().unwrap(), Network::Mainnet).unwrap();
        let text = descriptor(&key).unwrap();
        assert!(
            text.starts_with("tr([73c5da0a/86'/0'/0']xpub6BgBgsesp"),
            "{text}"
        );
        assert!(text.contains("/<0;1>/*)#"), "{text}");
    }
}
