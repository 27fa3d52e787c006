//! `EventBatch`: the records of `events.{symbol}`.

use outcry_book::{
    CancelRejected, Event, EventBody, ExpireReason, OrderAccepted, OrderCancelled, OrderExpired,
    OrderRejected, OrderType, RejectReason, SettingsChanged, SettingsRejected, Side, TimeInForce,
    TradeExecuted, TradingStatus,
};

use super::wire::{BYTES, Reader, Scalar, VARINT, WireError, Zigzag, put, put_bytes, put_message};

const SYMBOL: u32 = 1;
const EVENTS: u32 = 2;

/// Why bytes of `events.{symbol}` cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Not protobuf, or not of this schema.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// An event without a body that this schema knows, or a word that it doesn't.
    #[error("an event whose body or words this schema does not know")]
    Unknown,
    /// An event that doesn't begin with its seq.
    #[error("an event without a seq")]
    NoSeq,
}

/// Starts an `EventBatch` in `out`, which [`push_event`] then extends.
pub fn begin_event_batch(symbol: &str, out: &mut Vec<u8>) {
    out.clear();
    put_bytes(out, SYMBOL, symbol.as_bytes());
}

/// Appends one event to a batch.
pub fn push_event(event: &Event, out: &mut Vec<u8>) {
    put_message(out, EVENTS, |out| encode_event(event, out));
}

/// Appends the canonical bytes of an `Event`: what every replica makes of the same input.
pub fn encode_event(event: &Event, out: &mut Vec<u8>) {
    put(out, 1, event.seq);
    put(out, 2, event.source);
    put(out, 3, event.incarnation);
    put(out, 4, event.number);
    put(out, 5, event.time_unix_nanos);
    match &event.body {
        EventBody::OrderAccepted(body) => put_message(out, 6, |out| put_accepted(out, body)),
        EventBody::OrderRejected(body) => {
            put_message(out, 7, |out| {
                put_rejected(out, body.order_id, body.user_id, body.reason);
            });
        }
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
        EventBody::CancelRejected(body) => {
            put_message(out, 11, |out| {
                put_rejected(out, body.order_id, body.user_id, body.reason);
            });
        }
        EventBody::SettingsChanged(body) => put_message(out, 12, |out| put_settings(out, body)),
        EventBody::SettingsRejected(body) => {
            put_message(out, 13, |out| put(out, 1, body.reason.as_i32()));
        }
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
}

fn put_rejected(out: &mut Vec<u8>, order_id: u64, user_id: u64, reason: RejectReason) {
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

/// The seq of an event, from the front of its canonical bytes.
///
/// # Errors
/// [`EntryError::NoSeq`] when the event doesn't begin with one.
pub fn event_seq(event: &[u8]) -> Result<u64, EntryError> {
    let mut reader = Reader::new(event);
    match reader.field()? {
        Some((1, VARINT)) => Ok(reader.varint()?),
        _ => Err(EntryError::NoSeq),
    }
}

/// Walks the events of a batch without decoding them: yields each one's bytes.
#[derive(Clone, Copy, Debug)]
pub struct BatchReader<'a>(Reader<'a>);

impl<'a> BatchReader<'a> {
    /// Reads the value of a record of `events.{symbol}`.
    #[must_use]
    pub const fn new(record: &'a [u8]) -> Self {
        Self(Reader::new(record))
    }

    /// The next event's bytes; `None` at the end.
    ///
    /// # Errors
    /// [`WireError`] when the record is not an `EventBatch`.
    pub fn next_event(&mut self) -> Result<Option<&'a [u8]>, WireError> {
        while let Some(field) = self.0.field()? {
            match field {
                (EVENTS, BYTES) => return self.0.bytes().map(Some),
                (EVENTS, _) => return Err(WireError::WireType),
                (number, wire_type) => self.0.skip(number, wire_type)?,
            }
        }
        Ok(None)
    }
}

/// Decodes a record of `events.{symbol}`.
///
/// # Errors
/// [`EntryError`] when it is not one.
pub fn decode_events(record: &[u8]) -> Result<Vec<Event>, EntryError> {
    let mut reader = BatchReader::new(record);
    let mut events = Vec::new();
    while let Some(bytes) = reader.next_event()? {
        events.push(decode_event(bytes)?);
    }
    Ok(events)
}

/// Decodes one `Event`.
///
/// # Errors
/// [`EntryError`] when the bytes are not one that this schema knows.
pub fn decode_event(bytes: &[u8]) -> Result<Event, EntryError> {
    let mut head = [0u64; 5];
    let mut body = None;
    let mut reader = Reader::new(bytes);
    while let Some(field) = reader.field()? {
        match field {
            (number @ 1..=5, VARINT) => head[number as usize - 1] = reader.varint()?,
            (number @ 6..=13, BYTES) => body = Some(decode_body(number, reader.bytes()?)?),
            (1..=13, _) => return Err(WireError::WireType.into()),
            (number, wire_type) => reader.skip(number, wire_type)?,
        }
    }
    Ok(Event {
        seq: head[0],
        source: u32::from_wire(head[1]),
        incarnation: head[2],
        number: head[3],
        time_unix_nanos: i64::from_wire(head[4]),
        body: body.ok_or(EntryError::Unknown)?,
    })
}

/// The integers of a body, by field number.
struct Integers([u64; 12]);

impl Integers {
    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        let mut values = [0u64; 12];
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
}

fn decode_body(number: u32, bytes: &[u8]) -> Result<EventBody, EntryError> {
    let body = Integers::read(bytes)?;
    Ok(match number {
        6 => EventBody::OrderAccepted(OrderAccepted {
            order_id: body.get(1),
            user_id: body.get(2),
            side: body.word(3, Side::from_i32)?,
            order_type: body.word(4, OrderType::from_i32)?,
            time_in_force: body.word(5, TimeInForce::from_i32)?,
            price: body.get(6),
            quantity: body.get(7),
        }),
        7 => EventBody::OrderRejected(OrderRejected {
            order_id: body.get(1),
            user_id: body.get(2),
            reason: body.word(3, RejectReason::from_i32)?,
        }),
        8 => EventBody::TradeExecuted(decode_trade(&body)?),
        9 => EventBody::OrderCancelled(OrderCancelled {
            order_id: body.get(1),
            user_id: body.get(2),
            remaining: body.get(3),
        }),
        10 => EventBody::OrderExpired(OrderExpired {
            order_id: body.get(1),
            user_id: body.get(2),
            remaining: body.get(3),
            reason: body.word(4, ExpireReason::from_i32)?,
        }),
        11 => EventBody::CancelRejected(CancelRejected {
            order_id: body.get(1),
            user_id: body.get(2),
            reason: body.word(3, RejectReason::from_i32)?,
        }),
        12 => EventBody::SettingsChanged(decode_settings(&body)?),
        _ => EventBody::SettingsRejected(SettingsRejected {
            reason: body.word(1, RejectReason::from_i32)?,
        }),
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
