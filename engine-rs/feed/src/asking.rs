//! A client's side of the recovery channel.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::book::{Book, BookError};
use crate::message::{GapRequest, Hello, Message, SnapshotBegin, SnapshotRequest};
use crate::packet::{Packet, Session};
use crate::recovery::{FrameKind, MAX_FRAME, Refusal, invalid, read_frame, write_frame};

/// Why a replica did not help.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The connection.
    #[error("{address}: {source}")]
    Connection {
        /// As it was given.
        address: String,
        /// What happened.
        source: io::Error,
    },
    /// It said no.
    #[error("{address} refuses: {}", reason.name())]
    Refused {
        /// As it was given.
        address: String,
        /// Why.
        reason: Refusal,
    },
    /// Its snapshot makes no book.
    #[error("{address}: {source}")]
    Book {
        /// As it was given.
        address: String,
        /// What is wrong with it.
        source: BookError,
    },
    /// It serves another feed.
    #[error("{address} serves session {found}, not {wanted}")]
    Session {
        /// As it was given.
        address: String,
        /// What it serves.
        found: Session,
        /// What was asked for.
        wanted: Session,
    },
}

/// A connection to a replica.
#[derive(Debug)]
pub struct Recovery {
    stream: TcpStream,
    address: String,
    hello: Hello,
    content: Vec<u8>,
}

impl Recovery {
    /// Connects and hears which feed it is. Each answer may take `limit`.
    ///
    /// # Errors
    /// [`RecoveryError`].
    pub fn connect(address: &str, limit: Duration) -> Result<Self, RecoveryError> {
        let named = |source| RecoveryError::Connection {
            address: address.to_owned(),
            source,
        };
        let stream = open(address, limit).map_err(named)?;
        let hello = Hello {
            session: [0; 10],
            symbol: [0; 32],
            first: 0,
            next: 0,
            hot: 0,
        };
        let mut recovery = Self {
            stream,
            address: address.to_owned(),
            hello,
            content: Vec::new(),
        };
        match recovery.message()? {
            Message::Hello(hello) => recovery.hello = hello,
            other => return Err(recovery.unexpected(&other)),
        }
        Ok(recovery)
    }

    /// What it said of itself.
    #[must_use]
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// The feed it serves.
    #[must_use]
    pub fn session(&self) -> Session {
        Session(self.hello.session)
    }

    /// The pair.
    #[must_use]
    pub fn symbol(&self) -> String {
        let symbol = self.hello.symbol;
        let end = symbol
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(symbol.len());
        String::from_utf8_lossy(&symbol[..end]).into_owned()
    }

    /// That it is the feed wanted.
    ///
    /// # Errors
    /// [`RecoveryError::Session`].
    pub fn expect(self, wanted: Session) -> Result<Self, RecoveryError> {
        let found = self.session();
        if found == wanted {
            return Ok(self);
        }
        let address = self.address;
        Err(RecoveryError::Session {
            address,
            found,
            wanted,
        })
    }

    /// The whole book.
    ///
    /// # Errors
    /// [`RecoveryError`].
    pub fn snapshot(&mut self) -> Result<Book, RecoveryError> {
        self.ask(SnapshotRequest {}.into())?;
        let begin = match self.message()? {
            Message::SnapshotBegin(begin) => begin,
            other => return Err(self.unexpected(&other)),
        };
        if begin.sequence == u64::MAX {
            let last = begin.sequence;
            return Err(self.not_whole(format!("no event can follow a snapshot of event {last}")));
        }
        let mut book = Book::of_snapshot(&begin);
        loop {
            self.frame(FrameKind::Messages)?;
            let content = std::mem::take(&mut self.content);
            let mut rest = &content[..];
            while !rest.is_empty() {
                let message =
                    Message::decode(&mut rest).map_err(|error| self.broken(error.into()))?;
                match message {
                    Some(Message::OrderAdded(added)) => {
                        book.add(&added).map_err(|source| self.no_book(source))?;
                    }
                    Some(Message::SnapshotEnd(end)) => {
                        return self.whole(&begin, end.sequence, book);
                    }
                    Some(other) => return Err(self.unexpected(&other)),
                    None => {}
                }
            }
            self.content = content;
        }
    }

    /// The events from `first` on and below `end`, or to the newest when that is 0; each packet is
    /// handed to `each`. Returns the number behind the last one.
    ///
    /// # Errors
    /// [`RecoveryError`].
    pub fn gap(
        &mut self,
        first: u64,
        end: u64,
        mut each: impl FnMut(&Packet<'_>),
    ) -> Result<u64, RecoveryError> {
        self.ask(GapRequest { first, end }.into())?;
        loop {
            let kind = read_frame(&mut self.stream, MAX_FRAME, &mut self.content);
            match kind.map_err(|error| self.broken(error))? {
                FrameKind::Packet => {
                    let packet = Packet::parse(&self.content);
                    each(&packet.map_err(|error| self.broken(error.into()))?);
                }
                FrameKind::Messages => match self.decoded()? {
                    Message::GapEnd(end) => return Ok(end.next),
                    other => return Err(self.unexpected(&other)),
                },
            }
        }
    }

    /// That its book is older than what is needed.
    pub(crate) fn behind(&self) -> RecoveryError {
        let (address, reason) = (self.address.clone(), Refusal::NotYet);
        RecoveryError::Refused { address, reason }
    }

    fn whole(&self, begin: &SnapshotBegin, end: u64, book: Book) -> Result<Book, RecoveryError> {
        let (sequence, announced, orders) = (begin.sequence, begin.orders, book.len());
        if end != sequence {
            return Err(self.not_whole(format!(
                "a snapshot of event {sequence} ends behind event {end}"
            )));
        }
        if orders as u64 != announced {
            return Err(self.not_whole(format!(
                "a snapshot with {orders} orders where {announced} were announced"
            )));
        }
        Ok(book)
    }

    fn not_whole(&self, words: String) -> RecoveryError {
        self.broken(invalid(words))
    }

    fn ask(&mut self, message: Message) -> Result<(), RecoveryError> {
        let mut content = Vec::new();
        message.encode(&mut content);
        let mut bytes = Vec::new();
        write_frame(&mut bytes, FrameKind::Messages, &content)
            .and_then(|()| io::Write::write_all(&mut self.stream, &bytes))
            .map_err(|error| self.broken(error))
    }

    fn message(&mut self) -> Result<Message, RecoveryError> {
        self.frame(FrameKind::Messages)?;
        self.decoded()
    }

    fn frame(&mut self, wanted: FrameKind) -> Result<(), RecoveryError> {
        let kind = read_frame(&mut self.stream, MAX_FRAME, &mut self.content);
        match kind.map_err(|error| self.broken(error))? {
            kind if kind == wanted => Ok(()),
            kind => Err(self.broken(invalid(format!("a frame of {kind:?}, not {wanted:?}")))),
        }
    }

    fn decoded(&self) -> Result<Message, RecoveryError> {
        match Message::decode(&mut &self.content[..]) {
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(self.broken(invalid("a message of a later version"))),
            Err(error) => Err(self.broken(error.into())),
        }
    }

    fn broken(&self, source: io::Error) -> RecoveryError {
        RecoveryError::Connection {
            address: self.address.clone(),
            source,
        }
    }

    fn no_book(&self, source: BookError) -> RecoveryError {
        RecoveryError::Book {
            address: self.address.clone(),
            source,
        }
    }

    fn unexpected(&self, message: &Message) -> RecoveryError {
        if let Message::Refused(refused) = message
            && let Some(reason) = Refusal::from_u8(refused.reason)
        {
            let address = self.address.clone();
            return RecoveryError::Refused { address, reason };
        }
        self.broken(invalid(format!("an unexpected {message:?}")))
    }
}

fn open(address: &str, limit: Duration) -> io::Result<TcpStream> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for each in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&each, limit) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(limit))?;
                stream.set_write_timeout(Some(limit))?;
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}
