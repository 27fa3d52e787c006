//! Commands for the benchmarks that need no Kafka.

use outcry_book::{Body, Book, CancelOrder, Command, NewOrder, PairSettings};
use outcry_runtime::codec::encode_commands;

const MID: i64 = 6_000_000;
const LEVELS: u64 = 25_000;
const ACCOUNTS: u64 = 1_000;

/// A seeded flow over a book that keeps its size: every other command ends an order, any of them.
pub struct Flow {
    random: u64,
    number: u64,
    resting: Vec<u64>,
}

impl Flow {
    pub fn new() -> Self {
        Self {
            random: 0x9e37_79b9_7f4a_7c15,
            number: 0,
            resting: Vec::new(),
        }
    }

    /// A book of so many resting orders, made by the flow's first commands.
    pub fn book(&mut self, resting: u64) -> Book {
        let (mut book, mut events) = (Book::new(), Vec::new());
        book.apply(&self.command(Body::PairSettings(opening())), &mut events);
        for _ in 0..resting {
            events.clear();
            book.apply(&self.order(), &mut events);
        }
        book
    }

    /// The next record of so many commands.
    pub fn record(&mut self, symbol: &str, commands: u64) -> Vec<u8> {
        let commands: Vec<Command> = (0..commands).map(|_| self.next()).collect();
        encode_commands(symbol, &commands)
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    fn command(&mut self, body: Body) -> Command {
        self.number += 1;
        Command {
            source: 2048,
            incarnation: 1,
            number: self.number,
            time_unix_nanos: 1_700_000_000_000_000_000,
            body,
        }
    }

    /// An order that rests.
    pub fn order(&mut self) -> Command {
        let order_id = self.number + 1;
        let (side, distance) = (1 + self.roll(2), 1 + self.roll(LEVELS));
        let (distance, quantity) = (distance.cast_signed(), 1 + self.roll(50).cast_signed());
        self.resting.push(order_id);
        self.command(Body::NewOrder(NewOrder {
            order_id,
            user_id: account(order_id),
            side: if side == 1 { 1 } else { 2 },
            order_type: 1,
            time_in_force: 1,
            price: if side == 1 {
                MID - distance
            } else {
                MID + distance
            },
            quantity,
            ..NewOrder::default()
        }))
    }

    /// The next command; each makes one event.
    pub fn next(&mut self) -> Command {
        if self.number.is_multiple_of(2) {
            return self.order();
        }
        let at = usize::try_from(self.roll(self.resting.len() as u64)).unwrap_or(0);
        let order_id = self.resting.swap_remove(at);
        self.command(Body::CancelOrder(CancelOrder {
            order_id,
            user_id: account(order_id),
        }))
    }
}

fn account(order_id: u64) -> u64 {
    1 + order_id % ACCOUNTS
}

fn opening() -> PairSettings {
    PairSettings {
        trading_status: 1,
        rules_version: 1,
        price_band_lower: 1,
        price_band_upper: 2 * MID,
        quote_units_per_tick_lot: 1,
        base_units_per_lot: 1,
        ..PairSettings::default()
    }
}

/// The CPU for the match thread: the one that devices interrupt least, as an operator of the machine would
/// see to.
pub fn quietest_cpu() -> usize {
    let text = std::fs::read_to_string("/proc/interrupts").unwrap_or_default();
    let cpus = text
        .lines()
        .next()
        .map_or(0, |head| head.split_whitespace().count());
    let mut taken = vec![0u64; cpus];
    for line in text.lines().skip(1) {
        let mut words = line.split_whitespace();
        let is_device = words
            .next()
            .is_some_and(|name| name.starts_with(|first: char| first.is_ascii_digit()));
        if is_device {
            for (sum, word) in taken.iter_mut().zip(words) {
                *sum += word.parse::<u64>().unwrap_or(0);
            }
        }
    }
    (0..cpus).min_by_key(|cpu| taken[*cpu]).unwrap_or(0)
}
