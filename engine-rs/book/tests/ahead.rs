//! Many commands in one call do what each of them does alone.
#![allow(clippy::unwrap_used)]

mod common;

use common::{BUY, SELL, limit, settings};
use outcry_book::{
    AmendOrder, Body, Book, CancelOrder, CancelReplace, CancelReplaceMode, Command, Event,
    EventBody, NewOrder, PairSettings,
};

/// More orders than a book looks ahead for, then changes of them all over it.
fn commands() -> Vec<Command> {
    let open = PairSettings {
        rules_version: 2,
        price_band_lower: 1,
        price_band_upper: 1_000_000,
        ..settings()
    };
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = move |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    let order = |id: u64, by: u64| {
        let by = i64::try_from(by).unwrap();
        let (side, price) = if id.is_multiple_of(2) {
            (BUY, 40_000 - by)
        } else {
            (SELL, 40_010 + by)
        };
        NewOrder {
            user_id: 7,
            ..limit(id, side, price, 1 + by % 9)
        }
    };
    let mut bodies = vec![Body::PairSettings(open)];
    bodies.extend((1..=40_000).map(|id| Body::NewOrder(order(id, draw(30_000)))));
    for _ in 0..20_000 {
        let order_id = 1 + draw(41_000);
        bodies.push(match draw(8) {
            0 => Body::CancelOrder(CancelOrder {
                order_id,
                user_id: 7,
            }),
            1 => Body::AmendOrder(AmendOrder {
                order_id,
                user_id: 7,
                quantity: 1,
            }),
            2 => Body::NewOrder(order(40_000 + order_id, draw(30_000))),
            _ => Body::CancelReplace(CancelReplace {
                cancel_order_id: order_id,
                mode: CancelReplaceMode::StopOnFailure.as_i32(),
                order: NewOrder {
                    price: 39_000 + i64::try_from(draw(2_000)).unwrap(),
                    ..order(order_id, 1)
                },
            }),
        });
    }
    let numbered = (1..).zip(bodies);
    numbered
        .map(|(number, body)| Command {
            source: 3,
            incarnation: 1,
            number,
            time_unix_nanos: 0,
            body,
        })
        .collect()
}

#[test]
fn a_call_with_many_does_what_many_calls_do() {
    let (mut one_by_one, mut together) = (Book::new(), Book::new());
    let (mut wanted, mut events): (Vec<Event>, Vec<Event>) = (Vec::new(), Vec::new());
    let commands = commands();
    for command in &commands {
        one_by_one.apply(command, &mut wanted);
    }
    let mut applied = 0;
    for round in commands.chunks(256) {
        applied += together.apply_all(round, &mut events);
    }
    assert_eq!(
        (applied, together.resting_orders()),
        (commands.len(), one_by_one.resting_orders())
    );
    assert!(together.resting_orders() > 16_384);
    assert_eq!(events, wanted);
    assert_eq!(
        together.apply_all(&commands, &mut events),
        0,
        "they were repeats"
    );
    assert_eq!(events.len(), wanted.len());
}

#[test]
fn a_call_with_many_looks_ahead_at_no_price_that_is_none() {
    let mut book = Book::new();
    let commands = commands();
    book.apply_all(&commands, &mut Vec::<Event>::new());
    assert!(book.resting_orders() > 16_384);
    let after = u64::try_from(commands.len()).unwrap() + 1;
    let strange: Vec<Command> = (after..after + 16)
        .map(|number| Command {
            source: 3,
            incarnation: 1,
            number,
            time_unix_nanos: 0,
            body: Body::NewOrder(NewOrder {
                user_id: 7,
                ..limit(1_000_000 + number, SELL, i64::MIN, 1)
            }),
        })
        .collect();
    let mut events: Vec<Event> = Vec::new();
    book.apply_all(&strange, &mut events);
    assert!(
        events
            .iter()
            .all(|event| matches!(event.body, EventBody::OrderRejected(_)))
    );
    assert_eq!(events.len(), strange.len());
}
