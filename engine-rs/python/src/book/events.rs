//! Events as Python objects: one frozen class a kind, all of them `Event`.
//!
//! An object holds the core's whole event; an attribute is made when it is asked for, so that an
//! event nobody looks into costs one small allocation.

use std::hash::{DefaultHasher, Hash, Hasher};

use outcry_book as core;
use outcry_book::EventBody;
use outcry_runtime::codec;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use super::text::described;
use super::words::Attribute;
use crate::errors::BatchError;
use crate::submodule::submodule;

/// What every event has: its seq, and the command that caused it.
#[pyclass(frozen, subclass, module = "outcry_engine")]
pub struct Event {
    event: core::Event,
}

#[pymethods]
impl Event {
    #[getter]
    fn seq(&self) -> u64 {
        self.event.seq
    }

    #[getter]
    fn source(&self) -> u32 {
        self.event.source
    }

    #[getter]
    fn incarnation(&self) -> u64 {
        self.event.incarnation
    }

    #[getter]
    fn number(&self) -> u64 {
        self.event.number
    }

    #[getter]
    fn time_unix_nanos(&self) -> i64 {
        self.event.time_unix_nanos
    }

    /// The bytes that an engine publishes.
    fn encode<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut bytes = Vec::with_capacity(96);
        codec::encode_event(&self.event, &mut bytes);
        PyBytes::new(py, &bytes)
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.event == other.event
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let event = &self.event;
        (event.seq, event.source, event.incarnation, event.number).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let head = format!("seq={}", slf.get().event.seq);
        described(slf.as_any(), &head)
    }

    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let decode = py
            .import("outcry_engine._engine.events")?
            .getattr("decode_event")?;
        Ok((decode, (self.encode(py),)))
    }
}

macro_rules! part {
    ($body:ident, $field:ident) => {
        $body.$field
    };
    ($body:ident, $field:ident, $rust:ident) => {
        $body.$rust
    };
}

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident { $($field:ident $(= $rust:ident)?),+ })+) => {
        $(
            $(#[$meta])*
            #[pyclass(frozen, extends = Event, module = "outcry_engine")]
            pub struct $name;

            #[pymethods]
            impl $name {
                #[classattr]
                fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                    PyTuple::new(py, [$(stringify!($field).trim_start_matches("r#")),+])
                }

                $(
                    #[getter]
                    fn $field(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
                        match &slf.as_super().get().event.body {
                            EventBody::$name(body) => {
                                part!(body, $field $(, $rust)?).attribute(slf.py())
                            }
                            _ => Err(PyTypeError::new_err("an event of another kind")),
                        }
                    }
                )+
            }
        )+

        /// The event as an object of its kind's class.
        ///
        /// # Errors
        /// Python's own, when there is no memory.
        pub fn event_object<'py>(py: Python<'py>, event: &core::Event) -> PyResult<Bound<'py, PyAny>> {
            let base = Event { event: *event };
            Ok(match event.body {
                $(EventBody::$name(_) => {
                    let object = PyClassInitializer::from(base).add_subclass($name);
                    Bound::new(py, object)?.into_any()
                })+
            })
        }

        fn add_classes(module: &Bound<'_, PyModule>) -> PyResult<()> {
            module.add_class::<Event>()?;
            $(module.add_class::<$name>()?;)+
            Ok(())
        }
    };
}

kinds! {
    /// The order passed every check; its trades and, if it may not rest, its expiry follow.
    OrderAccepted {
        order_id, user_id, side, r#type = order_type, time_in_force, price, quantity, quote_quantity,
        display_quantity, stop_price, trailing_delta, expire_time_unix_nanos, self_trade_prevention,
        list_order_id
    }
    /// The order was refused.
    OrderRejected { order_id, user_id, reason }
    /// One fill: a maker and a taker.
    TradeExecuted {
        trade_id, price, quantity, maker_order_id, taker_order_id, maker_user_id, taker_user_id,
        taker_side, maker_remaining, taker_remaining, maker_fee_ppm, taker_fee_ppm
    }
    /// Its owner ended the order.
    OrderCancelled { order_id, user_id, remaining }
    /// The engine ended the order.
    OrderExpired { order_id, user_id, remaining, reason }
    /// The cancel was refused.
    CancelRejected { order_id, user_id, reason }
    /// The pair's settings from here on.
    SettingsChanged {
        trading_status, rules_version, price_band_lower, price_band_upper, min_notional,
        maker_fee_ppm, taker_fee_ppm, quote_units_per_tick_lot, base_units_per_lot
    }
    /// The settings were refused.
    SettingsRejected { reason }
    /// The pair's filters from here on.
    FiltersChanged {
        self_trade_prevention, min_price, max_price, min_quantity, max_quantity, max_notional,
        notional_applies_to_market, reference_price, bid_multiplier_up_bps,
        bid_multiplier_down_bps, ask_multiplier_up_bps, ask_multiplier_down_bps, max_open_orders
    }
    /// A stop became active.
    OrderTriggered { order_id, user_id, trigger_price }
    /// The order is smaller and kept its place.
    OrderAmended { order_id, user_id, quantity, remaining }
    /// The amendment was refused.
    AmendRejected { order_id, user_id, reason }
    /// No trade: both orders lost the quantity.
    SelfTradePrevented {
        price, quantity, maker_order_id, taker_order_id, maker_user_id, taker_user_id, taker_side,
        maker_remaining, taker_remaining
    }
    /// The end of a mass cancel.
    MassCancelled { user_id, side, orders }
    /// The mass cancel was refused.
    MassCancelRejected { user_id, reason }
    /// When an account's open orders end unless it moves that time.
    DisconnectTimerSet { user_id, deadline_unix_nanos }
    /// The timer was refused.
    DisconnectTimerRejected { user_id, reason }
    /// An account's open orders ended because its timer ran out.
    DisconnectTimerFired { user_id, orders }
    /// Where the open call would trade now.
    AuctionIndicative { price, volume, surplus_side, surplus }
    /// Where the call trades.
    AuctionUncrossed { price, volume, surplus_side, surplus }
}

/// The events as a list of objects.
///
/// # Errors
/// Python's own, when there is no memory.
pub fn event_list<'py>(py: Python<'py>, events: &[core::Event]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for event in events {
        list.append(event_object(py, event)?)?;
    }
    Ok(list)
}

/// The event whose published bytes these are.
#[pyfunction]
fn decode_event<'py>(py: Python<'py>, encoded: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let event =
        codec::decode_event(encoded).map_err(|error| BatchError::new_err(error.to_string()))?;
    event_object(py, &event)
}

/// Adds this file's names to the module.
///
/// # Errors
/// Python's own, when the module refuses them.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let events = submodule(module, "events")?;
    add_classes(&events)?;
    events.add_function(wrap_pyfunction!(decode_event, &events)?)
}
