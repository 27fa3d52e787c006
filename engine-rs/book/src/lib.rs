//! The order book of Outcry: pure, deterministic, no I/O, no clock.
//!
//! A [`Book`] is a state machine. [`Command`]s go in through [`Book::apply`], numbered [`Event`]s come
//! out through a [`Sink`], and nothing else decides anything: the same commands make the same events
//! on every machine, in every build, before and after a restart. `docs/matching.md` states every rule.
//!
//! - Orders: [`NewOrder`] with every [`OrderType`] and [`TimeInForce`], icebergs, MARKET by quote,
//!   trailing stops, self-trade prevention; two legs as [`NewOco`].
//! - Changes: [`CancelOrder`], [`AmendOrder`], [`CancelReplace`], [`MassCancel`], [`SetDisconnectTimer`].
//! - The market: [`PairSettings`] with its [`Filters`] and [`TradingStatus`]; time comes as [`Tick`]s.
//! - Looking in: [`Book::depth`], [`Book::order`], [`Book::orders_at`], [`Book::open_orders`],
//!   [`Book::totals`].
//! - Bytes: [`Book::snapshot`] and [`Book::restore`]; equal states give equal bytes.
//!
//! Prices are counts of ticks, quantities counts of lots, notionals (price x quantity) counts of
//! tick-lots; all are `i64`, products are made in `i128`. A command carries the source and number that
//! make it idempotent: what is not newer than its source's last is answered [`Outcome::Repeated`].
//!
//! [`PairSettings::rules_version`] chooses the semantics. Version 1 is what old logs were made under and
//! stays as it was; [`RULES_VERSION`] is the newest.
//!
//! ```
//! use outcry_book::{Body, Book, Command, EventBody, NewOrder, OrderType, PairSettings, Side, TimeInForce, TradingStatus};
//!
//! let mut book = Book::new();
//! let mut events = Vec::new();
//! let settings = PairSettings {
//!     trading_status: TradingStatus::Trading.as_i32(),
//!     rules_version: 2,
//!     price_band_lower: 1,
//!     price_band_upper: 1_000_000,
//!     quote_units_per_tick_lot: 1,
//!     base_units_per_lot: 1,
//!     ..PairSettings::default()
//! };
//! let order = |order_id, side: Side| NewOrder {
//!     order_id,
//!     user_id: order_id,
//!     side: side.as_i32(),
//!     order_type: OrderType::Limit.as_i32(),
//!     time_in_force: TimeInForce::Gtc.as_i32(),
//!     price: 100,
//!     quantity: 5,
//!     ..NewOrder::default()
//! };
//! let bodies = [Body::PairSettings(settings), Body::NewOrder(order(1, Side::Sell)), Body::NewOrder(order(2, Side::Buy))];
//! for (number, body) in (1..).zip(bodies) {
//!     book.apply(&Command { source: 2048, incarnation: 1, number, time_unix_nanos: 0, body }, &mut events);
//! }
//! assert!(matches!(events.last().map(|event| event.body), Some(EventBody::TradeExecuted(trade)) if trade.quantity == 5));
//! ```

mod accounts;
mod admission;
mod ahead;
mod amend;
mod auction;
#[cfg(debug_assertions)]
mod audit;
mod book;
mod checks;
mod command;
mod depth;
mod event;
mod expiry;
mod extras;
mod filters;
mod fok;
mod index;
mod ladder;
mod levels;
mod lifecycle;
mod linked;
mod list;
mod mass;
mod oco;
mod open;
mod plain;
mod prefetch;
mod prevention;
mod replace;
mod rules1;
mod settings;
mod slab;
mod snapshot;
mod sources;
mod stops;
mod taker;
mod taking;
mod timers;
mod touch;
mod users;
mod views;
mod words;

pub use admission::MAX_ICEBERG_PARTS;
pub use ahead::Ahead;
pub use book::{Book, Outcome};
pub use checks::InvariantError;
pub use command::{
    AmendOrder, Body, CancelOrder, CancelReplace, Command, Filters, MassCancel, NewOco, NewOrder,
    PairSettings, SetDisconnectTimer, Tick,
};
pub use depth::{Depth, Level};
pub use event::{
    AmendRejected, AuctionPrice, CancelRejected, DisconnectTimerFired, DisconnectTimerRejected,
    DisconnectTimerSet, EVENT_RING, Event, EventBody, FiltersChanged, MassCancelRejected,
    MassCancelled, OrderAccepted, OrderAmended, OrderCancelled, OrderExpired, OrderRejected,
    OrderTriggered, SelfTradePrevented, SettingsChanged, SettingsRejected, Sink, TradeExecuted,
};
pub use open::OpenOrder;
pub use snapshot::RestoreError;
pub use stops::activation::MAX_ACTIVATIONS;
pub use views::{OrderView, Stage, Totals};
pub use words::{
    CancelReplaceMode, ExpireReason, OrderType, RejectReason, SelfTradePrevention, Side,
    TimeInForce, TradingStatus,
};

/// The newest matching semantics that this crate carries out (`PairSettings.rules_version`). It carries
/// out every older one too, so that old logs replay as they were.
pub const RULES_VERSION: u32 = 2;
