//! What every engine of the comparison is to the measurements.

use crate::outcome::Outcome;
use crate::prototype::Prototype;
use crate::record::{Record, Stream};

/// An engine behind an adapter that turns each record into the engine's own call.
pub trait Engine {
    /// An empty book, ready for the stream. `extent` is its lowest and highest price and its highest id.
    fn open(extent: (u32, u32, u64)) -> Self;

    /// Carries out one command.
    fn apply(&mut self, record: &Record);

    /// Carries out many commands.
    #[inline]
    fn apply_all(&mut self, records: &[Record]) {
        for record in records {
            self.apply(record);
        }
    }

    /// What became of everything.
    fn outcome(self) -> Outcome;

    /// A book that was filled.
    fn filled(stream: &Stream) -> Self
    where
        Self: Sized,
    {
        let mut engine = Self::open(stream.extent());
        engine.apply_all(stream.filling());
        engine
    }
}

impl Engine for Prototype {
    fn open((lowest, highest, highest_id): (u32, u32, u64)) -> Self {
        Self::new(lowest, highest, highest_id)
    }

    #[inline]
    fn apply(&mut self, record: &Record) {
        Self::apply(self, record, |_| {});
    }

    fn outcome(self) -> Outcome {
        Self::outcome(&self)
    }
}
