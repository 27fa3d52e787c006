//! Simple Binary Encoding as the feed uses it: little-endian fields at fixed places behind an
//! eight-byte header, no groups, no variable data.

/// `schemaId` of every message.
pub const SCHEMA_ID: u16 = 79;
/// `version` of the schema that this crate writes.
pub const SCHEMA_VERSION: u16 = 1;
/// Bytes of a message's header: block length, template, schema, version; each a `u16`.
pub const HEADER: usize = 8;

/// Bytes that are no message of this schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The bytes end inside of something.
    #[error("the bytes end inside of {0}")]
    Truncated(&'static str),
    /// The header names another schema.
    #[error("schema {0} is not the feed's")]
    Schema(u16),
    /// The fixed part is shorter than version 1 of the template has it.
    #[error("template {template} has {length} bytes, fewer than its first version")]
    Short {
        /// Which.
        template: u16,
        /// What its header says.
        length: u16,
    },
    /// More bytes than what was announced.
    #[error("{0} bytes behind the last message")]
    Trailing(usize),
}

/// A field of a fixed width.
pub trait Field: Sized {
    /// Its SBE primitive type.
    const PRIMITIVE: &'static str;
    /// How many of them.
    const LENGTH: usize;
    /// Bytes.
    const WIDTH: usize;
    /// Appends it.
    fn put(&self, out: &mut Vec<u8>);
    /// Reads it from the front of `bytes`, which are wide enough.
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

macro_rules! number {
    ($($type:ident = $name:literal,)+) => {$(
        impl Field for $type {
            const PRIMITIVE: &'static str = $name;
            const LENGTH: usize = 1;
            const WIDTH: usize = size_of::<$type>();

            #[inline]
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            #[inline]
            fn take(bytes: &mut &[u8]) -> Option<Self> {
                let (taken, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_le_bytes(*taken))
            }
        }
    )+};
}

number! { u8 = "uint8", u16 = "uint16", u32 = "uint32", u64 = "uint64", i64 = "int64", }

impl<const N: usize> Field for [u8; N] {
    const PRIMITIVE: &'static str = "char";
    const LENGTH: usize = N;
    const WIDTH: usize = N;

    #[inline]
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    #[inline]
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (taken, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(*taken)
    }
}

/// A field as the schema has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldLayout {
    /// Its name, in the schema's spelling but for its case.
    pub name: &'static str,
    /// SBE primitive type.
    pub primitive: &'static str,
    /// How many of them.
    pub length: usize,
}

/// A message as the schema has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Its name.
    pub name: &'static str,
    /// Template id.
    pub template: u16,
    /// In their order, without padding.
    pub fields: &'static [FieldLayout],
}

/// Declares messages, the enum of them all, and their layouts.
macro_rules! messages {
    ($($(#[$meta:meta])* $name:ident = $id:literal {
        $($(#[$field_meta:meta])* $field:ident: $type:ty,)*
    })+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }

            impl $name {
                /// Its number in the schema.
                pub const TEMPLATE: u16 = $id;
                /// Bytes behind the header.
                #[allow(clippy::cast_possible_truncation)] // some dozens
                pub const BLOCK: u16 = { 0 $(+ <$type as $crate::wire::Field>::WIDTH as u16)* };
            }

            impl From<$name> for Message {
                fn from(message: $name) -> Self { Self::$name(message) }
            }
        )+

        /// Any message of the schema.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Message { $($(#[$meta])* $name($name),)+ }

        impl Message {
            /// Every message that this version has.
            pub const LAYOUTS: &'static [$crate::wire::Layout] = &[$($crate::wire::Layout {
                name: stringify!($name),
                template: $id,
                fields: &[$($crate::wire::FieldLayout {
                    name: stringify!($field),
                    primitive: <$type as $crate::wire::Field>::PRIMITIVE,
                    length: <$type as $crate::wire::Field>::LENGTH,
                },)*],
            },)+];

            /// Appends header and fields.
            #[inline]
            pub fn encode(&self, out: &mut Vec<u8>) {
                use $crate::wire::Field;
                match self {
                    $(Self::$name(message) => {
                        $name::BLOCK.put(out);
                        $name::TEMPLATE.put(out);
                        $crate::wire::SCHEMA_ID.put(out);
                        $crate::wire::SCHEMA_VERSION.put(out);
                        let $name { $($field,)* } = message;
                        $($field.put(out);)*
                    })+
                }
            }

            /// The message at the front of `bytes`, which go on behind it. `None`: a template that a
            /// later version added. Fields that one added to a template are passed over.
            ///
            /// # Errors
            /// [`Malformed`].
            #[inline]
            pub fn decode(bytes: &mut &[u8]) -> Result<Option<Self>, $crate::wire::Malformed> {
                use $crate::wire::{Field, Malformed};
                let header = Malformed::Truncated("a message's header");
                let length = u16::take(bytes).ok_or(header)?;
                let template = u16::take(bytes).ok_or(header)?;
                let schema = u16::take(bytes).ok_or(header)?;
                let _version = u16::take(bytes).ok_or(header)?;
                if schema != $crate::wire::SCHEMA_ID {
                    return Err(Malformed::Schema(schema));
                }
                let (mut block, rest) = bytes
                    .split_at_checked(length.into())
                    .ok_or(Malformed::Truncated("a message"))?;
                *bytes = rest;
                let short = Malformed::Short { template, length };
                Ok(match template {
                    $($id => {
                        $(let $field = <$type as Field>::take(&mut block).ok_or(short)?;)*
                        let _ = (&mut block, short);
                        Some(Self::$name($name { $($field,)* }))
                    })+
                    _ => None,
                })
            }
        }
    };
}

pub(crate) use messages;
