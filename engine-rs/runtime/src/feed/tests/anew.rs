//! A feed that lost events and has a shadow book that is behind, or ahead, of the match thread.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};

use super::Market;
use super::replica::{PATIENCE, Replica, follow, line};
use crate::feed::Seed;
use crate::shadow::Request;

fn asked(replica: &Replica) -> (u64, mpsc::Sender<Arc<Seed>>) {
    match replica.asked.recv_timeout(PATIENCE).expect("it asks") {
        Request::Seed(seq, reply) => (seq, reply),
        _ => panic!("for something else"),
    }
}

/// A hot replica and its client, some commands on.
fn fed(seed: u64) -> (Market, Replica, outcry_feed::Client) {
    let lines = [line()];
    let mut market = Market::new(seed);
    let mut replica = Replica::new(&lines, 1 << 14, &market.book, 8);
    replica.hot(1, 1);
    let mut client = replica.client(&lines);
    for _ in 0..100 {
        replica.tell(&mut market);
    }
    follow(&mut client, &replica, &market.book);
    (market, replica, client)
}

#[test]
fn the_last_events_of_all_are_not_lost_to_a_shadow_book_that_is_behind() {
    let (mut market, replica, mut client) = fed(106);
    let before = Arc::new(Seed::of(&market.book));
    replica.lose(&mut market);
    let (wanted, reply) = asked(&replica);
    assert_eq!(wanted, market.book.seq());
    reply.send(before).expect("it waits");
    follow(&mut client, &replica, &market.book);
}

#[test]
fn a_shadow_book_that_is_ahead_serves_and_what_it_has_is_passed_over() {
    let (mut market, mut replica, mut client) = fed(107);
    replica.lose(&mut market);
    let (_, reply) = asked(&replica);
    let late: Vec<_> = (0..50)
        .map(|_| {
            market.step();
            market.events_of_step().to_vec()
        })
        .collect();
    reply
        .send(Arc::new(Seed::of(&market.book)))
        .expect("it waits");
    follow(&mut client, &replica, &market.book);
    for events in &late {
        replica.tell_of(events);
    }
    for _ in 0..50 {
        replica.tell(&mut market);
    }
    follow(&mut client, &replica, &market.book);
    assert_eq!(replica.shared.feed.resyncs.load(SeqCst), 1);
}
