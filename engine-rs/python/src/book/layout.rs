//! Commands and events as records of fixed size: what arrays are made of.
//!
//! Every field is little-endian and stands where the fields before it end; `docs/embedding.md` says
//! which ones a kind uses. A record's `kind` is the schema's field number of the body. A change here
//! raises [`LAYOUT_VERSION`].

use std::ffi::CString;

use outcry_book as core;
use outcry_book::Body;

/// Raised when a record changes.
pub const LAYOUT_VERSION: u32 = 1;

const _: () = assert!(cfg!(target_endian = "little"));
const _: () = assert!(size_of::<CommandRecord>() == 128);
const _: () = assert!(size_of::<EventRecord>() == 144);

/// A type that a record may hold: `NumPy`'s word for it and the buffer protocol's.
trait Cell {
    const NUMPY: &str;
    const BUFFER: char;
}

macro_rules! cells {
    ($($type:ty: $numpy:literal $buffer:literal),+) => {
        $(impl Cell for $type { const NUMPY: &str = $numpy; const BUFFER: char = $buffer; })+
    };
}

cells!(u8: "u1" 'B', u16: "<u2" 'H', i32: "<i4" 'i', u64: "<u8" 'Q', i64: "<i8" 'q');

/// One field: its name, `NumPy`'s type and the buffer protocol's.
#[derive(Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub numpy: &'static str,
    buffer: char,
}

macro_rules! record {
    ($(#[$meta:meta])* $name:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Default)]
        #[repr(C)]
        pub struct $name { $(pub $field: $type),+ }

        impl $name {
            pub const FIELDS: &[Field] = &[$(Field {
                name: stringify!($field),
                numpy: <$type as Cell>::NUMPY,
                buffer: <$type as Cell>::BUFFER,
            }),+];
        }
    };
}

record! {
    /// A command, without the identity that the book gives it.
    CommandRecord {
        kind: u8,
        side: u8,
        order_type: u8,
        time_in_force: u8,
        self_trade_prevention: u8,
        mode: u8,
        trailing_delta: u16,
        order_id: u64,
        user_id: u64,
        price: i64,
        quantity: i64,
        quote_quantity: i64,
        display_quantity: i64,
        stop_price: i64,
        stop_limit_price: i64,
        trade_group: u64,
        expire_time_unix_nanos: i64,
        cancel_order_id: u64,
        limit_order_id: u64,
        stop_order_id: u64,
        timeout_millis: u64,
        time_unix_nanos: i64,
    }
}

record! {
    /// An event, without the source and incarnation that all of a batch share.
    EventRecord {
        seq: u64,
        number: u64,
        kind: u8,
        side: u8,
        order_type: u8,
        time_in_force: u8,
        self_trade_prevention: u8,
        reason: u8,
        trailing_delta: u16,
        order_id: u64,
        user_id: u64,
        price: i64,
        quantity: i64,
        remaining: i64,
        maker_order_id: u64,
        maker_user_id: u64,
        maker_remaining: i64,
        trade_id: u64,
        maker_fee_ppm: i32,
        taker_fee_ppm: i32,
        quote_quantity: i64,
        display_quantity: i64,
        stop_price: i64,
        expire_time_unix_nanos: i64,
        list_order_id: u64,
    }
}

impl Field {
    /// The schema's name of it.
    pub fn schema_name(&self) -> &'static str {
        match self.name {
            "order_type" => "type",
            name => name,
        }
    }

    /// Whether a buffer's format may say this of the field. A `long` has eight bytes in `NumPy`'s formats
    /// and four in others, whose records then have another size.
    pub fn is_written_as(&self, code: &str, big_endian: bool) -> bool {
        let codes = match self.buffer {
            'B' => return code == "B",
            'Q' => ["Q", "L"],
            'q' => ["q", "l"],
            'H' => ["H"; 2],
            _ => ["i"; 2],
        };
        !big_endian && codes.contains(&code)
    }
}

/// The buffer protocol's description of a record, from which `NumPy` makes its type.
pub fn buffer_format(fields: &[Field]) -> CString {
    let fields = fields
        .iter()
        .map(|field| format!("<{}:{}:", field.buffer, field.schema_name()));
    let text = format!("T{{{}}}", fields.collect::<String>());
    CString::new(text).unwrap_or_default()
}

/// The kinds of commands that an array may hold; settings go by a call of their own.
pub fn is_command(kind: u8) -> bool {
    matches!(kind, 5 | 6 | 8..=13)
}

impl CommandRecord {
    /// What the command asks for; the kind was checked by [`is_command`].
    pub fn body(&self) -> Body {
        match self.kind {
            6 => Body::CancelOrder(core::CancelOrder {
                order_id: self.order_id,
                user_id: self.user_id,
            }),
            8 => Body::Tick(core::Tick {
                time_unix_nanos: self.time_unix_nanos,
            }),
            9 => Body::AmendOrder(core::AmendOrder {
                order_id: self.order_id,
                user_id: self.user_id,
                quantity: self.quantity,
            }),
            10 => Body::CancelReplace(core::CancelReplace {
                cancel_order_id: self.cancel_order_id,
                mode: self.mode.into(),
                order: self.order(),
            }),
            11 => Body::NewOco(self.oco()),
            12 => Body::MassCancel(core::MassCancel {
                user_id: self.user_id,
                side: self.side.into(),
            }),
            13 => Body::SetDisconnectTimer(core::SetDisconnectTimer {
                user_id: self.user_id,
                timeout_millis: self.timeout_millis,
            }),
            _ => Body::NewOrder(self.order()),
        }
    }

    fn order(&self) -> core::NewOrder {
        core::NewOrder {
            order_id: self.order_id,
            user_id: self.user_id,
            side: self.side.into(),
            order_type: self.order_type.into(),
            time_in_force: self.time_in_force.into(),
            price: self.price,
            quantity: self.quantity,
            quote_quantity: self.quote_quantity,
            display_quantity: self.display_quantity,
            stop_price: self.stop_price,
            trailing_delta: self.trailing_delta.into(),
            self_trade_prevention: self.self_trade_prevention.into(),
            trade_group: self.trade_group,
            expire_time_unix_nanos: self.expire_time_unix_nanos,
        }
    }

    fn oco(&self) -> core::NewOco {
        core::NewOco {
            user_id: self.user_id,
            limit_order_id: self.limit_order_id,
            stop_order_id: self.stop_order_id,
            side: self.side.into(),
            quantity: self.quantity,
            price: self.price,
            display_quantity: self.display_quantity,
            stop_price: self.stop_price,
            stop_limit_price: self.stop_limit_price,
            stop_time_in_force: self.time_in_force.into(),
            trailing_delta: self.trailing_delta.into(),
            self_trade_prevention: self.self_trade_prevention.into(),
            trade_group: self.trade_group,
        }
    }
}
