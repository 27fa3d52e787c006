//! The schema's words as members of the enums of `outcry_engine.words`.

use outcry_book as core;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// A word that Python has as a member of an enum.
pub trait Word: Sized {
    /// The enum's member.
    ///
    /// # Errors
    /// Python's own, when `outcry_engine.words` cannot be imported.
    fn member(self, py: Python<'_>) -> PyResult<Py<PyAny>>;
}

/// A word that commands carry as a number.
pub trait Numbered: Word {
    /// The member with this number, or the number itself when it is no word.
    ///
    /// # Errors
    /// As [`Word::member`].
    fn member_or_number(number: i32, py: Python<'_>) -> PyResult<Py<PyAny>>;
}

macro_rules! members {
    ($($name:ident),+) => {$(
        impl Word for core::$name {
            fn member(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                static MEMBERS: PyOnceLock<Vec<Py<PyAny>>> = PyOnceLock::new();
                let members = MEMBERS.get_or_try_init(py, || {
                    let class = py.import("outcry_engine.words")?.getattr(stringify!($name))?;
                    let of = |word: &Self| Ok(class.call1((word.as_i32(),))?.unbind());
                    core::$name::ALL.iter().map(of).collect::<PyResult<_>>()
                })?;
                // Words are numbered from 1 without gaps.
                Ok(members[self as usize - 1].clone_ref(py))
            }
        }

        impl Numbered for core::$name {
            fn member_or_number(number: i32, py: Python<'_>) -> PyResult<Py<PyAny>> {
                match Self::from_i32(number) {
                    Some(word) => word.member(py),
                    None => Ok(number.into_pyobject(py)?.into_any().unbind()),
                }
            }
        }
    )+};
}

members!(
    CancelReplaceMode,
    ExpireReason,
    OrderType,
    RejectReason,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradingStatus
);

/// A field of an event as a Python attribute: numbers as `int`, words as members, `None` for a word
/// that is left out.
pub trait Attribute {
    /// The attribute.
    ///
    /// # Errors
    /// Python's own.
    fn attribute(self, py: Python<'_>) -> PyResult<Py<PyAny>>;
}

macro_rules! plain {
    ($($type:ty),+) => {$(
        impl Attribute for $type {
            fn attribute(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                Ok(self.into_pyobject(py)?.to_owned().into_any().unbind())
            }
        }
    )+};
}

plain!(i32, u32, i64, u64, i128, bool);

impl<W: Word> Attribute for W {
    fn attribute(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.member(py)
    }
}

impl<W: Word> Attribute for Option<W> {
    fn attribute(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self {
            Some(word) => word.member(py),
            None => Ok(py.None()),
        }
    }
}
