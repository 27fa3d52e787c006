//! What a command asks for as Python objects: one frozen class a body, all of them `Command`.
//!
//! A word may be given as a member of its enum or as any number: the core refuses by name what is no
//! word. As an attribute it is a member, or the number when it is no word.

use outcry_book as core;
use outcry_book::Body;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::text::described;
use super::words::{Attribute, Numbered};
use crate::submodule::submodule;

/// What a command asks for.
#[pyclass(frozen, subclass, module = "outcry_engine")]
pub struct Command {
    pub body: Body,
}

#[pymethods]
impl Command {
    fn __eq__(&self, other: &Self) -> bool {
        self.body == other.body
    }
}

/// What else an order must pass; a field of 0 is off.
#[pyclass(frozen, eq, from_py_object, module = "outcry_engine")]
#[derive(Clone, Copy, Default, PartialEq)]
pub struct Filters(core::Filters);

/// An argument as the core has it.
trait Core {
    type Type;
    fn core(self) -> Self::Type;
}

macro_rules! itself {
    ($($type:ty),+) => {
        $(impl Core for $type { type Type = Self; fn core(self) -> Self { self } })+
    };
}

itself!(i32, u32, i64, u64, bool);

impl Core for Filters {
    type Type = core::Filters;
    fn core(self) -> core::Filters {
        self.0
    }
}

impl Attribute for core::Filters {
    fn attribute(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Filters(self).into_pyobject(py)?.into_any().unbind())
    }
}

/// A new order inside another command.
pub struct Order(core::NewOrder);

impl FromPyObject<'_, '_> for Order {
    type Error = PyErr;
    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        match object.cast::<Command>().map(|command| command.get().body) {
            Ok(Body::NewOrder(order)) => Ok(Self(order)),
            _ => Err(PyTypeError::new_err("order: a NewOrder is needed")),
        }
    }
}

impl Core for Order {
    type Type = core::NewOrder;
    fn core(self) -> core::NewOrder {
        self.0
    }
}

impl Attribute for core::NewOrder {
    fn attribute(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let base = Command {
            body: Body::NewOrder(self),
        };
        let order = PyClassInitializer::from(base).add_subclass(NewOrder);
        Ok(Bound::new(py, order)?.into_any().unbind())
    }
}

/// Settings as an object.
///
/// # Errors
/// Python's own, when there is no memory.
pub fn settings_object(py: Python<'_>, settings: core::PairSettings) -> PyResult<Py<PyAny>> {
    let base = Command {
        body: Body::PairSettings(settings),
    };
    let object = PyClassInitializer::from(base).add_subclass(PairSettings);
    Ok(Bound::new(py, object)?.into_any().unbind())
}

macro_rules! place {
    ($body:ident, $field:ident) => {
        $body.$field
    };
    ($body:ident, $python:ident, $field:ident) => {
        $body.$field
    };
}

macro_rules! attribute {
    ($value:expr, $py:expr) => {
        $value.attribute($py)
    };
    ($value:expr, $py:expr, $word:ident) => {
        core::$word::member_or_number($value, $py)
    };
}

/// The constructor's body and the attributes of a class, from one list of fields.
macro_rules! fields {
    ($name:ident in $class:ty, made by $make:expr, read by $read:expr, {
        $($python:ident $(($field:ident))? : $type:ty $(as $word:ident)? $(= $default:tt)?),+ $(,)?
    }) => {
        #[pymethods]
        impl $name {
            #[new]
            #[pyo3(signature = (*, $($python $(= $default)?),+))]
            #[allow(clippy::too_many_arguments)] // keyword-only in Python
            fn new($($python: $type),+) -> $class {
                let mut body = core::$name::default();
                $(*{ &mut place!(body, $python $(, $field)?) } = $python.core();)+
                ($make)(body)
            }

            #[classattr]
            fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                PyTuple::new(py, [$(stringify!($python).trim_start_matches("r#")),+])
            }

            fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
                described(slf.as_any(), "")
            }

            $(
                #[getter]
                fn $python(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
                    let body: core::$name = ($read)(slf)?;
                    attribute!(place!(body, $python $(, $field)?), slf.py() $(, $word)?)
                }
            )+
        }
    };
}

macro_rules! commands {
    ($($(#[$meta:meta])* $name:ident $fields:tt)+) => {
        $(
            $(#[$meta])*
            #[pyclass(frozen, extends = Command, module = "outcry_engine")]
            pub struct $name;

            fields!($name in PyClassInitializer<Self>,
                made by |body| {
                    let base = Command { body: Body::$name(body) };
                    PyClassInitializer::from(base).add_subclass(Self)
                },
                read by |slf: &Bound<'_, Self>| match slf.as_super().get().body {
                    Body::$name(body) => Ok(body),
                    _ => Err(PyTypeError::new_err("a command of another kind")),
                },
                $fields);
        )+

        fn add_classes(module: &Bound<'_, PyModule>) -> PyResult<()> {
            module.add_class::<Command>()?;
            $(module.add_class::<$name>()?;)+
            Ok(())
        }
    };
}

commands! {
    /// A new order.
    NewOrder {
        order_id: u64,
        user_id: u64,
        side: i32 as Side,
        r#type(order_type): i32 as OrderType,
        time_in_force: i32 as TimeInForce = 0,
        price: i64 = 0,
        quantity: i64 = 0,
        quote_quantity: i64 = 0,
        display_quantity: i64 = 0,
        stop_price: i64 = 0,
        trailing_delta: i32 = 0,
        self_trade_prevention: i32 as SelfTradePrevention = 0,
        trade_group: u64 = 0,
        expire_time_unix_nanos: i64 = 0,
    }
    /// Cancels an open order of the same user.
    CancelOrder { order_id: u64, user_id: u64 }
    /// Lowers the quantity of an open order, which keeps its place.
    AmendOrder { order_id: u64, user_id: u64, quantity: i64 }
    /// Cancels an open order and enters a new one of the same user.
    CancelReplace {
        cancel_order_id: u64,
        mode: i32 as CancelReplaceMode,
        order: Order,
    }
    /// One cancels the other: a `LIMIT_MAKER` order and a stop order of one side and quantity.
    NewOco {
        user_id: u64,
        limit_order_id: u64,
        stop_order_id: u64,
        side: i32 as Side,
        quantity: i64,
        price: i64,
        display_quantity: i64 = 0,
        stop_price: i64 = 0,
        stop_limit_price: i64 = 0,
        stop_time_in_force: i32 as TimeInForce = 0,
        trailing_delta: i32 = 0,
        self_trade_prevention: i32 as SelfTradePrevention = 0,
        trade_group: u64 = 0,
    }
    /// Cancels every open order of an account, or of the pair.
    MassCancel { user_id: u64 = 0, side: i32 as Side = 0 }
    /// Moves the time at which an account's open orders end.
    SetDisconnectTimer { user_id: u64, timeout_millis: u64 }
    /// Advances the book's clock.
    Tick { time_unix_nanos: i64 }
    /// The pair's rules from here on.
    PairSettings {
        trading_status: i32 as TradingStatus = 1,
        rules_version: u32 = 2,
        price_band_lower: i64 = 1,
        price_band_upper: i64 = 1_000_000_000,
        min_notional: i64 = 0,
        maker_fee_ppm: i32 = 0,
        taker_fee_ppm: i32 = 0,
        quote_units_per_tick_lot: i64 = 1,
        base_units_per_lot: i64 = 1,
        filters: Filters = (Filters::default()),
    }
}

fields!(Filters in Self, made by Self, read by |slf: &Bound<'_, Self>| PyResult::Ok(slf.get().0), {
    self_trade_prevention: i32 as SelfTradePrevention = 0,
    min_price: i64 = 0,
    max_price: i64 = 0,
    min_quantity: i64 = 0,
    max_quantity: i64 = 0,
    max_notional: i64 = 0,
    notional_applies_to_market: bool = false,
    reference_price: i64 = 0,
    bid_multiplier_up_bps: u32 = 0,
    bid_multiplier_down_bps: u32 = 0,
    ask_multiplier_up_bps: u32 = 0,
    ask_multiplier_down_bps: u32 = 0,
    max_open_orders: u32 = 0,
});

/// Adds this file's names to the module.
///
/// # Errors
/// Python's own, when the module refuses them.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let commands = submodule(module, "commands")?;
    add_classes(&commands)?;
    commands.add_class::<Filters>()
}
