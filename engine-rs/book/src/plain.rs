//! The short way of most orders: a plain LIMIT order, GTC, that comes to rest without a trade.
//!
//! It takes nothing but what plainly passes every check of [`crate::admission`], whose table says in every
//! other case why an order is refused, or that it passes after all; the events are the same on both ways.

use crate::book::Book;
use crate::command::{CancelReplace, Command, NewOrder};
use crate::event::{
    EventBody, FiltersChanged, OrderAccepted, OrderCancelled, SettingsChanged, Sink,
};
use crate::slab::{NONE, Order, Place};
use crate::words::{CancelReplaceMode, OrderType, Side, TimeInForce, TradingStatus};

/// What the numbers of a plain order must be within, inclusive: the band and the filters in force.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    /// The pair trades, under rules version 2.
    open: bool,
    /// No filter looks at the book's last price or at how many orders an account has.
    unconditional: bool,
    /// Ticks.
    prices: Range,
    /// Lots.
    quantities: Range,
    /// Tick-lots.
    notionals: Range,
}

/// Numbers from the first to the first plus the second; one comparison says whether one is within.
#[derive(Clone, Copy, Debug)]
struct Range(i64, u64);

impl Range {
    /// `None` when it would be empty.
    fn new(lowest: i64, highest: i64) -> Option<Self> {
        let span = u64::try_from(i128::from(highest) - i128::from(lowest)).ok()?;
        Some(Self(lowest, span))
    }

    #[inline]
    fn holds(self, number: i64) -> bool {
        number.wrapping_sub(self.0).cast_unsigned() <= self.1
    }
}

impl Lane {
    /// Closed: every order takes the long way.
    pub const CLOSED: Self = Self {
        open: false,
        unconditional: false,
        prices: Range(0, 0),
        quantities: Range(0, 0),
        notionals: Range(0, 0),
    };

    /// As the settings in force have it.
    pub fn of(settings: &SettingsChanged, filters: &FiltersChanged) -> Self {
        Self::within(settings, filters).unwrap_or(Self::CLOSED)
    }

    /// `None` when no number passes.
    fn within(settings: &SettingsChanged, filters: &FiltersChanged) -> Option<Self> {
        let most = |limit: i64| if limit == 0 { i64::MAX } else { limit };
        let multipliers = filters.bid_multiplier_up_bps
            | filters.bid_multiplier_down_bps
            | filters.ask_multiplier_up_bps
            | filters.ask_multiplier_down_bps;
        Some(Self {
            open: settings.rules_version == 2 && settings.trading_status == TradingStatus::Trading,
            unconditional: multipliers == 0 && filters.max_open_orders == 0,
            prices: Range::new(
                settings.price_band_lower.max(filters.min_price),
                settings.price_band_upper.min(most(filters.max_price)),
            )?,
            quantities: Range::new(filters.min_quantity.max(1), most(filters.max_quantity))?,
            notionals: Range::new(settings.min_notional, most(filters.max_notional))?,
        })
    }

    /// Whether everything that can be said without looking at the book lets the order pass, if its ids are
    /// some.
    #[inline]
    fn takes(&self, order: &NewOrder) -> bool {
        let numbers = order.quote_quantity
            | order.display_quantity
            | order.stop_price
            | order.expire_time_unix_nanos;
        let words = order.trailing_delta
            | order.self_trade_prevention
            | (order.order_type ^ OrderType::Limit as i32)
            | (order.time_in_force ^ TimeInForce::Gtc as i32);
        let special = numbers.cast_unsigned() | order.trade_group | u64::from(words != 0);
        let notional = order.price.checked_mul(order.quantity);
        self.open
            && special == 0
            && self.prices.holds(order.price)
            && self.quantities.holds(order.quantity)
            && notional.is_some_and(|it| self.notionals.holds(it))
    }
}

/// Where a plain order comes to rest.
struct Berth {
    side: Side,
    /// The number of its price's level; [`NONE`] when it is the first there.
    level: u32,
}

impl Book {
    /// Accepts an order and lets it rest, if it is plain, passes every check and does not trade; says whether
    /// it did. `reserved` as in [`Book::new_order`].
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as of `Levels::move_to`")]
    pub(crate) fn moor_plain(
        &mut self,
        command: &Command,
        order: &NewOrder,
        reserved: u32,
        sink: &mut impl Sink,
    ) -> bool {
        let Some(Berth { side, level }) = self.berth(order, reserved) else {
            return false;
        };
        self.accept_plain(command, order, side, sink);
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
            side,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            place: Place::Resting,
        };
        let slot = self.keep(resting, reserved);
        let (levels, slab) = self.levels_mut(side);
        levels.push_to(slab, slot, 0, level);
        true
    }

    /// Where the order rests, if it is plain, passes every check and does not trade. `reserved` as in
    /// [`Book::new_order`].
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as of `Levels::move_to`")]
    fn berth(&self, order: &NewOrder, reserved: u32) -> Option<Berth> {
        if !self.lane.takes(order) || order.order_id == 0 || order.user_id == 0 {
            return None;
        }
        let side = Side::from_i32(order.side)?;
        let (levels, opposite) = self.both_sides(side);
        let free =
            reserved != NONE || (self.index.get(order.order_id).is_none() && !self.slab.is_full(1));
        let passes = self.lane.unconditional
            || (self.account_has_room(order.user_id, 1)
                && self.check_percent(side, order.price).is_ok());
        if !free || !passes || opposite.reaches(order.price) {
            return None;
        }
        let level = levels.find(order.price);
        let fits = levels.has_room(level, order.quantity);
        fits.then_some(Berth { side, level })
    }

    /// Cancels a plain order and puts another plain one under the same id in its place, on the same side;
    /// says whether it did. It does nothing unless the new one passes every check and does not trade.
    #[inline]
    pub(crate) fn move_plain(
        &mut self,
        command: &Command,
        asked: &CancelReplace,
        sink: &mut impl Sink,
    ) -> bool {
        let (order, lane) = (&asked.order, &self.lane);
        if asked.cancel_order_id != order.order_id
            || CancelReplaceMode::from_i32(asked.mode).is_none()
            || !lane.unconditional
            || !lane.takes(order)
        {
            return false;
        }
        let Some(slot) = self.index.get(order.order_id) else {
            return false;
        };
        let old = self.slab.get(slot);
        let (side, remaining) = (old.side, old.remaining);
        let same = old.extra == NONE && old.user_id == order.user_id && old.place == Place::Resting;
        let (levels, opposite) = self.both_sides(side);
        if !same || side.as_i32() != order.side || opposite.reaches(order.price) {
            return false;
        }
        let level = if old.price == order.price {
            old.level
        } else {
            levels.find(order.price)
        };
        if !levels.has_room(level, order.quantity) {
            return false;
        }
        let cancelled = OrderCancelled {
            order_id: order.order_id,
            user_id: order.user_id,
            remaining,
        };
        self.emit(command, EventBody::OrderCancelled(cancelled), sink);
        self.accept_plain(command, order, side, sink);
        #[cfg(debug_assertions)]
        self.audit.settle_taker(slot);
        let (levels, slab) = self.levels_mut(side);
        levels.move_to(slab, slot, (order.price, order.quantity), level);
        true
    }

    /// Tells that a plain order passed every check.
    #[inline]
    fn accept_plain(
        &mut self,
        command: &Command,
        order: &NewOrder,
        side: Side,
        sink: &mut impl Sink,
    ) {
        let accepted = OrderAccepted {
            order_id: order.order_id,
            user_id: order.user_id,
            side,
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
    }
}
