//! A replica without Kafka, and a client that follows it.

use std::net::Ipv4Addr;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use outcry_book::{Book, Event};
use outcry_feed::{Client, ClientSettings, Line};

use super::{Market, assert_same};
use crate::clock::Ticker;
use crate::feed::{Item, Parts, Seed, open};
use crate::histogram::bump;
use crate::ring::{Sender, ring};
use crate::settings::{FeedSettings, Settings};
use crate::shadow::Request;
use crate::shared::Shared;
use crate::status::Role;

/// Far longer than anything takes.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A line of this test's own.
pub fn line() -> Line {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let low = u8::try_from(std::process::id() % 250).expect("below 250");
    let port = 31_000 + NEXT.fetch_add(1, Relaxed);
    Line {
        group: Ipv4Addr::new(239, 255, 9, low),
        port,
    }
}

/// A replica without Kafka: the feed's threads, and a shadow book that answers when it is told to.
pub struct Replica {
    pub shared: Arc<Shared>,
    pub to_feed: Sender<Item>,
    pub asked: mpsc::Receiver<Request>,
    threads: Vec<JoinHandle<()>>,
    pub port: u16,
}

impl Replica {
    pub fn new(lines: &[Line], ring_size: usize, book: &Book, connections: usize) -> Self {
        let feed = FeedSettings {
            interface: Some("lo".to_owned()),
            heartbeat: Duration::from_millis(50),
            recovery_port: Some(0),
            recovery_connections: connections,
            ..FeedSettings::new(lines.to_vec())
        };
        let settings = Settings {
            feed: Some(feed.clone()),
            ..Settings::new("BTC-USDT", "a", "127.0.0.1:1", std::env::temp_dir())
        };
        let shared = Arc::new(Shared::new(settings));
        let bells = &shared.bells;
        let (to_feed, from_match) = ring(ring_size, &bells.matching, &bells.feed, false);
        let (requests, asked) = mpsc::channel();
        let parts = open(&shared, &feed, "topic", book, from_match, &requests, false);
        let Parts { feed, recovery } = parts.expect("sockets");
        let recovery = recovery.expect("asked for");
        let port = recovery.address().expect("listening").port();
        let threads = vec![
            thread::spawn(move || feed.run()),
            thread::spawn(move || recovery.run()),
        ];
        Self {
            shared,
            to_feed,
            asked,
            threads,
            port,
        }
    }

    pub fn hot(&self, epoch: u64, from: u64) {
        self.shared.feed_from.store(from, SeqCst);
        self.shared.epoch.store(epoch, SeqCst);
        self.shared.set_role(Role::Hot, "");
    }

    /// Tells the feed of a command's events, as the match thread does; what finds no room is lost.
    pub fn tell(&mut self, market: &mut Market) {
        market.step();
        self.tell_of(market.events_of_step());
    }

    /// The same of events that were made before.
    pub fn tell_of(&mut self, events: &[Event]) {
        let items = events
            .iter()
            .map(|event| Item::Event(*event, Ticker::now()));
        for item in items.chain([Item::End]) {
            if !self.to_feed.offer(item) {
                bump(&self.shared.feed.dropped, 1);
            }
        }
        if let Some(last) = events.last() {
            self.shared.seq.store(last.seq, SeqCst);
        }
        self.to_feed.ring();
    }

    /// Has the ring lose what there is to tell of a command that has events.
    pub fn lose(&self, market: &mut Market) {
        market.step();
        while market.events_of_step().is_empty() {
            market.step();
        }
        self.shared.seq.store(market.book.seq(), SeqCst);
        bump(&self.shared.feed.dropped, 1);
        self.shared.bells.feed.ring();
    }

    /// Answers for the shadow book.
    pub fn answer(&self, book: &Book) {
        while let Ok(request) = self.asked.try_recv() {
            if let Request::Seed(_, reply) = request {
                reply
                    .send(Arc::new(Seed::of(book)))
                    .expect("somebody waits");
            }
        }
    }

    pub fn client(&self, lines: &[Line]) -> Client {
        let settings = ClientSettings {
            interface: Some("lo".to_owned()),
            limit: PATIENCE,
            ..ClientSettings::new(lines.to_vec(), vec![format!("127.0.0.1:{}", self.port)])
        };
        Client::connect(settings).expect("a client")
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        self.shared.ring_all();
        for thread in self.threads.drain(..) {
            thread.join().expect("no panic");
        }
    }
}

/// Until the client has what the core has; the shadow book answers meanwhile.
pub fn follow(client: &mut Client, replica: &Replica, book: &Book) {
    let deadline = Instant::now() + PATIENCE;
    while client.book().sequence() < book.seq() {
        replica.answer(book);
        client.next(Duration::from_millis(10)).expect("a poll");
        assert!(
            Instant::now() < deadline,
            "at {} of {}: {:?} {:?}",
            client.book().sequence(),
            book.seq(),
            client.trouble(),
            client.tally()
        );
    }
    assert_same(client.book(), book);
}
