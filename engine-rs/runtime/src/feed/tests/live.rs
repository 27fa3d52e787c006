//! The feed's threads and the client over loopback: sockets, recovery channel, roles.

use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use outcry_book::Book;
use outcry_feed::message::GapRequest;
use outcry_feed::{
    Client, ClientSettings, FrameKind, Line, Message, Recovery, RecoveryError, Refusal, Update,
    write_frame,
};

use super::{Market, assert_same};
use crate::clock::Ticker;
use crate::feed::{Item, Parts, Seed, open};
use crate::ring::{Sender, ring};
use crate::settings::{FeedSettings, Settings};
use crate::shadow::Request;
use crate::shared::Shared;
use crate::status::Role;

/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A line of this test's own.
fn line() -> Line {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let low = u8::try_from(std::process::id() % 250).expect("below 250");
    let port = 31_000 + NEXT.fetch_add(1, Relaxed);
    Line {
        group: Ipv4Addr::new(239, 255, 9, low),
        port,
    }
}

/// A replica without Kafka: the feed's threads, and a shadow book that answers when it is told to.
struct Replica {
    shared: Arc<Shared>,
    to_feed: Sender<Item>,
    asked: mpsc::Receiver<Request>,
    threads: Vec<JoinHandle<()>>,
    port: u16,
}

impl Replica {
    fn new(lines: &[Line], ring_size: usize, book: &Book, connections: usize) -> Self {
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

    fn hot(&self, epoch: u64, from: u64) {
        self.shared.feed_from.store(from, SeqCst);
        self.shared.epoch.store(epoch, SeqCst);
        self.shared.set_role(Role::Hot, "");
    }

    /// Tells the feed of a command's events, as the match thread does; what finds no room is lost.
    fn tell(&mut self, market: &mut Market) {
        market.step();
        let events = market.events_of_step().iter();
        let items = events.map(|event| Item::Event(*event, Ticker::now()));
        for item in items.chain([Item::End]) {
            if !self.to_feed.offer(item) {
                crate::histogram::bump(&self.shared.feed.dropped, 1);
            }
        }
        self.to_feed.ring();
    }

    /// Answers for the shadow book.
    fn answer(&self, book: &Book) {
        while let Ok(request) = self.asked.try_recv() {
            if let Request::Seed(reply) = request {
                reply.send(Seed::of(book)).expect("somebody waits");
            }
        }
    }

    fn client(&self, lines: &[Line]) -> Client {
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
fn follow(client: &mut Client, replica: &Replica, book: &Book) {
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

#[test]
fn a_client_follows_two_lines_and_a_late_one_gets_the_whole_book() {
    let lines = [line(), line()];
    let mut market = Market::new(101);
    let mut replica = Replica::new(&lines, 1 << 14, &market.book, 8);
    replica.hot(3, 1);
    let mut early = replica.client(&lines);
    assert_eq!(
        early.next(PATIENCE).expect("a poll"),
        Some(Update::Snapshot { sequence: 0 })
    );
    for _ in 0..60 {
        for _ in 0..10 {
            replica.tell(&mut market);
        }
        follow(&mut early, &replica, &market.book);
    }
    let mut late = replica.client(&lines[..1]);
    for _ in 0..50 {
        replica.tell(&mut market);
    }
    follow(&mut early, &replica, &market.book);
    follow(&mut late, &replica, &market.book);
    assert_eq!((early.snapshots(), late.snapshots()), (1, 1));
    let counted = replica.shared.feed.metrics();
    assert_eq!((counted.dropped, counted.snapshot_requests), (0, 2));
    assert!(counted.send_latency.count > 0 && counted.events == market.book.seq());
}

#[test]
fn events_that_found_no_room_are_made_good_from_the_shadow_book() {
    let lines = [line()];
    let mut market = Market::new(102);
    let mut replica = Replica::new(&lines, 64, &market.book, 8);
    replica.hot(1, 1);
    let mut client = replica.client(&lines);
    for _ in 0..8 {
        for _ in 0..100 {
            replica.tell(&mut market);
        }
        follow(&mut client, &replica, &market.book);
    }
    let counted = replica.shared.feed.metrics();
    assert!(counted.dropped > 0 && counted.resyncs > 0, "{counted:?}");
    assert!(client.snapshots() > 1);
}

#[test]
fn a_silent_replica_sends_nothing_and_a_successor_joins_on() {
    let lines = [line()];
    let mut market = Market::new(103);
    let mut first = Replica::new(&lines, 1 << 14, &market.book, 8);
    let mut second = Replica::new(&lines, 1 << 14, &market.book, 8);
    first.hot(1, 1);
    let mut client = first.client(&lines);
    let mut both = |market: &mut Market, first: &mut Replica| {
        first.tell(market);
        for event in market.events_of_step() {
            assert!(second.to_feed.offer(Item::Event(*event, Ticker::now())));
        }
        assert!(second.to_feed.offer(Item::End));
        second.to_feed.ring();
    };
    (0..300).for_each(|_| both(&mut market, &mut first));
    follow(&mut client, &first, &market.book);
    let published = market.book.seq() / 2;
    drop(first);
    assert_eq!(
        second.shared.feed.metrics().packets,
        0,
        "a warm one is silent"
    );
    second.hot(2, published + 1);
    (0..300).for_each(|_| second.tell(&mut market));
    follow(&mut client, &second, &market.book);
    assert_eq!((client.tally().gaps, client.snapshots()), (0, 1));
    assert!(client.tally().repeats > 0, "they overlap");
}

#[test]
fn the_end_of_the_pair_ends_the_session() {
    let lines = [line()];
    let mut market = Market::new(104);
    let mut replica = Replica::new(&lines, 1 << 14, &market.book, 8);
    replica.hot(1, 1);
    let mut client = replica.client(&lines);
    replica.tell(&mut market);
    follow(&mut client, &replica, &market.book);
    replica.shared.session_over.store(true, SeqCst);
    replica.shared.fail("the topic is gone");
    let update = client.next(PATIENCE).expect("a poll");
    assert_eq!(update, Some(Update::Ended));
    assert!(client.silence() < PATIENCE, "it heard the end");
}

#[test]
fn clients_that_ask_too_much_or_nonsense_or_are_too_many_are_refused_by_name() {
    let book = Book::new();
    let replica = Replica::new(&[line()], 64, &book, 2);
    let address = format!("127.0.0.1:{}", replica.port);
    let connect = || Recovery::connect(&address, PATIENCE);
    let refusal = |result: Result<u64, RecoveryError>| match result {
        Err(RecoveryError::Refused { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let mut first = connect().expect("room");
    assert_eq!(first.symbol(), "BTC-USDT");
    assert_eq!(refusal(first.gap(99, 0, |_| ())), Refusal::NotYet);
    assert_eq!(refusal(first.gap(0, 0, |_| ())), Refusal::NotKept);
    let _second = connect().expect("room");
    assert!(matches!(
        connect(),
        Err(RecoveryError::Refused {
            reason: Refusal::TooManyConnections,
            ..
        })
    ));
    let last = (0..1_000).find_map(|_| first.gap(1, 0, |_| ()).err());
    assert_eq!(
        refusal(Err(last.expect("refused"))),
        Refusal::TooManyRequests
    );
    assert_eq!(
        refusals(&replica),
        [
            "not_yet",
            "not_kept",
            "too_many_connections",
            "too_many_requests"
        ]
    );
}

fn refusals(replica: &Replica) -> Vec<&'static str> {
    let refusals = replica.shared.feed.metrics().refusals;
    refusals.into_iter().map(|(name, _)| name).collect()
}

/// Until a client was refused.
fn wait_refused(replica: &Replica, name: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !refusals(replica).contains(&name) {
        assert!(Instant::now() < deadline, "{:?}", refusals(replica));
        thread::yield_now();
    }
}

#[test]
fn a_client_that_reads_nothing_is_dropped_for_being_slow_and_nonsense_for_itself() {
    let lines = [line()];
    let mut market = Market::new(105);
    let mut replica = Replica::new(&lines, 1 << 14, &market.book, 8);
    let address = format!("127.0.0.1:{}", replica.port);
    for _ in 0..4_000 {
        replica.tell(&mut market);
    }
    let mut idler = TcpStream::connect(&address).expect("a connection");
    let mut request = Vec::new();
    Message::from(GapRequest { first: 1, end: 0 }).encode(&mut request);
    let mut frame = Vec::new();
    write_frame(&mut frame, FrameKind::Messages, &request).expect("a vector takes all");
    for _ in 0..49 {
        idler.write_all(&frame).expect("small");
    }
    wait_refused(&replica, "slow");
    let mut babbler = TcpStream::connect(&address).expect("a connection");
    babbler.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("small");
    wait_refused(&replica, "malformed");
    let client = replica.client(&lines);
    assert_same(client.book(), &market.book);
}
