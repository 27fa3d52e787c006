//! Random commands over every feature of rules version 2: the invariants hold after each, quantity is
//! neither made nor lost, and a snapshot at any point and the rest are the whole. What the events should
//! be is another matter, which an independent implementation judges.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

mod common;

use std::collections::BTreeMap;

use common::any::{STEP_MILLIS, any_body};
use common::ledger::Ledger;
use common::settings_2;
use outcry_book::{Body, Book, Command, Event, EventBody, ExpireReason, Outcome, Tick};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const MILLI: i64 = 1_000_000;

/// The bodies as commands, with times that rise and cancels of everything from the operator.
fn commands(bodies: &[Body]) -> Vec<Command> {
    let mut clock = 0;
    let mut commands = vec![command(1024, 1, Body::PairSettings(settings_2()))];
    for (number, body) in (2..).zip(bodies) {
        let body = match *body {
            Body::Tick(tick) => {
                assert!(tick.time_unix_nanos < STEP_MILLIS);
                clock += tick.time_unix_nanos * MILLI;
                Body::Tick(Tick {
                    time_unix_nanos: clock,
                })
            }
            Body::NewOrder(mut order) => {
                order.expire_time_unix_nanos *= MILLI;
                if order.expire_time_unix_nanos != 0 {
                    order.expire_time_unix_nanos += clock;
                }
                Body::NewOrder(order)
            }
            other => other,
        };
        let source = match body {
            Body::MassCancel(it) if it.user_id == 0 && it.side != 0 => 1024,
            _ => 2048,
        };
        commands.push(command(source, number, body));
    }
    commands
}

fn command(source: u32, number: u64, body: Body) -> Command {
    Command {
        source,
        incarnation: 1,
        number,
        time_unix_nanos: 0,
        body,
    }
}

fn bytes_of(book: &Book) -> Vec<u8> {
    let mut bytes = Vec::new();
    book.snapshot(&mut bytes);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn quantity_is_neither_made_nor_lost(bodies in prop::collection::vec(any_body(), 1..250)) {
        let (mut book, mut ledger) = (Book::new(), Ledger::default());
        let mut events: Vec<Event> = Vec::new();
        for command in commands(&bodies) {
            events.clear();
            prop_assert_eq!(book.apply(&command, &mut events), Outcome::Applied);
            prop_assert_eq!(book.check(), Ok(()), "{:?}", command);
            for event in &events {
                ledger.follow(event);
            }
            ledger.agrees_with(&book);
        }
    }

    #[test]
    fn a_snapshot_at_any_point_and_the_rest_is_the_whole(
        bodies in prop::collection::vec(any_body(), 2..250), cut in any::<prop::sample::Index>(),
    ) {
        let commands = commands(&bodies);
        let cut = cut.index(commands.len());
        let (mut whole, mut before, mut after) = (Book::new(), Vec::new(), Vec::new());
        for command in &commands[..cut] {
            whole.apply(command, &mut before);
        }
        let bytes = bytes_of(&whole);
        let mut resumed = Book::restore(&bytes).unwrap();
        prop_assert_eq!(&bytes_of(&resumed), &bytes, "canonical");
        let mut resumed_after: Vec<Event> = Vec::new();
        for command in &commands[cut..] {
            whole.apply(command, &mut after);
            resumed.apply(command, &mut resumed_after);
        }
        prop_assert_eq!(after, resumed_after);
        prop_assert_eq!(bytes_of(&whole), bytes_of(&resumed));
    }

    #[test]
    fn changed_bytes_are_refused_or_still_a_sound_book(
        bodies in prop::collection::vec(any_body(), 2..120), changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 40),
    ) {
        let (mut book, mut events) = (Book::new(), Vec::new());
        for command in commands(&bodies) {
            book.apply(&command, &mut events);
        }
        let bytes = bytes_of(&book);
        for (at, flip) in changes {
            let mut changed = bytes.clone();
            changed[at.index(bytes.len())] ^= flip;
            if let Ok(restored) = Book::restore(&changed) {
                prop_assert_eq!(restored.check(), Ok(()));
                prop_assert_eq!(bytes_of(&restored), changed, "what is accepted is canonical");
            }
        }
    }
}

/// What an event is, with its reason.
fn kind(body: &EventBody) -> String {
    let reason = match body {
        EventBody::OrderRejected(it) => format!(" {:?}", it.reason),
        EventBody::OrderExpired(it) => format!(" {:?}", it.reason),
        EventBody::AmendRejected(it) => format!(" {:?}", it.reason),
        _ => String::new(),
    };
    let told = format!("{body:?}");
    told.split('(').next().unwrap().to_owned() + &reason
}

#[test]
fn random_commands_reach_every_event_and_every_end() {
    let mut runner = TestRunner::deterministic();
    let stream = prop::collection::vec(any_body(), 250);
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for _ in 0..200 {
        let bodies = stream.new_tree(&mut runner).unwrap().current();
        let (mut book, mut events) = (Book::new(), Vec::<Event>::new());
        for command in commands(&bodies) {
            book.apply(&command, &mut events);
        }
        for event in events {
            *seen.entry(kind(&event.body)).or_default() += 1;
        }
    }
    let missing: Vec<String> = ExpireReason::ALL
        .iter()
        .filter(|&&reason| reason != ExpireReason::Overflow)
        .map(|reason| format!("OrderExpired {reason:?}"))
        .chain(
            [
                "OrderTriggered",
                "OrderAmended",
                "SelfTradePrevented",
                "MassCancelled",
                "DisconnectTimerFired",
                "AuctionIndicative",
                "AuctionUncrossed",
                "OrderRejected WouldTrigger",
                "OrderRejected WouldTake",
                "OrderRejected TooManyOpenOrders",
                "OrderRejected InvalidList",
                "OrderRejected NotAttempted",
                "AmendRejected PartOfList",
            ]
            .map(str::to_owned),
        )
        .filter(|wanted| seen.get(wanted).is_none_or(|&times| times < 5))
        .collect();
    assert!(missing.is_empty(), "{missing:?} of {seen:#?}");
}
