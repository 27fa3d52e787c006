//! New orders: the checks in their fixed order, then price-time matching, then what is left.

use crate::book::Book;
use crate::command::{Command, NewOrder};
use crate::event::{
    EventBody, OrderAccepted, OrderExpired, OrderRejected, SettingsChanged, Sink, TradeExecuted,
};
use crate::slab::{NONE, Order};
use crate::words::{ExpireReason, OrderType, RejectReason, Side, TimeInForce, TradingStatus};

/// A new order whose words are known and whose numbers make sense.
#[derive(Clone, Copy)]
struct Taker {
    order_id: u64,
    user_id: u64,
    side: Side,
    order_type: OrderType,
    time_in_force: TimeInForce,
    /// The worst price it may trade at: its own, or the edge of the band for MARKET.
    limit: i64,
    quantity: i64,
}

impl Taker {
    fn crosses(&self, maker_price: i64) -> bool {
        match self.side {
            Side::Buy => maker_price <= self.limit,
            Side::Sell => maker_price >= self.limit,
        }
    }
}

impl Book {
    pub(crate) fn new_order(&mut self, command: &Command, order: &NewOrder, sink: &mut impl Sink) {
        let NewOrder {
            order_id,
            user_id,
            price,
            quantity,
            ..
        } = *order;
        match self.admit(order) {
            Err(reason) => {
                let rejected = OrderRejected {
                    order_id,
                    user_id,
                    reason,
                };
                self.emit(command, EventBody::OrderRejected(rejected), sink);
            }
            Ok((taker, settings)) => {
                let Taker {
                    side,
                    order_type,
                    time_in_force,
                    ..
                } = taker;
                let accepted = OrderAccepted {
                    order_id,
                    user_id,
                    side,
                    order_type,
                    time_in_force,
                    price,
                    quantity,
                    quote_quantity: 0,
                    display_quantity: 0,
                    stop_price: 0,
                    trailing_delta: 0,
                    expire_time_unix_nanos: 0,
                    self_trade_prevention: None,
                    list_order_id: 0,
                };
                self.emit(command, EventBody::OrderAccepted(accepted), sink);
                self.execute(command, &taker, &settings, sink);
            }
        }
    }

    /// Every check of a new order, in the order that `docs/matching.md` states.
    fn admit(&self, order: &NewOrder) -> Result<(Taker, SettingsChanged), RejectReason> {
        let settings = self.settings.ok_or(RejectReason::NoSettings)?;
        match settings.trading_status {
            TradingStatus::Halt => return Err(RejectReason::MarketHalted),
            TradingStatus::CancelOnly => return Err(RejectReason::MarketCancelOnly),
            _ => {}
        }
        let taker = understood(order, &settings)?;
        check_value(&taker, &settings)?;
        if self.index.get(&self.slab, taker.order_id).is_some() {
            return Err(RejectReason::DuplicateOrderId);
        }
        if taker.order_type == OrderType::LimitMaker && self.would_trade(&taker) {
            return Err(RejectReason::WouldTake);
        }
        if taker.time_in_force == TimeInForce::Gtc {
            let level = self.levels(taker.side).quantity_at(taker.limit);
            if level.checked_add(taker.quantity).is_none() || self.slab.is_full() {
                return Err(RejectReason::Overflow);
            }
        }
        Ok((taker, settings))
    }

    fn would_trade(&self, taker: &Taker) -> bool {
        self.levels(taker.side.opposite())
            .best()
            .is_some_and(|(price, _)| taker.crosses(price))
    }

    fn execute(
        &mut self,
        command: &Command,
        taker: &Taker,
        settings: &SettingsChanged,
        sink: &mut impl Sink,
    ) {
        if taker.time_in_force == TimeInForce::Fok && !self.fills_whole(taker) {
            return self.expire(
                command,
                taker,
                taker.quantity,
                ExpireReason::FillOrKill,
                sink,
            );
        }
        let remaining = self.take(command, taker, settings, sink);
        if remaining == 0 {
            return;
        }
        if taker.time_in_force == TimeInForce::Gtc {
            self.rest(Order {
                order_id: taker.order_id,
                user_id: taker.user_id,
                price: taker.limit,
                quantity: taker.quantity,
                remaining,
                prev: NONE,
                next: NONE,
                level: NONE,
                side: taker.side,
                order_type: taker.order_type,
            });
        } else {
            self.expire(
                command,
                taker,
                remaining,
                ExpireReason::ImmediateOrCancel,
                sink,
            );
        }
    }

    fn fills_whole(&self, taker: &Taker) -> bool {
        let mut wanted = taker.quantity;
        let within = self
            .levels(taker.side.opposite())
            .iter()
            .take_while(|&(price, _)| taker.crosses(price));
        for (_, queue) in within {
            if queue.quantity >= wanted {
                return true;
            }
            wanted -= queue.quantity;
        }
        false
    }

    /// Trades with the best makers while they cross; what is left of the taker.
    fn take(
        &mut self,
        command: &Command,
        taker: &Taker,
        settings: &SettingsChanged,
        sink: &mut impl Sink,
    ) -> i64 {
        let maker_side = taker.side.opposite();
        let mut remaining = taker.quantity;
        while remaining > 0 {
            let best = self.levels(maker_side).best();
            let Some((price, queue)) = best.filter(|&(price, _)| taker.crosses(price)) else {
                break;
            };
            let slot = queue.head;
            let maker = self.slab.get_mut(slot);
            let quantity = remaining.min(maker.remaining);
            remaining -= quantity;
            let Order {
                order_id: maker_order_id,
                user_id: maker_user_id,
                ..
            } = *maker;
            let maker_remaining = maker.remaining - quantity;
            if maker_remaining == 0 {
                self.remove(slot);
            } else {
                maker.remaining = maker_remaining;
                self.levels_mut(maker_side).0.reduce_best(quantity);
            }
            self.trades += 1;
            self.last_price = price;
            self.last_quantity = quantity;
            let trade = TradeExecuted {
                trade_id: self.trades,
                price,
                quantity,
                maker_order_id,
                taker_order_id: taker.order_id,
                maker_user_id,
                taker_user_id: taker.user_id,
                taker_side: taker.side,
                maker_remaining,
                taker_remaining: remaining,
                maker_fee_ppm: settings.maker_fee_ppm,
                taker_fee_ppm: settings.taker_fee_ppm,
            };
            self.emit(command, EventBody::TradeExecuted(trade), sink);
        }
        remaining
    }

    fn expire(
        &mut self,
        command: &Command,
        taker: &Taker,
        remaining: i64,
        reason: ExpireReason,
        sink: &mut impl Sink,
    ) {
        let expired = OrderExpired {
            order_id: taker.order_id,
            user_id: taker.user_id,
            remaining,
            reason,
        };
        self.emit(command, EventBody::OrderExpired(expired), sink);
    }
}

/// Ids, words and numbers, each by itself.
fn understood(order: &NewOrder, settings: &SettingsChanged) -> Result<Taker, RejectReason> {
    let NewOrder {
        order_id,
        user_id,
        price,
        quantity,
        ..
    } = *order;
    if order_id == 0 {
        return Err(RejectReason::InvalidOrderId);
    }
    if user_id == 0 {
        return Err(RejectReason::InvalidUserId);
    }
    let side = Side::from_i32(order.side).ok_or(RejectReason::InvalidSide)?;
    let order_type = understood_type(order.order_type)?;
    let time_in_force = understood_time_in_force(order.time_in_force, order_type)?;
    if asks_for_more(order) {
        return Err(RejectReason::Unsupported);
    }
    let limit = match (order_type, side) {
        (OrderType::Market, _) if price != 0 => return Err(RejectReason::InvalidPrice),
        (OrderType::Market, Side::Buy) => settings.price_band_upper,
        (OrderType::Market, Side::Sell) => settings.price_band_lower,
        _ if price < 1 => return Err(RejectReason::InvalidPrice),
        _ => price,
    };
    if quantity < 1 {
        return Err(RejectReason::InvalidQuantity);
    }
    Ok(Taker {
        order_id,
        user_id,
        side,
        order_type,
        time_in_force,
        limit,
        quantity,
    })
}

/// Whether the order has a word that rules version 1 does not carry out.
fn asks_for_more(order: &NewOrder) -> bool {
    let NewOrder {
        quote_quantity,
        display_quantity,
        stop_price,
        trailing_delta,
        self_trade_prevention,
        trade_group,
        expire_time_unix_nanos,
        ..
    } = *order;
    quote_quantity != 0
        || display_quantity != 0
        || stop_price != 0
        || trailing_delta != 0
        || self_trade_prevention != 0
        || trade_group != 0
        || expire_time_unix_nanos != 0
}

fn understood_type(number: i32) -> Result<OrderType, RejectReason> {
    match OrderType::from_i32(number).ok_or(RejectReason::InvalidOrderType)? {
        carried_out @ (OrderType::Limit | OrderType::Market | OrderType::LimitMaker) => {
            Ok(carried_out)
        }
        _ => Err(RejectReason::Unsupported),
    }
}

/// The time in force that the order gets. MARKET and `LIMIT_MAKER` may leave the word out.
fn understood_time_in_force(
    number: i32,
    order_type: OrderType,
) -> Result<TimeInForce, RejectReason> {
    let only = match order_type {
        OrderType::Market => Some(TimeInForce::Ioc),
        OrderType::LimitMaker => Some(TimeInForce::Gtc),
        _ => None,
    };
    match (TimeInForce::from_i32(number), only) {
        (None, Some(only)) if number == 0 => Ok(only),
        (None, _) => Err(RejectReason::InvalidTimeInForce),
        (Some(TimeInForce::Gtd), _) => Err(RejectReason::Unsupported),
        (Some(word), Some(only)) if word != only => Err(RejectReason::InvalidTimeInForce),
        (Some(word), _) => Ok(word),
    }
}

/// What the order is worth, against the integers and the pair's filters.
fn check_value(taker: &Taker, settings: &SettingsChanged) -> Result<(), RejectReason> {
    let market = taker.order_type == OrderType::Market;
    let dearest = if market {
        settings.price_band_upper
    } else {
        taker.limit
    };
    let Some(notional) = dearest.checked_mul(taker.quantity) else {
        return Err(RejectReason::Overflow);
    };
    if market {
        return Ok(());
    }
    if !(settings.price_band_lower..=settings.price_band_upper).contains(&taker.limit) {
        return Err(RejectReason::PriceOutOfBand);
    }
    if notional < settings.min_notional {
        return Err(RejectReason::NotionalTooSmall);
    }
    Ok(())
}
