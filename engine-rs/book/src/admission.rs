//! The checks of a new order under rules version 2, in the order that `docs/matching.md` states, and what
//! becomes of it when they are passed.

use crate::book::Book;
use crate::command::{Command, NewOrder};
use crate::event::{EventBody, OrderAccepted, SettingsChanged, Sink};
use crate::slab::NONE;
use crate::taker::Taker;
use crate::words::{
    OrderType, RejectReason, SelfTradePrevention, Side, TimeInForce, TradingStatus,
};

/// Basis points that a trailing stop may keep behind.
const DELTAS: std::ops::RangeInclusive<i32> = 1..=9_999;

/// Slices that an iceberg may have: each can be a trade of one command, so without a bound one taker
/// would hold up the market for as long as it takes to trade an enormous order lot by lot.
pub const MAX_ICEBERG_PARTS: i64 = 100;

impl Book {
    /// A new order. `reserved` is the slot that its id names already (its predecessor was just cancelled),
    /// or [`NONE`].
    #[inline]
    pub(crate) fn new_order(
        &mut self,
        command: &Command,
        order: &NewOrder,
        reserved: u32,
        sink: &mut impl Sink,
    ) {
        if !self.moor_plain(command, order, reserved, sink) {
            self.new_order_in_full(command, order, reserved, sink);
        }
    }

    /// As [`Book::new_order`], for any order.
    pub(crate) fn new_order_in_full(
        &mut self,
        command: &Command,
        order: &NewOrder,
        reserved: u32,
        sink: &mut impl Sink,
    ) {
        match self.admit(order, reserved) {
            Ok(taker) => {
                self.accept(command, &taker, 0, sink);
                if taker.is_stop() {
                    self.wait(&taker);
                } else {
                    self.execute(command, taker, sink);
                }
            }
            Err(reason) => {
                if reserved != NONE {
                    self.forget(reserved);
                }
                self.reject_order(command, order, reason, sink);
            }
        }
    }

    /// Tells that an order passed every check; `list_order_id` is the other leg of its OCO, 0 for none.
    #[inline]
    pub(crate) fn accept(
        &mut self,
        command: &Command,
        taker: &Taker,
        list_order_id: u64,
        sink: &mut impl Sink,
    ) {
        let mode = match &self.settings {
            Some(settings) if settings.rules_version == 1 => None,
            _ => Some(taker.self_trade_prevention),
        };
        let accepted = OrderAccepted {
            order_id: taker.order_id,
            user_id: taker.user_id,
            side: taker.side,
            order_type: taker.order_type,
            time_in_force: taker.time_in_force,
            price: taker.price,
            quantity: taker.quantity,
            quote_quantity: if taker.by_quote { taker.remaining } else { 0 },
            display_quantity: taker.display,
            stop_price: taker.stop_price,
            trailing_delta: taker.trailing_delta,
            expire_time_unix_nanos: taker.expire_time,
            self_trade_prevention: mode,
            list_order_id,
        };
        self.emit(command, EventBody::OrderAccepted(accepted), sink);
    }

    #[inline]
    fn admit(&self, order: &NewOrder, reserved: u32) -> Result<Taker, RejectReason> {
        let settings = self.settings.as_ref().ok_or(RejectReason::NoSettings)?;
        if settings.rules_version == 1 {
            return self.admit_version_1(order, settings);
        }
        let taker = self.screen(order, settings, reserved)?;
        self.check_open(&taker, 1)?;
        if taker.is_stop() {
            self.check_stop(&taker)?;
        }
        self.check_book(&taker, 1)?;
        Ok(taker)
    }

    /// Everything that can be said without looking at the book: rows 2 to 18 of the table.
    #[inline]
    pub(crate) fn screen(
        &self,
        order: &NewOrder,
        settings: &SettingsChanged,
        reserved: u32,
    ) -> Result<Taker, RejectReason> {
        check_orders_taken(settings)?;
        if order.order_id == 0 {
            return Err(RejectReason::InvalidOrderId);
        }
        if order.user_id == 0 {
            return Err(RejectReason::InvalidUserId);
        }
        let side = Side::from_i32(order.side).ok_or(RejectReason::InvalidSide)?;
        let order_type =
            OrderType::from_i32(order.order_type).ok_or(RejectReason::InvalidOrderType)?;
        let time_in_force = time_in_force(order.time_in_force, order_type)
            .ok_or(RejectReason::InvalidTimeInForce)?;
        let self_trade_prevention = self.mode(order.self_trade_prevention)?;
        if settings.trading_status != TradingStatus::Trading {
            check_status(settings.trading_status, order_type, time_in_force)?;
        }
        self.check_numbers(order, order_type, time_in_force)?;
        let display = if order.display_quantity == order.quantity {
            0
        } else {
            order.display_quantity
        };
        let by_quote = order.quote_quantity != 0;
        let taker = Taker {
            order_id: order.order_id,
            user_id: order.user_id,
            side,
            order_type,
            time_in_force,
            price: order.price,
            limit: self.limit_of(side, order.price),
            quantity: order.quantity,
            remaining: if by_quote {
                order.quote_quantity
            } else {
                order.quantity
            },
            by_quote,
            display,
            expire_time: order.expire_time_unix_nanos,
            stop_price: order.stop_price,
            trailing_delta: order.trailing_delta,
            self_trade_prevention,
            trade_group: order.trade_group,
            slot: reserved,
        };
        self.check_filters(&taker, settings)?;
        Ok(taker)
    }

    fn mode(&self, number: i32) -> Result<SelfTradePrevention, RejectReason> {
        match number {
            0 => Ok(self.filters.self_trade_prevention),
            _ => SelfTradePrevention::from_i32(number).ok_or(RejectReason::InvalidStpMode),
        }
    }

    /// Rows 11 to 16: each number by itself and against the order's type.
    #[inline]
    fn check_numbers(
        &self,
        order: &NewOrder,
        order_type: OrderType,
        time_in_force: TimeInForce,
    ) -> Result<(), RejectReason> {
        let priced = order_type.has_price();
        let price_fits = if priced {
            order.price >= 1
        } else {
            order.price == 0
        };
        if !price_fits {
            return Err(RejectReason::InvalidPrice);
        }
        if !quantities_fit(order, order_type) {
            return Err(RejectReason::InvalidQuantity);
        }
        let shows = order.display_quantity;
        if shows != 0 {
            let may = priced && time_in_force.may_rest();
            let sliced = shows <= order.quantity && parts_fit(shows, order.quantity);
            if shows < 0 || !may || !sliced {
                return Err(RejectReason::InvalidDisplayQuantity);
            }
        }
        if order_type.is_stop() {
            if order.stop_price < 0 || (order.stop_price == 0 && order.trailing_delta == 0) {
                return Err(RejectReason::InvalidStopPrice);
            }
            if order.trailing_delta != 0 && !DELTAS.contains(&order.trailing_delta) {
                return Err(RejectReason::InvalidTrailingDelta);
            }
        } else if order.stop_price != 0 {
            return Err(RejectReason::InvalidStopPrice);
        } else if order.trailing_delta != 0 {
            return Err(RejectReason::InvalidTrailingDelta);
        }
        let in_time = if time_in_force == TimeInForce::Gtd {
            order.expire_time_unix_nanos > self.clock
        } else {
            order.expire_time_unix_nanos == 0
        };
        if in_time {
            Ok(())
        } else {
            Err(RejectReason::InvalidExpireTime)
        }
    }

    /// Rows 19 and 20: the id is free, and the account has room for `orders` more open orders.
    #[inline]
    pub(crate) fn check_open(&self, taker: &Taker, orders: i64) -> Result<(), RejectReason> {
        let found = self.index.get(taker.order_id);
        if found.is_some_and(|slot| slot != taker.slot) {
            return Err(RejectReason::DuplicateOrderId);
        }
        if taker.may_stay_open() && !self.account_has_room(taker.user_id, orders) {
            return Err(RejectReason::TooManyOpenOrders);
        }
        Ok(())
    }

    /// Whether the account may have this many more open orders.
    #[inline]
    pub(crate) fn account_has_room(&self, user_id: u64, orders: i64) -> bool {
        !self.accounts.on
            || self.accounts.open_orders(user_id) + orders
                <= i64::from(self.filters.max_open_orders)
    }

    /// Row 21: a stop's condition does not hold yet.
    pub(crate) fn check_stop(&self, taker: &Taker) -> Result<(), RejectReason> {
        let way = crate::stops::way(taker.order_type, taker.side);
        let compares = self.last_price != 0 && taker.stop_price != 0;
        if compares && way.met(taker.stop_price, self.last_price) {
            return Err(RejectReason::WouldTrigger);
        }
        Ok(())
    }

    /// Rows 22 and 23: what the book says. `slots` is how many it must have left.
    #[inline]
    pub(crate) fn check_book(&self, taker: &Taker, slots: usize) -> Result<(), RejectReason> {
        if taker.order_type == OrderType::LimitMaker && self.would_trade(taker) {
            return Err(RejectReason::WouldTake);
        }
        if taker.is_stop() {
            if self.slab.is_full(slots) {
                return Err(RejectReason::Overflow);
            }
        } else if taker.may_rest() && !self.has_room(taker, slots) {
            return Err(RejectReason::Overflow);
        }
        Ok(())
    }

    pub(crate) fn would_trade(&self, taker: &Taker) -> bool {
        self.levels(taker.side.opposite()).reaches(taker.limit)
    }

    /// Whether the order may come to rest as it is.
    #[inline]
    pub(crate) fn has_room(&self, taker: &Taker, slots: usize) -> bool {
        self.fits_its_level(taker) && (taker.slot != NONE || !self.slab.is_full(slots))
    }

    /// Whether its level's total stays within its integer.
    #[inline]
    pub(crate) fn fits_its_level(&self, taker: &Taker) -> bool {
        let levels = self.levels(taker.side);
        levels.has_room(levels.find(taker.price), taker.remaining)
    }
}

/// Whether the pair takes orders at all, and not cancels alone or nothing.
#[inline]
pub(crate) fn check_orders_taken(settings: &SettingsChanged) -> Result<(), RejectReason> {
    match settings.trading_status {
        TradingStatus::Halt => Err(RejectReason::MarketHalted),
        TradingStatus::CancelOnly => Err(RejectReason::MarketCancelOnly),
        _ => Ok(()),
    }
}

/// Whether an order that shows this much at a time has no more slices than it may have; 0 shows all.
pub(crate) fn parts_fit(display: i64, quantity: i64) -> bool {
    let most = i128::from(display) * i128::from(MAX_ICEBERG_PARTS);
    display == 0 || i128::from(quantity) <= most
}

/// The time in force that an order gets; `None`: no word, or one that this type cannot have.
#[inline]
fn time_in_force(number: i32, order_type: OrderType) -> Option<TimeInForce> {
    let word = TimeInForce::from_i32(number);
    match order_type {
        OrderType::Limit | OrderType::StopLossLimit | OrderType::TakeProfitLimit => word,
        OrderType::Market | OrderType::StopLoss | OrderType::TakeProfit => match number {
            0 => Some(TimeInForce::Ioc),
            _ => word.filter(|&word| word == TimeInForce::Ioc),
        },
        OrderType::LimitMaker => match number {
            0 => Some(TimeInForce::Gtc),
            _ => word.filter(|word| word.may_rest()),
        },
    }
}

/// Row 10: what a trading status other than TRADING takes.
fn check_status(
    status: TradingStatus,
    order_type: OrderType,
    time_in_force: TimeInForce,
) -> Result<(), RejectReason> {
    match status {
        TradingStatus::PostOnly if order_type != OrderType::LimitMaker => {
            Err(RejectReason::MarketPostOnly)
        }
        TradingStatus::LimitOnly if !order_type.has_price() => Err(RejectReason::MarketLimitOnly),
        TradingStatus::Auction => {
            let rests = order_type == OrderType::Limit && time_in_force.may_rest();
            if rests || order_type.is_stop() {
                Ok(())
            } else {
                Err(RejectReason::MarketAuction)
            }
        }
        _ => Ok(()),
    }
}

/// Exactly one of the two quantities for MARKET, lots for every other order.
#[inline]
fn quantities_fit(order: &NewOrder, order_type: OrderType) -> bool {
    if order_type == OrderType::Market && order.quote_quantity != 0 {
        order.quote_quantity > 0 && order.quantity == 0
    } else {
        order.quote_quantity == 0 && order.quantity >= 1
    }
}
