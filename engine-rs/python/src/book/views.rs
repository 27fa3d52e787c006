//! What the book looks like from outside, as Python objects.

use outcry_book as core;
use outcry_book::Stage;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::text::described;
use super::words::{Attribute, Word};

impl Word for Stage {
    fn member(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let name = match self {
            Self::Resting => "RESTING",
            Self::Waiting => "WAITING",
            Self::Queued => "QUEUED",
        };
        let class = py.import("outcry_engine.kinds")?.getattr("Stage")?;
        Ok(class.getattr(name)?.unbind())
    }
}

macro_rules! views {
    ($($(#[$meta:meta])* $name:ident { $($python:ident $(($field:ident))?),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[pyclass(frozen, eq, module = "outcry_engine")]
        #[derive(PartialEq)]
        pub struct $name(pub core::$name);

        #[pymethods]
        impl $name {
            #[classattr]
            fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                PyTuple::new(py, [$(stringify!($python).trim_start_matches("r#")),+])
            }

            fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
                described(slf.as_any(), "")
            }

            $(
                #[getter]
                fn $python(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                    place!(self, $python $(, $field)?).attribute(py)
                }
            )+
        }
    )+};
}

macro_rules! place {
    ($self:ident, $field:ident) => {
        $self.0.$field
    };
    ($self:ident, $python:ident, $field:ident) => {
        $self.0.$field
    };
}

views! {
    /// An open order.
    OrderView {
        order_id, user_id, side, r#type(order_type), time_in_force, price, quantity, remaining,
        displayed, stop_price, stage, list_order_id, expire_time_unix_nanos,
    }
    /// Sums over the whole book.
    Totals {
        open_orders, resting, waiting, queued, bids_displayed, bids_hidden, asks_displayed,
        asks_hidden, timers,
    }
}
