//! Outcry's own core, called as the pod's match thread calls it: a command goes in, its events are
//! written into a ring as long as the pod's. Only that a large book gets its commands by the round.

use outcry_book::{
    AmendOrder, Body, Book, CancelOrder, CancelReplace, CancelReplaceMode, Command, EVENT_RING,
    Event, EventBody, NewOrder, OrderType, PairSettings, Side, Sink, TimeInForce, TradingStatus,
};

use crate::engine::Engine;
use crate::outcome::{Digest, Outcome};
use crate::record::{BUY, Record, kind};

/// Fewer orders at rest are in the cache as they are.
const SMALL: usize = 1 << 14;
/// Commands of a round.
const ROUND: usize = 256;
/// An order shard: who sends orders in production.
const SOURCE: u32 = 7;
/// More lots than ever rest.
const ALL: i64 = 1 << 32;

/// A ring that nobody empties: the oldest events are written over.
struct Ring {
    events: Box<[Event; EVENT_RING]>,
    next: usize,
    trades: u64,
    volume: u64,
}

impl Sink for Ring {
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "an event is then made where it stays, not copied there"
    )]
    fn emit(&mut self, event: &Event) {
        self.events[self.next & (EVENT_RING - 1)] = *event;
        self.next += 1;
        if let EventBody::TradeExecuted(trade) = &event.body {
            self.trades += 1;
            self.volume += trade.quantity.unsigned_abs();
        }
    }
}

/// The core and its ring.
pub struct Core {
    book: Book,
    ring: Ring,
    number: u64,
    waiting: Vec<Command>,
}

impl Core {
    #[inline]
    fn command(&mut self, body: Body) -> Command {
        self.number += 1;
        command(self.number, body)
    }
}

#[inline]
fn command(number: u64, body: Body) -> Command {
    Command {
        source: SOURCE,
        incarnation: 1,
        number,
        time_unix_nanos: 0,
        body,
    }
}

impl Engine for Core {
    fn open(_: (u32, u32, u64)) -> Self {
        let settings = PairSettings {
            trading_status: TradingStatus::Trading.as_i32(),
            rules_version: 2,
            price_band_lower: 1,
            price_band_upper: 1_000_000_000,
            maker_fee_ppm: -100,
            taker_fee_ppm: 750,
            quote_units_per_tick_lot: 1,
            base_units_per_lot: 1,
            ..PairSettings::default()
        };
        let nothing = Event {
            seq: 0,
            source: 0,
            incarnation: 0,
            number: 0,
            time_unix_nanos: 0,
            body: EventBody::OrderCancelled(outcry_book::OrderCancelled {
                order_id: 0,
                user_id: 0,
                remaining: 0,
            }),
        };
        let mut core = Self {
            book: Book::new(),
            ring: Ring {
                #[expect(clippy::large_stack_arrays, reason = "a third of a megabyte, once")]
                events: Box::new([nothing; EVENT_RING]),
                next: 0,
                trades: 0,
                volume: 0,
            },
            number: 0,
            waiting: Vec::with_capacity(ROUND),
        };
        let command = core.command(Body::PairSettings(settings));
        core.book.apply(&command, &mut core.ring);
        core
    }

    #[inline]
    fn apply(&mut self, record: &Record) {
        let command = self.command(body(record));
        self.book.apply(&command, &mut self.ring);
    }

    /// A large book in rounds that look ahead, as whoever has several commands at hand may have them carried
    /// out; in a small one there is nothing to look ahead for.
    #[inline]
    fn apply_all(&mut self, records: &[Record]) {
        for round in records.chunks(ROUND) {
            if self.book.resting_orders() < SMALL {
                for record in round {
                    self.apply(record);
                }
                continue;
            }
            self.waiting.clear();
            let number = &mut self.number;
            self.waiting.extend(round.iter().map(|record| {
                *number += 1;
                command(*number, body(record))
            }));
            self.book.apply_all(&self.waiting, &mut self.ring);
        }
    }

    /// Two market orders through the whole book tell who rested, in the order of priority.
    fn outcome(mut self) -> Outcome {
        let resting = self.book.resting_orders() as u64;
        let (trades, volume) = (self.ring.trades, self.ring.volume);
        let mut drained = Drained(Digest::new());
        for (order_id, side) in [(u64::MAX - 1, Side::Sell), (u64::MAX, Side::Buy)] {
            let all = NewOrder {
                order_id,
                user_id: u64::MAX,
                side: side.as_i32(),
                order_type: OrderType::Market.as_i32(),
                quantity: ALL,
                ..NewOrder::default()
            };
            let command = self.command(Body::NewOrder(all));
            self.book.apply(&command, &mut drained);
        }
        Outcome {
            trades,
            volume,
            resting,
            book: drained.0.value(),
        }
    }
}

/// Digests the makers of trades.
struct Drained(Digest);

impl Sink for Drained {
    fn emit(&mut self, event: &Event) {
        if let EventBody::TradeExecuted(trade) = &event.body {
            let (price, left) = (trade.price.unsigned_abs(), trade.quantity.unsigned_abs());
            self.0.order(trade.maker_order_id, price, left);
        }
    }
}

/// A reduction to nothing is a cancel here; a move is a cancel-replace whose new order has the same id.
#[inline]
fn body(record: &Record) -> Body {
    let (order_id, user_id) = (record.order_id, record.user_id.into());
    match record.kind {
        kind::LIMIT => Body::NewOrder(order(record, TimeInForce::Gtc)),
        kind::IOC => Body::NewOrder(order(record, TimeInForce::Ioc)),
        kind::REDUCE if record.left > 0 => Body::AmendOrder(AmendOrder {
            order_id,
            user_id,
            quantity: record.total.into(),
        }),
        kind::CANCEL | kind::REDUCE => Body::CancelOrder(CancelOrder { order_id, user_id }),
        _ => Body::CancelReplace(CancelReplace {
            cancel_order_id: order_id,
            mode: CancelReplaceMode::StopOnFailure.as_i32(),
            order: order(record, TimeInForce::Gtc),
        }),
    }
}

#[inline]
fn order(record: &Record, time_in_force: TimeInForce) -> NewOrder {
    let side = if record.side == BUY {
        Side::Buy
    } else {
        Side::Sell
    };
    NewOrder {
        order_id: record.order_id,
        user_id: record.user_id.into(),
        side: side.as_i32(),
        order_type: OrderType::Limit.as_i32(),
        time_in_force: time_in_force.as_i32(),
        price: record.price.into(),
        quantity: record.quantity.into(),
        ..NewOrder::default()
    }
}
