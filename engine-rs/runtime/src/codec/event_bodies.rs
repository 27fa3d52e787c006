//! The bodies of an `Event`: canonical bytes, and back.

use outcry_book::{
    AmendRejected, AuctionPrice, CancelRejected, DisconnectTimerFired, DisconnectTimerRejected,
    DisconnectTimerSet, EventBody, ExpireReason, FiltersChanged, MassCancelRejected, MassCancelled,
    OrderAccepted, OrderAmended, OrderCancelled, OrderExpired, OrderRejected, OrderTriggered,
    OrderType, RejectReason, SelfTradePrevented, SelfTradePrevention, SettingsChanged,
    SettingsRejected, Side, TimeInForce, TradeExecuted, TradingStatus,
};

use super::events::EntryError;
use super::wire::{Reader, Scalar, VARINT, WireError, Zigzag, put, put_message};

/// Appends the body's field of the `Event` message.
pub(super) fn encode_body(body: &EventBody, out: &mut Vec<u8>) {
    match body {
        EventBody::OrderAccepted(body) => put_message(out, 6, |out| put_accepted(out, body)),
        EventBody::OrderRejected(body) => put_message(out, 7, |out| {
            put_refused(out, body.order_id, body.user_id, body.reason);
        }),
        EventBody::TradeExecuted(body) => put_message(out, 8, |out| put_trade(out, body)),
        EventBody::OrderCancelled(body) => put_message(out, 9, |out| {
            put(out, 1, body.order_id);
            put(out, 2, body.user_id);
            put(out, 3, body.remaining);
        }),
        EventBody::OrderExpired(body) => put_message(out, 10, |out| {
            put(out, 1, body.order_id);
            put(out, 2, body.user_id);
            put(out, 3, body.remaining);
            put(out, 4, body.reason.as_i32());
        }),
        EventBody::CancelRejected(body) => put_message(out, 11, |out| {
            put_refused(out, body.order_id, body.user_id, body.reason);
        }),
        EventBody::SettingsChanged(body) => put_message(out, 12, |out| put_settings(out, body)),
        EventBody::SettingsRejected(body) => {
            put_message(out, 13, |out| put(out, 1, body.reason.as_i32()));
        }
        EventBody::FiltersChanged(body) => put_message(out, 14, |out| put_filters(out, body)),
        EventBody::OrderTriggered(body) => put_message(out, 15, |out| {
            put(out, 1, body.order_id);
            put(out, 2, body.user_id);
            put(out, 3, body.trigger_price);
        }),
        EventBody::OrderAmended(body) => put_message(out, 16, |out| {
            put(out, 1, body.order_id);
            put(out, 2, body.user_id);
            put(out, 3, body.quantity);
            put(out, 4, body.remaining);
        }),
        EventBody::AmendRejected(body) => put_message(out, 17, |out| {
            put_refused(out, body.order_id, body.user_id, body.reason);
        }),
        EventBody::SelfTradePrevented(body) => put_message(out, 18, |out| put_prevented(out, body)),
        EventBody::MassCancelled(body) => put_message(out, 19, |out| {
            put(out, 1, body.user_id);
            put(out, 2, body.side.map_or(0, Side::as_i32));
            put(out, 3, body.orders);
        }),
        EventBody::MassCancelRejected(body) => put_message(out, 20, |out| {
            put(out, 1, body.user_id);
            put(out, 2, body.reason.as_i32());
        }),
        EventBody::DisconnectTimerSet(body) => put_message(out, 21, |out| {
            put(out, 1, body.user_id);
            put(out, 2, body.deadline_unix_nanos);
        }),
        EventBody::DisconnectTimerRejected(body) => put_message(out, 22, |out| {
            put(out, 1, body.user_id);
            put(out, 2, body.reason.as_i32());
        }),
        EventBody::DisconnectTimerFired(body) => put_message(out, 23, |out| {
            put(out, 1, body.user_id);
            put(out, 2, body.orders);
        }),
        EventBody::AuctionIndicative(body) => put_message(out, 24, |out| put_auction(out, body)),
        EventBody::AuctionUncrossed(body) => put_message(out, 25, |out| put_auction(out, body)),
    }
}

fn put_accepted(out: &mut Vec<u8>, body: &OrderAccepted) {
    put(out, 1, body.order_id);
    put(out, 2, body.user_id);
    put(out, 3, body.side.as_i32());
    put(out, 4, body.order_type.as_i32());
    put(out, 5, body.time_in_force.as_i32());
    put(out, 6, body.price);
    put(out, 7, body.quantity);
    put(out, 8, body.quote_quantity);
    put(out, 9, body.display_quantity);
    put(out, 10, body.stop_price);
    put(out, 11, body.trailing_delta);
    put(out, 12, body.expire_time_unix_nanos);
    let mode = body.self_trade_prevention;
    put(out, 13, mode.map_or(0, SelfTradePrevention::as_i32));
    put(out, 14, body.list_order_id);
}

fn put_refused(out: &mut Vec<u8>, order_id: u64, user_id: u64, reason: RejectReason) {
    put(out, 1, order_id);
    put(out, 2, user_id);
    put(out, 3, reason.as_i32());
}

fn put_trade(out: &mut Vec<u8>, body: &TradeExecuted) {
    put(out, 1, body.trade_id);
    put(out, 2, body.price);
    put(out, 3, body.quantity);
    put(out, 4, body.maker_order_id);
    put(out, 5, body.taker_order_id);
    put(out, 6, body.maker_user_id);
    put(out, 7, body.taker_user_id);
    put(out, 8, body.taker_side.as_i32());
    put(out, 9, body.maker_remaining);
    put(out, 10, body.taker_remaining);
    put(out, 11, Zigzag(body.maker_fee_ppm));
    put(out, 12, Zigzag(body.taker_fee_ppm));
}

fn put_settings(out: &mut Vec<u8>, body: &SettingsChanged) {
    put(out, 1, body.trading_status.as_i32());
    put(out, 2, body.rules_version);
    put(out, 3, body.price_band_lower);
    put(out, 4, body.price_band_upper);
    put(out, 5, body.min_notional);
    put(out, 6, Zigzag(body.maker_fee_ppm));
    put(out, 7, Zigzag(body.taker_fee_ppm));
    put(out, 8, body.quote_units_per_tick_lot);
    put(out, 9, body.base_units_per_lot);
}

fn put_filters(out: &mut Vec<u8>, body: &FiltersChanged) {
    put(out, 1, body.self_trade_prevention.as_i32());
    put(out, 2, body.min_price);
    put(out, 3, body.max_price);
    put(out, 4, body.min_quantity);
    put(out, 5, body.max_quantity);
    put(out, 6, body.max_notional);
    put(out, 7, u32::from(body.notional_applies_to_market));
    put(out, 8, body.reference_price);
    put(out, 9, body.bid_multiplier_up_bps);
    put(out, 10, body.bid_multiplier_down_bps);
    put(out, 11, body.ask_multiplier_up_bps);
    put(out, 12, body.ask_multiplier_down_bps);
    put(out, 13, body.max_open_orders);
}

fn put_prevented(out: &mut Vec<u8>, body: &SelfTradePrevented) {
    put(out, 1, body.price);
    put(out, 2, body.quantity);
    put(out, 3, body.maker_order_id);
    put(out, 4, body.taker_order_id);
    put(out, 5, body.maker_user_id);
    put(out, 6, body.taker_user_id);
    put(out, 7, body.taker_side.as_i32());
    put(out, 8, body.maker_remaining);
    put(out, 9, body.taker_remaining);
}

fn put_auction(out: &mut Vec<u8>, body: &AuctionPrice) {
    put(out, 1, body.price);
    put(out, 2, body.volume);
    put(out, 3, body.surplus_side.map_or(0, Side::as_i32));
    put(out, 4, body.surplus);
}

/// The integers of a body, by field number.
struct Integers([u64; 14]);

impl Integers {
    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        let mut values = [0u64; 14];
        let mut reader = Reader::new(bytes);
        while let Some((number, wire_type)) = reader.field()? {
            match values.get_mut(number as usize - 1) {
                Some(value) if wire_type == VARINT => *value = reader.varint()?,
                Some(_) => return Err(WireError::WireType),
                None => reader.skip(number, wire_type)?,
            }
        }
        Ok(Self(values))
    }

    fn get<T: Scalar>(&self, number: usize) -> T {
        T::from_wire(self.0[number - 1])
    }

    fn word<T>(&self, number: usize, from: impl Fn(i32) -> Option<T>) -> Result<T, EntryError> {
        from(self.get(number)).ok_or(EntryError::Unknown)
    }

    /// A word that may be left out.
    fn word_or_none<T>(
        &self,
        number: usize,
        from: impl Fn(i32) -> Option<T>,
    ) -> Result<Option<T>, EntryError> {
        match self.get(number) {
            0 => Ok(None),
            _ => self.word(number, from).map(Some),
        }
    }
}

/// Reads the body of the `Event`'s field `number`.
pub(super) fn decode_body(number: u32, bytes: &[u8]) -> Result<EventBody, EntryError> {
    let body = Integers::read(bytes)?;
    let reason = |number| body.word(number, RejectReason::from_i32);
    let (order_id, user_id) = (body.get(1), body.get(2));
    Ok(match number {
        6 => EventBody::OrderAccepted(decode_accepted(&body)?),
        7 => EventBody::OrderRejected(OrderRejected {
            order_id,
            user_id,
            reason: reason(3)?,
        }),
        8 => EventBody::TradeExecuted(decode_trade(&body)?),
        9 => EventBody::OrderCancelled(OrderCancelled {
            order_id,
            user_id,
            remaining: body.get(3),
        }),
        10 => EventBody::OrderExpired(OrderExpired {
            order_id,
            user_id,
            remaining: body.get(3),
            reason: body.word(4, ExpireReason::from_i32)?,
        }),
        11 => EventBody::CancelRejected(CancelRejected {
            order_id,
            user_id,
            reason: reason(3)?,
        }),
        12 => EventBody::SettingsChanged(decode_settings(&body)?),
        13 => EventBody::SettingsRejected(SettingsRejected { reason: reason(1)? }),
        14 => EventBody::FiltersChanged(decode_filters(&body)?),
        15 => EventBody::OrderTriggered(OrderTriggered {
            order_id,
            user_id,
            trigger_price: body.get(3),
        }),
        16 => EventBody::OrderAmended(OrderAmended {
            order_id,
            user_id,
            quantity: body.get(3),
            remaining: body.get(4),
        }),
        17 => EventBody::AmendRejected(AmendRejected {
            order_id,
            user_id,
            reason: reason(3)?,
        }),
        18 => EventBody::SelfTradePrevented(decode_prevented(&body)?),
        _ => return decode_account_or_auction(number, &body),
    })
}

/// The bodies that are about an account or the whole pair.
fn decode_account_or_auction(number: u32, body: &Integers) -> Result<EventBody, EntryError> {
    let user_id = body.get(1);
    let reason = || body.word(2, RejectReason::from_i32);
    Ok(match number {
        19 => EventBody::MassCancelled(MassCancelled {
            user_id,
            side: body.word_or_none(2, Side::from_i32)?,
            orders: body.get(3),
        }),
        20 => EventBody::MassCancelRejected(MassCancelRejected {
            user_id,
            reason: reason()?,
        }),
        21 => EventBody::DisconnectTimerSet(DisconnectTimerSet {
            user_id,
            deadline_unix_nanos: body.get(2),
        }),
        22 => EventBody::DisconnectTimerRejected(DisconnectTimerRejected {
            user_id,
            reason: reason()?,
        }),
        23 => EventBody::DisconnectTimerFired(DisconnectTimerFired {
            user_id,
            orders: body.get(2),
        }),
        24 => EventBody::AuctionIndicative(decode_auction(body)?),
        _ => EventBody::AuctionUncrossed(decode_auction(body)?),
    })
}

fn decode_accepted(body: &Integers) -> Result<OrderAccepted, EntryError> {
    Ok(OrderAccepted {
        order_id: body.get(1),
        user_id: body.get(2),
        side: body.word(3, Side::from_i32)?,
        order_type: body.word(4, OrderType::from_i32)?,
        time_in_force: body.word(5, TimeInForce::from_i32)?,
        price: body.get(6),
        quantity: body.get(7),
        quote_quantity: body.get(8),
        display_quantity: body.get(9),
        stop_price: body.get(10),
        trailing_delta: body.get(11),
        expire_time_unix_nanos: body.get(12),
        self_trade_prevention: body.word_or_none(13, SelfTradePrevention::from_i32)?,
        list_order_id: body.get(14),
    })
}

fn decode_trade(body: &Integers) -> Result<TradeExecuted, EntryError> {
    Ok(TradeExecuted {
        trade_id: body.get(1),
        price: body.get(2),
        quantity: body.get(3),
        maker_order_id: body.get(4),
        taker_order_id: body.get(5),
        maker_user_id: body.get(6),
        taker_user_id: body.get(7),
        taker_side: body.word(8, Side::from_i32)?,
        maker_remaining: body.get(9),
        taker_remaining: body.get(10),
        maker_fee_ppm: body.get::<Zigzag>(11).0,
        taker_fee_ppm: body.get::<Zigzag>(12).0,
    })
}

fn decode_settings(body: &Integers) -> Result<SettingsChanged, EntryError> {
    Ok(SettingsChanged {
        trading_status: body.word(1, TradingStatus::from_i32)?,
        rules_version: body.get(2),
        price_band_lower: body.get(3),
        price_band_upper: body.get(4),
        min_notional: body.get(5),
        maker_fee_ppm: body.get::<Zigzag>(6).0,
        taker_fee_ppm: body.get::<Zigzag>(7).0,
        quote_units_per_tick_lot: body.get(8),
        base_units_per_lot: body.get(9),
    })
}

fn decode_filters(body: &Integers) -> Result<FiltersChanged, EntryError> {
    Ok(FiltersChanged {
        self_trade_prevention: body.word(1, SelfTradePrevention::from_i32)?,
        min_price: body.get(2),
        max_price: body.get(3),
        min_quantity: body.get(4),
        max_quantity: body.get(5),
        max_notional: body.get(6),
        notional_applies_to_market: body.get::<u64>(7) != 0,
        reference_price: body.get(8),
        bid_multiplier_up_bps: body.get(9),
        bid_multiplier_down_bps: body.get(10),
        ask_multiplier_up_bps: body.get(11),
        ask_multiplier_down_bps: body.get(12),
        max_open_orders: body.get(13),
    })
}

fn decode_prevented(body: &Integers) -> Result<SelfTradePrevented, EntryError> {
    Ok(SelfTradePrevented {
        price: body.get(1),
        quantity: body.get(2),
        maker_order_id: body.get(3),
        taker_order_id: body.get(4),
        maker_user_id: body.get(5),
        taker_user_id: body.get(6),
        taker_side: body.word(7, Side::from_i32)?,
        maker_remaining: body.get(8),
        taker_remaining: body.get(9),
    })
}

fn decode_auction(body: &Integers) -> Result<AuctionPrice, EntryError> {
    Ok(AuctionPrice {
        price: body.get(1),
        volume: body.get(2),
        surplus_side: body.word_or_none(3, Side::from_i32)?,
        surplus: body.get(4),
    })
}
