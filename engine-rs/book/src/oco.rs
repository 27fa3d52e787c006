//! OCO: a `LIMIT_MAKER` order and a stop order of which one ends the other.

use crate::book::Book;
use crate::command::{Command, NewOco, NewOrder};
use crate::event::{EventBody, OrderRejected, Sink};
use crate::slab::NONE;
use crate::taker::Taker;
use crate::words::{OrderType, RejectReason, Side, TimeInForce};

impl Book {
    pub(crate) fn new_oco(&mut self, command: &Command, asked: &NewOco, sink: &mut impl Sink) {
        let (limit, stop) = match self.admit_oco(asked) {
            Ok(legs) => legs,
            Err(reason) => return self.reject_oco(command, asked, reason, sink),
        };
        self.accept(command, &limit, stop.order_id, sink);
        let limit_slot = self.rest_leg(&limit);
        self.accept(command, &stop, limit.order_id, sink);
        let stop_slot = self.wait(&stop);
        self.link(limit_slot, stop_slot);
    }

    pub(crate) fn reject_oco(
        &mut self,
        command: &Command,
        asked: &NewOco,
        reason: RejectReason,
        sink: &mut impl Sink,
    ) {
        for order_id in [asked.limit_order_id, asked.stop_order_id] {
            let rejected = OrderRejected {
                order_id,
                user_id: asked.user_id,
                reason,
            };
            self.emit(command, EventBody::OrderRejected(rejected), sink);
        }
    }

    /// Makes two open orders the legs of one OCO.
    pub(crate) fn link(&mut self, limit: u32, stop: u32) {
        for (one, other) in [(limit, stop), (stop, limit)] {
            if let Some(extra) = self.slab.extra_mut(one) {
                extra.sibling = other;
            }
        }
    }

    fn rest_leg(&mut self, limit: &Taker) -> u32 {
        let slot = self.rest(limit);
        if self.slab.get(slot).extra == NONE {
            self.slab.attach(slot, crate::extras::Extra::PLAIN);
        }
        slot
    }

    fn admit_oco(&self, asked: &NewOco) -> Result<(Taker, Taker), RejectReason> {
        let settings = self.settings.as_ref().ok_or(RejectReason::NoSettings)?;
        let limit = self.screen(&limit_leg(asked), settings, NONE)?;
        self.check_open(&limit, 1)?;
        let stop = self.screen(&stop_leg(asked), settings, NONE)?;
        if stop.order_id == limit.order_id {
            return Err(RejectReason::DuplicateOrderId);
        }
        self.check_open(&stop, 2)?;
        self.check_stop(&stop)?;
        let apart = match limit.side {
            Side::Sell => limit.price > stop.stop_price,
            Side::Buy => limit.price < stop.stop_price,
        };
        if stop.stop_price != 0 && !apart {
            return Err(RejectReason::InvalidList);
        }
        self.check_book(&limit, 2)?;
        Ok((limit, stop))
    }
}

fn limit_leg(asked: &NewOco) -> NewOrder {
    NewOrder {
        order_id: asked.limit_order_id,
        order_type: OrderType::LimitMaker.as_i32(),
        time_in_force: TimeInForce::Gtc.as_i32(),
        price: asked.price,
        display_quantity: asked.display_quantity,
        ..either_leg(asked)
    }
}

fn stop_leg(asked: &NewOco) -> NewOrder {
    let limited = asked.stop_limit_price != 0;
    let order_type = if limited {
        OrderType::StopLossLimit
    } else {
        OrderType::StopLoss
    };
    let time_in_force = match asked.stop_time_in_force {
        0 if limited => TimeInForce::Gtc.as_i32(),
        // A list has no time of its own at which it could end.
        word if word == TimeInForce::Gtd.as_i32() => -1,
        word => word,
    };
    NewOrder {
        order_id: asked.stop_order_id,
        order_type: order_type.as_i32(),
        time_in_force,
        price: asked.stop_limit_price,
        stop_price: asked.stop_price,
        trailing_delta: asked.trailing_delta,
        ..either_leg(asked)
    }
}

fn either_leg(asked: &NewOco) -> NewOrder {
    NewOrder {
        user_id: asked.user_id,
        side: asked.side,
        quantity: asked.quantity,
        self_trade_prevention: asked.self_trade_prevention,
        trade_group: asked.trade_group,
        ..NewOrder::default()
    }
}
