//! The book as canonical bytes: equal states give equal bytes, on every machine and after any history.
//!
//! Little-endian, in this order: magic, version, counters, settings, source cursors by rising source,
//! then for each side the orders best price first and in queue order. Level totals are not stored:
//! they follow. The caller adds a checksum; still, [`Book::restore`] trusts nothing.

use std::fmt;

use crate::book::Book;
use crate::command::PairSettings;
use crate::levels::Levels;
use crate::settings;
use crate::slab::{NONE, Order};
use crate::words::{OrderType, Side};

const MAGIC: u32 = u32::from_le_bytes(*b"OCBK");
const VERSION: u32 = 1;
/// Bytes of one source and of one order.
const SOURCE_BYTES: usize = 4 + 8 + 8;
const ORDER_BYTES: usize = 5 * 8 + 1;

/// Why bytes are not a book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// They end inside the named part.
    Truncated(&'static str),
    /// They don't begin like a book.
    NotABook,
    /// A version that this build does not read.
    UnknownVersion(u32),
    /// The named part holds what no book can hold.
    Invalid(&'static str),
    /// This many bytes follow the end.
    TrailingBytes(usize),
}

impl fmt::Display for RestoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated(part) => write!(formatter, "book snapshot ends inside its {part}"),
            Self::NotABook => write!(
                formatter,
                "not a book snapshot: it does not begin with OCBK"
            ),
            Self::UnknownVersion(version) => {
                write!(
                    formatter,
                    "book snapshot has version {version}, this build reads {VERSION}"
                )
            }
            Self::Invalid(what) => write!(formatter, "book snapshot is inconsistent: {what}"),
            Self::TrailingBytes(count) => write!(
                formatter,
                "{count} bytes follow the end of the book snapshot"
            ),
        }
    }
}

impl std::error::Error for RestoreError {}

impl Book {
    /// Appends the whole state to `out`.
    pub fn snapshot(&self, out: &mut Vec<u8>) {
        out.reserve(256 + ORDER_BYTES * self.resting_orders());
        out.extend(MAGIC.to_le_bytes());
        out.extend(VERSION.to_le_bytes());
        out.extend(self.seq.to_le_bytes());
        out.extend(self.trades.to_le_bytes());
        for number in [self.clock, self.last_price, self.last_quantity] {
            out.extend(number.to_le_bytes());
        }
        self.write_settings(out);
        out.extend((self.sources.iter().count() as u64).to_le_bytes());
        for (source, cursor) in self.sources.iter() {
            out.extend(source.to_le_bytes());
            out.extend(cursor.incarnation.to_le_bytes());
            out.extend(cursor.number.to_le_bytes());
        }
        self.write_side(&self.bids, out);
        self.write_side(&self.asks, out);
    }

    fn write_settings(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.settings.is_some()));
        let Some(settings) = self.settings else {
            return;
        };
        out.extend(settings.trading_status.as_i32().to_le_bytes());
        out.extend(settings.rules_version.to_le_bytes());
        out.extend(settings.price_band_lower.to_le_bytes());
        out.extend(settings.price_band_upper.to_le_bytes());
        out.extend(settings.min_notional.to_le_bytes());
        out.extend(settings.maker_fee_ppm.to_le_bytes());
        out.extend(settings.taker_fee_ppm.to_le_bytes());
        out.extend(settings.quote_units_per_tick_lot.to_le_bytes());
        out.extend(settings.base_units_per_lot.to_le_bytes());
    }

    fn write_side(&self, levels: &Levels, out: &mut Vec<u8>) {
        let count: u64 = levels
            .iter()
            .map(|(_, queue)| u64::from(queue.orders))
            .sum();
        out.extend(count.to_le_bytes());
        for (_, queue) in levels.iter() {
            let mut slot = queue.head;
            while slot != NONE {
                let order = self.slab.get(slot);
                out.extend(order.order_id.to_le_bytes());
                out.extend(order.user_id.to_le_bytes());
                out.extend(order.price.to_le_bytes());
                out.extend(order.quantity.to_le_bytes());
                out.extend(order.remaining.to_le_bytes());
                out.push(order.order_type as u8);
                slot = order.next;
            }
        }
    }

    /// A book from bytes that [`Book::snapshot`] wrote. Anything else is a typed error, never a panic.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn restore(bytes: &[u8]) -> Result<Self, RestoreError> {
        let mut from = Reader { bytes };
        if from.u32("magic")? != MAGIC {
            return Err(RestoreError::NotABook);
        }
        let version = from.u32("version")?;
        if version != VERSION {
            return Err(RestoreError::UnknownVersion(version));
        }
        let mut book = Self::with_capacity(from.bytes.len() / ORDER_BYTES);
        book.read_counters(&mut from)?;
        book.read_settings(&mut from)?;
        book.read_sources(&mut from)?;
        book.read_side(Side::Buy, &mut from)?;
        book.read_side(Side::Sell, &mut from)?;
        if !from.bytes.is_empty() {
            return Err(RestoreError::TrailingBytes(from.bytes.len()));
        }
        book.check().map_err(|_| {
            RestoreError::Invalid("orders cross, or rest outside what the settings allow")
        })?;
        Ok(book)
    }

    fn read_counters(&mut self, from: &mut Reader<'_>) -> Result<(), RestoreError> {
        self.seq = from.u64("counters")?;
        self.trades = from.u64("counters")?;
        self.clock = from.i64("counters")?;
        self.last_price = from.i64("counters")?;
        self.last_quantity = from.i64("counters")?;
        let traded = self.trades > 0;
        let lasts = [self.last_price, self.last_quantity];
        let sound = self.clock >= 0
            && lasts
                .iter()
                .all(|&last| if traded { last > 0 } else { last == 0 });
        valid(
            sound && self.trades <= self.seq,
            "counters contradict each other",
        )
    }

    fn read_settings(&mut self, from: &mut Reader<'_>) -> Result<(), RestoreError> {
        match from.u8("settings")? {
            0 => return Ok(()),
            1 => {}
            _ => return Err(RestoreError::Invalid("settings flag")),
        }
        let read = PairSettings {
            trading_status: from.i32("settings")?,
            rules_version: from.u32("settings")?,
            price_band_lower: from.i64("settings")?,
            price_band_upper: from.i64("settings")?,
            min_notional: from.i64("settings")?,
            maker_fee_ppm: from.i32("settings")?,
            taker_fee_ppm: from.i32("settings")?,
            quote_units_per_tick_lot: from.i64("settings")?,
            base_units_per_lot: from.i64("settings")?,
            ..PairSettings::default()
        };
        let settings = settings::checked(&read).map_err(|_| RestoreError::Invalid("settings"))?;
        self.settings = Some(settings);
        Ok(())
    }

    fn read_sources(&mut self, from: &mut Reader<'_>) -> Result<(), RestoreError> {
        let mut last = None;
        for _ in 0..from.count(SOURCE_BYTES, "sources")? {
            let source = from.u32("sources")?;
            let (incarnation, number) = (from.u64("sources")?, from.u64("sources")?);
            valid(last < Some(source), "sources out of order")?;
            valid(
                self.sources.advance(source, incarnation, number),
                "a source that sent nothing",
            )?;
            last = Some(source);
        }
        Ok(())
    }

    fn read_side(&mut self, side: Side, from: &mut Reader<'_>) -> Result<(), RestoreError> {
        let mut level: Option<i64> = None;
        for _ in 0..from.count(ORDER_BYTES, "orders")? {
            let order = read_order(side, from)?;
            let in_order = level.is_none_or(|level| match side {
                Side::Buy => order.price <= level,
                Side::Sell => order.price >= level,
            });
            valid(in_order, "levels out of order")?;
            valid(
                self.index.get(&self.slab, order.order_id).is_none(),
                "an order id twice",
            )?;
            let total = self
                .levels(side)
                .quantity_at(order.price)
                .checked_add(order.remaining);
            valid(
                total.is_some() && !self.slab.is_full(),
                "a level's total overflows",
            )?;
            self.rest(order);
            level = Some(order.price);
        }
        Ok(())
    }
}

fn read_order(side: Side, from: &mut Reader<'_>) -> Result<Order, RestoreError> {
    let order_id = from.u64("orders")?;
    let user_id = from.u64("orders")?;
    let price = from.i64("orders")?;
    let quantity = from.i64("orders")?;
    let remaining = from.i64("orders")?;
    let order_type = OrderType::from_i32(i32::from(from.u8("orders")?));
    let may_rest =
        order_type.filter(|word| matches!(word, OrderType::Limit | OrderType::LimitMaker));
    let order_type =
        may_rest.ok_or(RestoreError::Invalid("an order of a type that never rests"))?;
    valid(order_id != 0 && user_id != 0, "an order without id or user")?;
    valid(
        price >= 1 && (1..=quantity).contains(&remaining),
        "an order's price or quantity",
    )?;
    valid(price.checked_mul(quantity).is_some(), "an order's notional")?;
    Ok(Order {
        order_id,
        user_id,
        price,
        quantity,
        remaining,
        prev: NONE,
        next: NONE,
        level: NONE,
        side,
        order_type,
    })
}

fn valid(holds: bool, what: &'static str) -> Result<(), RestoreError> {
    if holds {
        Ok(())
    } else {
        Err(RestoreError::Invalid(what))
    }
}

/// What is left of the bytes.
struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], RestoreError> {
        let (taken, rest) = self
            .bytes
            .split_first_chunk::<N>()
            .ok_or(RestoreError::Truncated(part))?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn u8(&mut self, part: &'static str) -> Result<u8, RestoreError> {
        self.take::<1>(part).map(|[byte]| byte)
    }

    fn u32(&mut self, part: &'static str) -> Result<u32, RestoreError> {
        self.take(part).map(u32::from_le_bytes)
    }

    fn i32(&mut self, part: &'static str) -> Result<i32, RestoreError> {
        self.take(part).map(i32::from_le_bytes)
    }

    fn u64(&mut self, part: &'static str) -> Result<u64, RestoreError> {
        self.take(part).map(u64::from_le_bytes)
    }

    fn i64(&mut self, part: &'static str) -> Result<i64, RestoreError> {
        self.take(part).map(i64::from_le_bytes)
    }

    /// A number of records that the bytes left can hold.
    fn count(&mut self, record_bytes: usize, part: &'static str) -> Result<u64, RestoreError> {
        let count = self.u64(part)?;
        if count > (self.bytes.len() / record_bytes) as u64 {
            return Err(RestoreError::Truncated(part));
        }
        Ok(count)
    }
}
