//! The book as a Python object.

use std::path::PathBuf;

use outcry_book as core;
use outcry_book::Body;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use super::array::{Commands, EventArray};
use super::commands::{Command, settings_object};
use super::defaults::{default_settings, in_force, none_refused, oco, order, pair_settings};
use super::events::event_list;
use super::machine::Machine;
use super::recorder::recorder_at;
use super::views::{OrderView, Totals};
use crate::engine::Depth;
use crate::errors::SnapshotError;

/// The order book of one pair, for one thread at a time: a call while another one runs raises
/// `RuntimeError`.
#[pyclass(module = "outcry_engine")]
pub struct Book(Machine);

#[pymethods]
impl Book {
    /// An open book: `settings` are its first command. Its input is recorded into the file `record`.
    #[new]
    #[pyo3(signature = (settings=None, *, symbol="BOOK", source=2048, record=None))]
    fn new(
        py: Python<'_>,
        settings: Option<&Bound<'_, Command>>,
        symbol: &str,
        source: u32,
        record: Option<PathBuf>,
    ) -> PyResult<Self> {
        let settings = match settings {
            Some(settings) => pair_settings(settings)?,
            None => default_settings(),
        };
        let Self(mut machine) = Self::empty(symbol, source, record)?;
        machine.run_as_operator(Body::PairSettings(settings))?;
        none_refused(py, &machine.events)?;
        Ok(Self(machine))
    }

    /// A book that has seen nothing yet, not even settings.
    #[staticmethod]
    #[pyo3(signature = (*, symbol="BOOK", source=2048, record=None))]
    fn empty(symbol: &str, source: u32, record: Option<PathBuf>) -> PyResult<Self> {
        let recorder = record.map(|path| recorder_at(&path, symbol)).transpose()?;
        Ok(Self(Machine::new(
            core::Book::new(),
            symbol,
            source,
            recorder,
        )))
    }

    /// Goes on from the bytes of `snapshot`.
    #[staticmethod]
    #[pyo3(signature = (snapshot, *, symbol="BOOK", source=2048))]
    fn restore(py: Python<'_>, snapshot: &[u8], symbol: &str, source: u32) -> PyResult<Self> {
        let book = py
            .detach(|| core::Book::restore(snapshot))
            .map_err(|error| SnapshotError::new_err(error.to_string()))?;
        Ok(Self(Machine::new(book, symbol, source, None)))
    }

    /// A new order. Without a time in force it is GTC when its type can be.
    #[pyo3(signature = (
        order_id, user_id, side, r#type, quantity=0, price=0, time_in_force=None, *,
        quote_quantity=0, display_quantity=0, stop_price=0, trailing_delta=0,
        self_trade_prevention=0, trade_group=0, expire_time_unix_nanos=0
    ))]
    #[allow(clippy::too_many_arguments)] // most of them keyword-only in Python
    fn submit<'py>(
        &mut self,
        py: Python<'py>,
        order_id: u64,
        user_id: u64,
        side: i32,
        r#type: i32,
        quantity: i64,
        price: i64,
        time_in_force: Option<i32>,
        quote_quantity: i64,
        display_quantity: i64,
        stop_price: i64,
        trailing_delta: i32,
        self_trade_prevention: i32,
        trade_group: u64,
        expire_time_unix_nanos: i64,
    ) -> PyResult<Bound<'py, PyList>> {
        let order = order!(
            r#type, time_in_force; order_id, user_id, side, price, quantity, quote_quantity,
            display_quantity, stop_price, trailing_delta, self_trade_prevention, trade_group,
            expire_time_unix_nanos
        );
        self.run(py, Body::NewOrder(order))
    }

    fn cancel<'py>(
        &mut self,
        py: Python<'py>,
        order_id: u64,
        user_id: u64,
    ) -> PyResult<Bound<'py, PyList>> {
        let cancel = core::CancelOrder { order_id, user_id };
        self.run(py, Body::CancelOrder(cancel))
    }

    fn amend<'py>(
        &mut self,
        py: Python<'py>,
        order_id: u64,
        user_id: u64,
        quantity: i64,
    ) -> PyResult<Bound<'py, PyList>> {
        let amend = core::AmendOrder {
            order_id,
            user_id,
            quantity,
        };
        self.run(py, Body::AmendOrder(amend))
    }

    /// Cancels an order and submits another one, as [`Book::submit`] has it.
    #[pyo3(signature = (
        cancel_order_id, order_id, user_id, side, r#type, quantity=0, price=0, time_in_force=None, *,
        mode=1, quote_quantity=0, display_quantity=0, stop_price=0, trailing_delta=0,
        self_trade_prevention=0, trade_group=0, expire_time_unix_nanos=0
    ))]
    #[allow(clippy::too_many_arguments)] // most of them keyword-only in Python
    fn cancel_replace<'py>(
        &mut self,
        py: Python<'py>,
        cancel_order_id: u64,
        order_id: u64,
        user_id: u64,
        side: i32,
        r#type: i32,
        quantity: i64,
        price: i64,
        time_in_force: Option<i32>,
        mode: i32,
        quote_quantity: i64,
        display_quantity: i64,
        stop_price: i64,
        trailing_delta: i32,
        self_trade_prevention: i32,
        trade_group: u64,
        expire_time_unix_nanos: i64,
    ) -> PyResult<Bound<'py, PyList>> {
        let order = order!(
            r#type, time_in_force; order_id, user_id, side, price, quantity, quote_quantity,
            display_quantity, stop_price, trailing_delta, self_trade_prevention, trade_group,
            expire_time_unix_nanos
        );
        let replace = core::CancelReplace {
            cancel_order_id,
            mode,
            order,
        };
        self.run(py, Body::CancelReplace(replace))
    }

    #[pyo3(signature = (
        limit_order_id, stop_order_id, user_id, side, quantity, price, *, display_quantity=0,
        stop_price=0, stop_limit_price=0, stop_time_in_force=0, trailing_delta=0,
        self_trade_prevention=0, trade_group=0
    ))]
    #[allow(clippy::too_many_arguments)] // most of them keyword-only in Python
    fn oco<'py>(
        &mut self,
        py: Python<'py>,
        limit_order_id: u64,
        stop_order_id: u64,
        user_id: u64,
        side: i32,
        quantity: i64,
        price: i64,
        display_quantity: i64,
        stop_price: i64,
        stop_limit_price: i64,
        stop_time_in_force: i32,
        trailing_delta: i32,
        self_trade_prevention: i32,
        trade_group: u64,
    ) -> PyResult<Bound<'py, PyList>> {
        let oco = oco!(
            user_id,
            limit_order_id,
            stop_order_id,
            side,
            quantity,
            price,
            display_quantity,
            stop_price,
            stop_limit_price,
            stop_time_in_force,
            trailing_delta,
            self_trade_prevention,
            trade_group
        );
        self.run(py, Body::NewOco(oco))
    }

    /// Ends every open order of an account, or of the pair (as the operator) with `user_id` 0.
    #[pyo3(signature = (user_id=0, side=None))]
    fn mass_cancel<'py>(
        &mut self,
        py: Python<'py>,
        user_id: u64,
        side: Option<i32>,
    ) -> PyResult<Bound<'py, PyList>> {
        let side = side.unwrap_or_default();
        let body = Body::MassCancel(core::MassCancel { user_id, side });
        if user_id == 0 {
            self.0.run_as_operator(body)?;
        } else {
            self.0.run(body)?;
        }
        event_list(py, &self.0.events)
    }

    fn set_disconnect_timer<'py>(
        &mut self,
        py: Python<'py>,
        user_id: u64,
        timeout_millis: u64,
    ) -> PyResult<Bound<'py, PyList>> {
        let timer = core::SetDisconnectTimer {
            user_id,
            timeout_millis,
        };
        self.run(py, Body::SetDisconnectTimer(timer))
    }

    fn tick<'py>(&mut self, py: Python<'py>, time_unix_nanos: i64) -> PyResult<Bound<'py, PyList>> {
        self.run(py, Body::Tick(core::Tick { time_unix_nanos }))
    }

    fn change_settings<'py>(
        &mut self,
        py: Python<'py>,
        settings: &Bound<'py, Command>,
    ) -> PyResult<Bound<'py, PyList>> {
        let body = Body::PairSettings(pair_settings(settings)?);
        self.0.run_as_operator(body)?;
        event_list(py, &self.0.events)
    }

    /// Carries out one command under an identity of the caller's; no events when it is a repeat.
    #[pyo3(signature = (source, incarnation, number, body, time_unix_nanos=0))]
    fn apply<'py>(
        &mut self,
        py: Python<'py>,
        source: u32,
        incarnation: u64,
        number: u64,
        body: &Bound<'py, Command>,
        time_unix_nanos: i64,
    ) -> PyResult<Bound<'py, PyList>> {
        self.0.apply(&core::Command {
            source,
            incarnation,
            number,
            time_unix_nanos,
            body: body.get().body,
        })?;
        event_list(py, &self.0.events)
    }

    /// Carries out many commands; their events in one list.
    #[allow(clippy::needless_pass_by_value)] // what Python hands over is owned
    fn batch<'py>(
        &mut self,
        py: Python<'py>,
        commands: Vec<Bound<'py, Command>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let bodies: Vec<Body> = commands.iter().map(|command| command.get().body).collect();
        py.detach(|| self.0.run_all(bodies.into_iter()))?;
        event_list(py, &self.0.events)
    }

    /// Carries out an array of `COMMAND_DTYPE` records, or their bytes.
    fn apply_array(&mut self, py: Python<'_>, commands: &Bound<'_, PyAny>) -> PyResult<EventArray> {
        let commands = Commands::of(commands)?;
        let events = py.detach(|| self.0.run_array(&commands))?;
        Ok(EventArray::new(events, self.0.pool.clone()))
    }

    /// Carries out a record of `matching.{symbol}`. Gives the bytes of its events as an engine
    /// publishes them, each behind its length as a varint.
    fn apply_record<'py>(
        &mut self,
        py: Python<'py>,
        record: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let events = py.detach(|| self.0.apply_record(record))?;
        Ok(PyBytes::new(py, &events))
    }

    /// Ends the record of the input, whole and on its way to the disk.
    fn close(&mut self, py: Python<'_>) -> PyResult<()> {
        Ok(py.detach(|| self.0.close())?)
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_raised))]
    fn __exit__(&mut self, py: Python<'_>, _raised: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    /// The best `levels` levels of each side.
    #[pyo3(signature = (levels=20))]
    fn depth(&self, levels: usize) -> Depth {
        Depth::from(self.0.book.depth(levels))
    }

    /// The settings in force; `None` before the first.
    #[getter]
    fn settings(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let settings = in_force(&self.0.book).map(|settings| settings_object(py, settings));
        settings.transpose()
    }

    /// An open order; `None` when there is none of that id.
    fn order(&self, order_id: u64) -> Option<OrderView> {
        self.0.book.order(order_id).map(OrderView)
    }

    /// The orders at one price, first to trade first.
    fn orders_at(&self, side: i32, price: i64) -> PyResult<Vec<OrderView>> {
        let side = core::Side::from_i32(side)
            .ok_or_else(|| PyValueError::new_err("side: neither BUY nor SELL"))?;
        let orders = self.0.book.orders_at(side, price);
        Ok(orders.into_iter().map(OrderView).collect())
    }

    /// Sums over the whole book.
    fn totals(&self) -> Totals {
        Totals(self.0.book.totals())
    }

    /// The canonical bytes of the book: equal books have equal bytes.
    fn snapshot<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = py.detach(|| {
            let mut bytes = Vec::new();
            self.0.book.snapshot(&mut bytes);
            bytes
        });
        PyBytes::new(py, &bytes)
    }

    /// Seq of the last event.
    #[getter]
    fn seq(&self) -> u64 {
        self.0.book.seq()
    }

    /// Unix nanoseconds of the latest tick.
    #[getter]
    fn clock_unix_nanos(&self) -> i64 {
        self.0.book.clock_unix_nanos()
    }

    #[getter]
    fn symbol(&self) -> &str {
        &self.0.symbol
    }

    #[getter]
    fn source(&self) -> u32 {
        self.0.source()
    }

    fn __repr__(&self) -> String {
        format!(
            "<Book {} seq={} resting_orders={}>",
            self.0.symbol,
            self.0.book.seq(),
            self.0.book.resting_orders()
        )
    }
}

impl Book {
    #[inline]
    fn run<'py>(&mut self, py: Python<'py>, body: Body) -> PyResult<Bound<'py, PyList>> {
        self.0.run(body)?;
        event_list(py, &self.0.events)
    }
}
