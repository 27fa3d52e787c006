//! Many orders at once: mass cancel, and what a disconnect timer shares with it.

use crate::book::Book;
use crate::command::{Command, MassCancel};
use crate::event::{EventBody, MassCancelRejected, MassCancelled, Sink};
use crate::slab::Place;
use crate::words::{RejectReason, Side, TradingStatus};

/// The source that speaks for the operator.
const OPERATOR: u32 = 1024;

impl Book {
    pub(crate) fn mass_cancel(
        &mut self,
        command: &Command,
        asked: &MassCancel,
        sink: &mut impl Sink,
    ) {
        let user_id = asked.user_id;
        let body = match self.checked_mass_cancel(command.source, asked) {
            Ok(side) => {
                self.gather(user_id, side);
                let orders =
                    self.for_each_gathered(|book, slot| book.cancel_open(command, slot, sink));
                EventBody::MassCancelled(MassCancelled {
                    user_id,
                    side,
                    orders,
                })
            }
            Err(reason) => EventBody::MassCancelRejected(MassCancelRejected { user_id, reason }),
        };
        self.emit(command, body, sink);
    }

    fn checked_mass_cancel(
        &self,
        source: u32,
        asked: &MassCancel,
    ) -> Result<Option<Side>, RejectReason> {
        let halted =
            |settings: &crate::SettingsChanged| settings.trading_status == TradingStatus::Halt;
        if self.settings.as_ref().is_some_and(halted) {
            return Err(RejectReason::MarketHalted);
        }
        if asked.user_id == 0 && source != OPERATOR {
            return Err(RejectReason::InvalidUserId);
        }
        match (asked.side, Side::from_i32(asked.side)) {
            (0, _) => Ok(None),
            (_, Some(side)) => Ok(Some(side)),
            _ => Err(RejectReason::InvalidSide),
        }
    }

    /// Notes the open orders of an account (0: of all) and a side (`None`: both) by rising id.
    pub(crate) fn gather(&mut self, user_id: u64, side: Option<Side>) {
        let (slab, gathered) = (&self.slab, &mut self.gathered);
        gathered.clear();
        let wanted = |slot: u32| {
            let order = slab.get(slot);
            let fits = side.is_none_or(|side| order.side == side);
            fits.then_some((order.order_id, slot))
        };
        if user_id == 0 {
            gathered.extend(slab.open_slots().filter_map(wanted));
        } else {
            gathered.extend(slab.slots_of(user_id).filter_map(wanted));
        }
        gathered.sort_unstable();
    }

    /// Does something to each of the noted orders that is still open when its turn comes (an OCO's leg may
    /// have gone with the other); the sum of what that returns.
    pub(crate) fn for_each_gathered(&mut self, mut does: impl FnMut(&mut Self, u32) -> u64) -> u64 {
        let mut sum = 0;
        for at in 0..self.gathered.len() {
            let (_, slot) = self.gathered[at];
            if self.slab.get(slot).place != Place::Free {
                sum += does(self, slot);
            }
        }
        sum
    }
}
