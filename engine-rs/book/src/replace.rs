//! Cancel-replace: the end of one order and the beginning of another in one step.

use crate::book::Book;
use crate::command::{CancelOrder, CancelReplace, Command, NewOrder};
use crate::event::{CancelRejected, EventBody, OrderRejected, Sink};
use crate::lifecycle::cancelled;
use crate::slab::NONE;
use crate::words::{CancelReplaceMode, RejectReason};

impl Book {
    pub(crate) fn cancel_replace(
        &mut self,
        command: &Command,
        asked: &CancelReplace,
        sink: &mut impl Sink,
    ) {
        let Some(mode) = CancelReplaceMode::from_i32(asked.mode) else {
            let reason = RejectReason::InvalidMode;
            self.reject_cancel(command, &cancel_of(asked), reason, sink);
            return self.reject_order(command, &asked.order, reason, sink);
        };
        match (self.cancellable(&cancel_of(asked)), mode) {
            (Ok(slot), _) => self.replace(command, slot, &asked.order, sink),
            (Err(reason), CancelReplaceMode::StopOnFailure) => {
                self.reject_cancel(command, &cancel_of(asked), reason, sink);
                self.reject_order(command, &asked.order, RejectReason::NotAttempted, sink);
            }
            (Err(reason), CancelReplaceMode::AllowFailure) => {
                self.reject_cancel(command, &cancel_of(asked), reason, sink);
                self.new_order(command, &asked.order, NONE, sink);
            }
        }
    }

    /// Under its own id a plain order keeps its slot and its id's entry, which saves taking both away
    /// just to find them again.
    fn replace(&mut self, command: &Command, slot: u32, order: &NewOrder, sink: &mut impl Sink) {
        let old = self.slab.get(slot);
        if old.extra != NONE || old.order_id != order.order_id {
            self.cancel_open(command, slot, sink);
            return self.new_order(command, order, NONE, sink);
        }
        let old = self.detach(slot);
        self.emit(command, cancelled(&old), sink);
        self.new_order(command, order, slot, sink);
    }

    pub(crate) fn reject_cancel(
        &mut self,
        command: &Command,
        cancel: &CancelOrder,
        reason: RejectReason,
        sink: &mut impl Sink,
    ) {
        let rejected = CancelRejected {
            order_id: cancel.order_id,
            user_id: cancel.user_id,
            reason,
        };
        self.emit(command, EventBody::CancelRejected(rejected), sink);
    }

    pub(crate) fn reject_order(
        &mut self,
        command: &Command,
        order: &NewOrder,
        reason: RejectReason,
        sink: &mut impl Sink,
    ) {
        let rejected = OrderRejected {
            order_id: order.order_id,
            user_id: order.user_id,
            reason,
        };
        self.emit(command, EventBody::OrderRejected(rejected), sink);
    }
}

fn cancel_of(asked: &CancelReplace) -> CancelOrder {
    CancelOrder {
        order_id: asked.cancel_order_id,
        user_id: asked.order.user_id,
    }
}
