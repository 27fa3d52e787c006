//! What only some orders have, beside the slab so that plain orders carry none of it.

use crate::slab::NONE;
use crate::words::SelfTradePrevention;

/// Everything that a plain order lacks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extra {
    /// Lots of an iceberg that the book shows at a time; 0 shows all.
    pub display: i64,
    /// Lots of what is left that the book does not show; 0 unless it rests.
    pub hidden: i64,
    /// GTD: Unix nanoseconds; 0 for every other order.
    pub expire_time: i64,
    /// Where it stands in [`crate::expiry::Expiry`], or [`NONE`].
    pub expiry_at: u32,
    /// The other leg of its OCO, or [`NONE`].
    pub sibling: u32,
    /// 0 for none.
    pub trade_group: u64,
    /// Ticks; 0 for none, and once it was activated.
    pub stop_price: i64,
    /// Basis points; 0 for none, and once it was activated.
    pub trailing_delta: i32,
    /// The mode that it will have as a taker.
    pub self_trade_prevention: SelfTradePrevention,
    /// Seq of its `OrderAccepted`: the age of a stop.
    pub accepted: u64,
    /// When tracking began, as a number that rises with time; 0 while it has not.
    pub tracking_since: u64,
    /// What made it trigger, once it is queued. Ticks.
    pub trigger_price: i64,
}

impl Extra {
    pub const PLAIN: Self = Self {
        display: 0,
        hidden: 0,
        expire_time: 0,
        expiry_at: NONE,
        sibling: NONE,
        trade_group: 0,
        stop_price: 0,
        trailing_delta: 0,
        self_trade_prevention: SelfTradePrevention::None,
        accepted: 0,
        tracking_since: 0,
        trigger_price: 0,
    };
}

/// Extras that are reused last-in first-out.
#[derive(Clone, Debug)]
pub(crate) struct Extras {
    places: Vec<Extra>,
    free: Vec<u32>,
}

impl Extras {
    pub fn new() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }

    #[inline]
    pub fn get(&self, at: u32) -> &Extra {
        &self.places[at as usize]
    }

    #[inline]
    pub fn get_mut(&mut self, at: u32) -> &mut Extra {
        &mut self.places[at as usize]
    }

    pub fn insert(&mut self, extra: Extra) -> u32 {
        if let Some(at) = self.free.pop() {
            self.places[at as usize] = extra;
            return at;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "there are no more extras than orders, which the slab numbers in 32 bits"
        )]
        let at = self.places.len() as u32;
        self.places.push(extra);
        at
    }

    pub fn remove(&mut self, at: u32) {
        self.free.push(at);
    }
}
