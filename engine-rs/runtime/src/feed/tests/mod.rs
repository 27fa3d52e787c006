//! The feed against the core: random commands in, the client's book out of packets, both compared.

mod anew;
mod flow;
mod live;
mod loss;
mod replica;

use std::collections::HashSet;
use std::mem::discriminant;

use outcry_book::{Book, Event, Side};
use outcry_feed::message::{BUY, SELL};

use super::seed::Seed;
use super::shown::Shown;
use flow::Flow;

/// A core, and the blocks that its events make.
pub struct Market {
    pub book: Book,
    shown: Shown,
    flow: Flow,
    events: Vec<Event>,
    /// In the order of seq, the first of seq 1.
    pub blocks: Vec<Vec<u8>>,
}

impl Market {
    pub fn new(seed: u64) -> Self {
        Self {
            book: Book::new(),
            shown: Shown::default(),
            flow: Flow::new(seed),
            events: Vec::new(),
            blocks: Vec::new(),
        }
    }

    /// Applies one command as the match thread would, and makes its blocks as the feed thread would.
    pub fn step(&mut self) {
        let command = self.flow.next_command(&self.book);
        self.events.clear();
        self.book.apply(&command, &mut self.events);
        let first = self.blocks.len();
        for event in &self.events.clone() {
            if self.blocks.len() > first && !self.shown.goes_on(event) {
                self.settle();
            }
            let mut block = Vec::new();
            self.shown
                .apply(event, &mut block)
                .expect("all events were told");
            self.blocks.push(block);
        }
        if self.blocks.len() > first {
            self.settle();
        }
    }

    pub fn events_of_step(&self) -> &[Event] {
        &self.events
    }

    fn settle(&mut self) {
        self.shown.settle(self.blocks.last_mut().expect("a block"));
    }
}

/// The client sees what the core shows: levels, orders in the order of their queues, the last trade.
pub fn assert_same(client: &outcry_feed::Book, book: &Book) {
    assert_eq!(client.sequence(), book.seq());
    assert_eq!(client.check(), None, "by order and by price");
    let depth = book.depth(usize::MAX);
    for (side, levels) in [(BUY, depth.bids), (SELL, depth.asks)] {
        let wanted: Vec<_> = levels
            .iter()
            .map(|level| (level.price, level.quantity, level.orders))
            .collect();
        let seen: Vec<_> = client
            .levels(side)
            .map(|level| (level.price, level.quantity, level.orders))
            .collect();
        assert_eq!(seen, wanted, "levels of side {side} at {}", book.seq());
        let open = book.open_orders();
        let resting = open
            .iter()
            .filter(|order| !order.waits && order.side as u8 == side);
        let wanted: Vec<_> = resting
            .map(|order| (order.order_id, order.price, order.displayed))
            .collect();
        let seen: Vec<_> = client
            .queue(side)
            .iter()
            .map(|order| (order.order_id, order.price, order.quantity))
            .collect();
        assert_eq!(seen, wanted, "orders of side {side} at {}", book.seq());
    }
    assert_eq!(client.last_trade().trade_id, book.last_trade_id());
    let status = client.status().map(|status| i32::from(status.status));
    assert_eq!(
        status,
        book.settings()
            .map(|settings| settings.trading_status.as_i32())
    );
}

#[test]
fn a_client_of_every_event_has_the_core_s_book_after_each_command() {
    let (mut trades, mut kinds) = (0, HashSet::new());
    for seed in 1..=12 {
        let mut market = Market::new(seed);
        let mut client = outcry_feed::Book::new();
        for _ in 0..1_500 {
            let from = market.blocks.len();
            market.step();
            for (seq, block) in (from as u64 + 1..).zip(&market.blocks[from..]) {
                assert!(block.len() <= outcry_feed::MAX_BLOCK);
                client.apply(seq, block, |_| ()).expect("it fits");
            }
            kinds.extend(market.events.iter().map(|event| discriminant(&event.body)));
            assert_same(&client, &market.book);
        }
        trades += market.book.last_trade_id();
    }
    assert!(trades > 500, "markets that trade: {trades}");
    assert!(kinds.len() >= 18, "of 20 kinds of events: {}", kinds.len());
}

#[test]
fn a_restored_replica_goes_on_with_the_same_blocks() {
    for seed in 20..=25 {
        let mut market = Market::new(seed);
        for _ in 0..700 {
            market.step();
        }
        let mut bytes = Vec::new();
        market.book.snapshot(&mut bytes);
        let restored = Book::restore(&bytes).expect("a snapshot");
        let at = Seed::of(&restored);
        let (from, mut client) = (market.blocks.len(), at.client_book().expect("a book"));
        assert_same(&client, &market.book);
        let mut shown = Shown::default();
        shown.add(&at.orders);
        let mut successor = Market {
            shown,
            book: restored,
            flow: market.flow.clone(),
            events: Vec::new(),
            blocks: Vec::new(),
        };
        for _ in 0..700 {
            market.step();
            successor.step();
        }
        assert_eq!(market.blocks[from..], successor.blocks);
        for (seq, block) in (from as u64 + 1..).zip(&successor.blocks) {
            client.apply(seq, block, |_| ()).expect("it fits");
        }
        assert_same(&client, &market.book);
    }
}

#[test]
fn a_side_has_the_same_number_everywhere() {
    assert_eq!((Side::Buy as u8, Side::Sell as u8), (BUY, SELL));
}
