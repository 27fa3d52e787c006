//! The requests that are signed here, and their answers, as CBOR.
//!
//! `psbt` and `crypto-psbt` are a byte string (BCR-2020-006). `eth-sign-request` is EIP-4527's,
//! `sol-sign-request` Keystone's: maps with small integer keys.

use bitcoin::bip32::{ChildNumber, DerivationPath};
use minicbor::data::{Tag, Type};
use minicbor::{Decoder, Encoder};

use super::Message;
use crate::{ColdError, Result};

const UUID: Tag = Tag::new(37);
const KEYPATH: Tag = Tag::new(304);
/// Entries of a map or a path; no request has more.
const MAX_ENTRIES: u64 = 16;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signing {
    /// A BIP-174 transaction.
    Psbt(Vec<u8>),
    /// An Ethereum transaction.
    Ethereum(Ask),
    /// A Solana message.
    Solana(Ask),
}

/// The fields that Ethereum's and Solana's requests share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// By which the asker knows the answer again.
    pub id: Option<[u8; 16]>,
    /// What is signed, in full.
    pub data: Vec<u8>,
    /// Ethereum: 4 is a typed transaction; Solana: 1 is a transaction.
    pub data_type: Option<u64>,
    /// Ethereum's chain id, as the request says; the transaction has its own.
    pub chain_id: Option<u64>,
    /// With which key.
    pub path: Option<DerivationPath>,
    /// The master key's fingerprint; 0 and absent mean that the asker doesn't know it.
    pub fingerprint: Option<u32>,
    /// The account that should sign.
    pub address: Option<Vec<u8>>,
}

/// What a message asks for.
///
/// # Errors
/// [`ColdError::UnknownType`], and [`ColdError::Malformed`] with the field.
pub fn parse(message: &Message) -> Result<Signing> {
    let mut cbor = Decoder::new(&message.cbor);
    let signing = match message.kind.as_str() {
        "psbt" | "crypto-psbt" => Signing::Psbt(cbor.bytes().map_err(at("the PSBT"))?.to_vec()),
        "eth-sign-request" => Signing::Ethereum(ask(&mut cbor, ETHEREUM)?),
        "sol-sign-request" => Signing::Solana(ask(&mut cbor, SOLANA)?),
        other => return Err(ColdError::UnknownType(crate::review::printable(other))),
    };
    if cbor.position() != message.cbor.len() {
        return Err(ColdError::Malformed("there are bytes after its end".into()));
    }
    Ok(signing)
}

/// Which field stands under which key, from 1 on.
type Layout = [Field; 7];
#[derive(Clone, Copy)]
enum Field {
    Id,
    Data,
    DataType,
    ChainId,
    Path,
    Address,
    Origin,
    None,
}
const ETHEREUM: Layout = [
    Field::Id,
    Field::Data,
    Field::DataType,
    Field::ChainId,
    Field::Path,
    Field::Address,
    Field::Origin,
];
const SOLANA: Layout = [
    Field::Id,
    Field::Data,
    Field::Path,
    Field::Address,
    Field::Origin,
    Field::DataType,
    Field::None,
];

fn ask(cbor: &mut Decoder<'_>, layout: Layout) -> Result<Ask> {
    let mut ask = Ask::default();
    let mut given = [false; 7];
    for _ in 0..entries(cbor.map().map_err(at("the request"))?)? {
        let key = cbor.u64().map_err(at("a key"))?;
        let place = usize::try_from(key).ok().and_then(|key| key.checked_sub(1));
        let Some((&field, seen)) =
            place.and_then(|place| layout.get(place).zip(given.get_mut(place)))
        else {
            return Err(ColdError::Malformed(format!(
                "it has an unknown field {key}"
            )));
        };
        if std::mem::replace(seen, true) {
            return Err(ColdError::Malformed(format!("it has field {key} twice")));
        }
        read(cbor, field, &mut ask)?;
    }
    if ask.data.is_empty() {
        return Err(ColdError::Malformed("it has nothing to sign".into()));
    }
    Ok(ask)
}

fn read(cbor: &mut Decoder<'_>, field: Field, ask: &mut Ask) -> Result<()> {
    match field {
        Field::Id => {
            tagged(cbor, UUID)?;
            let bytes = cbor.bytes().map_err(at("request-id"))?;
            let id = bytes.try_into();
            ask.id =
                Some(id.map_err(|_| ColdError::Malformed("a request-id has 16 bytes".into()))?);
        }
        Field::Data => ask.data = cbor.bytes().map_err(at("sign-data"))?.to_vec(),
        Field::DataType => ask.data_type = Some(cbor.u64().map_err(at("data-type"))?),
        Field::ChainId => ask.chain_id = Some(cbor.u64().map_err(at("chain-id"))?),
        Field::Path => (ask.path, ask.fingerprint) = keypath(cbor)?,
        Field::Address => ask.address = Some(cbor.bytes().map_err(at("address"))?.to_vec()),
        Field::Origin => {
            cbor.str().map_err(at("origin"))?;
        }
        Field::None => return Err(ColdError::Malformed("it has an unknown field 7".into())),
    }
    Ok(())
}

/// `crypto-keypath` (BCR-2020-007): components as pairs of index and hardened, fingerprint, depth.
fn keypath(cbor: &mut Decoder<'_>) -> Result<(Option<DerivationPath>, Option<u32>)> {
    tagged(cbor, KEYPATH)?;
    let (mut path, mut fingerprint) = (None, None);
    for _ in 0..entries(cbor.map().map_err(at("keypath"))?)? {
        match cbor.u64().map_err(at("keypath"))? {
            1 => path = Some(components(cbor)?),
            2 => {
                fingerprint =
                    Some(cbor.u32().map_err(at("source-fingerprint"))?).filter(|&f| f != 0);
            }
            3 => {
                cbor.u8().map_err(at("depth"))?;
            }
            other => {
                return Err(ColdError::Malformed(format!(
                    "a keypath has no field {other}"
                )));
            }
        }
    }
    Ok((path, fingerprint))
}

fn components(cbor: &mut Decoder<'_>) -> Result<DerivationPath> {
    let count = entries(cbor.array().map_err(at("components"))?)?;
    let mut path = Vec::new();
    for _ in 0..count / 2 {
        if cbor.datatype().map_err(at("components"))? == Type::Array {
            return Err(ColdError::Malformed(
                "a path to sign with has no ranges".into(),
            ));
        }
        let index = cbor.u32().map_err(at("components"))?;
        let hardened = cbor.bool().map_err(at("components"))?;
        let child = if hardened {
            ChildNumber::from_hardened_idx(index)
        } else {
            ChildNumber::from_normal_idx(index)
        };
        path.push(child.map_err(|error| ColdError::Malformed(error.to_string()))?);
    }
    if count % 2 == 1 {
        return Err(ColdError::Malformed(
            "a path's components come in pairs".into(),
        ));
    }
    Ok(path.into())
}

/// Consumes the tag, which some programs leave out.
fn tagged(cbor: &mut Decoder<'_>, wanted: Tag) -> Result<()> {
    if cbor.datatype().map_err(at("a tag"))? != Type::Tag {
        return Ok(());
    }
    let tag = cbor.tag().map_err(at("a tag"))?;
    if tag == wanted {
        Ok(())
    } else {
        Err(ColdError::Malformed(format!("tag {tag} for {wanted}")))
    }
}

fn entries(count: Option<u64>) -> Result<u64> {
    match count {
        Some(count) if count <= MAX_ENTRIES => Ok(count),
        Some(count) => Err(ColdError::Malformed(format!("{count} entries"))),
        None => Err(ColdError::Malformed("its length isn't given".into())),
    }
}

fn at(what: &'static str) -> impl Fn(minicbor::decode::Error) -> ColdError {
    move |error| ColdError::Malformed(format!("{what}: {error}"))
}

/// A PSBT with signatures, as `kind` (the request's own).
#[must_use]
pub fn answer_psbt(kind: &str, psbt: &[u8]) -> Message {
    let mut cbor = Vec::with_capacity(psbt.len() + 5);
    encoded(Encoder::new(&mut cbor).bytes(psbt));
    Message {
        kind: kind.to_owned(),
        cbor,
    }
}

/// `eth-signature` (r, s, recovery id) or `sol-signature`, under the request's id.
#[must_use]
pub fn answer_signature(kind: &str, id: Option<[u8; 16]>, signature: &[u8]) -> Message {
    let mut cbor = Vec::new();
    let mut encoder = Encoder::new(&mut cbor);
    encoded(encoder.map(1 + u64::from(id.is_some())));
    if let Some(id) = id {
        encoded(
            encoder
                .u8(1)
                .and_then(|e| e.tag(UUID))
                .and_then(|e| e.bytes(&id)),
        );
    }
    encoded(encoder.u8(2).and_then(|e| e.bytes(signature)));
    Message {
        kind: kind.to_owned(),
        cbor,
    }
}

/// Writing to memory can't fail; its error type has no value.
#[allow(clippy::needless_pass_by_value)] // it ends here
pub(super) fn encoded<T>(
    result: std::result::Result<T, minicbor::encode::Error<std::convert::Infallible>>,
) {
    debug_assert!(result.is_ok(), "Invariant: a Vec takes every byte");
}
