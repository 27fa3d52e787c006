//! `CommandBatch`: the records of `matching.{symbol}`.

use outcry_book::{Body, CancelOrder, Command, NewOrder, PairSettings, Tick};

use super::poison::{BATCH_VERSION, Limits, Poison};
use super::wire::{BYTES, Reader, Scalar, VARINT, WireError, Zigzag, put, put_bytes, put_message};

/// Decodes one record whole.
///
/// # Errors
/// [`Poison`] says why no command of it may be applied.
pub fn decode_commands(record: &[u8], symbol: &str) -> Result<Vec<Command>, Poison> {
    let mut commands = Vec::new();
    decode_commands_into(record, symbol, Limits::default(), &mut commands)?;
    Ok(commands)
}

/// A batch's header while it is read.
#[derive(Debug, Default)]
struct Batch<'a> {
    version: u32,
    symbol: &'a [u8],
    count: u32,
    held: u32,
    unknown_body: Option<u32>,
}

/// As [`decode_commands`], into a vector that keeps its memory. It is empty after an error.
///
/// # Errors
/// [`Poison`].
pub(crate) fn decode_commands_into(
    record: &[u8],
    symbol: &str,
    limits: Limits,
    out: &mut Vec<Command>,
) -> Result<(), Poison> {
    out.clear();
    let result = read_batch(record, limits, out).and_then(|batch| check(&batch, symbol));
    if result.is_err() {
        out.clear();
    }
    result
}

fn read_batch<'a>(
    record: &'a [u8],
    limits: Limits,
    out: &mut Vec<Command>,
) -> Result<Batch<'a>, Poison> {
    if record.is_empty() {
        return Err(Poison::Empty);
    }
    if record.len() > limits.record_bytes {
        return Err(Poison::TooLarge {
            bytes: record.len(),
            limit: limits.record_bytes,
        });
    }
    let mut batch = Batch::default();
    let mut reader = Reader::new(record);
    while let Some(field) = reader.field()? {
        match field {
            (4, BYTES) => {
                if batch.held == limits.commands {
                    return Err(Poison::TooMany {
                        limit: limits.commands,
                    });
                }
                match read_command(reader.bytes()?)? {
                    Some(command) => out.push(command),
                    None => batch.unknown_body = batch.unknown_body.or(Some(batch.held)),
                }
                batch.held += 1;
            }
            (1, VARINT) => batch.version = u32::from_wire(reader.varint()?),
            (2, BYTES) => batch.symbol = reader.bytes()?,
            (3, VARINT) => batch.count = u32::from_wire(reader.varint()?),
            (1..=4, _) => return Err(WireError::WireType.into()),
            (number, wire_type) => reader.skip(number, wire_type)?,
        }
    }
    Ok(batch)
}

fn check(batch: &Batch<'_>, symbol: &str) -> Result<(), Poison> {
    if batch.version != BATCH_VERSION {
        return Err(Poison::Version(batch.version));
    }
    if batch.symbol != symbol.as_bytes() {
        return Err(Poison::Symbol(
            String::from_utf8_lossy(batch.symbol).into_owned(),
        ));
    }
    if batch.count != batch.held {
        return Err(Poison::Count {
            stated: batch.count,
            held: batch.held,
        });
    }
    if let Some(index) = batch.unknown_body {
        return Err(Poison::UnknownBody { index });
    }
    if batch.held == 0 {
        return Err(Poison::NoCommand);
    }
    Ok(())
}

/// `None`: no body that the schema knows.
fn read_command(bytes: &[u8]) -> Result<Option<Command>, WireError> {
    let (mut source, mut incarnation, mut number, mut time_unix_nanos) = (0u32, 0u64, 0u64, 0i64);
    let mut body = None;
    let mut reader = Reader::new(bytes);
    while let Some(field) = reader.field()? {
        match field {
            (1, VARINT) => source = u32::from_wire(reader.varint()?),
            (2, VARINT) => incarnation = reader.varint()?,
            (3, VARINT) => number = reader.varint()?,
            (4, VARINT) => time_unix_nanos = i64::from_wire(reader.varint()?),
            (5..=8, BYTES) => body = Some(read_body(field.0, reader.bytes()?, body)?),
            (1..=8, _) => return Err(WireError::WireType),
            (number, wire_type) => reader.skip(number, wire_type)?,
        }
    }
    Ok(body.map(|body| Command {
        source,
        incarnation,
        number,
        time_unix_nanos,
        body,
    }))
}

/// A body that comes twice is merged, as protobuf has it; another one replaces it.
fn read_body(field: u32, bytes: &[u8], before: Option<Body>) -> Result<Body, WireError> {
    match (field, before) {
        (5, Some(Body::NewOrder(order))) => read_new_order(bytes, order).map(Body::NewOrder),
        (5, _) => read_new_order(bytes, NO_ORDER).map(Body::NewOrder),
        (6, Some(Body::CancelOrder(cancel))) => read_cancel(bytes, cancel).map(Body::CancelOrder),
        (6, _) => read_cancel(bytes, NO_CANCEL).map(Body::CancelOrder),
        (7, Some(Body::PairSettings(settings))) => {
            read_settings(bytes, settings).map(Body::PairSettings)
        }
        (7, _) => read_settings(bytes, NO_SETTINGS).map(Body::PairSettings),
        (_, Some(Body::Tick(tick))) => read_tick(bytes, tick).map(Body::Tick),
        (_, _) => read_tick(bytes, Tick { time_unix_nanos: 0 }).map(Body::Tick),
    }
}

const NO_ORDER: NewOrder = NewOrder {
    order_id: 0,
    user_id: 0,
    side: 0,
    order_type: 0,
    time_in_force: 0,
    price: 0,
    quantity: 0,
};
const NO_CANCEL: CancelOrder = CancelOrder {
    order_id: 0,
    user_id: 0,
};
const NO_SETTINGS: PairSettings = PairSettings {
    trading_status: 0,
    rules_version: 0,
    price_band_lower: 0,
    price_band_upper: 0,
    min_notional: 0,
    maker_fee_ppm: 0,
    taker_fee_ppm: 0,
    quote_units_per_tick_lot: 0,
    base_units_per_lot: 0,
};

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

fn read_new_order(bytes: &[u8], mut order: NewOrder) -> Result<NewOrder, WireError> {
    read_integers(bytes, 7, |number, value| match number {
        1 => order.order_id = value,
        2 => order.user_id = value,
        3 => order.side = i32::from_wire(value),
        4 => order.order_type = i32::from_wire(value),
        5 => order.time_in_force = i32::from_wire(value),
        6 => order.price = i64::from_wire(value),
        _ => order.quantity = i64::from_wire(value),
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
    read_integers(bytes, 9, |number, value| match number {
        1 => settings.trading_status = i32::from_wire(value),
        2 => settings.rules_version = u32::from_wire(value),
        3 => settings.price_band_lower = i64::from_wire(value),
        4 => settings.price_band_upper = i64::from_wire(value),
        5 => settings.min_notional = i64::from_wire(value),
        6 => settings.maker_fee_ppm = Zigzag::from_wire(value).0,
        7 => settings.taker_fee_ppm = Zigzag::from_wire(value).0,
        8 => settings.quote_units_per_tick_lot = i64::from_wire(value),
        _ => settings.base_units_per_lot = i64::from_wire(value),
    })?;
    Ok(settings)
}

fn read_tick(bytes: &[u8], mut tick: Tick) -> Result<Tick, WireError> {
    read_integers(bytes, 1, |_, value| {
        tick.time_unix_nanos = i64::from_wire(value);
    })?;
    Ok(tick)
}

/// Encodes one record of the pair's input.
#[must_use]
pub fn encode_commands(symbol: &str, commands: &[Command]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + commands.len() * 48);
    put(&mut out, 1, BATCH_VERSION);
    put_bytes(&mut out, 2, symbol.as_bytes());
    #[allow(clippy::cast_possible_truncation)]
    // a vector of 2^32 commands does not fit in a record
    put(&mut out, 3, commands.len() as u32);
    for command in commands {
        put_message(&mut out, 4, |out| encode_command(command, out));
    }
    out
}

/// Appends one `Command` message, without a tag.
pub fn encode_command(command: &Command, out: &mut Vec<u8>) {
    put(out, 1, command.source);
    put(out, 2, command.incarnation);
    put(out, 3, command.number);
    put(out, 4, command.time_unix_nanos);
    match &command.body {
        Body::NewOrder(order) => put_message(out, 5, |out| {
            put(out, 1, order.order_id);
            put(out, 2, order.user_id);
            put(out, 3, order.side);
            put(out, 4, order.order_type);
            put(out, 5, order.time_in_force);
            put(out, 6, order.price);
            put(out, 7, order.quantity);
        }),
        Body::CancelOrder(cancel) => put_message(out, 6, |out| {
            put(out, 1, cancel.order_id);
            put(out, 2, cancel.user_id);
        }),
        Body::PairSettings(settings) => put_message(out, 7, |out| {
            put(out, 1, settings.trading_status);
            put(out, 2, settings.rules_version);
            put(out, 3, settings.price_band_lower);
            put(out, 4, settings.price_band_upper);
            put(out, 5, settings.min_notional);
            put(out, 6, Zigzag(settings.maker_fee_ppm));
            put(out, 7, Zigzag(settings.taker_fee_ppm));
            put(out, 8, settings.quote_units_per_tick_lot);
            put(out, 9, settings.base_units_per_lot);
        }),
        Body::Tick(tick) => put_message(out, 8, |out| put(out, 1, tick.time_unix_nanos)),
    }
}

/// Collects commands into a `CommandBatch` whose count is not known beforehand. Protobuf lets a
/// field stand anywhere, so the count comes last.
#[derive(Debug)]
pub(crate) struct DeltaWriter {
    symbol: String,
    bytes: Vec<u8>,
    count: u32,
}

impl DeltaWriter {
    pub(crate) fn new(symbol: &str) -> Self {
        Self {
            symbol: symbol.to_owned(),
            bytes: Vec::new(),
            count: 0,
        }
    }

    pub(crate) fn push(&mut self, command: &Command) {
        if self.bytes.is_empty() {
            put(&mut self.bytes, 1, BATCH_VERSION);
            put_bytes(&mut self.bytes, 2, self.symbol.as_bytes());
        }
        put_message(&mut self.bytes, 4, |out| encode_command(command, out));
        self.count += 1;
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The count and the batch, empty when there are none; starts anew.
    pub(crate) fn take(&mut self) -> (u32, Vec<u8>) {
        if self.count > 0 {
            put(&mut self.bytes, 3, self.count);
        }
        (
            std::mem::take(&mut self.count),
            std::mem::take(&mut self.bytes),
        )
    }
}
