//! The book against a model as plain as can be: one sorted vector a side.
#![allow(clippy::unwrap_used)]

mod common;

use common::{limit, limit_maker, market, settings, short, with_life};
use outcry_book::{
    Body, Book, CancelOrder, Command, Event, EventBody, ExpireReason, NewOrder, OrderType,
    PairSettings, Side, TimeInForce, TradingStatus,
};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
struct Resting {
    id: u64,
    user: u64,
    price: i64,
    left: i64,
}

/// Orders in the sequence in which they trade.
#[derive(Default)]
struct Model {
    bids: Vec<Resting>,
    asks: Vec<Resting>,
}

impl Model {
    fn sides(&mut self, side: Side) -> (&mut Vec<Resting>, &mut Vec<Resting>) {
        match side {
            Side::Buy => (&mut self.bids, &mut self.asks),
            Side::Sell => (&mut self.asks, &mut self.bids),
        }
    }

    fn order(&mut self, order: &NewOrder, band: (i64, i64)) -> Vec<String> {
        let id = order.order_id;
        let side = Side::from_i32(order.side).unwrap();
        let kind = OrderType::from_i32(order.order_type).unwrap();
        if self
            .bids
            .iter()
            .chain(&self.asks)
            .any(|resting| resting.id == id)
        {
            return vec![format!("rejected {id} DuplicateOrderId")];
        }
        let limit = match (kind, side) {
            (OrderType::Market, Side::Buy) => band.1,
            (OrderType::Market, Side::Sell) => band.0,
            _ => order.price,
        };
        let (own, other) = self.sides(side);
        let crosses = |price: i64| {
            if side == Side::Buy {
                price <= limit
            } else {
                price >= limit
            }
        };
        let reachable: i64 = other
            .iter()
            .filter(|maker| crosses(maker.price))
            .map(|maker| maker.left)
            .sum();
        if kind == OrderType::LimitMaker && reachable > 0 {
            return vec![format!("rejected {id} WouldTake")];
        }
        let mut told = vec![format!("accepted {id}")];
        let life = TimeInForce::from_i32(order.time_in_force);
        if life == Some(TimeInForce::Fok) && reachable < order.quantity {
            told.push(format!(
                "expired {id} left {} {:?}",
                order.quantity,
                ExpireReason::FillOrKill
            ));
            return told;
        }
        let mut left = order.quantity;
        while left > 0 && other.first().is_some_and(|maker| crosses(maker.price)) {
            let maker = &mut other[0];
            let quantity = left.min(maker.left);
            left -= quantity;
            maker.left -= quantity;
            told.push(format!(
                "trade {}x{quantity} maker {} left {} taker {id} left {left}",
                maker.price, maker.id, maker.left
            ));
            if maker.left == 0 {
                other.remove(0);
            }
        }
        if left > 0 && kind != OrderType::Market && matches!(life, Some(TimeInForce::Gtc) | None) {
            let worse = |resting: &Resting| {
                if side == Side::Buy {
                    resting.price < limit
                } else {
                    resting.price > limit
                }
            };
            let at = own.iter().position(worse).unwrap_or(own.len());
            own.insert(
                at,
                Resting {
                    id,
                    user: order.user_id,
                    price: limit,
                    left,
                },
            );
        } else if left > 0 {
            told.push(format!(
                "expired {id} left {left} {:?}",
                ExpireReason::ImmediateOrCancel
            ));
        }
        told
    }

    fn cancel(&mut self, id: u64, user: u64) -> Vec<String> {
        for side in [&mut self.bids, &mut self.asks] {
            if let Some(at) = side.iter().position(|resting| resting.id == id) {
                if side[at].user != user {
                    return vec![format!("cancel rejected {id} NotOwner")];
                }
                let left = side.remove(at).left;
                return vec![format!("cancelled {id} left {left}")];
            }
        }
        vec![format!("cancel rejected {id} UnknownOrder")]
    }

    fn change_band(&mut self, band: (i64, i64)) -> Vec<String> {
        let mut told = vec![format!("settings {:?}", TradingStatus::Trading)];
        let through = |resting: &Resting, bid: bool| {
            if bid {
                resting.price > band.1
            } else {
                resting.price < band.0
            }
        };
        for (side, bid) in [(&mut self.bids, true), (&mut self.asks, false)] {
            for gone in side.iter().filter(|resting| through(resting, bid)) {
                told.push(format!(
                    "expired {} left {} {:?}",
                    gone.id,
                    gone.left,
                    ExpireReason::PriceBand
                ));
            }
            side.retain(|resting| !through(resting, bid));
        }
        told
    }
}

#[derive(Clone, Debug)]
enum Step {
    Order(NewOrder),
    Cancel(u64, u64),
    Band(i64, i64),
}

fn any_order() -> impl Strategy<Value = NewOrder> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    (1..60u64, side, 90..111i64, 1..20i64, 0..12u8).prop_map(|(id, side, price, quantity, kind)| {
        match kind {
            0..=6 => limit(id, side, price, quantity),
            7 => with_life(TimeInForce::Ioc, limit(id, side, price, quantity)),
            8 => with_life(TimeInForce::Fok, limit(id, side, price, quantity)),
            9 => market(id, side, quantity),
            _ => limit_maker(id, side, price, quantity),
        }
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => any_order().prop_map(Step::Order),
        10 => (1..60u64).prop_map(|id| Step::Cancel(id, id * 10)),
        1 => (1..60u64).prop_map(|id| Step::Cancel(id, 7)),
        1 => (85..105i64, 0..30i64).prop_map(|(lower, width)| Step::Band(lower, lower + width)),
    ]
}

fn body_of(step: &Step) -> Body {
    match *step {
        Step::Order(order) => Body::NewOrder(order),
        Step::Cancel(order_id, user_id) => Body::CancelOrder(CancelOrder { order_id, user_id }),
        Step::Band(lower, upper) => Body::PairSettings(PairSettings {
            price_band_lower: lower,
            price_band_upper: upper,
            ..settings()
        }),
    }
}

fn command_of(number: u64, step: &Step) -> Command {
    Command {
        source: 2048,
        incarnation: 1,
        number,
        time_unix_nanos: 0,
        body: body_of(step),
    }
}

fn bytes_of(book: &Book) -> Vec<u8> {
    let mut bytes = Vec::new();
    book.snapshot(&mut bytes);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_book_does_what_the_plain_model_does(steps in prop::collection::vec(any_step(), 1..150)) {
        let (mut book, mut model, mut events) = (Book::new(), Model::default(), Vec::<Event>::new());
        let mut band = (50, 200);
        book.apply(&command_of(1, &Step::Band(50, 200)), &mut events);
        for (number, step) in (2..).zip(&steps) {
            let before = events.len();
            book.apply(&command_of(number, step), &mut events);
            book.check().unwrap();
            let told: Vec<String> = events[before..].iter().map(|event| short(&event.body)).collect();
            let expected = match step {
                Step::Order(order) if order.price != 0 && !(band.0..=band.1).contains(&order.price) => {
                    vec![format!("rejected {} PriceOutOfBand", order.order_id)]
                }
                Step::Order(order) => model.order(order, band),
                Step::Cancel(id, user) => model.cancel(*id, *user),
                Step::Band(lower, upper) => {
                    band = (*lower, *upper);
                    model.change_band(band)
                }
            };
            prop_assert_eq!(told, expected, "{:?}", step);
        }
        prop_assert_eq!(book.resting_orders(), model.bids.len() + model.asks.len());
        let numbered = events.iter().zip(1..).all(|(event, seq)| event.seq == seq);
        prop_assert!(numbered, "seq is consecutive from 1");
    }

    #[test]
    fn a_snapshot_at_any_point_and_the_rest_is_the_whole(
        steps in prop::collection::vec(any_step(), 2..120), cut in any::<prop::sample::Index>(),
    ) {
        let cut = cut.index(steps.len());
        let (mut whole, mut events) = (Book::new(), Vec::new());
        whole.apply(&command_of(1, &Step::Band(50, 200)), &mut events);
        let mut resumed = None;
        for (at, step) in steps.iter().enumerate() {
            if at == cut {
                let bytes = bytes_of(&whole);
                let restored = Book::restore(&bytes).unwrap();
                prop_assert_eq!(bytes_of(&restored), bytes, "canonical");
                resumed = Some((restored, events.len(), Vec::new()));
            }
            let command = command_of(at as u64 + 2, step);
            whole.apply(&command, &mut events);
            if let Some((book, _, later)) = &mut resumed {
                book.apply(&command, later);
            }
        }
        let (book, made_before, later) = resumed.unwrap();
        prop_assert_eq!(&events[made_before..], &later[..]);
        prop_assert_eq!(bytes_of(&book), bytes_of(&whole));
    }

    #[test]
    fn repeats_anywhere_change_nothing(
        steps in prop::collection::vec(any_step(), 1..60), back in prop::collection::vec(0..20u64, 60),
    ) {
        let (mut once, mut often) = (Book::new(), Book::new());
        let (mut events_once, mut events_often) = (Vec::new(), Vec::new());
        let mut commands = vec![command_of(1, &Step::Band(50, 200))];
        commands.extend((2..).zip(&steps).map(|(number, step)| command_of(number, step)));
        for (at, command) in commands.iter().enumerate() {
            once.apply(command, &mut events_once);
            let first = at.saturating_sub(usize::try_from(back[at % back.len()]).unwrap());
            for again in &commands[first..=at] {
                often.apply(again, &mut events_often);
            }
        }
        prop_assert_eq!(events_once, events_often);
        prop_assert_eq!(bytes_of(&once), bytes_of(&often));
    }

    #[test]
    fn any_numbers_at_all_are_answered(
        numbers in prop::collection::vec(any::<(u64, u64, i32, i32, i32, i64, i64)>(), 1..40), words in any::<bool>(),
    ) {
        let (mut book, mut events) = (Book::new(), Vec::new());
        let open = PairSettings { price_band_lower: 1, price_band_upper: i64::MAX, ..settings() };
        book.apply(&Command { source: 0, incarnation: 0, number: 1, time_unix_nanos: 0, body: Body::PairSettings(open) }, &mut events);
        for (at, (order_id, user_id, side, order_type, time_in_force, price, quantity)) in (2..).zip(numbers) {
            let before = events.len();
            let fit = |number: i32, most: i32| if words { number.rem_euclid(most) + 1 } else { number };
            let order = NewOrder {
                order_id, user_id, side: fit(side, 2), order_type: fit(order_type, 3),
                time_in_force: fit(time_in_force, 3), price, quantity, ..NewOrder::default()
            };
            let command = Command { source: 0, incarnation: 0, number: at, time_unix_nanos: 0, body: Body::NewOrder(order) };
            book.apply(&command, &mut events);
            book.check().unwrap();
            prop_assert!(matches!(
                events[before].body, EventBody::OrderAccepted(_) | EventBody::OrderRejected(_)
            ));
        }
    }
}
