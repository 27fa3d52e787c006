//! The recovery channel: a thread that accepts clients, and one for each of them. None of them ever
//! touches the feed thread's or the match thread's data but through the row of recent blocks.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use outcry_feed::{Refusal, Session};

use super::client::Client;
use super::public::Public;
use super::recent::Recent;
use crate::shared::{Shared, Who};

/// How long a new client waits at most until it is seen.
const ACCEPT: Duration = Duration::from_millis(10);
/// New clients seen at a time: more of them than that don't keep this thread from showing that it lives.
const AT_ONCE: usize = 64;

/// What every client's thread needs.
pub struct Serving {
    pub shared: Arc<Shared>,
    pub recent: Arc<Recent>,
    pub public: Public,
    pub session: Session,
    pub connected: AtomicUsize,
}

pub struct Recovery {
    listener: TcpListener,
    serving: Arc<Serving>,
    most: usize,
    clients: Vec<JoinHandle<()>>,
}

impl Recovery {
    /// Listens on all addresses.
    pub fn listen(port: u16, most: usize, serving: Serving) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port))?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            serving: Arc::new(serving),
            most,
            clients: Vec::new(),
        })
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub fn run(mut self) {
        let shared = Arc::clone(&self.serving.shared);
        while !shared.is_stopping() {
            shared.beat(Who::Recovery);
            let _ = (0..AT_ONCE).all(|_| self.accept());
            self.serving.public.catch_up();
            shared.bells.recovery.wait(ACCEPT, || false);
        }
        for client in self.clients.drain(..) {
            // A client's thread that panicked has harmed its client alone.
            let _ = client.join();
        }
    }

    /// Says whether there may be more.
    fn accept(&mut self) -> bool {
        match self.listener.accept() {
            Ok((stream, address)) => {
                self.clients.retain(|client| !client.is_finished());
                if let Err(error) = self.serve(stream, address) {
                    tracing::warn!(%error, %address, "feed: a recovery client was not served");
                }
                true
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(error) => {
                tracing::warn!(%error, "feed: accepting a recovery client");
                false
            }
        }
    }

    fn serve(&mut self, stream: TcpStream, address: SocketAddr) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        let serving = Arc::clone(&self.serving);
        let full = serving.connected.load(SeqCst) >= self.most;
        let mut client = Client::new(stream, address, Arc::clone(&serving))?;
        if full {
            client.refuse(Refusal::TooManyConnections);
            return Ok(());
        }
        let connected = Connected::new(serving);
        let spawned = thread::Builder::new()
            .name("feed-client".to_owned())
            .spawn(move || {
                let _connected = connected;
                client.run();
            });
        self.clients.push(spawned?);
        Ok(())
    }
}

/// Counts a client for as long as its thread has it, also when that panics or never starts.
struct Connected(Arc<Serving>);

impl Connected {
    fn new(serving: Arc<Serving>) -> Self {
        serving.connected.fetch_add(1, SeqCst);
        Self(serving)
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.connected.fetch_sub(1, SeqCst);
    }
}
