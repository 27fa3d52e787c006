//! The checks of a new order under rules version 1, which old logs are replayed by. They never change.

use crate::admission::check_orders_taken;
use crate::book::Book;
use crate::command::NewOrder;
use crate::event::SettingsChanged;
use crate::taker::Taker;
use crate::words::{OrderType, RejectReason, Side, TimeInForce};

impl Book {
    #[cold]
    pub(crate) fn admit_version_1(
        &self,
        order: &NewOrder,
        settings: &SettingsChanged,
    ) -> Result<Taker, RejectReason> {
        check_orders_taken(settings)?;
        let taker = understood(order, settings)?;
        check_value(&taker, settings)?;
        if self.index.get(taker.order_id).is_some() {
            return Err(RejectReason::DuplicateOrderId);
        }
        if taker.order_type == OrderType::LimitMaker && self.would_trade(&taker) {
            return Err(RejectReason::WouldTake);
        }
        if taker.time_in_force == TimeInForce::Gtc && !self.has_room(&taker, 1) {
            return Err(RejectReason::Overflow);
        }
        Ok(taker)
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
        time_in_force,
        price,
        limit,
        quantity,
        remaining: quantity,
        ..Taker::plain(order_id, user_id, side, order_type)
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
