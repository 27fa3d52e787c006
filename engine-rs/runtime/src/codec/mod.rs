//! Bytes of `outcry.v1` to the core's types and back.

mod bodies;
mod book;
mod commands;
mod event_bodies;
mod events;
mod poison;
mod wire;

pub use bodies::encode_command;
pub use book::encode_book;
pub(crate) use commands::{DeltaWriter, decode_commands_into};
pub use commands::{decode_commands, encode_commands};
pub use events::{
    BatchReader, EntryError, begin_event_batch, decode_event, decode_events, encode_event,
    event_seq, push_event,
};
pub use poison::{BATCH_VERSION, Limits, Poison};
pub use wire::WireError;
