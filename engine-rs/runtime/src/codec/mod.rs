//! Bytes of `outcry.v1` to the core's types and back.

mod book;
mod commands;
mod events;
mod wire;

pub use book::encode_book;
pub use commands::{
    BATCH_VERSION, Limits, Poison, decode_commands, encode_command, encode_commands,
};
pub(crate) use commands::{DeltaWriter, decode_commands_into};
pub use events::{
    BatchReader, EntryError, begin_event_batch, decode_event, decode_events, encode_event,
    event_seq, push_event,
};
pub use wire::WireError;
