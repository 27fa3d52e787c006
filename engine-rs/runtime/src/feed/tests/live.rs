//! The feed's threads and the client over loopback: sockets, recovery channel, roles.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use outcry_book::{Book, Event};
use outcry_feed::message::GapRequest;
use outcry_feed::{FrameKind, Message, Recovery, RecoveryError, Refusal, Update, write_frame};

use super::replica::{PATIENCE, Replica, follow, line};
use super::{Market, assert_same};
use crate::clock::Ticker;
use crate::feed::Item;

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
        let steps: Vec<Vec<Event>> = (0..200)
            .map(|_| {
                market.step();
                market.events_of_step().to_vec()
            })
            .collect();
        // Without the book's work in between, in which a thread that sends may keep up.
        for events in &steps {
            replica.tell_of(events);
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

#[test]
fn a_client_whose_request_drips_is_dropped_before_it_is_whole() {
    let replica = Replica::new(&[line()], 64, &Book::new(), 8);
    let mut dripper = TcpStream::connect(("127.0.0.1", replica.port)).expect("a connection");
    let mut frame = Vec::new();
    write_frame(&mut frame, FrameKind::Messages, &[0; 64]).expect("a vector takes all");
    let mut sent = 0;
    while refusals(&replica).is_empty() && sent < frame.len() {
        if dripper.write_all(&frame[sent..=sent]).is_err() {
            break;
        }
        sent += 1;
        thread::sleep(Duration::from_millis(150));
    }
    assert!(sent < frame.len(), "it was waited for to the end");
    assert_eq!(refusals(&replica), ["malformed"]);
}
