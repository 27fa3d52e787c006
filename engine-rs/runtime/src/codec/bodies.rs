//! The bodies of a `Command`.

use outcry_book::{
    AmendOrder, Body, CancelOrder, CancelReplace, Command, Filters, MassCancel, NewOco, NewOrder,
    PairSettings, SetDisconnectTimer, Tick,
};

use super::wire::{BYTES, Reader, Scalar, VARINT, WireError, Zigzag, put, put_message};

/// Reads the body of this field to where it stays. When one `is_there` already, the same one is merged, as
/// protobuf has it; another one replaces it.
pub(super) fn read_body(
    field: u32,
    bytes: &[u8],
    body: &mut Body,
    is_there: bool,
) -> Result<(), WireError> {
    macro_rules! merged {
        ($body:ident, $read:ident) => {{
            let start = match body {
                Body::$body(before) if is_there => *before,
                _ => $body::default(),
            };
            *body = Body::$body($read(bytes, start)?);
        }};
    }
    match field {
        5 => merged!(NewOrder, read_new_order),
        6 => merged!(CancelOrder, read_cancel),
        7 => merged!(PairSettings, read_settings),
        8 => merged!(Tick, read_tick),
        9 => merged!(AmendOrder, read_amend),
        10 => merged!(CancelReplace, read_replace),
        11 => merged!(NewOco, read_oco),
        12 => merged!(MassCancel, read_mass_cancel),
        _ => merged!(SetDisconnectTimer, read_timer),
    }
    Ok(())
}

/// Reads a message of integers alone, numbered from 1 to `known`.
fn read_integers(bytes: &[u8], known: u32, mut set: impl FnMut(u32, u64)) -> Result<(), WireError> {
    let mut reader = Reader::new(bytes);
    while let Some((number, wire_type)) = reader.field()? {
        if number > known {
            reader.skip(number, wire_type)?;
        } else if wire_type == VARINT {
            set(number, reader.varint()?);
        } else {
            return Err(WireError::WireType);
        }
    }
    Ok(())
}

/// Reads a message of integers from 1 to `known` but for one field, which is a message.
fn read_nested<'a>(
    bytes: &'a [u8],
    known: u32,
    nested: u32,
    mut set: impl FnMut(u32, u64),
    mut inner: impl FnMut(&'a [u8]) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let mut reader = Reader::new(bytes);
    while let Some((number, wire_type)) = reader.field()? {
        match (number, wire_type) {
            (number, BYTES) if number == nested => inner(reader.bytes()?)?,
            (number, VARINT) if number <= known && number != nested => {
                set(number, reader.varint()?);
            }
            (number, _) if number <= known => return Err(WireError::WireType),
            (number, wire_type) => reader.skip(number, wire_type)?,
        }
    }
    Ok(())
}

fn read_new_order(bytes: &[u8], mut order: NewOrder) -> Result<NewOrder, WireError> {
    read_integers(bytes, 14, |number, value| match number {
        1 => order.order_id = value,
        2 => order.user_id = value,
        3 => order.side = i32::from_wire(value),
        4 => order.order_type = i32::from_wire(value),
        5 => order.time_in_force = i32::from_wire(value),
        6 => order.price = i64::from_wire(value),
        7 => order.quantity = i64::from_wire(value),
        8 => order.quote_quantity = i64::from_wire(value),
        9 => order.display_quantity = i64::from_wire(value),
        10 => order.stop_price = i64::from_wire(value),
        11 => order.trailing_delta = i32::from_wire(value),
        12 => order.self_trade_prevention = i32::from_wire(value),
        13 => order.trade_group = value,
        _ => order.expire_time_unix_nanos = i64::from_wire(value),
    })?;
    Ok(order)
}

fn read_cancel(bytes: &[u8], mut cancel: CancelOrder) -> Result<CancelOrder, WireError> {
    read_integers(bytes, 2, |number, value| match number {
        1 => cancel.order_id = value,
        _ => cancel.user_id = value,
    })?;
    Ok(cancel)
}

fn read_settings(bytes: &[u8], mut settings: PairSettings) -> Result<PairSettings, WireError> {
    let mut filters = settings.filters;
    let set = |number, value| match number {
        1 => settings.trading_status = i32::from_wire(value),
        2 => settings.rules_version = u32::from_wire(value),
        3 => settings.price_band_lower = i64::from_wire(value),
        4 => settings.price_band_upper = i64::from_wire(value),
        5 => settings.min_notional = i64::from_wire(value),
        6 => settings.maker_fee_ppm = Zigzag::from_wire(value).0,
        7 => settings.taker_fee_ppm = Zigzag::from_wire(value).0,
        8 => settings.quote_units_per_tick_lot = i64::from_wire(value),
        _ => settings.base_units_per_lot = i64::from_wire(value),
    };
    read_nested(bytes, 10, 10, set, |bytes| {
        filters = read_filters(bytes, filters)?;
        Ok(())
    })?;
    settings.filters = filters;
    Ok(settings)
}

fn read_filters(bytes: &[u8], mut filters: Filters) -> Result<Filters, WireError> {
    read_integers(bytes, 13, |number, value| match number {
        1 => filters.self_trade_prevention = i32::from_wire(value),
        2 => filters.min_price = i64::from_wire(value),
        3 => filters.max_price = i64::from_wire(value),
        4 => filters.min_quantity = i64::from_wire(value),
        5 => filters.max_quantity = i64::from_wire(value),
        6 => filters.max_notional = i64::from_wire(value),
        7 => filters.notional_applies_to_market = value != 0,
        8 => filters.reference_price = i64::from_wire(value),
        9 => filters.bid_multiplier_up_bps = u32::from_wire(value),
        10 => filters.bid_multiplier_down_bps = u32::from_wire(value),
        11 => filters.ask_multiplier_up_bps = u32::from_wire(value),
        12 => filters.ask_multiplier_down_bps = u32::from_wire(value),
        _ => filters.max_open_orders = u32::from_wire(value),
    })?;
    Ok(filters)
}

fn read_tick(bytes: &[u8], mut tick: Tick) -> Result<Tick, WireError> {
    read_integers(bytes, 1, |_, value| {
        tick.time_unix_nanos = i64::from_wire(value);
    })?;
    Ok(tick)
}

fn read_amend(bytes: &[u8], mut amend: AmendOrder) -> Result<AmendOrder, WireError> {
    read_integers(bytes, 3, |number, value| match number {
        1 => amend.order_id = value,
        2 => amend.user_id = value,
        _ => amend.quantity = i64::from_wire(value),
    })?;
    Ok(amend)
}

fn read_replace(bytes: &[u8], mut replace: CancelReplace) -> Result<CancelReplace, WireError> {
    let mut order = replace.order;
    let set = |number, value| match number {
        1 => replace.cancel_order_id = value,
        _ => replace.mode = i32::from_wire(value),
    };
    read_nested(bytes, 3, 3, set, |bytes| {
        order = read_new_order(bytes, order)?;
        Ok(())
    })?;
    replace.order = order;
    Ok(replace)
}

fn read_oco(bytes: &[u8], mut oco: NewOco) -> Result<NewOco, WireError> {
    read_integers(bytes, 13, |number, value| match number {
        1 => oco.user_id = value,
        2 => oco.limit_order_id = value,
        3 => oco.stop_order_id = value,
        4 => oco.side = i32::from_wire(value),
        5 => oco.quantity = i64::from_wire(value),
        6 => oco.price = i64::from_wire(value),
        7 => oco.display_quantity = i64::from_wire(value),
        8 => oco.stop_price = i64::from_wire(value),
        9 => oco.stop_limit_price = i64::from_wire(value),
        10 => oco.stop_time_in_force = i32::from_wire(value),
        11 => oco.trailing_delta = i32::from_wire(value),
        12 => oco.self_trade_prevention = i32::from_wire(value),
        _ => oco.trade_group = value,
    })?;
    Ok(oco)
}

fn read_mass_cancel(bytes: &[u8], mut cancel: MassCancel) -> Result<MassCancel, WireError> {
    read_integers(bytes, 2, |number, value| match number {
        1 => cancel.user_id = value,
        _ => cancel.side = i32::from_wire(value),
    })?;
    Ok(cancel)
}

fn read_timer(
    bytes: &[u8],
    mut timer: SetDisconnectTimer,
) -> Result<SetDisconnectTimer, WireError> {
    read_integers(bytes, 2, |number, value| match number {
        1 => timer.user_id = value,
        _ => timer.timeout_millis = value,
    })?;
    Ok(timer)
}

/// Appends one `Command` message, without a tag.
pub fn encode_command(command: &Command, out: &mut Vec<u8>) {
    put(out, 1, command.source);
    put(out, 2, command.incarnation);
    put(out, 3, command.number);
    put(out, 4, command.time_unix_nanos);
    match &command.body {
        Body::NewOrder(order) => put_message(out, 5, |out| put_new_order(out, order)),
        Body::CancelOrder(cancel) => put_message(out, 6, |out| {
            put(out, 1, cancel.order_id);
            put(out, 2, cancel.user_id);
        }),
        Body::PairSettings(settings) => put_message(out, 7, |out| put_settings(out, settings)),
        Body::Tick(tick) => put_message(out, 8, |out| put(out, 1, tick.time_unix_nanos)),
        Body::AmendOrder(amend) => put_message(out, 9, |out| {
            put(out, 1, amend.order_id);
            put(out, 2, amend.user_id);
            put(out, 3, amend.quantity);
        }),
        Body::CancelReplace(replace) => put_message(out, 10, |out| {
            put(out, 1, replace.cancel_order_id);
            put(out, 2, replace.mode);
            put_message(out, 3, |out| put_new_order(out, &replace.order));
        }),
        Body::NewOco(oco) => put_message(out, 11, |out| put_oco(out, oco)),
        Body::MassCancel(cancel) => put_message(out, 12, |out| {
            put(out, 1, cancel.user_id);
            put(out, 2, cancel.side);
        }),
        Body::SetDisconnectTimer(timer) => put_message(out, 13, |out| {
            put(out, 1, timer.user_id);
            put(out, 2, timer.timeout_millis);
        }),
    }
}

fn put_new_order(out: &mut Vec<u8>, order: &NewOrder) {
    put(out, 1, order.order_id);
    put(out, 2, order.user_id);
    put(out, 3, order.side);
    put(out, 4, order.order_type);
    put(out, 5, order.time_in_force);
    put(out, 6, order.price);
    put(out, 7, order.quantity);
    put(out, 8, order.quote_quantity);
    put(out, 9, order.display_quantity);
    put(out, 10, order.stop_price);
    put(out, 11, order.trailing_delta);
    put(out, 12, order.self_trade_prevention);
    put(out, 13, order.trade_group);
    put(out, 14, order.expire_time_unix_nanos);
}

fn put_settings(out: &mut Vec<u8>, settings: &PairSettings) {
    put(out, 1, settings.trading_status);
    put(out, 2, settings.rules_version);
    put(out, 3, settings.price_band_lower);
    put(out, 4, settings.price_band_upper);
    put(out, 5, settings.min_notional);
    put(out, 6, Zigzag(settings.maker_fee_ppm));
    put(out, 7, Zigzag(settings.taker_fee_ppm));
    put(out, 8, settings.quote_units_per_tick_lot);
    put(out, 9, settings.base_units_per_lot);
    if settings.filters != Filters::default() {
        put_message(out, 10, |out| put_filters(out, &settings.filters));
    }
}

fn put_filters(out: &mut Vec<u8>, filters: &Filters) {
    put(out, 1, filters.self_trade_prevention);
    put(out, 2, filters.min_price);
    put(out, 3, filters.max_price);
    put(out, 4, filters.min_quantity);
    put(out, 5, filters.max_quantity);
    put(out, 6, filters.max_notional);
    put(out, 7, u32::from(filters.notional_applies_to_market));
    put(out, 8, filters.reference_price);
    put(out, 9, filters.bid_multiplier_up_bps);
    put(out, 10, filters.bid_multiplier_down_bps);
    put(out, 11, filters.ask_multiplier_up_bps);
    put(out, 12, filters.ask_multiplier_down_bps);
    put(out, 13, filters.max_open_orders);
}

fn put_oco(out: &mut Vec<u8>, oco: &NewOco) {
    put(out, 1, oco.user_id);
    put(out, 2, oco.limit_order_id);
    put(out, 3, oco.stop_order_id);
    put(out, 4, oco.side);
    put(out, 5, oco.quantity);
    put(out, 6, oco.price);
    put(out, 7, oco.display_quantity);
    put(out, 8, oco.stop_price);
    put(out, 9, oco.stop_limit_price);
    put(out, 10, oco.stop_time_in_force);
    put(out, 11, oco.trailing_delta);
    put(out, 12, oco.self_trade_prevention);
    put(out, 13, oco.trade_group);
}
