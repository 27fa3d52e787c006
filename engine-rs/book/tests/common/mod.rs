//! A market of a few lines: commands by name, events by name.
#![allow(dead_code, clippy::unwrap_used, clippy::missing_panics_doc)]

pub mod any;
pub mod ledger;
pub mod teller;

use outcry_book::{
    AuctionPrice, Body, Book, CancelOrder, Command, Event, EventBody, NewOrder, OrderType, Outcome,
    PairSettings, Side, TimeInForce, TradingStatus,
};

pub const BUY: Side = Side::Buy;
pub const SELL: Side = Side::Sell;

pub fn settings() -> PairSettings {
    PairSettings {
        trading_status: TradingStatus::Trading.as_i32(),
        rules_version: 1,
        price_band_lower: 50,
        price_band_upper: 200,
        min_notional: 0,
        maker_fee_ppm: -100,
        taker_fee_ppm: 750,
        quote_units_per_tick_lot: 1,
        base_units_per_lot: 1,
        ..PairSettings::default()
    }
}

/// The same pair under rules version 2, with no filter on.
pub fn settings_2() -> PairSettings {
    PairSettings {
        rules_version: 2,
        ..settings()
    }
}

/// A GTC limit order of user `10 x id`.
pub fn limit(order_id: u64, side: Side, price: i64, quantity: i64) -> NewOrder {
    NewOrder {
        order_id,
        user_id: order_id.saturating_mul(10),
        side: side.as_i32(),
        order_type: OrderType::Limit.as_i32(),
        time_in_force: TimeInForce::Gtc.as_i32(),
        price,
        quantity,
        ..NewOrder::default()
    }
}

pub fn with_life(time_in_force: TimeInForce, order: NewOrder) -> NewOrder {
    NewOrder {
        time_in_force: time_in_force.as_i32(),
        ..order
    }
}

pub fn market(order_id: u64, side: Side, quantity: i64) -> NewOrder {
    NewOrder {
        order_type: OrderType::Market.as_i32(),
        time_in_force: 0,
        price: 0,
        ..limit(order_id, side, 0, quantity)
    }
}

pub fn limit_maker(order_id: u64, side: Side, price: i64, quantity: i64) -> NewOrder {
    NewOrder {
        order_type: OrderType::LimitMaker.as_i32(),
        time_in_force: 0,
        ..limit(order_id, side, price, quantity)
    }
}

/// A book with everything it has said, fed with consecutive numbers.
#[derive(Default)]
pub struct Market {
    pub book: Book,
    pub events: Vec<Event>,
    number: u64,
}

impl Market {
    /// An open pair under rules version 2 with the band 50..200.
    pub fn open_2() -> Self {
        let mut market = Self::default();
        market.settings(settings_2());
        market
    }

    /// An open pair under rules version 1 with the band 50..200.
    pub fn open() -> Self {
        let mut market = Self::default();
        market.settings(settings());
        market
    }

    pub fn apply(&mut self, body: Body) -> Vec<EventBody> {
        self.apply_as(2048, body)
    }

    pub fn apply_as(&mut self, source: u32, body: Body) -> Vec<EventBody> {
        self.number += 1;
        let before = self.events.len();
        let command = Command {
            source,
            incarnation: 1,
            number: self.number,
            time_unix_nanos: 0,
            body,
        };
        assert_eq!(
            self.book.apply(&command, &mut self.events),
            Outcome::Applied
        );
        self.book.check().unwrap();
        self.events[before..]
            .iter()
            .map(|event| event.body)
            .collect()
    }

    pub fn settings(&mut self, settings: PairSettings) -> Vec<EventBody> {
        self.apply(Body::PairSettings(settings))
    }

    pub fn order(&mut self, order: NewOrder) -> Vec<EventBody> {
        self.apply(Body::NewOrder(order))
    }

    /// Sends the order and tells its events in short.
    pub fn tell(&mut self, order: NewOrder) -> Vec<String> {
        self.order(order).iter().map(short).collect()
    }

    /// Cancels an order as its own user.
    pub fn cancel(&mut self, order_id: u64) -> Vec<String> {
        self.cancel_as(order_id, order_id.saturating_mul(10))
    }

    pub fn cancel_as(&mut self, order_id: u64, user_id: u64) -> Vec<String> {
        self.apply(Body::CancelOrder(CancelOrder { order_id, user_id }))
            .iter()
            .map(short)
            .collect()
    }

    pub fn status(&mut self, status: TradingStatus) {
        self.settings(PairSettings {
            trading_status: status.as_i32(),
            ..settings()
        });
    }

    /// The book in short: `bids | asks`, best first, `price x quantity (orders)`.
    pub fn shown(&self) -> String {
        let depth = self.book.depth(100);
        let side = |levels: &[outcry_book::Level]| {
            let told: Vec<String> = levels
                .iter()
                .map(|level| format!("{}x{}({})", level.price, level.quantity, level.orders))
                .collect();
            told.join(" ")
        };
        format!("{} | {}", side(&depth.bids), side(&depth.asks))
    }
}

/// An event in a few words.
pub fn short(body: &EventBody) -> String {
    match body {
        EventBody::OrderAccepted(it) => format!("accepted {}", it.order_id),
        EventBody::OrderRejected(it) => format!("rejected {} {:?}", it.order_id, it.reason),
        EventBody::TradeExecuted(it) => format!(
            "trade {}x{} maker {} left {} taker {} left {}",
            it.price,
            it.quantity,
            it.maker_order_id,
            it.maker_remaining,
            it.taker_order_id,
            it.taker_remaining
        ),
        EventBody::OrderCancelled(it) => format!("cancelled {} left {}", it.order_id, it.remaining),
        EventBody::OrderExpired(it) => format!(
            "expired {} left {} {:?}",
            it.order_id, it.remaining, it.reason
        ),
        EventBody::CancelRejected(it) => format!("cancel rejected {} {:?}", it.order_id, it.reason),
        EventBody::SettingsChanged(it) => format!("settings {:?}", it.trading_status),
        EventBody::SettingsRejected(it) => format!("settings rejected {:?}", it.reason),
        other => short_of_version_2(other),
    }
}

fn short_of_version_2(body: &EventBody) -> String {
    match body {
        EventBody::FiltersChanged(_) => "filters".to_owned(),
        EventBody::OrderTriggered(it) => {
            format!("triggered {} at {}", it.order_id, it.trigger_price)
        }
        EventBody::OrderAmended(it) => {
            format!(
                "amended {} to {} left {}",
                it.order_id, it.quantity, it.remaining
            )
        }
        EventBody::AmendRejected(it) => format!("amend rejected {} {:?}", it.order_id, it.reason),
        EventBody::SelfTradePrevented(it) => format!(
            "prevented {}x{} maker {} left {} taker {} left {}",
            it.price,
            it.quantity,
            it.maker_order_id,
            it.maker_remaining,
            it.taker_order_id,
            it.taker_remaining
        ),
        EventBody::MassCancelled(it) => format!(
            "mass cancelled {} {} orders {}",
            it.user_id,
            side(it.side),
            it.orders
        ),
        EventBody::MassCancelRejected(it) => {
            format!("mass cancel rejected {} {:?}", it.user_id, it.reason)
        }
        EventBody::DisconnectTimerSet(it) => {
            format!("timer {} at {}", it.user_id, it.deadline_unix_nanos)
        }
        EventBody::DisconnectTimerRejected(it) => {
            format!("timer rejected {} {:?}", it.user_id, it.reason)
        }
        EventBody::DisconnectTimerFired(it) => {
            format!("disconnected {} orders {}", it.user_id, it.orders)
        }
        EventBody::AuctionIndicative(it) => format!("indicative {}", auction(it)),
        EventBody::AuctionUncrossed(it) => format!("uncrossed {}", auction(it)),
        other => format!("{other:?}"),
    }
}

fn side(side: Option<Side>) -> &'static str {
    match side {
        None => "both",
        Some(Side::Buy) => "buy",
        Some(Side::Sell) => "sell",
    }
}

fn auction(it: &AuctionPrice) -> String {
    let surplus = match it.surplus_side {
        None => String::new(),
        some => format!(" surplus {} {}", side(some), it.surplus),
    };
    format!("{}x{}{surplus}", it.price, it.volume)
}
