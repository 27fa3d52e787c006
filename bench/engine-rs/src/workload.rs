//! exchange-core's order book workload, from the published description of its test generator.
//!
//! 1,000 users; limit orders of 1 + r x r x r lots (r uniform in 0..=5) at prices within 5 % of the
//! last trade on the side away from it; until the book is full nothing else. Then, on a full side: 5 %
//! IOC through everything, 2.5 % cancels, 2.5 % reductions, 90 % moves by 1 % towards the last trade;
//! on a side that lacks orders: 20 % (all, when it lacks many) new orders, 10 % cancels, 10 % reductions,
//! the rest moves. How full the sides are is looked at every 512 commands and after an IOC that was left
//! with something. All draws come from one `java.util.Random`.

use std::cmp::Ordering;

use crate::java_random::{JavaRandom, objects_hash};
use crate::prototype::Prototype;
use crate::record::{BUY, Record, SELL, Stream, kind};
use crate::victims::{Pick, Victims};

const USERS: i32 = 1000;
const LOOK_EVERY: usize = 512;
const SYMBOL: i32 = 1;
const SEED: i32 = 1;

/// A stream's shape.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Orders that rest once the book is full, on both sides.
    pub resting: usize,
    /// Commands after that.
    pub timed: usize,
    /// Whom cancels, reductions and moves are about.
    pub pick: Pick,
}

/// What the generator remembers of an order.
#[derive(Clone, Copy, Default)]
struct Known {
    price: i32,
    left: u32,
    /// Its quantity since it came or was moved last, less reductions.
    total: u32,
    side: u8,
}

struct Session {
    random: JavaRandom,
    book: Prototype,
    victims: Victims,
    known: Vec<Known>,
    half: i32,
    deviation: i32,
    lowest: i32,
    highest: i32,
    last_price: i32,
    direction: i32,
    next_id: u32,
    full: bool,
    /// Orders of each side when it was looked at last.
    seen: [i32; 2],
}

/// Makes the stream; the same at every call.
pub fn generate(shape: Shape) -> Stream {
    let mut session = Session::new(shape);
    let mut records = Vec::with_capacity(shape.resting * 2 + shape.timed);
    let mut fill = None;
    let every = LOOK_EVERY.min(shape.resting + 1);
    let mut look_at = every;
    while fill.is_none_or(|fill| records.len() < fill + shape.timed) {
        let Some(record) = session.draw() else {
            continue;
        };
        if session.full && fill.is_none() {
            fill = Some(records.len());
        }
        session.carry_out(&record);
        records.push(record);
        if records.len() > look_at {
            look_at += every;
            session.look();
        }
    }
    Stream {
        records,
        fill: fill.unwrap_or(0),
    }
}

impl Session {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "the description casts to int; the price is between 10^3.3 and 10^6.3"
    )]
    fn new(shape: Shape) -> Self {
        let seed = objects_hash(
            SYMBOL.wrapping_mul(-177_277),
            SEED.wrapping_mul(10_037).wrapping_add(198_267),
        );
        let mut random = JavaRandom::new(seed.into());
        let exponent = 3.3 + random.double() * 1.5 + random.double() * 1.5;
        let price = 10f64.powf(exponent) as i32;
        let deviation = ((f64::from(price) * 0.05) as i32).min(10_000);
        // Nothing is ever priced further than one deviation beyond the range of the last trade.
        let (far_low, far_high) = (price - 7 * deviation, price + 7 * deviation);
        let most = (shape.resting + shape.timed) * 2;
        Self {
            random,
            book: Prototype::new(far_low as u32, far_high as u32, most as u64),
            victims: Victims::new(shape.pick),
            known: vec![Known::default(); most],
            half: (shape.resting / 2) as i32,
            deviation,
            lowest: price - deviation * 5,
            highest: price + deviation * 5,
            last_price: price,
            direction: 0,
            next_id: 1,
            full: false,
            seen: [0; 2],
        }
    }

    fn draw(&mut self) -> Option<Record> {
        let side = if self.random.int(4) + self.direction >= 2 {
            BUY
        } else {
            SELL
        };
        let lacking = self.half - self.seen[side as usize];
        let fast = !self.full || lacking > 512.min(self.half * 3 / 4);
        let grows = lacking > 0;
        self.full |= !grows;
        let bound = match (grows, fast) {
            (true, true) => 2,
            (true, false) => 10,
            (false, _) => 40,
        };
        let drawn = self.random.int(bound);
        if drawn < 2 {
            return Some(self.new_order(side, grows));
        }
        let (id, user) = self.victims.draw(&mut self.random)?;
        Some(self.change(drawn, id, user))
    }

    #[expect(
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "prices and quantities are positive; the description casts to int"
    )]
    fn new_order(&mut self, side: u8, rests: bool) -> Record {
        let user = 1 + self.random.int(USERS);
        let id = self.next_id;
        self.next_id += 1;
        let quantity = (1 + self.random.int(6) * self.random.int(6) * self.random.int(6)) as u32;
        let price = if rests {
            let spread = 1 + (self.random.double().powi(2) * f64::from(self.deviation)) as i32;
            let sum: i32 = (0..4).map(|_| self.random.int(spread)).sum();
            let away = (sum / 4 * 2 - spread).abs();
            self.last_price + if side == SELL { away } else { -away }
        } else if side == BUY {
            self.highest
        } else {
            self.lowest
        };
        self.known[id as usize] = Known {
            price,
            left: quantity,
            total: quantity,
            side,
        };
        if rests {
            self.victims.add(id, user as u32);
        }
        Record {
            order_id: id.into(),
            price: price as u32,
            user_id: user as u32,
            quantity,
            kind: if rests { kind::LIMIT } else { kind::IOC },
            side,
            ..Record::default()
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "prices and quantities are positive and small; the description casts to int"
    )]
    fn change(&mut self, drawn: i32, id: u32, user: u32) -> Record {
        let Known {
            price,
            left,
            total,
            side,
        } = self.known[id as usize];
        let record = Record {
            order_id: id.into(),
            user_id: user,
            side,
            ..Record::default()
        };
        match drawn {
            2 => {
                self.victims.remove(id);
                Record {
                    kind: kind::CANCEL,
                    ..record
                }
            }
            3 => {
                let off = (self.random.int(left as i32) + 1) as u32;
                Record {
                    kind: kind::REDUCE,
                    quantity: off,
                    left: left - off,
                    total: total - off,
                    ..record
                }
            }
            _ => {
                let towards = f64::from(self.last_price - price) * 0.01;
                let step = match price.cmp(&self.last_price) {
                    Ordering::Greater => towards.floor() as i32,
                    Ordering::Less => towards.ceil() as i32,
                    Ordering::Equal => self.random.int(2) * 2 - 1,
                };
                self.known[id as usize].price = price + step;
                Record {
                    kind: kind::MOVE,
                    price: (price + step) as u32,
                    quantity: left,
                    ..record
                }
            }
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "ids count from 1, quantities and prices are positive and far below 2^31"
    )]
    fn carry_out(&mut self, record: &Record) {
        let id = record.order_id as usize;
        match record.kind {
            kind::REDUCE => {
                self.known[id].left = record.left;
                self.known[id].total = record.total;
                if record.left == 0 {
                    self.victims.remove(id as u32);
                }
            }
            kind::MOVE => self.known[id].total = record.quantity,
            _ => {}
        }
        let Self {
            book,
            victims,
            known,
            last_price,
            direction,
            lowest,
            highest,
            ..
        } = self;
        let left = book.apply(record, |trade| {
            let quantity = trade.quantity as u32;
            known[trade.maker_id as usize].left -= quantity;
            known[id].left -= quantity;
            if trade.maker_done {
                victims.remove(trade.maker_id as u32);
            }
            if trade.taker_done {
                victims.remove(id as u32);
            }
            let price = trade.price as i32;
            *last_price = price.clamp(*lowest, *highest);
            if price <= *lowest {
                *direction = 1;
            } else if price >= *highest {
                *direction = -1;
            }
        });
        if record.kind == kind::IOC && left > 0 {
            self.look();
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "a few million orders"
    )]
    fn look(&mut self) {
        self.seen = [BUY, SELL].map(|side| self.book.orders(side) as i32);
    }
}
