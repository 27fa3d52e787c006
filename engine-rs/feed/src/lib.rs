//! Outcry's market data feed.
pub mod message;

mod book;
mod multicast;
mod packet;
mod recovery;
mod sequencer;
mod stamps;
mod sys;
mod wire;

pub use book::{Book, BookError, LastTrade, Level, Order};
pub use message::Message;
pub use multicast::{Line, LineError, sender};
pub use packet::{
    Blocks, Header, MAX_BLOCK, MAX_PACKET, PACKET_HEADER, Packet, PacketWriter, Session,
};
pub use recovery::{
    FRAME_HEAD, FrameKind, MAX_FRAME, MAX_REQUEST, Refusal, read_frame, write_frame,
};
pub use sequencer::{Sequencer, Tally};
pub use stamps::{
    Stamp, StampClock, departure, receive, stamp_arrivals, stamp_clock, stamp_departures,
};
pub use wire::{FieldLayout, HEADER, Layout, Malformed, SCHEMA_ID, SCHEMA_VERSION};
