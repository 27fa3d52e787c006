//! The short way of most orders: a plain LIMIT order, GTC, that comes to rest without a trade.
//!
//! It takes nothing but what plainly passes every check of [`crate::admission`], whose table says in every
//! other case why an order is refused, or that it passes after all; the events are the same on both ways.

use crate::book::Book;
use crate::command::{Command, NewOrder};
use crate::event::{EventBody, FiltersChanged, OrderAccepted, SettingsChanged, Sink};
use crate::slab::{NONE, Order, Place};
use crate::words::{OrderType, Side, TimeInForce, TradingStatus};

/// What the numbers of a plain order must be within, inclusive: the band and the filters in force.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    /// The pair trades, under rules version 2.
    open: bool,
    /// Ticks.
    prices: (i64, i64),
    /// Lots.
    quantities: (i64, i64),
    /// Tick-lots.
    notionals: (i64, i64),
}

impl Lane {
    /// Closed: every order takes the long way.
    pub const CLOSED: Self = Self {
        open: false,
        prices: (1, 0),
        quantities: (1, 0),
        notionals: (1, 0),
    };

    /// As the settings in force have it.
    pub fn of(settings: &SettingsChanged, filters: &FiltersChanged) -> Self {
        let most = |limit: i64| if limit == 0 { i64::MAX } else { limit };
        Self {
            open: settings.rules_version == 2 && settings.trading_status == TradingStatus::Trading,
            prices: (
                settings.price_band_lower.max(filters.min_price),
                settings.price_band_upper.min(most(filters.max_price)),
            ),
            quantities: (filters.min_quantity.max(1), most(filters.max_quantity)),
            notionals: (settings.min_notional, most(filters.max_notional)),
        }
    }

    /// Whether everything that can be said without looking at the book lets the order pass.
    #[inline]
    fn takes(&self, order: &NewOrder) -> bool {
        let numbers = order.quote_quantity
            | order.display_quantity
            | order.stop_price
            | order.expire_time_unix_nanos;
        let special = numbers != 0
            || order.trailing_delta | order.self_trade_prevention != 0
            || order.trade_group != 0;
        let named = order.order_id != 0 && order.user_id != 0;
        let (price, quantity) = (order.price, order.quantity);
        let notional = price.checked_mul(quantity);
        self.open
            && !special
            && named
            && order.order_type == OrderType::Limit as i32
            && order.time_in_force == TimeInForce::Gtc as i32
            && (self.prices.0 <= price && price <= self.prices.1)
            && (self.quantities.0 <= quantity && quantity <= self.quantities.1)
            && notional.is_some_and(|it| self.notionals.0 <= it && it <= self.notionals.1)
    }
}

/// Where a plain order comes to rest.
#[derive(Clone, Copy)]
pub(crate) struct Berth {
    side: Side,
    /// The number of its price's level; [`NONE`] when it is the first there.
    level: u32,
}

impl Book {
    /// Where the order rests, if it is plain, passes every check and does not trade. `reserved` as in
    /// [`Book::new_order`].
    #[inline]
    pub(crate) fn berth(&self, order: &NewOrder, reserved: u32) -> Option<Berth> {
        if !self.lane.takes(order) {
            return None;
        }
        let side = Side::from_i32(order.side)?;
        let free =
            reserved != NONE || (self.index.get(order.order_id).is_none() && !self.slab.is_full(1));
        if !free || !self.account_has_room(order.user_id, 1) {
            return None;
        }
        let best = self.levels(side.opposite()).best();
        let trades = best.is_some_and(|(price, _)| match side {
            Side::Buy => price <= order.price,
            Side::Sell => price >= order.price,
        });
        if trades || self.check_percent(side, order.price).is_err() {
            return None;
        }
        let levels = self.levels(side);
        let level = levels.find(order.price);
        let fits = level == NONE || levels.total_of(level).checked_add(order.quantity).is_some();
        fits.then_some(Berth { side, level })
    }

    /// Accepts an order and lets it rest.
    #[inline]
    pub(crate) fn moor(
        &mut self,
        command: &Command,
        order: &NewOrder,
        reserved: u32,
        berth: Berth,
        sink: &mut impl Sink,
    ) {
        let accepted = OrderAccepted {
            order_id: order.order_id,
            user_id: order.user_id,
            side: berth.side,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            price: order.price,
            quantity: order.quantity,
            quote_quantity: 0,
            display_quantity: 0,
            stop_price: 0,
            trailing_delta: 0,
            expire_time_unix_nanos: 0,
            self_trade_prevention: Some(self.filters.self_trade_prevention),
            list_order_id: 0,
        };
        self.emit(command, EventBody::OrderAccepted(accepted), sink);
        let resting = Order {
            order_id: order.order_id,
            user_id: order.user_id,
            price: order.price,
            quantity: order.quantity,
            remaining: order.quantity,
            prev: NONE,
            next: NONE,
            level: NONE,
            extra: NONE,
            side: berth.side,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            place: Place::Resting,
        };
        let slot = self.keep(resting, reserved);
        let (levels, slab) = self.levels_mut(berth.side);
        if berth.level == NONE {
            levels.push(slab, slot, 0);
        } else {
            levels.push_at(slab, slot, 0, berth.level);
        }
    }
}
