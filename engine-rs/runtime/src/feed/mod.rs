//! The market data feed: UDP multicast while this replica is hot, and the recovery channel in either
//! role. `docs/feed.md` is what a consumer reads; `outcry-feed` is the format and a client.

mod client;
mod hash;
mod public;
mod recent;
mod recovery;
mod said;
mod seed;
mod sending;
mod shown;
mod stats;
mod thread;

#[cfg(test)]
mod tests;

use std::io;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, mpsc};

use outcry_book::Book;
use outcry_feed::{Session, StampClock};

use public::Public;
use recent::Recent;
pub use recovery::Recovery;
use recovery::Serving;
pub use seed::Seed;
use sending::Sending;
pub use stats::FeedCounters;
pub use thread::{Feed, Item};

use crate::ring::Receiver;
use crate::settings::FeedSettings;
use crate::shadow::Request;
use crate::shared::{Shared, lock};
use crate::status::FeedStatus;

/// The feed's parts, ready to run on threads of their own.
pub struct Parts {
    pub feed: Feed,
    pub recovery: Option<Recovery>,
}

/// Opens the sockets and makes the books, beginning with the restored one.
pub fn open(
    shared: &Arc<Shared>,
    settings: &FeedSettings,
    topic_id: &str,
    book: &Book,
    ring: Receiver<Item>,
    requests: &mpsc::Sender<Request>,
    match_spins: bool,
) -> io::Result<Parts> {
    let session = Session::of(topic_id);
    let seed = Arc::new(Seed::of(book));
    let recent = Arc::new(Recent::new(&seed));
    let (sending, clock) = Sending::open(shared, settings, &recent, session)?;
    let recovery = settings.recovery_port.map(|port| {
        let serving = Serving {
            shared: Arc::clone(shared),
            recent: Arc::clone(&recent),
            public: Public::new(shared, &recent, requests.clone()),
            session,
            connected: AtomicUsize::new(0),
        };
        Recovery::listen(port, settings.recovery_connections, serving)
    });
    let recovery = recovery.transpose()?;
    let address = recovery.as_ref().map(Recovery::address).transpose()?;
    *lock(&shared.feed.status) = Some(FeedStatus {
        session: session.to_string(),
        lines: settings.lines.iter().map(ToString::to_string).collect(),
        recovery_port: address.map(|address| address.port()),
        hardware_clock: match clock {
            StampClock::Hardware(clock) => Some(clock),
            StampClock::Software => None,
        },
    });
    let feed = Feed::new(
        Arc::clone(shared),
        ring,
        recent,
        sending,
        requests.clone(),
        seed,
        match_spins,
    );
    Ok(Parts { feed, recovery })
}
