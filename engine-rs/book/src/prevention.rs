//! Self-trade prevention: what happens when the maker at the head is the taker's own.

use crate::book::Book;
use crate::command::Command;
use crate::event::{EventBody, SelfTradePrevented, Sink};
use crate::slab::NONE;
use crate::taker::Taker;
use crate::words::{ExpireReason, SelfTradePrevention};

const OF_MAKER: (ExpireReason, ExpireReason) =
    (ExpireReason::SelfTrade, ExpireReason::OneCancelsOther);

impl Book {
    /// Whether the order in `slot` is of the taker's account or trade group.
    #[inline]
    pub(crate) fn is_own(&self, taker: &Taker, slot: u32) -> bool {
        let maker = self.slab.get(slot);
        maker.user_id == taker.user_id
            || (taker.trade_group != 0
                && maker.extra != NONE
                && self.slab.extra(slot).trade_group == taker.trade_group)
    }

    /// Keeps the taker from trading with its own order at the head. The taker has 0 left when it ended.
    #[cold]
    pub(crate) fn prevent(
        &mut self,
        command: &Command,
        taker: &mut Taker,
        (slot, price, wanted): (u32, i64, i64),
        sink: &mut impl Sink,
    ) {
        match taker.self_trade_prevention {
            SelfTradePrevention::None => {}
            SelfTradePrevention::ExpireMaker => {
                self.expire_open(command, slot, OF_MAKER, sink);
            }
            SelfTradePrevention::ExpireTaker => self.end_by_self_trade(command, taker, sink),
            SelfTradePrevention::ExpireBoth => {
                self.expire_open(command, slot, OF_MAKER, sink);
                self.end_by_self_trade(command, taker, sink);
            }
            SelfTradePrevention::Decrement => {
                let quantity = wanted.min(self.shown(slot));
                self.decrement(command, taker, (slot, price, quantity), sink);
            }
        }
    }

    fn end_by_self_trade(&mut self, command: &Command, taker: &mut Taker, sink: &mut impl Sink) {
        self.expire_taker(command, taker, ExpireReason::SelfTrade, sink);
        (taker.remaining, taker.slot) = (0, NONE);
    }

    fn decrement(
        &mut self,
        command: &Command,
        taker: &mut Taker,
        (slot, price, quantity): (u32, i64, i64),
        sink: &mut impl Sink,
    ) {
        taker.remaining -= taker.costs(price, quantity);
        let maker = self.reduce(slot, quantity);
        let prevented = SelfTradePrevented {
            price,
            quantity,
            maker_order_id: maker.order_id,
            taker_order_id: taker.order_id,
            maker_user_id: maker.user_id,
            taker_user_id: taker.user_id,
            taker_side: taker.side,
            maker_remaining: maker.remaining,
            taker_remaining: taker.remaining,
        };
        self.emit(command, EventBody::SelfTradePrevented(prevented), sink);
        if maker.remaining == 0 && maker.sibling != NONE {
            self.end_sibling(command, maker.sibling, sink);
        }
    }
}
