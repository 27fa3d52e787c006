//! Between the protobuf schema and our own types.

use super::ceremony::Kind;
use crate::chain::{Chain, Finished};
use crate::derive::KeyPath;
use crate::error::{Code, Refusal};
use crate::identity::{Envelope, Header};
use crate::proto::{self, round_response::Outcome};
use crate::protocol::{Fault, Index};

pub(super) fn id(bytes: &[u8]) -> Result<[u8; 32], Refusal> {
    bytes
        .try_into()
        .map_err(|_| Refusal::new(Code::Session, "a session id is 32 bytes"))
}

pub(super) fn index(number: u32) -> Result<Index, Refusal> {
    u8::try_from(number)
        .map_err(|error| error.to_string())
        .and_then(Index::try_from)
        .map_err(|problem| Refusal::new(Code::Session, problem))
}

pub(super) fn chain(wanted: &proto::transaction::Chain) -> Chain {
    match wanted {
        proto::transaction::Chain::Bitcoin(_) => Chain::Bitcoin,
        proto::transaction::Chain::Ethereum(_) => Chain::Ethereum,
        proto::transaction::Chain::Solana(_) => Chain::Solana,
    }
}

pub(super) fn path(said: Option<&proto::KeyPath>) -> Result<KeyPath, Refusal> {
    let path = match said.and_then(|path| path.path.as_ref()) {
        Some(proto::key_path::Path::Own(n)) => KeyPath::Own(*n),
        Some(proto::key_path::Path::Deposit(user)) => KeyPath::Deposit(*user),
        None => return Err(Refusal::new(Code::Input, "an account without its path")),
    };
    match path.steps() {
        Ok(_) => Ok(path),
        Err(fault) => Err(Refusal::new(Code::Input, fault.reason)),
    }
}

pub(super) fn paths(said: &[proto::KeyPath]) -> Result<Vec<KeyPath>, Refusal> {
    said.iter().map(|said| path(Some(said))).collect()
}

pub(super) fn kind(said: Option<&proto::open_ceremony_request::Kind>) -> Result<Kind, Refusal> {
    use proto::open_ceremony_request::Kind as Said;
    Ok(match said {
        Some(Said::Generate(_)) => Kind::Generate,
        Some(Said::Refresh(refresh)) => Kind::Refresh {
            epoch: refresh.epoch,
        },
        Some(Said::Repair(repair)) => Kind::Repair {
            epoch: repair.epoch,
            lost: index(repair.lost)?,
        },
        None => return Err(Refusal::new(Code::Key, "a ceremony of no kind")),
    })
}

pub(super) fn envelopes(said: &[proto::Envelope]) -> Result<Vec<Envelope>, Refusal> {
    said.iter()
        .map(|said| {
            let malformed =
                |what: &str| Refusal::new(Code::Envelope, format!("an envelope whose {what}"));
            let party =
                |number| index(number).map_err(|_| malformed("sender or receiver is not 1 to 3"));
            Ok(Envelope {
                header: Header {
                    session: id(&said.session_id)?,
                    context: said
                        .context
                        .as_slice()
                        .try_into()
                        .map_err(|_| malformed("context is not 32 bytes"))?,
                    round: said.round,
                    sender: party(said.sender)?,
                    receiver: party(said.receiver)?,
                },
                sealed: said.sealed.clone(),
                signature: said
                    .signature
                    .as_slice()
                    .try_into()
                    .map_err(|_| malformed("signature is not 64 bytes"))?,
            })
        })
        .collect()
}

pub(super) fn next(envelopes: &[Envelope]) -> proto::RoundResponse {
    let envelopes = envelopes
        .iter()
        .map(|envelope| proto::Envelope {
            session_id: envelope.header.session.to_vec(),
            context: envelope.header.context.to_vec(),
            round: envelope.header.round,
            sender: u32::from(envelope.header.sender.get()),
            receiver: u32::from(envelope.header.receiver.get()),
            sealed: envelope.sealed.clone(),
            signature: envelope.signature.to_vec(),
        })
        .collect();
    response(Outcome::Next(proto::Envelopes { envelopes }))
}

pub(super) fn signed(finished: Finished) -> proto::RoundResponse {
    response(Outcome::Signed(proto::Signed {
        signatures: finished.signatures,
        transaction: finished.transaction,
        id: finished.id,
    }))
}

pub(super) fn fault(fault: &Fault, accuser: Index) -> proto::RoundResponse {
    response(Outcome::Fault(proto::Fault {
        accused: fault.accused.map_or(0, |index| u32::from(index.get())),
        accuser: u32::from(accuser.get()),
        reason: fault.reason.clone(),
    }))
}

pub(super) fn confirmation(confirmation: proto::Confirmation) -> proto::RoundResponse {
    response(Outcome::Confirmation(confirmation))
}

fn response(outcome: Outcome) -> proto::RoundResponse {
    proto::RoundResponse {
        outcome: Some(outcome),
    }
}

/// What a confirmation's signature covers, each field with its length.
pub(super) fn statement(said: &proto::Confirmation) -> Vec<u8> {
    let index = said.index.to_be_bytes();
    let epoch = said.epoch.to_be_bytes();
    let fields: [&[u8]; 7] = [
        &said.session_id,
        &index,
        said.scheme.as_bytes(),
        &epoch,
        &said.public_key,
        &said.chain_code,
        &said.transcript,
    ];
    let mut statement = Vec::new();
    for field in fields {
        statement.extend_from_slice(&(field.len() as u64).to_be_bytes());
        statement.extend_from_slice(field);
    }
    statement
}
