//! Less of an open order, which keeps its place.

use crate::admission::check_orders_taken;
use crate::book::Book;
use crate::command::{AmendOrder, Command};
use crate::event::{AmendRejected, EventBody, OrderAmended, Sink};
use crate::slab::{NONE, Place};
use crate::words::RejectReason;

impl Book {
    pub(crate) fn amend_order(
        &mut self,
        command: &Command,
        asked: &AmendOrder,
        sink: &mut impl Sink,
    ) {
        let AmendOrder {
            order_id,
            user_id,
            quantity,
        } = *asked;
        let body = match self.amendable(asked) {
            Ok(slot) => {
                self.lower(slot, quantity);
                EventBody::OrderAmended(OrderAmended {
                    order_id,
                    user_id,
                    quantity,
                    remaining: self.slab.get(slot).remaining,
                })
            }
            Err(reason) => EventBody::AmendRejected(AmendRejected {
                order_id,
                user_id,
                reason,
            }),
        };
        self.emit(command, body, sink);
    }

    fn amendable(&self, asked: &AmendOrder) -> Result<u32, RejectReason> {
        let settings = self.settings.as_ref().ok_or(RejectReason::NoSettings)?;
        check_orders_taken(settings)?;
        let slot = self.owned(asked.order_id, asked.user_id)?;
        let order = self.slab.get(slot);
        if self.slab.extra(slot).sibling != NONE {
            return Err(RejectReason::PartOfList);
        }
        let gone = order.quantity - order.remaining;
        if asked.quantity >= order.quantity || asked.quantity <= gone {
            return Err(RejectReason::InvalidQuantity);
        }
        if asked.quantity < self.filters.min_quantity {
            return Err(RejectReason::LotSize);
        }
        if order.price != 0 && order.price * asked.quantity < settings.min_notional {
            return Err(RejectReason::NotionalTooSmall);
        }
        Ok(slot)
    }

    /// Takes lots away: hidden ones first.
    fn lower(&mut self, slot: u32, quantity: i64) {
        let order = *self.slab.get(slot);
        let less = order.quantity - quantity;
        let from_hidden = self.slab.extra(slot).hidden.min(less);
        if let Some(extra) = self.slab.extra_mut(slot) {
            extra.hidden -= from_hidden;
        }
        let changed = self.slab.get_mut(slot);
        changed.quantity = quantity;
        changed.remaining -= less;
        if order.place == Place::Resting {
            let (levels, _) = self.levels_mut(order.side);
            levels.reduce_hidden(order.level, from_hidden);
            levels.reduce(order.level, less - from_hidden);
        }
    }
}
