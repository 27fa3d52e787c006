//! Stops and trailing stops against a model as plain as can be: a list of which every order is looked at
//! after every trade.
#![allow(clippy::unwrap_used)]

mod common;

use common::{BUY, Market, SELL, limit, settings_2, short, with_life};
use outcry_book::{Book, EventBody, NewOrder, OrderType, PairSettings, Side, TimeInForce};
use proptest::prelude::*;

/// A stop that waits.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    id: u64,
    side: Side,
    loss: bool,
    stop_price: i64,
    delta: i64,
    extreme: Option<i64>,
}

impl Waiting {
    /// Whether the price meets the stop price.
    fn met(&self, price: i64) -> bool {
        if self.loss == (self.side == BUY) {
            price >= self.stop_price
        } else {
            price <= self.stop_price
        }
    }

    fn trigger_price(&self, extreme: i64) -> i64 {
        match self.side {
            Side::Sell => (extreme * (10_000 - self.delta)).div_euclid(10_000),
            Side::Buy => -(-extreme * (10_000 + self.delta)).div_euclid(10_000),
        }
    }

    /// What a trade does to it: whether it rises to it or falls, and the price, if it triggers.
    fn see(&mut self, price: i64) -> Option<(bool, i64)> {
        let Some(extreme) = &mut self.extreme else {
            if self.stop_price != 0 && !self.met(price) {
                return None;
            }
            if self.delta == 0 {
                return Some((self.loss == (self.side == BUY), self.stop_price));
            }
            self.extreme = Some(price);
            return None;
        };
        *extreme = match self.side {
            Side::Sell => price.max(*extreme),
            Side::Buy => price.min(*extreme),
        };
        let trigger = self.trigger_price(self.extreme.unwrap());
        let triggers = match self.side {
            Side::Sell => price <= trigger,
            Side::Buy => price >= trigger,
        };
        triggers.then_some((self.side == BUY, trigger))
    }
}

/// In the order of their age.
#[derive(Default)]
struct Model {
    waiting: Vec<Waiting>,
    last: i64,
}

impl Model {
    fn trade(&mut self, price: i64) -> Vec<String> {
        self.last = price;
        let (mut rising, mut falling) = (Vec::new(), Vec::new());
        self.waiting.retain_mut(|stop| match stop.see(price) {
            None => true,
            Some((rises, trigger)) => {
                let list = if rises { &mut rising } else { &mut falling };
                list.push((trigger, stop.id));
                false
            }
        });
        rising.sort_by_key(|&(trigger, _)| trigger);
        falling.sort_by_key(|&(trigger, _)| -trigger);
        let all = rising.into_iter().chain(falling);
        all.map(|(trigger, id)| format!("triggered {id} at {trigger}"))
            .collect()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Stop(Waiting),
    Trade(i64),
    Cancel(usize),
    Restore,
}

fn any_step() -> impl Strategy<Value = Step> {
    let delta = prop_oneof![2 => Just(0i64), 3 => Just(100i64), 2 => Just(250i64), 1 => 1..900i64];
    let stop = (
        any::<bool>(),
        any::<bool>(),
        940..1060i64,
        delta,
        any::<bool>(),
    )
        .prop_map(|(buys, loss, stop_price, delta, at_once)| {
            Step::Stop(Waiting {
                id: 0,
                side: if buys { BUY } else { SELL },
                loss,
                stop_price: if at_once && delta != 0 { 0 } else { stop_price },
                delta,
                extreme: None,
            })
        });
    prop_oneof![
        6 => stop.boxed(),
        6 => (950..1050i64).prop_map(Step::Trade).boxed(),
        2 => any::<usize>().prop_map(Step::Cancel).boxed(),
        1 => Just(Step::Restore).boxed(),
    ]
}

/// Its limit price is out of reach: when it becomes active it trades with nobody.
fn order(stop: &Waiting) -> NewOrder {
    let limited = if stop.loss {
        OrderType::StopLossLimit
    } else {
        OrderType::TakeProfitLimit
    };
    let price = if stop.side == BUY { 1 } else { 100_000 };
    NewOrder {
        order_type: limited.as_i32(),
        stop_price: stop.stop_price,
        trailing_delta: i32::try_from(stop.delta).unwrap(),
        ..with_life(TimeInForce::Ioc, limit(stop.id, stop.side, price, 1))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stops_trigger_as_in_the_plain_model(steps in prop::collection::vec(any_step(), 1..120)) {
        let (mut it, mut model) = (Market::default(), Model::default());
        it.settings(PairSettings { price_band_lower: 1, price_band_upper: 100_000, ..settings_2() });
        for (id, step) in (1..).step_by(2).zip(steps) {
            match step {
                Step::Stop(stop) if model.waiting.len() < 60 => {
                    let mut stop = Waiting { id, ..stop };
                    let met = model.last != 0 && stop.stop_price != 0 && stop.met(model.last);
                    let told = it.tell(order(&stop));
                    if met {
                        prop_assert_eq!(told, [format!("rejected {id} WouldTrigger")]);
                    } else {
                        prop_assert_eq!(told, [format!("accepted {id}")]);
                        let tracks = stop.stop_price == 0 && model.last != 0;
                        stop.extreme = tracks.then_some(model.last);
                        model.waiting.push(stop);
                    }
                }
                Step::Trade(price) => {
                    it.tell(limit(id, SELL, price, 1));
                    let events = it.order(limit(id + 1, BUY, price, 1));
                    let triggered = events.iter().filter(|event| matches!(event, EventBody::OrderTriggered(_)));
                    let told: Vec<String> = triggered.map(short).collect();
                    prop_assert_eq!(told, model.trade(price), "a trade at {}", price);
                }
                Step::Cancel(which) if !model.waiting.is_empty() => {
                    let gone = model.waiting.remove(which % model.waiting.len());
                    prop_assert_eq!(it.cancel(gone.id), [format!("cancelled {} left 1", gone.id)]);
                }
                Step::Stop(_) | Step::Cancel(_) => {}
                Step::Restore => {
                    let mut bytes = Vec::new();
                    it.book.snapshot(&mut bytes);
                    it.book = Book::restore(&bytes).unwrap();
                }
            }
        }
        prop_assert_eq!(it.book.totals().waiting, model.waiting.len() as u64);
    }
}
