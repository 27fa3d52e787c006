//! Arrays in and out, through the buffer protocol: `NumPy` is not needed, and nothing is copied.

use std::ffi::{CStr, CString, c_int, c_void};
use std::ptr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use outcry_book::{Event, Sink};
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;

use super::layout::{CommandRecord, EventRecord, buffer_format, is_command};
use crate::errors::BatchError;

static EVENT_FORMAT: LazyLock<CString> = LazyLock::new(|| buffer_format(EventRecord::FIELDS));

/// Records of events, written by a book.
#[derive(Default)]
pub struct Records(Vec<EventRecord>);

impl Sink for Records {
    #[inline]
    fn emit(&mut self, event: &Event) {
        // Written where it stays, and not built elsewhere and copied.
        self.0.push(EventRecord::default());
        if let Some(record) = self.0.last_mut() {
            record.fill(event);
        }
    }
}

/// Memory of arrays that nobody holds any more, for the next ones: fresh memory costs more than what
/// is written into it.
#[derive(Clone, Default)]
pub struct Pool(Arc<Mutex<Vec<Records>>>);

/// More than this many arrays at a time are rare; what is beyond goes back to the system.
const KEPT: usize = 2;

impl Pool {
    fn take(&self) -> Records {
        self.kept().pop().unwrap_or_default()
    }

    /// Room for the events of that many commands, as far as can be said.
    pub fn room_for(&self, commands: usize) -> Records {
        let mut records = self.take();
        records.0.reserve(commands.saturating_mul(2));
        records
    }

    fn give_back(&self, mut records: Records) {
        records.0.clear();
        let mut kept = self.kept();
        if kept.len() < KEPT {
            kept.push(records);
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Records>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The events of one array of commands: a read-only buffer of `EVENT_DTYPE` records.
#[pyclass(frozen, module = "outcry_engine")]
pub struct EventArray {
    records: Records,
    pool: Pool,
    shape: [isize; 1],
    strides: [isize; 1],
}

impl EventArray {
    pub fn new(records: Records, pool: Pool) -> Self {
        Self {
            shape: [records.0.len().cast_signed()],
            strides: [size_of::<EventRecord>().cast_signed()],
            records,
            pool,
        }
    }
}

impl Drop for EventArray {
    fn drop(&mut self) {
        self.pool.give_back(std::mem::take(&mut self.records));
    }
}

#[pymethods]
impl EventArray {
    fn __len__(&self) -> usize {
        self.records.0.len()
    }

    /// # Safety
    /// `view` is the interpreter's, valid and to be filled in.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("no view to fill in"));
        }
        if flags & ffi::PyBUF_WRITABLE == ffi::PyBUF_WRITABLE {
            return Err(PyBufferError::new_err("events are read-only"));
        }
        let array = slf.get();
        let asked = |flag: c_int| flags & flag == flag;
        // SAFETY: `view` is valid for writes. What it points to lives in the array, which is frozen
        // and which the view's `obj` keeps alive.
        unsafe {
            (*view).buf = array.records.0.as_ptr().cast_mut().cast::<c_void>();
            (*view).len = array.shape[0] * array.strides[0];
            (*view).readonly = 1;
            (*view).itemsize = array.strides[0];
            (*view).format = if asked(ffi::PyBUF_FORMAT) {
                EVENT_FORMAT.as_ptr().cast_mut()
            } else {
                ptr::null_mut()
            };
            (*view).ndim = 1;
            (*view).shape = if asked(ffi::PyBUF_ND) {
                array.shape.as_ptr().cast_mut()
            } else {
                ptr::null_mut()
            };
            (*view).strides = if asked(ffi::PyBUF_STRIDES) {
                array.strides.as_ptr().cast_mut()
            } else {
                ptr::null_mut()
            };
            (*view).suboffsets = ptr::null_mut();
            (*view).internal = ptr::null_mut();
            (*view).obj = slf.into_any().into_ptr();
        }
        Ok(())
    }
}

/// An array of commands that somebody else owns.
pub struct Commands {
    buffer: PyUntypedBuffer,
    len: usize,
}

impl Commands {
    /// Takes hold of a buffer of `COMMAND_DTYPE` records, or of their bytes.
    ///
    /// # Errors
    /// [`BatchError`] when it is none, or holds a command that an array cannot.
    pub fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let buffer = PyUntypedBuffer::get(object)?;
        let (item, bytes) = (buffer.item_size(), buffer.len_bytes());
        let size = size_of::<CommandRecord>();
        if !buffer.is_c_contiguous() || !bytes.is_multiple_of(size) {
            return Err(BatchError::new_err(format!(
                "an array of commands is contiguous records of {size} bytes; this one has {bytes} bytes"
            )));
        }
        if item != 1 && !(item == size && same_fields(buffer.format())) {
            return Err(BatchError::new_err(format!(
                "an array of commands has COMMAND_DTYPE; this one's records are {:?}",
                buffer.format()
            )));
        }
        let commands = Self {
            len: bytes / size,
            buffer,
        };
        match (0..commands.len).find(|&at| !is_command(commands.get(at).kind)) {
            None => Ok(commands),
            Some(at) => Err(BatchError::new_err(format!(
                "command {at} is of kind {}, which an array cannot hold",
                commands.get(at).kind
            ))),
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn iter(&self) -> impl Iterator<Item = CommandRecord> {
        (0..self.len).map(|at| self.get(at))
    }

    fn get(&self, at: usize) -> CommandRecord {
        debug_assert!(at < self.len, "Invariant: inside the buffer");
        let records = self.buffer.buf_ptr().cast::<CommandRecord>();
        // SAFETY: the view holds `len` contiguous records of any bits, aligned or not, and its owner
        // may neither free nor shrink them while it is held. Whoever writes into them meanwhile gets
        // some mixture of old and new as a command, as with every reader of a buffer.
        unsafe { records.add(at).read_unaligned() }
    }
}

/// Whether a buffer's format is that of a command: its fields in their order, each of its own type.
fn same_fields(format: &CStr) -> bool {
    let format = format.to_string_lossy();
    let mut parts = format.trim_start_matches("T{").split(':');
    let mut big_endian = false;
    let same = CommandRecord::FIELDS.iter().all(|field| {
        let (Some(cell), Some(name)) = (parts.next(), parts.next()) else {
            return false;
        };
        let code = cell.trim_start_matches(|order| {
            match order {
                '>' | '!' => big_endian = true,
                '<' | '=' | '@' | '^' => big_endian = false,
                _ => return false,
            }
            true
        });
        name == field.schema_name() && field.is_written_as(code, big_endian)
    });
    same && parts.next() == Some("}") && parts.next().is_none()
}
