//! Outcry's market data feed: what is on the wire, and a client that keeps a whole book.
//!
//! The hot engine of a pair multicasts [`Packet`]s on one or two lines. A packet carries one block of
//! [`Message`]s an event, numbered by the event's own `seq`, so that a successor's packets join on
//! without a gap and repeat the same bytes where they overlap. A [`Sequencer`] makes one row of both
//! lines; a [`Book`] follows it by order and by price; what is missing comes from the recovery channel
//! over TCP. `schema/feed.xml` describes every message, `docs/feed.md` the whole protocol.
//!
//! ```
//! use outcry_feed::message::{BUY, LevelChanged, OrderAdded};
//! use outcry_feed::{Book, Header, Message, Packet, PacketWriter, Sequencer, Session};
//!
//! let session = Session::of("the input topic's id");
//! let mut block = Vec::new();
//! Message::from(OrderAdded { order_id: 7, price: 100, quantity: 5, side: BUY }).encode(&mut block);
//! Message::from(LevelChanged { price: 100, quantity: 5, orders: 1, side: BUY }).encode(&mut block);
//! let mut packet = PacketWriter::new(Header::new(session, 1, 1));
//! assert!(packet.push(&block));
//!
//! let mut sequencer = Sequencer::new(session, 1);
//! let mut book = Book::new();
//! let received = Packet::parse(packet.finish(0))?;
//! sequencer.packet(&received, |sequence, block| {
//!     book.apply(sequence, block, |message| println!("{message:?}")).expect("it follows");
//! });
//! assert_eq!(book.levels(BUY).next().map(|level| level.quantity), Some(5));
//! # Ok::<(), outcry_feed::Malformed>(())
//! ```

pub mod message;

mod asking;
mod book;
mod client;
mod multicast;
mod packet;
mod recovery;
mod sequencer;
mod settings;
mod stamps;
mod sys;
mod wire;

pub use asking::{Recovery, RecoveryError};
pub use book::{Book, BookError, LastTrade, Level, Order};
pub use client::{Arrival, Client, Update};
pub use message::Message;
pub use multicast::{Line, LineError, sender};
pub use packet::{
    Blocks, Header, MAX_BLOCK, MAX_PACKET, PACKET_HEADER, Packet, PacketWriter, Session,
};
pub use recovery::{
    FRAME_HEAD, FrameKind, MAX_FRAME, MAX_REQUEST, Refusal, read_frame, write_frame,
};
pub use sequencer::{Sequencer, Tally};
pub use settings::{ClientError, ClientSettings};
pub use stamps::{
    Stamp, StampClock, departure, receive, stamp_arrivals, stamp_clock, stamp_departures,
};
pub use sys::wait_readable;
pub use wire::{FieldLayout, HEADER, Layout, Malformed, SCHEMA_ID, SCHEMA_VERSION};
